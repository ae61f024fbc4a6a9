"""Two rates beside each other: the interval of their difference, and of the factor between them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.statistics.intervals import Interval

_UNBOUNDED = 1000.0
"""A factor up to which none is ruled out: then there is no upper end that is worth a figure."""

_EXACT, _STEPS = 1e-10, 100


class Sides(NamedTuple):
    """Two rates with their intervals, and the variances and the covariance of what was seen of them.

    A difference has the interval of independent rates, with the variances recovered from their limits so that their
    skewness stays (Zou & Donner 2008, Statistics in Medicine 27:1693), times the root of its own design effect: its
    variance as seen over that of independent rates. ``unseen`` returns how far kinds of cases that were not seen, and
    that lower a, move the low end from where it is by those that were.
    """

    a: float
    of_a: Interval
    b: float
    of_b: Interval
    noise_a: float = 0.0
    noise_b: float = 0.0
    shared: float = 0.0
    unseen: Callable[[float], float] = float

    def difference(self, factor: float) -> Interval:
        """Return the interval of a − factor · b."""
        value, effect = self.a - factor * self.b, math.sqrt(self._effect(factor))
        down = math.hypot(self.a - self.of_a[0], factor * (self.of_b[1] - self.b))
        up = math.hypot(self.of_a[1] - self.a, factor * (self.b - self.of_b[0]))
        return (value - self.unseen(effect * down), value + effect * up)

    def factors(self) -> Interval:
        """Return the factors at which a − factor · b may be 0; the upper end is infinite where b may be 0."""
        if self.b <= 0:
            return (0.0, math.inf)
        value = self.a / self.b
        low = _root(lambda factor: self.difference(factor)[0], 0.0, value)
        if self.difference(_UNBOUNDED)[1] >= 0:
            return (low, math.inf)
        beyond = min(value + 1, _UNBOUNDED)
        while self.difference(beyond)[1] >= 0:
            beyond = min(2 * beyond, _UNBOUNDED)
        return (low, _root(lambda factor: self.difference(factor)[1], value, beyond))

    def _effect(self, factor: float) -> float:
        independent = self.noise_a + factor * factor * self.noise_b
        if independent <= 0:
            return 1.0
        return min(1.0, max(0.0, 1 - 2 * factor * self.shared / independent))


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function that falls from ``low`` to ``high`` crosses 0, between them or at the nearer end.

    The false position, with the end that stays halved in weight (the Illinois method; Dowell & Jarratt 1971).
    """
    at_low, at_high = function(low), function(high)
    if at_low <= 0 or at_high >= 0:
        return low if at_low <= 0 else high
    moved = 0
    for _ in range(_STEPS):
        middle = (low * at_high - high * at_low) / (at_high - at_low)
        at = function(middle)
        if abs(at) <= _EXACT or high - low <= _EXACT:
            return middle
        if at > 0:
            low, at_low, at_high, moved = middle, at, at_high / (2 if moved > 0 else 1), 1
        else:
            high, at_high, at_low, moved = middle, at, at_low / (2 if moved < 0 else 1), -1
    return middle
