"""The evaluation pool: a stratified random sample, with weights, that says what the whole would say.

Cases are put in the order of what is known to tell how hard they are, and cut into blocks of about one size, from each
of which chance takes two or three: deep stratification (Cochran 1977, *Sampling Techniques*, §5A.8). The weight of a
case is the number of cases of the whole that it stands for, over the mean of those numbers.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.curation.splits import rank

if TYPE_CHECKING:
    from collections.abc import Sequence

_DIGITS = 6
_WHOLE = 10
"""Cases for each one of the pool from which on strata tell of queries like these, and not of the whole alone."""


class Drawn(NamedTuple):
    """One case of the pool: its place, its block, its weight, and the share of its block that was drawn."""

    place: int
    block: int
    weight: float
    share: float


def orders(
    expected: Sequence[float], likes: Sequence[str], families: Sequence[str], seed: int
) -> list[tuple[float, str, float]]:
    """Return what each case is put in order by: how often a match is ``expected``, then its likes and its family.

    A family lies on one side of the split; where its cases are neighbours, it stands for no more than itself.
    """
    return [
        (value, like, rank(f"{family}/order", seed))
        for value, like, family in zip(expected, likes, families, strict=True)
    ]


def drawn(
    names: Sequence[str], order: Sequence[tuple[float, str, float]], open_to: Sequence[bool], size: int, seed: int
) -> list[Drawn]:
    """Draw ``size`` of the cases that are ``open_to`` it, or all of those where they are fewer, in their order.

    ``names`` are what chance goes by, so that the order in which cases are given has no say. Weights have mean 1.
    """
    places = sorted(range(len(names)), key=lambda place: (order[place], rank(names[place], seed), names[place]))
    open_before = [0, *accumulate(int(open_to[place]) for place in places)]
    size = min(size, open_before[-1])
    if not size:
        return []
    blocks = max(1, size // 2)
    wanted = [size // blocks + (number >= blocks - size % blocks) for number in range(blocks)]
    found = []
    for number, (first, last) in enumerate(pairwise(_cuts(open_before, wanted))):
        free = [place for place in places[first:last] if open_to[place]]
        free.sort(key=lambda place: rank(f"{names[place]}/drawn", seed))
        weight = (last - first) / wanted[number]
        found += [Drawn(place, number, weight, 1 / weight) for place in free[: wanted[number]]]
    mean = sum(one.weight for one in found) / len(found)
    return [one._replace(weight=round(one.weight / mean, _DIGITS)) for one in found]


def strata(pool: Sequence[Drawn], whole: int) -> list[str]:
    """Return the names of the strata that the pool's cases were drawn from, or nothing where the whole is small.

    Intervals that know strata are of the whole, which is itself a sample of queries. What that adds, the variance
    between strata over the number of all cases, is left out of them: so it has to be little.
    """
    digits = len(str(len(pool)))
    return [f"{one.block + 1:0{digits}}" if whole >= _WHOLE * len(pool) else "" for one in pool]


def _cuts(open_before: Sequence[int], wanted: Sequence[int]) -> list[int]:
    """Return where blocks begin and the last one ends, each as large as what is wanted of it is of all, or nearly.

    ``open_before`` counts the open cases before each place: every block needs as many as are wanted of it.
    """
    cuts, left, size = [0], sum(wanted), sum(wanted)
    for count in wanted[:-1]:
        left -= count
        least = bisect_left(open_before, open_before[cuts[-1]] + count)
        most = bisect_right(open_before, open_before[-1] - left) - 1
        cuts.append(min(max(round((len(open_before) - 1) * (size - left) / size), least), most))
    return [*cuts, len(open_before) - 1]
