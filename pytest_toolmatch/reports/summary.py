"""The summary of a run: worst cases, then suites in numbers, then gates."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from pytest_toolmatch.judging.verdict import STATES
from pytest_toolmatch.reports.figures import fate, interval, number, plural, span
from pytest_toolmatch.reports.lines import Line, clean, columns, cut, cut_end, in_ascii, joined, table, wrap
from pytest_toolmatch.reports.repairs import repair_lines
from pytest_toolmatch.reports.robust import robustness_lines, variants
from pytest_toolmatch.reports.section import rule_of, section_lines
from pytest_toolmatch.reports.worst import worst_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.core.sample import Spending
    from pytest_toolmatch.judging.gate import GateResult, GateState
    from pytest_toolmatch.judging.verdict import CaseResult
    from pytest_toolmatch.reports.lines import Style
    from pytest_toolmatch.reports.report import Report

_GATES: dict[GateState, tuple[str, tuple[Style, ...]]] = {
    "holds": ("ok", ("green",)),
    "fails": ("FAILED", ("red", "bold")),
    "undecided": ("UNDECIDED", ("yellow", "bold")),
}
_LEGEND = (
    "this suite: if its cases were sampled again; queries like these: if the cases were others too; "
    "ceiling: the teacher in the student's place; n: cases behind the number"
)

_LONGEST_WHY = 200

_LOOKED = "beside a gate: the interval that holds however often samples = auto has looked, and so is wider"


def summary_lines(
    report: Report,
    *,
    width: int = 80,
    verbose: bool = False,
    ascii: bool = False,  # noqa: A002 - what it means
) -> list[Line]:
    """Return the summary of a run, no line wider than ``width`` (at least 60).

    ``verbose`` lists every case and every metric; ``ascii`` is for a terminal that can't encode anything else.
    """
    width = max(width, 60)
    cases = [case for suite in report.suites.values() for case in suite.cases]
    blocks = [
        _header(report, cases, width),
        worst_lines(cases, width=width, verbose=verbose),
        *_sections(report, cases, width, verbose=verbose),
        *_profiles(report, width),
        _gates(report, width),
        repair_lines(report.repairs, width),
    ]
    lines = joined(blocks)
    return in_ascii(lines) if ascii else lines


def _header(report: Report, cases: Sequence[CaseResult], width: int) -> list[Line]:
    models = f"{clean(report.teacher)} → {clean(report.student)}"
    teacher = span([case.teacher_samples for case in cases if case.teacher_samples])
    student = span([case.student_samples for case in cases if case.student_samples])
    judged = [f"{plural(len(cases), 'case')} × {teacher} + {student} samples"] if cases else []
    run = "   ".join([*judged, clean(report.mode)])
    space = width - columns(models) - columns(run)
    if space >= 2:  # noqa: PLR2004 - what keeps two texts apart
        lines = [Line(f"{models}{' ' * space}{run}", ("bold",))]
    else:
        lines = [Line(cut(models, width), ("bold",)), Line(cut(run, width))]
    lines += [Line(text) for text in wrap(_fates(cases), width, "  ")] if cases else [Line(_unjudged(report))]
    if report.spent:
        lines += [Line(text) for text in wrap(_spent(report.spent, report.mode), width, "  ")]
    missing = sum(max(0, suite.terms.expected - len(suite.cases)) for suite in report.suites.values())
    left_out = [f"{plural(missing, 'case')} of these suites not judged"] if missing else []
    if left_out or report.interrupted:
        lines.append(Line(": ".join(["interrupted"] * report.interrupted + left_out), ("yellow",)))
    return lines


def _unjudged(report: Report) -> str:
    """Say what there is in a run in which no case was judged."""
    profiles = [
        f"{clean(name)}: {variants(suite.robustness)}" for name, suite in report.suites.items() if suite.robustness
    ]
    return f"only fuzzed ({'; '.join(profiles)})" if profiles else "no case was judged"


def _spent(spent: Spending, mode: str) -> str:
    parts = [f"{plural(spent.samples, 'sample')} drawn in {plural(spent.calls, 'call')}"]
    parts += [f"{spent.cost:.4g} USD"] if spent.cost else []
    then = "" if mode == "live" else "; run again to draw what is missing"  # where all is drawn anew in any case
    parts += [f"{plural(spent.lost, 'sample')} lost{then}"] if spent.lost else []
    return " · ".join(parts)


def _fates(cases: Sequence[CaseResult]) -> str:
    states = Counter(case.state for case in cases)
    parts = [fate(state, states[state]) for state in STATES if states[state]]
    lost = sum(
        side.get("infrastructure", 0) for case in cases for side in (case.teacher_outcomes, case.student_outcomes)
    )
    if lost:
        parts.append(plural(lost, "infrastructure failure") + _why_lost(cases))
    return " · ".join(parts)


def _why_lost(cases: Sequence[CaseResult]) -> str:
    """Say why most samples were lost, as far as that is known."""
    whys = sum((Counter(case.lost) for case in cases), Counter[str]())
    for why, count in whys.most_common(1):
        often = f"most often ({count}) " if len(whys) > 1 else ""
        return f": {often}{cut_end(clean(why), _LONGEST_WHY)}"
    return ""


def _sections(report: Report, cases: Sequence[CaseResult], width: int, *, verbose: bool) -> list[list[Line]]:
    rules = {name: rule_of(suite.terms) for name, suite in report.suites.items()}
    asked = {name: {gate.metric for gate in suite.gates} for name, suite in report.suites.items()}
    parts = [(name, suite.metrics, suite.cases, rules[name]) for name, suite in report.suites.items() if suite.cases]
    if len(parts) > 1:
        shared = set(rules.values())
        parts.append(("all", report.all, tuple(cases), shared.pop() if len(shared) == 1 else "each suite's own rule"))
    told = {name: suite.terms.told for name, suite in report.suites.items()}
    sections = [
        section_lines(
            *part,
            confidence=report.confidence,
            width=width,
            verbose=verbose,
            asked=asked.get(part[0], frozenset()),
            told=told.get(part[0], ""),
        )
        for part in parts
    ]
    looked = any(gate.draws is not None for suite in report.suites.values() for gate in suite.gates)
    legend = f"{_LEGEND}; {_LOOKED}" if looked else _LEGEND
    return [*sections, [Line(text, ("light",)) for text in wrap(legend, width)]] if sections else []


def _profiles(report: Report, width: int) -> list[list[Line]]:
    profiles = [(name, suite.robustness) for name, suite in report.suites.items() if suite.robustness]
    return [
        robustness_lines(*one, confidence=report.confidence, width=width, legend=one is profiles[-1])
        for one in profiles
    ]


def _gates(report: Report, width: int) -> list[Line]:
    gates = [(name, gate) for name, suite in report.suites.items() for gate in suite.gates]
    rows = [_gate_row(name, gate, width) for name, gate in gates]
    texts = table(rows, "<<<>>") if rows else []
    lines = []
    for (_, gate), text in zip(gates, texts, strict=True):
        word, style = ("not all cases ran", ("light",)) if gate.partial else _GATES[gate.state]
        lines.append(Line(f"{cut(text, width - len(word) - 2)}  {word}", style))
        lines += [Line(f"      {part}") for part in wrap(clean(gate.reason), width - 6) if _told(gate)]
    ungated = [_ungated(name, suite.cases) for name, suite in report.suites.items() if not suite.gates]
    return lines + [Line(text) for told in ungated if told for text in wrap(told, width, "  ")]


def _told(gate: GateResult) -> bool:
    """Whether a gate has something to say below it; one that decides nothing lacks nothing."""
    return bool(gate.reason) and not gate.partial


def _undecided(cases: Sequence[CaseResult]) -> int:
    return sum(case.state == "undecided" and "chain_match" in case.measures for case in cases)


def _ungated(name: str, cases: Sequence[CaseResult]) -> str:
    """Say that nothing decides about cases that are undecided one by one, or that none was compared."""
    if cases and all(case.state == "ambiguous" for case in cases):
        return (
            f"{clean(name)} has no gate, and in none of its cases a consensus of the teacher, so nothing was compared; "
            "reference: any, or draws, needs none"
        )
    if not _undecided(cases):
        return ""
    wanted = next(case.wanted for case in cases if case.wanted is not None)
    return (
        f"{clean(name)} has no gate, so its {plural(_undecided(cases), 'undecided case')} can't fail the run; "
        f"a gate judges all cases together: chain_match >= {wanted:.2f}, say"
    )


def _gate_row(name: str, gate: GateResult, width: int) -> list[str]:
    metric = gate.metric or re.split(r"\W", gate.expression.strip(), maxsplit=1)[0]
    bounds = None if gate.low is None or gate.high is None else (gate.low, gate.high)
    place, expression = cut(clean(name), width // 4), cut(clean(gate.expression), width // 2)
    return ["gate", place, expression, number(metric, gate.value), interval(metric, bounds, beside=gate.bound)]
