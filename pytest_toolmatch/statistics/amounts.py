"""Two intervals for what has no upper bound: counts, and amounts of seconds, tokens or money.

Counts get a score interval (Wilson's, for a Poisson count) on an effective number of draws, which stays above 0 and
does not collapse where all draws are alike; amounts the normal one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_toolmatch.statistics.intervals import Interval, Intervals, normal_quantile, student_t
from pytest_toolmatch.statistics.measures import Measure, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence


def count_intervals(measures: Sequence[Measure], confidence: float) -> Intervals:
    """Return both intervals of a mean count, which may be 0 everywhere and yet not be known to be 0."""
    mean, quantile = ratio(measures), normal_quantile(0.5 + confidence / 2)
    weight = math.fsum([measure.weight for measure in measures])
    pooled = weight**2 / math.fsum([measure.weight**2 / measure.draws for measure in measures])
    within = math.sqrt(math.fsum([measure.variance for measure in measures])) / weight
    suite_draws = min(pooled, mean / within**2) if within else pooled
    suite = poisson_score(mean, suite_draws, quantile)
    if len(measures) < 2:  # noqa: PLR2004 - one case says nothing about others
        return suite, None
    error = _clustered_error(measures, mean)
    if not error:  # all cases alike: no spread was estimated, so Student's t has nothing to correct
        return suite, poisson_score(mean, min(len(measures), suite_draws), quantile)
    draws = min(mean / error**2, suite_draws)
    return suite, poisson_score(mean, draws, student_t(0.5 + confidence / 2, len(measures) - 1))


def amount_intervals(measures: Sequence[Measure], confidence: float) -> Intervals:
    """Return both intervals of a mean amount that has no upper bound; neither goes below 0."""
    mean = ratio(measures)
    weight = math.fsum([measure.weight for measure in measures])
    suite_error = math.sqrt(math.fsum([measure.variance for measure in measures])) / weight
    suite = _around(mean, normal_quantile(0.5 + confidence / 2) * suite_error)
    if len(measures) < 2:  # noqa: PLR2004
        return suite, None
    error = max(_clustered_error(measures, mean), suite_error)
    return suite, _around(mean, student_t(0.5 + confidence / 2, len(measures) - 1) * error)


def poisson_score(mean: float, draws: float, quantile: float) -> Interval:
    """Return the score interval of a mean count seen in ``draws`` draws."""
    squared = quantile * quantile
    half = quantile * math.sqrt(mean / draws + squared / (4 * draws * draws))
    centre = mean + squared / (2 * draws)
    return (max(0.0, min(mean, centre - half)), max(mean, centre + half))


def _clustered_error(measures: Sequence[Measure], value: float) -> float:
    count = len(measures)
    spread = math.fsum([(measure.total - value * measure.weight) ** 2 for measure in measures])
    return math.sqrt(spread * count / (count - 1)) / math.fsum([measure.weight for measure in measures])


def _around(value: float, half: float) -> Interval:
    return (max(0.0, value - half), value + half)
