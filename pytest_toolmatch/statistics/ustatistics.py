"""What one case contributes to agreement and consistency, with variances from the draws of both models.

Both are U-statistics over the same teacher draws, so their noises are correlated and the margin between them is known
better than either. The variance of a U-statistic is E[U²] − θ², and θ² is estimated by the mean product of two pairs
without a common draw (Wang & Lindsay 2014, Statistica Sinica 24:1117): unbiased, if sometimes negative for one case; it
is summed over the cases before anything is read from it. Where that is too rough (few teacher draws, margins) the
jackknife, which takes every draw out in turn, counts as well or alone; it is never too small on average (Efron & Stein
1981).
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pytest_toolmatch.statistics.measures import Measure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Matrix: TypeAlias = Mapping[int, Mapping[int, bool]]
    """Whether a draw of one class matches one of another."""

_ROUGH = 4
"""Teacher draws up to which the unbiased variance of a consistency is too rough to have a say."""

_LITTLE = 0.15

_SAY = 0.1
"""What the jackknife counts beside the unbiased variance of an agreement."""


class Paired(NamedTuple):
    """Agreement, consistency, and ``margin``, the first less the second; the last two need two teacher draws."""

    agreement: Measure
    consistency: Measure | None
    margin: Measure | None


class _Matched(NamedTuple):
    """How many draws each draw matches: a student's of the teacher's, a teacher's of the student's and of its own."""

    ours: list[int]
    theirs: list[int]
    own: list[int]


def mean_of_draws(scores: Sequence[float]) -> Measure:
    """Return the measure of a mean of independent scores, with its unbiased variance (0 for a single score)."""
    count = len(scores)
    mean = math.fsum(scores) / count
    return Measure(mean, 1.0, _squares(scores, mean) / (count * (count - 1)) if count > 1 else 0.0, count)


def paired(student: Sequence[int], teacher: Sequence[int], matrix: Matrix) -> Paired:
    """Return the measures of one case from the classes of both models' draws and ``matrix[student][teacher]``.

    ``draws`` is 1 where the draws are too few for a variance: one of the student, two of the teacher.
    """
    matched = _matched(student, teacher, matrix)
    count, theirs = len(student), len(teacher)
    value = sum(matched.ours) / (count * theirs)
    agreement = Measure(value, 1.0, _noise_of_agreement(matched), min(count, theirs))
    if theirs < 2:  # noqa: PLR2004 - one draw has no pair
        return Paired(agreement, None, None)
    consistency = _of_pairs(matched.own)
    own = consistency.total
    noise = _noise_of_margin(matched, value, own) if theirs > 2 else 0.0  # noqa: PLR2004
    return Paired(agreement, consistency, Measure(value - own, 1.0, noise, min(count, consistency.draws)))


def by_itself(teacher: Sequence[int], matrix: Matrix) -> Paired | None:
    """Return the measures of a teacher in the student's place: each draw against the others; None below two draws.

    Its agreement takes each pair in both directions, as a student's would, and its consistency in either: in a mode
    with a direction the first is the smaller.
    """
    count = len(teacher)
    if count < 2:  # noqa: PLR2004 - one draw has no pair
        return None
    counts = Counter(teacher)
    one_way = {t: sum((n - (t == o)) * (matrix[t][o] + matrix[o][t]) / 2 for o, n in counts.items()) for t in counts}
    either = _either_way(counts, matrix)
    consistency = _of_pairs([either[t] for t in teacher])
    if one_way == either:
        return Paired(consistency, consistency, Measure(0.0, 1.0, 0.0, consistency.draws))
    agreement = _of_pairs([one_way[t] for t in teacher], whole=False)
    return Paired(agreement, consistency, _of_pairs([one_way[t] - either[t] for t in teacher], whole=False))


def _matched(student: Sequence[int], teacher: Sequence[int], matrix: Matrix) -> _Matched:
    students, teachers = Counter(student), Counter(teacher)
    ours = {s: sum(n for t, n in teachers.items() if matrix[s][t]) for s in students}
    theirs = {t: sum(n for s, n in students.items() if matrix[s][t]) for t in teachers}
    own = _either_way(teachers, matrix)
    return _Matched([ours[s] for s in student], [theirs[t] for t in teacher], [own[t] for t in teacher])


def _either_way(teachers: Counter[int], matrix: Matrix) -> dict[int, int]:
    """Return for every class how many of the other draws are matched in either direction."""
    return {
        t: sum(n - (t == other) for other, n in teachers.items() if matrix[t][other] or matrix[other][t])
        for t in teachers
    }


def _of_pairs(own: Sequence[float], *, whole: bool = True) -> Measure:
    """Return the measure of a mean over all pairs, from each draw's sum over the others.

    That of K draws varies no more than the mean of K/2 pairs without a common draw (Hoeffding 1948, Theorem 5.2).
    """
    value, pairs = math.fsum(own) / math.perm(len(own), 2), len(own) / 2
    noise = _noise_of_consistency(own, value) if whole else _noise_of_pairs(own, value)
    return Measure(value, 1.0, noise, pairs)


def _noise_of_agreement(matched: _Matched) -> float:
    count, theirs, both = len(matched.ours), len(matched.theirs), sum(matched.ours)
    if min(count, theirs) < 2:  # noqa: PLR2004
        return 0.0
    value = both / (count * theirs)
    apart = both * both - sum(n * n for n in matched.ours) - sum(n * n for n in matched.theirs) + both
    unbiased = value**2 - apart / (math.perm(count, 2) * math.perm(theirs, 2))
    cautious = _jackknife([(value - n / theirs) / (count - 1) for n in matched.ours])
    cautious += _jackknife([(value - n / count) / (theirs - 1) for n in matched.theirs])
    return unbiased + _SAY * (cautious - unbiased)


def _noise_of_consistency(own: Sequence[float], value: float) -> float:
    """Return the unbiased variance beside the jackknife's, which counts the less the more draws there are.

    The first alone is at times far too small where there are few: then too few intervals hold their truth.
    """
    count, both, cautious = len(own), math.fsum(own), _noise_of_pairs(own, value)
    if count <= _ROUGH:
        return cautious
    apart = both * both - 4 * math.fsum(n * n for n in own) + 2 * both
    unbiased = value * value - apart / math.perm(count, 4)
    return unbiased + (cautious - unbiased) / (count + 1 - _ROUGH)


def _noise_of_pairs(own: Sequence[float], value: float) -> float:
    count = len(own)
    if count < 3:  # noqa: PLR2004 - taking one out leaves no pair
        return 0.0
    return _jackknife([2 * (value - n / (count - 1)) / (count - 2) for n in own])


def _noise_of_margin(matched: _Matched, value: float, own: float) -> float:
    """Return the jackknife variance of agreement less consistency.

    The student's share is at least that of its draws with a little of one that matches nothing, and of one that matches
    all: a few draws that agree are no certainty.
    """
    ours, theirs = len(matched.ours), len(matched.theirs)
    without = [
        (value - both / ours) / (theirs - 1) - 2 * (own - pairs / (theirs - 1)) / (theirs - 2)
        for both, pairs in zip(matched.theirs, matched.own, strict=True)
    ]
    return _doubted([n / theirs for n in matched.ours]) + _jackknife(without)


def _doubted(scores: Sequence[float]) -> float:
    count = len(scores)
    mean = (math.fsum(scores) + _LITTLE) / (count + 2 * _LITTLE)
    spread = (math.fsum(score * score for score in scores) + _LITTLE) / (count + 2 * _LITTLE) - mean * mean
    return max(spread / count, mean_of_draws(scores).variance)


def _jackknife(changes: Sequence[float]) -> float:
    return math.fsum(change * change for change in changes) * (len(changes) - 1) / len(changes)


def _squares(values: Sequence[float], centre: float) -> float:
    return math.fsum((value - centre) ** 2 for value in values)
