"""The evaluation pool: a stratified random sample, with weights, that says what the whole would say.

Cases are put in the order of what is known to tell how hard they are, and cut into blocks, from each of which chance
takes two or three: deep stratification (Cochran 1977, *Sampling Techniques*, §5A.8). The weight of a case is the number
of cases of the whole that it stands for, over the mean of those numbers.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.curation.splits import rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.curation.quality import Known

_DIGITS = 6


class Drawn(NamedTuple):
    """One case of the pool: its place, its block, its weight, and the share of its block that was drawn."""

    place: int
    block: int
    weight: float
    share: float


def hardness(known: Sequence[Known], likes: Sequence[str]) -> list[tuple[float, float, str]]:
    """Return what each case is put in order by: how hard it is, as far as anyone knows, then how hard its like are.

    That is how often the students that are recorded fail, else how often the teacher disagrees with itself. ``likes``
    names those that a case is like: of one suite, and with as many calls.
    """
    own = [_hard(one) for one in known]
    of: dict[str, list[float]] = {}
    for value, like in zip(own, likes, strict=True):
        of.setdefault(like, []).append(value)
    mean = {like: math.fsum(values) / len(values) for like, values in of.items()}
    return [(value, mean[like], like) for value, like in zip(own, likes, strict=True)]


def _hard(one: Known) -> float:
    if one.failure is not None:
        return one.failure
    return 0.5 if one.consistency is None else 1 - one.consistency


def drawn(
    names: Sequence[str], order: Sequence[tuple[float, float, str]], open_to: Sequence[bool], size: int, seed: int
) -> list[Drawn]:
    """Draw ``size`` of the cases that are ``open_to`` it, or all of those where they are fewer, in their order.

    ``names`` are what chance goes by, so that the order in which cases are given has no say. Weights have mean 1.
    """
    places = sorted(range(len(names)), key=lambda place: (order[place], rank(names[place], seed), names[place]))
    free = [at for at, place in enumerate(places) if open_to[place]]
    size = min(size, len(free))
    if not size:
        return []
    blocks = max(1, size // 2)
    cuts = [len(free) * number // blocks for number in range(blocks + 1)]
    found = []
    for number, (first, last) in enumerate(pairwise(cuts)):
        wanted = size // blocks + (number >= blocks - size % blocks)
        low = 0 if number == 0 else (free[first - 1] + free[first] + 1) // 2
        high = len(places) if number == blocks - 1 else (free[last - 1] + free[last] + 1) // 2
        mine = sorted((places[at] for at in free[first:last]), key=lambda place: rank(f"{names[place]}/drawn", seed))
        weight = (high - low) / min(wanted, len(mine))
        found += [Drawn(place, number, weight, 1 / weight) for place in mine[:wanted]]
    mean = sum(one.weight for one in found) / len(found)
    return [one._replace(weight=round(one.weight / mean, _DIGITS)) for one in found]
