"""Two intervals for every metric of a set of cases.

*This suite*: the cases are fixed and only the draws would vary. *Queries like these*: the cases would vary too, so the
interval is clustered by case (Miller 2024, arXiv:2411.00640, §2.2). Rates and counts get a score interval (Wilson
1927) on an effective number of draws, which stays inside its bounds and does not collapse where all draws are alike.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.judging.measures import Measure

_FEW = 30

Interval: TypeAlias = tuple[float, float]
Intervals: TypeAlias = tuple[Interval, Interval | None]
"""This suite, queries like these; the latter unknown (None) from a single case."""


def wilson(rate: float, draws: float, quantile: float) -> Interval:
    """Return Wilson's score interval of a rate seen in ``draws`` draws, which need not be whole."""
    if draws <= 0:
        return (0.0, 1.0)
    squared = quantile * quantile
    centre = (rate + squared / (2 * draws)) / (1 + squared / draws)
    half = quantile / (1 + squared / draws) * math.sqrt(rate * (1 - rate) / draws + squared / (4 * draws * draws))
    # The rate itself bounds both sides, because rounding may leave 0 and 1 just outside.
    return (max(0.0, min(rate, centre - half)), min(1.0, max(rate, centre + half)))


def poisson_score(mean: float, draws: float, quantile: float) -> Interval:
    """Return the score interval of a mean count (Wilson's, for a Poisson count) seen in ``draws`` draws."""
    squared = quantile * quantile
    half = quantile * math.sqrt(mean / draws + squared / (4 * draws * draws))
    centre = mean + squared / (2 * draws)
    return (max(0.0, min(mean, centre - half)), max(mean, centre + half))


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


def rate_intervals(measures: Sequence[Measure], confidence: float) -> Intervals:
    """Return both intervals of a rate: this suite, queries like these."""
    rate = ratio(measures)
    suite_draws = _suite_draws(measures, rate)
    suite = wilson(rate, suite_draws, NormalDist().inv_cdf(0.5 + confidence / 2))
    if len(measures) < 2:  # noqa: PLR2004 - one case says nothing about others
        return suite, None
    error = _clustered_error(measures, rate)
    draws = min(max(_worth(rate, error), len(measures) - 1), suite_draws)
    cases = wilson(rate, draws, student_t(0.5 + confidence / 2, len(measures) - 1))
    return suite, cases


def count_intervals(measures: Sequence[Measure], confidence: float) -> Intervals:
    """Return both intervals of a mean count, which may be 0 everywhere and yet not be known to be 0."""
    mean = ratio(measures)
    weight = sum(measure.weight for measure in measures)
    pooled = weight**2 / sum(measure.weight**2 / measure.draws for measure in measures)
    within = math.sqrt(sum(measure.variance for measure in measures)) / weight
    suite_draws = min(pooled, mean / within**2) if within else pooled
    suite = poisson_score(mean, suite_draws, NormalDist().inv_cdf(0.5 + confidence / 2))
    if len(measures) < 2:  # noqa: PLR2004
        return suite, None
    error = _clustered_error(measures, mean)
    if not error:  # all cases alike: no spread was estimated, so Student's t has nothing to correct
        return suite, poisson_score(mean, min(len(measures), suite_draws), NormalDist().inv_cdf(0.5 + confidence / 2))
    draws = min(mean / error**2, suite_draws)
    return suite, poisson_score(mean, draws, student_t(0.5 + confidence / 2, len(measures) - 1))


def amount_intervals(measures: Sequence[Measure], confidence: float) -> Intervals:
    """Return both intervals of a mean amount that has no upper bound; neither goes below 0."""
    mean = ratio(measures)
    weight = sum(measure.weight for measure in measures)
    suite_error = math.sqrt(sum(measure.variance for measure in measures)) / weight
    suite = _around(mean, NormalDist().inv_cdf(0.5 + confidence / 2) * suite_error)
    if len(measures) < 2:  # noqa: PLR2004
        return suite, None
    error = max(_clustered_error(measures, mean), suite_error)
    return suite, _around(mean, student_t(0.5 + confidence / 2, len(measures) - 1) * error)


def relative_intervals(parts: Sequence[tuple[Measure, Measure]], confidence: float) -> Intervals:
    """Return both intervals of Σ a ÷ Σ b, both noisy, paired by case (delta method; Cochran 1977, §6.4)."""
    below = sum(b.total for _, b in parts)
    value = sum(a.total for a, _ in parts) / below
    noise = sum(a.variance + value * value * b.variance for a, b in parts)
    suite_error = math.sqrt(noise) / below
    suite = _around(value, NormalDist().inv_cdf(0.5 + confidence / 2) * suite_error)
    count = len(parts)
    if count < 2:  # noqa: PLR2004
        return suite, None
    spread = sum((a.total - value * b.total) ** 2 for a, b in parts)
    error = max(math.sqrt(spread * count / (count - 1)) / below, suite_error)
    low, high = _around(value, student_t(0.5 + confidence / 2, count - 1) * error)
    # Where all cases seen are alike their spread is nothing; the agreement's own interval still knows how few they are.
    _, above = rate_intervals([a for a, _ in parts], confidence)
    return suite, (min(low, above[0] * count / below), max(high, above[1] * count / below)) if above else (low, high)


def quantile_interval(ordered: Sequence[float], share: float, draws: int, confidence: float) -> Interval:
    """Return the distribution-free interval of a quantile from ordered values (order statistics).

    ``draws`` is the number of independent observations behind them: the values, or the cases they cluster in.
    """
    half = NormalDist().inv_cdf(0.5 + confidence / 2) * math.sqrt(share * (1 - share) / draws)
    last = len(ordered) - 1
    low, high = math.floor((share - half) * last), math.ceil((share + half) * last)
    return (ordered[max(0, low)], ordered[min(last, high)])


def ratio(measures: Sequence[Measure]) -> float:
    """Return Σ total ÷ Σ weight."""
    return sum(measure.total for measure in measures) / sum(measure.weight for measure in measures)


def _suite_draws(measures: Sequence[Measure], rate: float) -> float:
    """Return how many independent draws the rate is worth when the cases are fixed.

    At least the number of draws behind it: among suites of the same mean rate, one whose cases all share that rate
    varies most (Hoeffding 1956). More where the cases are seen to differ and the draws within them to agree.
    """
    weight = sum(measure.weight for measure in measures)
    pooled = weight**2 / sum(measure.weight**2 / measure.draws for measure in measures)
    within = math.sqrt(sum(measure.variance for measure in measures)) / weight
    return max(pooled, _worth(rate, within))


def _worth(rate: float, error: float) -> float:
    return float(rate * (1 - rate) / error**2) if error else 0.0


def _clustered_error(measures: Sequence[Measure], value: float) -> float:
    count = len(measures)
    spread = sum((measure.total - value * measure.weight) ** 2 for measure in measures)
    return math.sqrt(spread * count / (count - 1)) / sum(measure.weight for measure in measures)


def _around(value: float, half: float) -> Interval:
    return (max(0.0, value - half), value + half)
