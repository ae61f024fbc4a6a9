"""A rate from a stratified sample: its value, and an interval for the population that was sampled.

The variance is that within strata (Cochran 1977, §5.5), with what is left of a finite population; the interval is exact
on the number of draws that it is worth (Korn & Graubard 1998), as all others here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.statistics.beta import clopper_pearson
from pytest_toolmatch.statistics.intervals import normal_quantile, student_t

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.statistics.intervals import Interval

_DOUBT, _FEW = 0.5, 3.0


class Observed(NamedTuple):
    """One case: its own rate, its weight, its stratum, and the share of the stratum that was sampled."""

    value: float
    weight: float = 1.0
    stratum: int = 0
    share: float = 0.0


def stratified(observed: Sequence[Observed], confidence: float) -> tuple[float, Interval]:
    """Return Σ weight · value ÷ Σ weight, and its interval. A stratum with a single case counts with its neighbour.

    A design effect that few cases tell is drawn towards 1, as in ``effective``. Needs at least one case.
    """
    weight = math.fsum(one.weight for one in observed)
    rate = min(1.0, max(0.0, math.fsum(one.weight * one.value for one in observed) / weight))
    strata = _strata(observed)
    count, freedom = len(observed), max(1, len(observed) - len(strata))
    alike = math.fsum((one.weight / weight) ** 2 for one in observed)
    single = rate * (1 - rate)
    if not single or count < 2:  # noqa: PLR2004 - no spread to see
        return rate, clopper_pearson(rate, 1 / alike, confidence)
    seen = math.fsum(_variance(mine, rate, weight) for mine in strata) / (single * alike)
    telling = count * min(rate, 1 - rate)
    doubt = _DOUBT / (telling + _DOUBT) * _FEW / max(telling, _FEW)
    effect = seen + doubt * max(0.0, 1 - seen)
    tail = 0.5 + confidence / 2
    draws = (normal_quantile(tail) / student_t(tail, freedom)) ** 2 / (effect * alike)
    return rate, clopper_pearson(rate, draws, confidence)


def _strata(observed: Sequence[Observed]) -> list[list[Observed]]:
    found: dict[int, list[Observed]] = {}
    for one in observed:
        found.setdefault(one.stratum, []).append(one)
    merged: list[list[Observed]] = []
    for stratum in sorted(found):
        if merged and min(len(merged[-1]), len(found[stratum])) < 2:  # noqa: PLR2004 - one has no spread
            merged[-1] += found[stratum]
        else:
            merged.append(found[stratum])
    return merged


def _variance(mine: Sequence[Observed], rate: float, weight: float) -> float:
    """Return what a stratum adds to the variance of the rate, linearised."""
    errors = [one.weight * (one.value - rate) / weight for one in mine]
    mean = math.fsum(errors) / len(errors)
    left = 1 - math.fsum(one.share for one in mine) / len(mine)
    return left * len(mine) / max(1, len(mine) - 1) * math.fsum((error - mean) ** 2 for error in errors)
