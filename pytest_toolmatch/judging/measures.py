"""What one case contributes to a metric: sums, not averages, so that any set of cases can be put together.

Sums are exact (``math.fsum``), so the order of the samples changes no digit.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class Measure(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One case's part of one metric; the metric of a set of cases is Σ total ÷ Σ weight.

    ``variance`` is the estimated variance of ``total`` if the case's draws were drawn again; ``draws`` the number of
    independent draws that the value is worth at least.
    """

    total: float
    weight: float = 1.0
    variance: float = 0.0
    draws: float = 1.0

    @property
    def value(self) -> float:
        """The case's own value of the metric."""
        return self.total / self.weight


def mean_of_scores(scores: Sequence[float], *, draws: float | None = None) -> Measure:
    """Return the measure of a mean of scores within [0, 1].

    The variance is that of the scores together with half an observation at 0 and half at 1 (Jeffreys' prior for a
    binary score), so that five matches of five do not pass for certainty.
    """
    count = len(scores)
    total = math.fsum(scores)
    shrunk = (total + 0.5) / (count + 1)
    # Shrinking takes from the variance; this gives it back where it is largest, at one half.
    unbiased = (count + 1) ** 2 / (count * count + count + 1)
    variance = ((math.fsum(score * score for score in scores) + 0.5) / (count + 1) - shrunk**2) * unbiased
    worth = count if draws is None else draws
    return Measure(total / count, 1.0, variance / worth, worth)


def mean_of_pairs(mean: float, draws: int) -> Measure:
    """Return the measure of a mean over all pairs of ``draws`` samples.

    A U-statistic of order 2 varies at most like the mean over ⌊K/2⌋ disjoint pairs (Hoeffding 1948, 1963 §5).
    """
    worth = draws // 2
    shrunk = (mean * worth + 0.5) / (worth + 1)
    return Measure(mean, 1.0, shrunk * (1 - shrunk) / worth, worth)


def mean_of_amounts(amounts: Sequence[float]) -> Measure:
    """Return the measure of a mean of amounts without an upper bound (seconds, tokens, retries)."""
    count = len(amounts)
    if count > 1 and amounts.count(amounts[0]) == count:
        return Measure(amounts[0], 1.0, 0.0, count)
    mean = math.fsum(amounts) / count
    spread = math.fsum((amount - mean) ** 2 for amount in amounts) / (count - 1) if count > 1 else mean**2
    return Measure(mean, 1.0, spread / count, count)


def ratio_of_counts(part: float, whole: float, draws: int) -> Measure:
    """Return the measure of a share of counted things (calls), worth as many draws as the samples they came from.

    The share is shrunk for its variance as in ``mean_of_scores``: all valid in four samples is no certainty.
    """
    shrunk = (part / whole * draws + 0.5) / (draws + 1)
    return Measure(part, whole, shrunk * (1 - shrunk) * whole * whole / draws, draws)
