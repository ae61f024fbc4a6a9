"""What a gate will take, as lines: samples, cases, money and time, before any is spent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_toolmatch.core.auto import PLAIN
from pytest_toolmatch.core.errors import ConfigError, GateError
from pytest_toolmatch.judging.levels import LEVELS
from pytest_toolmatch.reports.assumed import NEAR, Assumed, runs, share
from pytest_toolmatch.reports.figures import NOTHING, percent, plural
from pytest_toolmatch.reports.lines import Line, clean, cut_end, joined, table, wrap
from pytest_toolmatch.statistics.planning import FAR, fixed_draws, two_sided

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.judging.gate import Gate

SAMPLED = (*(level.match for level in LEVELS), "argument_validity")
"""Rates of student samples; of all others, only ``ambiguous`` can be planned, which is a rate of cases."""

_AWAY = (0.02, 0.05, 0.1)


def check_gate(gate: Gate) -> None:
    """Raise GateError for a gate that can't be planned."""
    if gate.metric not in (*SAMPLED, "ambiguous"):
        raise GateError(
            f"can't plan {gate.expression!r}: only shares of samples or cases can be planned, which are "
            f"{', '.join(SAMPLED)} and ambiguous"
        )
    if not 0 < gate.bound < 1:
        raise GateError(f"can't plan {gate.expression!r}: no rate lies beyond {gate.bound:g}, so there is no question")


def plan_lines(
    gates: Sequence[Gate],
    cases: int,
    truths: Sequence[float],
    assumed: Assumed,
    *,
    width: int = 80,
) -> list[Line]:
    """Return what each gate takes on so many cases; without ``truths`` for a few on either side of its bound.

    Raises GateError for a gate that can't be planned, ConfigError for assumptions that can't be.
    """
    assumed.check()
    if cases < 1:
        raise ConfigError(f"--cases is {cases}: a suite has at least 1 case")
    for truth in truths:
        if not 0 < truth < 1:
            raise ConfigError(f"--truth is {truth:g}: it lies between 0 and 1, like 0.95")
    for gate in gates:
        check_gate(gate)
    width = max(width, 60)
    shown = [_planned(gate, cases, truths or around(gate.bound), assumed, width) for gate in gates]
    legend = [Line(text) for note in _legend(gates, cases, truths, assumed) for text in wrap(note, width, "  ")]
    return joined([*shown, legend] if legend else shown)


def around(bound: float) -> list[float]:
    """Return truths on either side of a bound, and the bound."""
    truths = {round(bound + sign * away, 4) for away in _AWAY for sign in (1, -1)}
    inside = {truth for truth in truths if 0 < truth < 1}
    inside |= set() if max(inside) > bound else {round((1 + bound) / 2, 4)}
    inside |= set() if min(inside) < bound else {round(bound / 2, 4)}
    return sorted({*inside, bound})


def _planned(gate: Gate, cases: int, truths: Sequence[float], assumed: Assumed, width: int) -> list[Line]:
    of_cases = gate.metric == "ambiguous"
    title = clean(gate.expression) if of_cases else f"{clean(gate.expression)}, on {plural(cases, 'case')}"
    rows = list(_ambiguous_rows(gate, truths, assumed) if of_cases else _rows(gate, cases, truths, assumed))
    body = [Line(), *(Line(cut_end(text, width)) for text in table(rows, "<<" + ">" * (len(rows[0]) - 2)))]
    below = [Line(text) for text in wrap(_error_note(gate, assumed), width, "  ")]
    return [Line(cut_end(title, width), ("bold",)), *body, Line(), *below]


def _rows(gate: Gate, cases: int, truths: Sequence[float], assumed: Assumed) -> Iterator[list[str]]:
    often = runs(assumed.power)
    yield ["truly", "the", "auto, in", "auto, in", "fixed, in", "cases for"]
    yield ["at", "gate", "half of runs", often, often, "queries like these"]
    for truth in truths:
        found = assumed.plan(cases, gate, truth)
        if found is None:
            yield [share(truth), *[NOTHING] * 4, NEAR]
            continue
        sizes = (found.typical, found.most, found.fixed)
        texts = [f"{size} ({cases * size})" for size in sizes]
        yield [share(truth), _fate(gate, truth), *texts, assumed.cases(gate, truth, PLAIN.least)]
        prices = [
            assumed.expense(cases, size, rounds=rounds) for size, rounds in zip(sizes, (True, True, False), strict=True)
        ]
        yield from (["", "", *row, ""] for row in zip(*prices, strict=True))


def _ambiguous_rows(gate: Gate, truths: Sequence[float], assumed: Assumed) -> Iterator[list[str]]:
    yield ["truly at", "the gate", f"cases, in {runs(assumed.power)}"]
    for truth in truths:
        level = two_sided(assumed.confidence)
        size = fixed_draws(gate.bound, truth, confidence=level, power=assumed.power)
        yield [share(truth), *((NOTHING, NEAR) if size > FAR else (_fate(gate, truth), f"{math.ceil(size)}"))]


def _fate(gate: Gate, truth: float) -> str:
    return "holds" if gate.accepts(truth) else "fails"


def _legend(gates: Sequence[Gate], cases: int, truths: Sequence[float], assumed: Assumed) -> Iterator[str]:
    """Say once what the words of the tables mean, as far as they occur in them."""
    plans = [
        found
        for gate in gates
        if gate.metric != "ambiguous"
        for truth in truths or around(gate.bound)
        if (found := assumed.plan(cases, gate, truth))
    ]
    if plans:
        yield from _sample_notes(cases, max(found.most for found in plans), assumed)
    if any(gate.metric == "ambiguous" for gate in gates):
        yield "ambiguous: whether a case is, is one fact; more samples do not help, only more cases do."


def _sample_notes(cases: int, most: int, assumed: Assumed) -> Iterator[str]:
    yield "Samples of the student for each case, and in brackets for all."
    more = (
        f"; auto:{PLAIN.least}-{most} allows as many as the table says, and with more cases each takes fewer"
        if most > PLAIN.most
        else ""
    )
    yield (
        f"auto: --toolmatch-samples=auto stops when the gate is decided, after {plural(PLAIN.first(cases), 'sample')} "
        f"of each case at the least and {PLAIN.most} at the most{more}."
    )
    yield "fixed: --toolmatch-samples=N. It fits the truth that you guess; auto finds out by itself."
    yield f"teacher: {PLAIN.least} samples of each case with auto ({PLAIN.least * cases}), N with a fixed number."
    if assumed.within is None:
        yield (
            "Cases count as equally hard, which takes most samples. Where the student gets each case always or never "
            "right, it takes fewer samples, and more cases for queries like these: hence the range."
        )


def _error_note(gate: Gate, assumed: Assumed) -> str:
    good, bad = ("below", "above") if gate.sign[0] == ">" else ("above", "below")
    what = "teacher" if gate.metric == "ambiguous" else "student"
    wrong = percent(1 - assumed.confidence)
    return (
        f"wrong: a {what} {good} {share(gate.bound)} passes in at most {wrong} of runs, "
        f"one {bad} it fails in at most {wrong}."
    )
