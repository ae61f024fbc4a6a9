"""The evaluation pool: a random sample, with weights, that says what the whole would say.

It is drawn from all cases, and what is akin to a drawn case is held out afterwards: so no case is passed over for the
company that it keeps. Chance is helped along by what recordings tell (Särndal, Swensson & Wretman 1992, *Model Assisted
Survey Sampling*): the more doubt there is whether a student matches, the more likely a case is drawn, and of all such
samples one is taken on which the recorded students do as they do on the whole. A case's weight is the number of cases
that it stands for, over the mean of those numbers.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from pytest_toolmatch.curation.balanced import balanced
from pytest_toolmatch.curation.splits import rank

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

Numbers: TypeAlias = "NDArray[np.float64]"

_DIGITS = 6
_WHOLE = 10
"""Cases for each one of the pool from which on strata tell of queries like these, and not of the whole alone."""
_FLOOR = 0.1
"""What is added to the variance that is expected of a case: nothing is so sure that it is hardly ever drawn."""
_COLUMN = 6
"""Cases of a pool for each recorded student that it is balanced on: what few cases balance is soon nothing."""
LARGE = 0.1
"""The share of the cases from which on a family takes turns: each of the pools has need of it."""
_MOST = 2 / 3
"""The share of the cases that may be held out on average; with more, all families that would be drawn take turns."""
_HALF, _ROUNDING = 0.5, 1e-9


class Drawn(NamedTuple):
    """One case of the pool: its place, its block, its weight, and the probability with which it was drawn."""

    place: int
    block: int
    weight: float
    share: float


def told(expected: Sequence[float], matches: Sequence[Mapping[str, float]], size: int) -> Numbers:
    """Return what a pool is balanced on, one row a case: how often a match is expected, then what students did.

    A student that is not recorded on a case does there what is expected; those with the most records come first.
    """
    often = Counter(name for one in matches for name in one)
    students = sorted(often, key=lambda name: (-often[name], name))[: size // _COLUMN]
    rows = [[value, *(one.get(name, value) for name in students)] for value, one in zip(expected, matches, strict=True)]
    return np.array(rows, np.float64).reshape(len(rows), len(students) + 1)


def drawn(names: Sequence[str], columns: Numbers, families: Sequence[str], size: int, seed: int) -> list[Drawn]:
    """Draw ``size`` cases, or half of all where they are fewer than twice as many, in the order of what is expected.

    ``names`` are what chance goes by, so that the order in which cases are given has no say. Weights have mean 1.
    """
    size = min(size, len(names) // 2)
    if not size:
        return []
    chance = np.random.default_rng(seed)
    order = sorted(range(len(names)), key=lambda place: (columns[place, 0], rank(names[place], seed), names[place]))
    rows = columns[order]
    doubt = np.sqrt(rows[:, 0] * (1 - rows[:, 0]) + _FLOOR)
    turn, open_to = _turns(doubt, [families[place] for place in order], size, chance)
    share = _shares(np.where(open_to, doubt / turn, 0.0), size)
    taken = sorted(balanced(np.column_stack([share, rows]), share, chance))
    if not taken:
        return []
    stands = 1 / (turn * share)[taken]
    weights, blocks = stands / stands.mean(), max(1, len(taken) // 2)
    return [
        Drawn(order[at], min(number // 2, blocks - 1), round(float(weight), _DIGITS), float(share[at]))
        for number, (at, weight) in enumerate(zip(taken, weights, strict=True))
    ]


def strata(pool: Sequence[Drawn], whole: int) -> list[str]:
    """Return the names of the strata that the pool's cases stand for, or nothing where the whole is small.

    Intervals that know strata are of the whole, which is itself a sample of queries. What that adds, the variance
    between strata over the number of all cases, is left out of them: so it has to be little.
    """
    digits = len(str(len(pool)))
    return [f"{one.block + 1:0{digits}}" if whole >= _WHOLE * len(pool) else "" for one in pool]


def _shares(doubt: Numbers, size: int) -> Numbers:
    """Return probabilities that add up to ``size``, in proportion to the doubt (Neyman 1934), none above 1."""
    share = np.minimum(size * doubt / max(float(doubt.sum()), _FLOOR), 1.0)
    reached = min(size, int(np.count_nonzero(doubt))) - _ROUNDING
    while float(share.sum()) < reached:
        left = (share > 0) & (share < 1)
        share[left] *= (size - np.count_nonzero(share == 1)) / share[left].sum()
        share = np.minimum(share, 1.0)
    return share


def _turns(
    doubt: Numbers, families: Sequence[str], size: int, chance: np.random.Generator
) -> tuple[Numbers, NDArray[np.bool_]]:
    """Return how likely each case may be drawn at all, and whether it may.

    Most may. Families take turns that are large, and so do, where too little would be left that is akin to no drawn
    case, all those that would sooner be drawn than not: a half of them may, with about half of their cases and doubt.
    """
    numbers: dict[str, int] = {}
    own = np.array([numbers.setdefault(name, len(numbers)) for name in families])
    missed = np.bincount(own, np.log1p(-np.minimum(_shares(doubt, size), 1 - _ROUNDING)))
    cases = np.bincount(own)
    likely = 1 - np.exp(missed)
    large = likely > _HALF
    if cases @ likely <= _MOST * len(doubt):
        large &= cases > LARGE * len(doubt)
    totals = np.column_stack([large * _HALF, cases, np.bincount(own, doubt)])
    turn = np.where(large, _HALF, 0.0)
    open_to = ~large
    open_to[balanced(totals, turn, chance)] = True
    return np.where(large, _HALF, 1.0)[own], open_to[own]
