"""Two intervals of a rate: the exact interval on the number of independent draws that the rate is worth.

Korn & Graubard (1998, Survey Methodology 24:2) put Clopper and Pearson's interval on an effective sample size, the
draws divided by their *design effect*: the variance as estimated over that of as many independent draws. With few
misses a design effect is known badly, and worst where it looks smallest; so it is drawn towards 1, as
though half a case more had been all or nothing, beside the k cases that miss (k as Kish 1965 counts unequal weights).
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.judging.beta import clopper_pearson
from pytest_toolmatch.judging.intervals import Interval, Intervals, student_t

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_toolmatch.judging.measures import Measure

_DOUBT = 0.5
_UNBOUNDED = 1e6


def rate_intervals(measures: Sequence[Measure], confidence: float) -> Intervals:
    """Return both intervals of a rate: this suite, queries like these.

    A measure's ``variance`` is unbiased or too large, and is not looked at where ``draws`` is below 2.
    """
    rate = _ratio(measures)
    suite_draws = _suite_draws(measures, rate, confidence)
    suite = clopper_pearson(rate, suite_draws, confidence)
    if len(measures) < 2:  # noqa: PLR2004 - one case says nothing about others
        return suite, None
    return suite, clopper_pearson(rate, _case_draws(measures, rate, suite_draws, confidence), confidence)


def relative_intervals(
    parts: Sequence[tuple[Measure, Measure]], confidence: float, margins: Sequence[Measure] = ()
) -> Intervals:
    """Return both intervals of Σ a ÷ Σ b, paired by case: the factors at which a − factor · b may be 0 (Fieller 1954).

    ``margins`` are the measures of a − b; without them the noises of a and b within a case pass for independent.
    """
    suite, cases = _paired_sides(parts, confidence, margins)
    of_suite = suite.factors()
    if cases is None:
        return of_suite, None
    low, high = cases.factors()
    return of_suite, (min(low, of_suite[0]), max(high, of_suite[1]))


def margin_intervals(
    parts: Sequence[tuple[Measure, Measure]], confidence: float, margins: Sequence[Measure] = (), factor: float = 1.0
) -> Intervals:
    """Return both intervals of mean a − factor · mean b, paired by case."""
    suite, cases = _paired_sides(parts, confidence, margins)
    of_suite = suite.difference(factor)
    if cases is None:
        return of_suite, None
    low, high = cases.difference(factor)
    return of_suite, (min(low, of_suite[0]), max(high, of_suite[1]))


class Sides(NamedTuple):
    """Two rates with their intervals, and the variances and the covariance of what was seen of them.

    A difference has the interval of independent rates, with the variances recovered from their limits so that their
    skewness stays (Zou & Donner 2008, Statistics in Medicine 27:1693), times the root of its own design effect: its
    variance as seen over that of independent rates.
    """

    a: float
    of_a: Interval
    b: float
    of_b: Interval
    noise_a: float = 0.0
    noise_b: float = 0.0
    shared: float = 0.0

    def difference(self, factor: float) -> Interval:
        """Return the interval of a − factor · b."""
        value, effect = self.a - factor * self.b, math.sqrt(self._effect(factor))
        down = math.hypot(self.a - self.of_a[0], factor * (self.of_b[1] - self.b))
        up = math.hypot(self.of_a[1] - self.a, factor * (self.b - self.of_b[0]))
        return (value - effect * down, value + effect * up)

    def factors(self) -> Interval:
        """Return the factors at which a − factor · b may be 0; the upper end is infinite where b may be 0."""
        if self.b <= 0:
            return (0.0, math.inf)
        value = self.a / self.b
        low = _edge(lambda factor: self.difference(factor)[0] > 0, 0.0, value)
        high = value + 1
        while self.difference(high)[1] >= 0:
            high *= 2
            if high > _UNBOUNDED:
                return (low, math.inf)
        return (low, _edge(lambda factor: self.difference(factor)[1] >= 0, value, high))

    def _effect(self, factor: float) -> float:
        independent = self.noise_a + factor * factor * self.noise_b
        if independent <= 0:
            return 1.0
        return min(1.0, max(0.0, 1 - 2 * factor * self.shared / independent))


def _edge(inside: Callable[[float], bool], low: float, high: float) -> float:
    """Return where a property that holds at ``low`` and not at ``high`` ends."""
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if inside(middle) else (low, middle)
    return low


def _paired_sides(
    parts: Sequence[tuple[Measure, Measure]], confidence: float, margins: Sequence[Measure]
) -> tuple[Sides, Sides | None]:
    above, below = [a for a, _ in parts], [b for _, b in parts]
    (suite_a, cases_a), (suite_b, cases_b) = rate_intervals(above, confidence), rate_intervals(below, confidence)
    a, b = _ratio(above), _ratio(below)
    suite = Sides(a, suite_a, b, suite_b, *_noises(parts, margins))
    if cases_a is None or cases_b is None:
        return suite, None
    pairs = [(x.total - a * x.weight, y.total - b * y.weight) for x, y in parts]
    spreads = (
        math.fsum(x * x for x, _ in pairs),
        math.fsum(y * y for _, y in pairs),
        math.fsum(x * y for x, y in pairs),
    )
    return suite, Sides(a, cases_a, b, cases_b, *spreads)


def _noises(parts: Sequence[tuple[Measure, Measure]], margins: Sequence[Measure]) -> tuple[float, float, float]:
    """Return the noise of both parts, and what is common to it, drawn towards nothing as design effects are to 1."""
    of_a, of_b = (max(0.0, math.fsum(part[side].variance for part in parts)) for side in (0, 1))
    if not margins:
        return of_a, of_b, 0.0
    telling = min(_kish([max(0.0, part[side].weight - part[side].total) for part in parts]) for side in (0, 1))
    shared = (of_a + of_b - math.fsum(margin.variance for margin in margins)) / 2
    return of_a, of_b, shared * telling / (telling + _DOUBT)


def quantile_intervals(by_case: Sequence[Sequence[float]], share: float, confidence: float) -> Intervals:
    """Return both intervals of a quantile of all cases' values (Woodruff 1952): those of the share below it.

    An end that so few values can't show is 0 or infinite.
    """
    from pytest_toolmatch.judging.ustatistics import mean_of_draws  # noqa: PLC0415

    ordered = sorted(value for values in by_case for value in values)
    middle = ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
    below = [mean_of_draws([float(value <= middle) for value in values]) for values in by_case if values]
    suite_draws = _suite_draws(below, share, confidence) if 0 < _ratio(below) < 1 else float(len(ordered))
    suite = _between(ordered, clopper_pearson(share, suite_draws, confidence))
    if len(below) < 2:  # noqa: PLR2004
        return suite, None
    draws = _case_draws(below, share, suite_draws, confidence)
    return suite, _between(ordered, clopper_pearson(share, draws, confidence))


def _between(ordered: Sequence[float], shares: Interval) -> Interval:
    low, high = math.floor(shares[0] * len(ordered)) - 1, math.ceil(shares[1] * len(ordered))
    return (ordered[low] if low >= 0 else 0.0, ordered[high] if high < len(ordered) else math.inf)


def _ratio(measures: Sequence[Measure]) -> float:
    weight = math.fsum(measure.weight for measure in measures)
    return min(1.0, math.fsum(measure.total for measure in measures) / weight) if weight else 0.0


def _suite_draws(measures: Sequence[Measure], rate: float, confidence: float) -> float:
    """Return how many independent draws the rate is worth when the cases are fixed: never fewer than there are.

    Among suites of one mean rate, the one whose cases all share it varies most (Hoeffding 1956).
    """
    weight = math.fsum(measure.weight for measure in measures)
    alike = math.fsum(measure.weight**2 / measure.draws for measure in measures)
    spread = rate * (1 - rate)
    if not spread or len(measures) < 2:  # noqa: PLR2004
        return weight**2 / alike
    noise = math.fsum(
        measure.variance if measure.draws >= 2 else spread * measure.weight**2 / measure.draws  # noqa: PLR2004
        for measure in measures
    )
    effect = _design_effect(measures, max(0.0, noise) / (spread * alike))
    return weight**2 / alike * max(1.0, _student(len(measures) - 1, confidence) / effect)


def _case_draws(measures: Sequence[Measure], rate: float, suite_draws: float, confidence: float) -> float:
    """Return how many independent draws the rate is worth when the cases vary, too."""
    count = len(measures)
    squares = math.fsum(measure.weight**2 for measure in measures)
    weight = math.fsum(measure.weight for measure in measures)
    effect = 1.0
    if rate * (1 - rate) > 0:
        spread = math.fsum((measure.total - rate * measure.weight) ** 2 for measure in measures) * count / (count - 1)
        effect = _design_effect(measures, spread / (rate * (1 - rate) * squares))
    return min(weight**2 / squares / effect * _student(count - 1, confidence), suite_draws)


def _student(freedom: int, confidence: float) -> float:
    """Return what turns the normal tail of an exact interval into Student's (Korn & Graubard 1998)."""
    tail = 0.5 + confidence / 2
    return (NormalDist().inv_cdf(tail) / student_t(tail, freedom)) ** 2


def _design_effect(measures: Sequence[Measure], seen: float) -> float:
    """Return the design effect drawn towards 1 by half a case beside those that tell, and never above 1."""
    telling = min(_kish([max(0.0, m.weight - m.total) for m in measures]), _kish([m.total for m in measures]))
    return min(1.0, (telling * seen + _DOUBT) / (telling + _DOUBT))


def _kish(weights: Sequence[float]) -> float:
    squares = math.fsum(weight * weight for weight in weights)
    return math.fsum(weights) ** 2 / squares if squares else 0.0
