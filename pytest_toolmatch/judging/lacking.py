"""What an undecided gate lacks: how many samples or cases more would tell, in words, and what they cost.

An interval narrows like one over the root of the number of draws. So if the value stays as it is, and the interval
reaches by ``half`` on the side of the bound, which is ``distance`` away, that number has to grow by (half ÷ distance)².
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_toolmatch.judging.levels import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_toolmatch.judging.gate import Gate
    from pytest_toolmatch.judging.verdict import CaseResult
    from pytest_toolmatch.statistics.intervals import Interval
    from pytest_toolmatch.statistics.measures import Measure

_BOTH = {level.agreement for level in LEVELS} | {"relative_match", "margin"}
_TEACHER = {level.consistency for level in LEVELS}
_FAR = 10_000
"""Samples per case beyond which nobody would draw them."""

_WHOSE = {(False, True): "the student", (True, False): "the teacher", (True, True): "each model"}

TOO_NEAR = "the value lies so near to the bound that no number of samples anyone would pay for can tell"


def of_teacher(metric: str) -> bool:
    """Say whether more draws of the teacher tell more of a metric."""
    return metric in _BOTH or metric in _TEACHER


def of_student(metric: str) -> bool:
    """Say whether more draws of the student tell more of a metric."""
    return metric not in _TEACHER


def lacking(gate: Gate, value: float, interval: Interval, results: Sequence[CaseResult]) -> str:
    """Say what would decide a gate, if the value stays as it is."""
    half = value - interval[0] if gate.bound < value else interval[1] - value
    distance = abs(value - gate.bound)
    if math.isinf(half):
        return "so few samples don't bound the value on the gate's side; draw more"
    factor = (half / distance) ** 2 if distance else math.inf
    if gate.metric == "ambiguous":
        return _cases_lacking(len(results) * (factor - 1))
    return samples_lacking(gate, (factor - 1) * max(_per_case(gate.metric, results), 1), results)


def samples_lacking(gate: Gate, per_case: float, results: Sequence[CaseResult]) -> str:
    """Say that a gate lacks so many samples a case, of the model or models that its metric looks at."""
    if per_case > _FAR:
        return TOO_NEAR
    seen = [one for one in results if _measured(gate.metric, one)]
    more = about(per_case)
    whose = _WHOSE[of_teacher(gate.metric), of_student(gate.metric)]
    count = about(more * len(seen))
    price = _price(gate.metric, seen)
    cost = f", {count * price:.2g} USD" if price else ""
    return f"the samples can't tell yet: about {count} more of {whose} would ({more} a case{cost})"


def _measured(metric: str, result: CaseResult) -> bool:
    """Whether a case has data for a metric; those made of others need all of them."""
    return {"relative_match": "margin"}.get(metric, metric) in result.measures


def about(count: float) -> int:
    """Round up to two figures: it is an estimate, and should look like one."""
    scale = int(10 ** max(0, len(str(math.ceil(count))) - 2))
    return max(1, math.ceil(count / scale) * scale)


def _cases_lacking(more: float) -> str:
    if more > _FAR:
        return TOO_NEAR
    return f"the cases can't tell yet: about {about(more)} more cases of this kind would"


def _per_case(metric: str, results: Sequence[CaseResult]) -> float:
    """Return the samples a case has now."""
    seen = [one for one in results if _measured(metric, one)]
    counts = [(one.student_samples if of_student(metric) else one.teacher_samples, one.weight**2) for one in seen]
    # What a case adds to the variance goes with the square of its weight: so does what its samples could take off it.
    return math.fsum(n * w for n, w in counts) / math.fsum(w for _, w in counts) if counts else 0.0


def _price(metric: str, results: Sequence[CaseResult]) -> float:
    """Return what a sample costs in USD, of each model that the metric looks at; 0 where it is not known."""
    student = _mean_cost([one.measures for one in results]) if of_student(metric) else 0.0
    return student + (_mean_cost([one.ceilings for one in results]) if of_teacher(metric) else 0.0)


def _mean_cost(measured: Sequence[Mapping[str, Measure]]) -> float:
    costs = [one["cost"] for one in measured if "cost" in one]
    weight = math.fsum(cost.weight for cost in costs)
    return math.fsum(cost.total for cost in costs) / weight if weight else 0.0
