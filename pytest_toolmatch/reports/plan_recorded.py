"""What the samples of a report can and can't decide, and what its gates still take, as lines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from pytest_toolmatch.core.auto import PLAIN
from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.judging.gate import Gate, parse_gate
from pytest_toolmatch.judging.metrics import measures_of
from pytest_toolmatch.reports.assumed import Assumed, runs, share
from pytest_toolmatch.reports.figures import plural
from pytest_toolmatch.reports.lines import Line, clean, cut, joined, wrap
from pytest_toolmatch.reports.plan import SAMPLED, check_gate
from pytest_toolmatch.statistics.measures import Measure, ratio
from pytest_toolmatch.statistics.planning import (
    FAR,
    decidable,
    fixed_draws,
    sequential_draws,
    two_sided,
    within_share,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.judging.gate import GateState
    from pytest_toolmatch.reports.report import Report, SuiteReport

_HEADLINE = "chain_match"
_EDGE = 0.01
_TOO_NEAR = "the rate is too near to the bound to tell; change one or the other"


class Seen(NamedTuple):
    """What a report holds of one metric: each case's measure, the rate, the samples, and how alike the cases are."""

    measures: list[Measure]
    rate: float
    samples: float
    within: float

    @property
    def cases(self) -> int:
        """The number of cases that have the metric."""
        return len(self.measures)


def recorded_lines(
    report: Report,
    gates: Sequence[Gate],
    assumed: Assumed,
    where: str,
    *,
    width: int = 80,
) -> list[Line]:
    """Return what a report's samples decide about its gates, or about those given instead, and what they still take.

    Raises GateError for a gate given that can't be planned, ConfigError for a report without data.
    """
    assumed.check()
    for gate in gates:
        check_gate(gate)
    if not any(case.measures for suite in report.suites.values() for case in suite.cases):
        raise ConfigError(f"{where}: no case has samples of both models, so there is nothing to plan from")
    width = max(width, 60)
    head = Line(cut(f"{clean(report.teacher)} → {clean(report.student)}", width), ("bold",))
    suites = (_suite(name, suite, gates, assumed, width) for name, suite in report.suites.items())
    return joined([[head], *suites])


def _suite(name: str, suite: SuiteReport, gates: Sequence[Gate], assumed: Assumed, width: int) -> list[Line]:
    own = gates or [parse_gate(expression) for expression in suite.terms.gates]
    assumed = _as_recorded(suite, assumed)
    if own:
        parts = [(gate.expression, list(_gate(suite, gate, assumed))) for gate in own]
    else:
        parts = [(_HEADLINE, list(_metric(suite, Gate(_HEADLINE, _HEADLINE, ">=", 0.5), assumed)))]
    lines = [Line(cut(clean(name), width), ("bold",))]
    for title, texts in parts:
        head, *rest = texts
        lines += [Line(text) for text in wrap(f"{clean(title)}: {head}", width, "  ")]
        lines += [Line(f"  {text}") for each in rest for text in wrap(each, width - 2, "  ")]
    return lines


def _as_recorded(suite: SuiteReport, assumed: Assumed) -> Assumed:
    """Fill in what the report knows of a student sample's cost and time."""
    known = {name: suite.metrics[name].value for name in ("cost", "latency") if name in suite.metrics}
    given = {name: value for name in known if (value := getattr(assumed, name)) is not None}
    return msgspec.structs.replace(assumed, **(known | given))


def _gate(suite: SuiteReport, gate: Gate, assumed: Assumed) -> Iterator[str]:
    seen = _seen(suite, gate)
    if seen and gate.metric == "ambiguous":
        yield from _ambiguous(suite, gate, seen, assumed)
    elif gate.metric not in SAMPLED:
        yield f"can't be planned; only {', '.join(SAMPLED)} and ambiguous can"
    else:
        yield from _metric(suite, gate, assumed)
        if seen:
            yield from _needed(suite, gate, seen, assumed)


def _ambiguous(suite: SuiteReport, gate: Gate, seen: Seen, assumed: Assumed) -> Iterator[str]:
    """Say how many cases a gate on the share of ambiguous ones takes: each is one draw."""
    yield f"{share(round(seen.rate, 2))} of {plural(seen.cases, 'case')}, {_state(suite, gate)}"
    needed = fixed_draws(gate.bound, seen.rate, confidence=two_sided(assumed.confidence), power=assumed.power)
    yield f"takes {math.ceil(needed)} cases in {runs(assumed.power)}" if needed < FAR else _TOO_NEAR


def _metric(suite: SuiteReport, gate: Gate, assumed: Assumed) -> Iterator[str]:
    """Say what is seen of a metric, and which bounds that decides."""
    seen = _seen(suite, gate)
    if seen is None:
        yield "no data"
        return
    state = f", {_state(suite, gate)}" if gate.expression != gate.metric else ""
    yield (
        f"{share(round(seen.rate, 2))} in {plural(round(seen.samples), 'sample')} "
        f"of {plural(seen.cases, 'case')}{state}"
    )
    yield _told(suite, seen, gate, assumed)


def _seen(suite: SuiteReport, gate: Gate) -> Seen | None:
    measures = measures_of(gate.metric, gate.of(suite.cases))
    if not measures:
        return None
    return Seen(measures, ratio(measures), math.fsum(one.draws for one in measures), within_share(measures))


def _state(suite: SuiteReport, gate: Gate) -> GateState:
    for result in suite.gates:
        if result.expression == gate.expression:
            return result.state
    groups = {"tag": suite.by_tag, "tool": suite.by_tool}
    metrics = groups[gate.by].get(gate.subset, {}) if gate.by else suite.metrics
    if gate.metric not in metrics:
        return "undecided"
    sides = {gate.accepts(end) for end in metrics[gate.metric].suite}
    return "undecided" if len(sides) > 1 else "holds" if True in sides else "fails"


def _told(suite: SuiteReport, seen: Seen, gate: Gate, assumed: Assumed) -> str:
    """Say which bounds so many samples decide in most runs, if the truth is what was seen."""
    within = seen.within if assumed.within is None else assumed.within
    rounds = any(result.draws is not None for result in suite.gates)

    def size(bound: float, truth: float) -> float:
        if rounds:
            return sequential_draws(
                bound,
                truth,
                within=within,
                confidence=assumed.confidence,
                power=assumed.power,
                cases=seen.cases,
                first=PLAIN.first(seen.cases),
            )
        level = two_sided(assumed.confidence)
        return fixed_draws(bound, truth, within=within, confidence=level, power=assumed.power)

    low, high = decidable(seen.rate, seen.samples, size)
    good, bad = ("holds", "fails") if gate.sign[0] == ">" else ("fails", "holds")
    parts = [f"{share(math.floor(100 * low) / 100)} and below ({good})"] if low > _EDGE else []
    parts += [f"{share(math.ceil(100 * high) / 100)} and above ({bad})"] if high < 1 - _EDGE else []
    return (
        f"so many samples decide, in {runs(assumed.power)}, bounds at {', at '.join(parts)}; nearer ones take more"
        if parts
        else "so few samples decide no bound reliably"
    )


def _needed(suite: SuiteReport, gate: Gate, seen: Seen, assumed: Assumed) -> Iterator[str]:
    """Say what the gate takes, and how much of it is still to be drawn, if the truth is what was seen."""
    settled = msgspec.structs.replace(assumed, within=seen.within if assumed.within is None else assumed.within)
    found = settled.plan(seen.cases, gate, seen.rate)
    if found is None:
        yield _TOO_NEAR
        return
    often = runs(assumed.power)
    yield (
        f"auto takes {found.typical} samples of each case in half of runs, {found.most} in {often}{_beyond(found.most)}"
    )
    if _state(suite, gate) == "undecided":
        more = [max(0, round(seen.cases * size - seen.samples)) for size in (found.typical, found.most)]
        yield _more(more, settled)
    draws = max(1, round(seen.samples / seen.cases))
    needed = settled.cases(gate, seen.rate, draws)
    further = _further(suite, needed, seen, draws, settled)
    yield f"to tell of queries like these: {needed} cases of {plural(draws, 'sample')}{further}"


def _beyond(most: int) -> str:
    return f" (allow it: --toolmatch-samples=auto:{PLAIN.least}-{most})" if most > PLAIN.most else ""


def _more(more: Sequence[int], assumed: Assumed) -> str:
    if not more[1]:
        return "there are as many: chance kept them from telling; --toolmatch-samples=auto goes on"
    counts = f"{more[0]} to {more[1]}" if more[0] else f"up to {more[1]}"
    price = "".join(f", {part}" for part in assumed.price(more[1]))
    return f"still to draw: {counts} samples of the student{price and f' (at most{price[1:]})'}"


def _further(suite: SuiteReport, needed: str, seen: Seen, draws: int, assumed: Assumed) -> str:
    """Say how many cases more that is, and what both models' samples of them cost."""
    if not needed.isdecimal():
        return ""
    more = int(needed) - seen.cases
    if more <= 0:
        return ", which there are"
    parts = [f"{more} more"]
    teacher = suite.metrics["cost"].ceiling if "cost" in suite.metrics else None
    if assumed.cost is not None and teacher is not None:
        parts.append(f"{more * draws * (assumed.cost + teacher):.2g} USD for both models")
    return f", {', '.join(parts)}"
