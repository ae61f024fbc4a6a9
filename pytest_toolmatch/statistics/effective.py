"""Two intervals of a rate: the exact interval on the number of independent draws that the rate is worth.

Korn & Graubard (1998, Survey Methodology 24:2) put Clopper and Pearson's interval on an effective sample size, the
draws divided by their *design effect*: the variance as estimated over that of as many independent draws. With few
cases that tell of it a design effect is known badly, and worst where it looks smallest; so it is drawn towards 1, as
though half a case more had been all or nothing. What tells of the noise within cases are those that miss (counted as
Kish 1965 does unequal weights), of the spread between them those on which it rests, their squared errors counted alike:
n ÷ κ of n cases, κ being the kurtosis, for the variance of a variance is (κ − 1) ÷ n of its square (Cramér 1946,
§27.4). Where more than three cases tell, the doubt fades with the square of their number: as fast as coverage bears on
scripted suites.

Of other queries there is one more doubt: few cases may show nothing of a kind that is not rare. So each end reckons
with kinds at the far end of the scale that are ``unseen``: one that never matches for the low end, one that always does
for the high one.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from functools import lru_cache, partial
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.statistics.beta import clopper_pearson
from pytest_toolmatch.statistics.intervals import Interval, Intervals, normal_quantile, student_t
from pytest_toolmatch.statistics.measures import Measure, ratio, ratio_of_counts
from pytest_toolmatch.statistics.sides import Sides
from pytest_toolmatch.statistics.unseen import reach

if TYPE_CHECKING:
    from collections.abc import Sequence

_DOUBT, _FEW = 0.5, 3.0
_EXACT = 1e-12
"""The part of a weight within which a case is as the others are, but for rounding."""

_TELLING_DRAWS = 1.5
"""Draws from which on a measure's variance is looked at: two, or the three pairs of three."""


def rate_intervals(measures: Sequence[Measure], confidence: float, strata: Sequence[str] = ()) -> Intervals:
    """Return both intervals of a rate: this suite, queries like these.

    A measure's ``variance`` is unbiased or too large, and is not looked at where ``draws`` is below 1.5. With
    ``strata``, one a measure, cases vary only within what they were drawn from (Cochran 1977, §5.5).
    """
    rate = _share(measures)
    if len(measures) < 2:  # noqa: PLR2004 - one case says nothing about others
        return clopper_pearson(rate, measures[0].draws, confidence), None
    sums = _sums(measures, rate)
    return _rate_intervals(_within(sums, measures, strata) if any(strata) else sums, confidence)


def relative_intervals(
    parts: Sequence[tuple[Measure, Measure]], confidence: float, margins: Sequence[Measure] = ()
) -> Intervals:
    """Return both intervals of Σ a ÷ Σ b, paired by case: the factors at which a − factor · b may be 0 (Fieller 1954).

    ``margins`` are the measures of a − b, one for each of the parts; without them the noises of a and b within a case
    pass for independent. The upper end is infinite where b may be 0.
    """
    return _both([sides.factors() for sides in _paired_sides(parts, confidence, margins)])


def margin_intervals(
    parts: Sequence[tuple[Measure, Measure]], confidence: float, margins: Sequence[Measure] = (), factor: float = 1.0
) -> Intervals:
    """Return both intervals of mean a − factor · mean b, paired by case."""
    return _both([sides.difference(factor) for sides in _paired_sides(parts, confidence, margins)])


def quantile_intervals(
    by_case: Sequence[Sequence[float]], share: float, confidence: float, weights: Sequence[float] = ()
) -> Intervals:
    """Return both intervals of a quantile of all cases' values (Woodruff 1952): those of the share below it.

    ``weights`` are what a value of each case counts, 1 where there are none. An end that so few values can't show is 0
    or infinite.
    """
    weighed = list(zip(by_case, weights or [1.0] * len(by_case), strict=True))
    ordered = sorted((value, weight) for values, weight in weighed for value in values)
    reaches = float(weighted_quantile(ordered, share)).__ge__
    below = [
        ratio_of_counts(sum(map(reaches, values)), count, count).times(weight)
        for values, weight in weighed
        if (count := len(values))
    ]
    sums = _sums(below, share)
    draws = _suite_draws(sums, confidence) if 0 < _share(below) < 1 else sums.weight**2 / sums.alike
    suite = _between(ordered, clopper_pearson(share, draws, confidence))
    if len(below) < 2:  # noqa: PLR2004
        return suite, None
    # Kinds that were not seen, and are slower than all that were, are values above: they move the upper end.
    return suite, _between(ordered, _of_queries(sums, draws, confidence, (1 - share, share)))


def weighted_quantile(values: Sequence[tuple[float, float]], share: float) -> float:
    """Return the least of the values that this share of all the weights, given beside them, does not exceed."""
    ordered = sorted(values)
    reached = list(accumulate(weight for _, weight in ordered))
    return ordered[min(len(ordered) - 1, bisect_left(reached, share * reached[-1] * (1 - 1e-12)))][0]


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the least value that this share of the ordered values does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)]


class _Sums(NamedTuple):
    """What a set of cases comes to around a rate, with total t, weight w and draws d of each case.

    ``alike`` is Σ w²/d, what the variance of Σ t is over that of one draw where all cases have the same rate; ``noise``
    the variance as seen within cases, ``spread`` that between them: Σ (t − rate · w)². ``misses`` and ``hits`` are the
    numbers of cases that these are worth, ``telling`` that of the cases on which the spread rests.
    """

    rate: float
    cases: int
    weight: float
    squares: float
    alike: float
    noise: float
    spread: float
    misses: float
    hits: float
    telling: float
    stratified: bool = False

    @property
    def of_one(self) -> float:
        """The variance of one draw."""
        return self.rate * (1 - self.rate)

    @property
    def worth(self) -> float:
        """The number of cases of one weight that these are worth (Kish 1965)."""
        return self.weight**2 / self.squares


def _sums(measures: Sequence[Measure], rate: float) -> _Sums:
    """Sum up; cases that are alike, as most are, are counted first."""
    rows = [(times, m.total, m.weight, m.variance, m.draws) for m, times in Counter(measures).items()]
    one = rate * (1 - rate)
    errors = [(n, (t - rate * w) ** 2) for n, t, w, _, _ in rows if abs(t - rate * w) > _EXACT * w]
    noises = [n * (v if d >= _TELLING_DRAWS else one * w * w / d) for n, _, w, v, d in rows]
    return _Sums(
        rate,
        len(measures),
        math.fsum([n * w for n, _, w, _, _ in rows]),
        math.fsum([n * w * w for n, _, w, _, _ in rows]),
        math.fsum([n * w * w / d for n, _, w, _, d in rows]),
        max(0.0, math.fsum(noises)),
        math.fsum([n * square for n, square in errors]),
        _kish([(n, max(0.0, w - t)) for n, t, w, _, _ in rows]),
        _kish([(n, t) for n, t, _, _, _ in rows]),
        _kish(errors) or len(measures),
    )


def _within(sums: _Sums, measures: Sequence[Measure], strata: Sequence[str]) -> _Sums:
    """Return the sums with the spread within strata; one of a single case counts with its neighbour, by name."""
    found: dict[str, list[float]] = {}
    for measure, stratum in zip(measures, strata, strict=True):
        found.setdefault(stratum, []).append(measure.total - sums.rate * measure.weight)
    parts: list[list[float]] = []
    for name in sorted(found):
        if parts and min(len(parts[-1]), len(found[name])) < 2:  # noqa: PLR2004 - one has no spread
            parts[-1] += found[name]
        else:
            parts.append(found[name])
    count = sums.cases
    squares = [(1, square) for part in parts for square in _squares(part)]
    spread = math.fsum(square for _, square in squares) * (count - 1) / count
    telling = (_kish(squares) or count) * (count - len(parts)) / (count - 1)
    return sums._replace(spread=spread, telling=max(1.0, telling), stratified=True)


def _squares(errors: Sequence[float]) -> list[float]:
    """Return the parts of n s² of the errors of one stratum: what it adds to the variance of their sum."""
    mean, counts = math.fsum(errors) / len(errors), len(errors) / max(1, len(errors) - 1)
    return [counts * (error - mean) ** 2 for error in errors]


def _rate_intervals(sums: _Sums, confidence: float) -> Intervals:
    draws = _suite_draws(sums, confidence)
    if sums.stratified:
        # Draws of a case vary no more than cases and draws of its stratum do together.
        draws = max(draws, _case_draws(sums, math.inf))
    suite = clopper_pearson(sums.rate, draws, confidence)
    farthest = sums.rate, 1 - sums.rate
    return suite, _of_queries(sums, draws, confidence, farthest) if sums.cases > 1 else None


def _of_queries(sums: _Sums, suite_draws: float, confidence: float, farthest: Interval) -> Interval:
    """Return the interval where the cases vary, too, and kinds of them may be unseen, as far as this below and above.

    No end lies beyond that of as many draws as there are cases, for nothing varies more.
    """
    rate, (low, high) = sums.rate, _of_seen(sums, suite_draws, confidence)
    lowest, highest = clopper_pearson(rate, min(sums.worth, suite_draws), confidence)
    return (
        max(min(low, lowest), rate - reach(rate - low, farthest[0], sums.worth, confidence)),
        min(max(high, highest), rate + reach(high - rate, farthest[1], sums.worth, confidence)),
    )


def _of_seen(sums: _Sums, suite_draws: float, confidence: float) -> Interval:
    """Return the interval where the cases vary as those do that are seen."""
    return clopper_pearson(sums.rate, _case_draws(sums, suite_draws), confidence)


def _suite_draws(sums: _Sums, confidence: float) -> float:
    """Return how many independent draws the rate is worth when the cases are fixed: never fewer than there are.

    Among suites of one mean rate, the one whose cases all share it varies most (Hoeffding 1956).
    """
    draws = sums.weight**2 / sums.alike
    if not sums.of_one or sums.cases < 2:  # noqa: PLR2004
        return draws
    effect = _effect(sums.noise / (sums.of_one * sums.alike), min(sums.misses, sums.hits))
    return draws * max(1.0, _student(sums.cases - 1, confidence) / effect)


def _case_draws(sums: _Sums, suite_draws: float) -> float:
    """Return how many independent draws the rate is worth when the cases vary, too: never fewer than there are cases.

    Nothing between 0 and 1 varies more than draws that are either (Hoeffding 1963), so that bound needs no estimate.
    """
    if not sums.of_one:
        return min(sums.worth, suite_draws)
    seen = sums.spread * sums.cases / (sums.cases - 1) / (sums.of_one * sums.squares)
    return min(sums.worth / _effect(seen, sums.telling), suite_draws)


@lru_cache(maxsize=256)
def _student(freedom: int, confidence: float) -> float:
    """Return what turns the normal tail of an exact interval into Student's (Korn & Graubard 1998)."""
    tail = 0.5 + confidence / 2
    return (normal_quantile(tail) / student_t(tail, freedom)) ** 2


def _paired_sides(
    parts: Sequence[tuple[Measure, Measure]], confidence: float, margins: Sequence[Measure]
) -> list[Sides]:
    """Return both sides with the cases fixed; with cases that vary like those seen; and with kinds that were not seen.

    Of the latter only those count that a student never gets right: where two chains are equal or not, it agrees with no
    teacher by more than 1/4 more often than that with itself.
    """
    above, below = [a for a, _ in parts], [b for _, b in parts]
    a, b = _sums(above, _share(above)), _sums(below, _share(below))
    draws_a, draws_b = _suite_draws(a, confidence), _suite_draws(b, confidence)
    suite_a, suite_b = (clopper_pearson(s.rate, n, confidence) for s, n in ((a, draws_a), (b, draws_b)))
    telling = min(a.misses, b.misses)
    # What both share is drawn towards nothing, as design effects are to 1; gates err too often where that fades.
    sure = telling / (telling + _DOUBT)
    shared = min(_shared(parts, margins), math.sqrt(a.noise * b.noise))
    suite = Sides(a.rate, suite_a, b.rate, suite_b, a.noise, b.noise, sure * shared)
    if a.cases < 2:  # noqa: PLR2004
        return [suite]
    errors = [
        (times, x.total - a.rate * x.weight, y.total - b.rate * y.weight) for (x, y), times in Counter(parts).items()
    ]
    together = math.fsum(times * x * y for times, x, y in errors)
    seen_a, seen_b = (_of_seen(s, n, confidence) for s, n in ((a, draws_a), (b, draws_b)))
    seen = Sides(a.rate, seen_a, b.rate, seen_b, a.spread, b.spread, sure * together)
    # Of what cases share, those tell, too, on which the spread of the difference rests.
    doubt = _doubt(telling + _kish([(times, (x - y) ** 2) for times, x, y in errors]))
    unseen = partial(reach, distance=a.rate, cases=a.worth, confidence=confidence)
    return [suite, seen, seen._replace(shared=(1 - doubt) * together, unseen=unseen)]


def _shared(parts: Sequence[tuple[Measure, Measure]], margins: Sequence[Measure]) -> float:
    """Return the noise that is common to both parts, as far as it can be seen."""
    if not margins:
        return 0.0
    common = [
        times * (a.variance + b.variance - margin.variance)
        for ((a, b), margin), times in Counter(zip(parts, margins, strict=True)).items()
        if margin.draws >= _TELLING_DRAWS
    ]
    return math.fsum(common) / 2


def _both(found: Sequence[Interval]) -> Intervals:
    """Return both intervals, the first within the second, from that of fixed cases and those of cases that vary.

    Cases that vary only add to the noise: so what holds for queries like those seen holds for this suite, too. That is
    narrower where the teacher's draws are too few to see what both parts share within a case.
    """
    suite, *varied = found
    if not varied:
        return suite, None
    inner = min(suite, varied[0], key=lambda ends: ends[1] - ends[0])
    return inner, (min(inner[0], varied[1][0]), max(inner[1], varied[1][1]))


def _between(ordered: Sequence[tuple[float, float]], shares: Interval) -> Interval:
    reached = list(accumulate(weight for _, weight in ordered))
    low = bisect_right(reached, shares[0] * reached[-1]) - 1
    high = bisect_left(reached, shares[1] * reached[-1]) + 1
    return (ordered[low][0] if low >= 0 else 0.0, ordered[high][0] if high < len(ordered) else math.inf)


def _share(measures: Sequence[Measure]) -> float:
    return min(1.0, ratio(measures))


def _effect(seen: float, telling: float) -> float:
    """Return a design effect drawn towards 1 by half a case beside those that tell of it, and never above 1."""
    return min(1.0, seen + _doubt(telling) * (1 - seen))


def _doubt(telling: float) -> float:
    """Return the share of a design effect that is not believed; it fades faster where more than a few cases tell."""
    return _DOUBT / (telling + _DOUBT) * _FEW / max(telling, _FEW)


def _kish(weights: Sequence[tuple[int, float]]) -> float:
    """Return how many weights of one size these are worth: (Σ w)² ÷ Σ w²."""
    squares = math.fsum([times * weight * weight for times, weight in weights])
    return math.fsum([times * weight for times, weight in weights]) ** 2 / squares if squares else 0.0
