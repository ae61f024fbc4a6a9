"""What one case contributes to a metric: sums, not averages, so that any set of cases can be put together.

Sums are exact (``math.fsum``), so neither the order of the samples nor that of the cases changes a digit.
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
    independent draws that the value is worth at least. Where that is one, the variance of a rate is not known.
    """

    total: float
    weight: float = 1.0
    variance: float = 0.0
    draws: float = 1.0

    @property
    def value(self) -> float:
        """The case's own value of the metric."""
        return self.total / self.weight

    def times(self, weight: float) -> Measure:
        """Return the measure of a case that counts ``weight`` times as much as others."""
        if weight == 1:
            return self
        return Measure(self.total * weight, self.weight * weight, self.variance * weight**2, self.draws)


def ratio(measures: Sequence[Measure]) -> float:
    """Return Σ total ÷ Σ weight; 0 where nothing has a weight."""
    if len(measures) == 1 and measures[0].weight:
        return measures[0].value
    weight = math.fsum([measure.weight for measure in measures])
    return math.fsum([measure.total for measure in measures]) / weight if weight else 0.0


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

    The variance is that of things alike within a sample, which is the most that it can be.
    """
    noise = part * (whole - part) / (draws - 1) if draws > 1 else 0.0
    return Measure(part, whole, noise, draws)
