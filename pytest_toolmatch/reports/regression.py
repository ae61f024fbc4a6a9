"""A report beside an earlier one: the regression gate of every suite that both have."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from pytest_toolmatch.judging.baseline import Both, expression_of, no_worse, rated, unknown
from pytest_toolmatch.reports.figures import plural
from pytest_toolmatch.reports.pairs import other_chains, other_rule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_toolmatch.judging.gate import GateResult
    from pytest_toolmatch.judging.verdict import CaseResult
    from pytest_toolmatch.reports.report import Report


Decided: TypeAlias = "Mapping[str, Mapping[str, GateResult]]"
"""Gates that were decided while the draws came in, by suite and expression."""


def with_baseline(report: Report, baseline: Report, margin: float, decided: Decided | None = None) -> Report:
    """Return the report with one more gate in each suite: its ``chain_match`` is at most ``margin`` below the baseline.

    A suite that the baseline does not have gets none; where it has none of them, every suite's gate is undecided.
    """
    known = decided or {}
    shared = [name for name in report.suites if name in baseline.suites]
    gates = {name: _gate(name, report, baseline, margin, known.get(name, {})) for name in shared or report.suites}
    suites = {
        name: msgspec.structs.replace(suite, gates=(*suite.gates, gates[name])) if name in gates else suite
        for name, suite in report.suites.items()
    }
    return msgspec.structs.replace(report, suites=suites)


def _gate(name: str, report: Report, baseline: Report, margin: float, known: Mapping[str, GateResult]) -> GateResult:
    now, then = report.suites[name], baseline.suites.get(name)
    if then is None:
        decided = unknown(margin, f"the baseline has no suite {name!r}")
    elif reason := _unlike(report, baseline, name):
        decided = unknown(margin, f"{reason}; make a new baseline")
    else:
        found = known.get(expression_of(margin)) or no_worse(
            Both.between(then.cases, now.cases), margin, report.confidence
        )
        decided = _with_chains(found, then.cases, now.cases)
    return msgspec.structs.replace(decided, partial=now.terms.partial)


def _unlike(report: Report, baseline: Report, name: str) -> str:
    """Say why the match rates of a suite mean different things."""
    if report.teacher != baseline.teacher:
        return f"the teacher is {report.teacher}, that of the baseline is {baseline.teacher}"
    changed = other_rule(baseline.suites[name].terms, report.suites[name].terms)
    return f"the baseline was matched by another rule: {changed}" if changed else ""


def _with_chains(decided: GateResult, then: Sequence[CaseResult], now: Sequence[CaseResult]) -> GateResult:
    """Say so where the teacher has changed, too: then the cases are matched with something else."""
    before, after = rated(then), rated(now)
    others = other_chains([(before[case], after[case]) for case in after if case in before])
    if not others:
        return decided
    reason = f"{decided.reason}; the teacher's commonest chain is another in {plural(others, 'case')}"
    return msgspec.structs.replace(decided, reason=reason)
