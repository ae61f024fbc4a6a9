"""The incomplete beta function, its inverse, and the exact interval of a rate that rests on it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_toolmatch.judging.intervals import Interval

_TINY, _EXACT, _STEPS = 1e-300, 1e-15, 500


def log_beta(a: float, b: float) -> float:
    """Return log B(a, b)."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def beta_probability(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - log_beta(a, b))
    if x > (a + 1) / (a + b + 2):
        return 1 - front * _fraction(1 - x, b, a) / b
    return front * _fraction(x, a, b) / a


def beta_quantile(probability: float, a: float, b: float) -> float:
    """Return the x with I_x(a, b) = probability: Newton's steps, kept within a bracket that halves otherwise."""
    low, high, x = 0.0, 1.0, a / (a + b)
    scale = log_beta(a, b)
    for _ in range(100):
        excess = beta_probability(x, a, b) - probability
        low, high = (low, x) if excess > 0 else (x, high)
        slope = math.exp((a - 1) * math.log(x) + (b - 1) * math.log1p(-x) - scale)
        step = x - excess / slope if slope > _TINY else low
        next_x = step if low < step < high else (low + high) / 2
        if abs(next_x - x) <= 1e-12 * x or high - low < _EXACT:
            return next_x
        x = next_x
    return x


def clopper_pearson(rate: float, draws: float, confidence: float) -> Interval:
    """Return the exact interval of a rate (Clopper & Pearson 1934); neither matches nor draws need be whole."""
    if draws <= 0:
        return (0.0, 1.0)
    tail, matches = (1 - confidence) / 2, rate * draws
    misses = draws - matches
    low = beta_quantile(tail, matches, misses + 1) if matches > _EXACT * draws else 0.0
    high = beta_quantile(1 - tail, matches + 1, misses) if misses > _EXACT * draws else 1.0
    return (min(low, rate), max(high, rate))


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction by the modified Lentz method (Thompson & Barnett 1986)."""
    c, d = 1.0, 1 / _apart(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _STEPS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _apart(1 + term * d)
            c = _apart(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < _EXACT:
            break
    return value


def _apart(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
