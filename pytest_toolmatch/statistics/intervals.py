"""What intervals are, and the quantiles that they are made with.

*This suite*: the cases are fixed and only the draws would vary. *Queries like these*: the cases would vary too, so the
interval is clustered by case (Miller 2024, arXiv:2411.00640, §2.2). Those of rates, and of two rates beside each other,
are in ``effective``, those of counts and amounts in ``amounts``.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import TypeAlias

_FEW = 30

Interval: TypeAlias = tuple[float, float]
"""Low and high end, which may be infinite."""

Intervals: TypeAlias = tuple[Interval, Interval | None]
"""This suite, queries like these; the latter unknown (None) from a single case."""


@lru_cache(maxsize=256)
def normal_quantile(probability: float) -> float:
    """Return the quantile of the normal distribution."""
    return NormalDist().inv_cdf(probability)


@lru_cache(maxsize=256)
def student_t(probability: float, freedom: int) -> float:
    """Return the quantile of Student's t above the median: exact for 1 and 2 degrees of freedom, else polished.

    The start is Fisher and Cornish's expansion (Abramowitz & Stegun 1964, 26.7.5), 1 % off at worst; two steps of
    Newton's method on the exact distribution do the rest where there are few degrees.
    """
    if freedom == 1:
        return math.tan(math.pi * (probability - 0.5))
    if freedom == 2:  # noqa: PLR2004 - two degrees of freedom
        return (2 * probability - 1) * math.sqrt(2 / (4 * probability * (1 - probability)))
    z = NormalDist().inv_cdf(probability)
    powers = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    quantile = float(z + sum(term / freedom**power for power, term in enumerate(powers, 1)))
    for _ in range(2 if freedom <= _FEW else 0):
        quantile += (probability - _t_probability(quantile, freedom)) / _t_density(quantile, freedom)
    return quantile


def _t_probability(quantile: float, freedom: int) -> float:
    """Return the distribution function for whole degrees of freedom above 1 (Abramowitz & Stegun 26.7.3, 26.7.4)."""
    angle = math.atan(quantile / math.sqrt(freedom))
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    series = term
    for power in range(2 + odd, freedom - 1, 2):
        term *= math.cos(angle) ** 2 * (power - 1) / power
        series += term
    two_sided = math.sin(angle) * series
    if odd:
        two_sided = (angle + two_sided) * 2 / math.pi
    return 0.5 + two_sided / 2


def _t_density(quantile: float, freedom: int) -> float:
    scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    return math.exp(scale - (freedom + 1) / 2 * math.log1p(quantile**2 / freedom)) / math.sqrt(freedom * math.pi)
