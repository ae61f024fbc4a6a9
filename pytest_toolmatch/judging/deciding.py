"""What becomes of a gate whose number of samples was fixed beforehand: its interval against its bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.judging.gate import Gate, GateResult, GateState
from pytest_toolmatch.judging.lacking import lacking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.judging.metrics import Estimate
    from pytest_toolmatch.judging.verdict import CaseResult

NO_DATA = "no data for this metric"


def decide(gate: Gate, results: Sequence[CaseResult], found: Estimate | None) -> GateResult:
    """Decide a gate by the interval of its metric for this suite; ``results`` are the cases that it is about.

    It holds when the whole interval lies on the good side, fails when it lies on the other, and is undecided when the
    bound is inside: then the samples can't tell.
    """
    if not results:
        return undecided(gate, f"no case with {gate.by} {gate.subset!r}" if gate.by else "no case was judged")
    if found is None:
        return undecided(gate, why_no_data(gate, results))
    low, high = found.suite
    sides = {gate.accepts(low), gate.accepts(high)}
    state: GateState = "undecided" if len(sides) > 1 else "holds" if True in sides else "fails"
    reason = lacking(gate, found.value, (low, high), results) if state == "undecided" else ""
    return GateResult(gate.expression, state, found.value, low, high, reason, metric=gate.metric, bound=gate.bound)


def undecided(gate: Gate, reason: str) -> GateResult:
    """Return an undecided gate that nothing was seen of."""
    return GateResult(gate.expression, "undecided", reason=reason, metric=gate.metric, bound=gate.bound)


def why_no_data(gate: Gate, results: Sequence[CaseResult]) -> str:
    """Say why no case has the gate's metric."""
    states = {one.state for one in results}
    if states == {"ambiguous"}:
        return "the teacher has no consensus in any of these cases, so there is nothing to match"
    if states == {"error"}:
        return "no case has a valid sample of both models"
    if gate.metric in {"margin", "relative_match", "consistency"} and all(one.teacher_samples < 2 for one in results):  # noqa: PLR2004
        return "one sample of the teacher per case: how often it agrees with itself is unknown"
    return NO_DATA
