"""The incomplete beta function, its inverse, and the exact interval of a rate that rests on it."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_toolmatch.statistics.intervals import normal_quantile

if TYPE_CHECKING:
    from pytest_toolmatch.statistics.intervals import Interval

_TINY, _EXACT, _STEPS = 1e-300, 1e-15, 500

_CLOSE = 1e-4
"""A step of Halley's method shorter than this share of the spread leaves an error of its cube."""


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
    """Return the x with I_x(a, b) = probability: Halley's steps, kept within a bracket that halves otherwise."""
    if b == 1:
        return float(probability ** (1 / a))
    if a == 1:
        return -math.expm1(math.log1p(-probability) / b)
    low, high, x = 0.0, 1.0, _near_quantile(probability, a, b)
    scale = log_beta(a, b)
    for _ in range(100):
        excess = beta_probability(x, a, b) - probability
        low, high = (low, x) if excess > 0 else (x, high)
        density = math.exp((a - 1) * math.log(x) + (b - 1) * math.log1p(-x) - scale)
        newton = excess / density if density > _TINY else math.inf
        step = newton / (1 - 0.5 * max(-1.0, min(1.0, newton * ((a - 1) / x - (b - 1) / (1 - x)))))
        inside = low < x - step < high or x - step == x
        x, moved = (x - step, abs(step)) if inside else ((low + high) / 2, high - low)
        if moved <= _CLOSE * min(x, 1 - x, math.sqrt(x * (1 - x) / (a + b))) or high - low < _EXACT:
            break
    return x


def _near_quantile(probability: float, a: float, b: float) -> float:
    """Return about the quantile: Carter's approximation (Abramowitz & Stegun 1964, 26.5.22), or the nearer tail's."""
    if a > 1 and b > 1:
        z = -normal_quantile(probability)
        one, other = 1 / (2 * a - 1), 1 / (2 * b - 1)
        mean, of_z = 2 / (one + other), (z * z - 3) / 6
        half = z * math.sqrt(max(0.0, mean + of_z)) / mean - (other - one) * (of_z + 5 / 6 - 2 / (3 * mean))
        return a / (a + b * math.exp(2 * half))
    left = math.exp(a * math.log(a / (a + b))) / a
    right = math.exp(b * math.log(b / (a + b))) / b
    if probability < left / (left + right):
        x = (a * (left + right) * probability) ** (1 / a)
    else:
        x = 1 - (b * (left + right) * (1 - probability)) ** (1 / b)
    return float(min(1 - _EXACT, max(_TINY, x)))


@lru_cache(maxsize=4096)  # single cases are of few kinds
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
    c, d = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or _TINY)
    value = d
    for m in range(1, _STEPS):
        place = a + 2 * m
        term = m * (b - m) * x / ((place - 1) * place)
        d = 1 / ((1 + term * d) or _TINY)
        c = (1 + term / c) or _TINY
        value *= c * d
        term = -(a + m) * (a + b + m) * x / (place * (place + 1))
        d = 1 / ((1 + term * d) or _TINY)
        c = (1 + term / c) or _TINY
        value *= c * d
        if abs(c * d - 1) < _EXACT:
            break
    return value
