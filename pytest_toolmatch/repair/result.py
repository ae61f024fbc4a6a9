"""A repair as the report of a run has it: plain data, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_toolmatch.judging.metrics import Estimate
from pytest_toolmatch.repair.candidate import changed_components
from pytest_toolmatch.reports.repairs import RepairReport
from pytest_toolmatch.statistics.effective import rate_intervals
from pytest_toolmatch.statistics.measures import ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.core.sample import Spending
    from pytest_toolmatch.repair.work import Repaired
    from pytest_toolmatch.statistics.measures import Measure

_REJECTED = "the test part does not show that it is better"


def repair_report(done: Repaired, spent: Spending, confidence: float, written: str = "") -> RepairReport:
    """Return what a repair came to; ``written`` is the file that was written beside its suite."""
    proof = done.proof
    found: dict[str, Any] = {"accepted": False, "why": done.why}
    if proof:
        test = proof.test
        found = {
            "accepted": proof.accepted,
            "why": "" if proof.accepted else _REJECTED,
            "before": _estimate(proof.before, confidence),
            "after": _estimate(proof.after, confidence),
            "difference": Estimate(value=test.difference, suite=test.suite, cases=test.cases, n=test.n),
            "p": test.p / 2 if test.difference > 0 else 1 - test.p / 2,
            "fixed": proof.fixed,
            "broken": proof.broken,
            "changed": tuple(changed_components(done.start, done.new)),
        }
    return RepairReport(rollouts=done.rollouts, calls=spent.calls, cost=spent.cost, written=written, **found)


def _estimate(measures: Sequence[Measure], confidence: float) -> Estimate:
    suite, cases = rate_intervals(measures, confidence)
    return Estimate(value=ratio(measures), suite=suite, cases=cases, n=len(measures))
