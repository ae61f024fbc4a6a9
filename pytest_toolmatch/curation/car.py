"""CaR, clustering and ranking (Ge et al. 2024, arXiv:2402.18191): the best of all, and the best of each cluster.

The paper takes the best of all first, then the best of each of k = ⌊√(n/2)⌋ clusters, so that no kind is lost. Here
clusters lie within strata, and what the choice must have one of comes before everything else.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from pytest_toolmatch.curation.clusters import clustered
from pytest_toolmatch.curation.strata import TOOL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_toolmatch.curation.clusters import Integers
    from pytest_toolmatch.curation.embedding import Floats

Each: TypeAlias = "Callable[[Callable[[Integers], Integers], Iterable[Integers]], Iterable[Integers]]"

BEST = 0.5
"""The share of what is left that is the best of all, wherever it lies; the rest is for the clusters."""


class Candidate(NamedTuple):
    """One case that may be chosen: its quality, its stratum, and the kinds that it is of."""

    quality: float
    stratum: str
    kinds: Sequence[str]


class Choice(NamedTuple):
    """``why`` has a reason for each chosen place, in the order in which they were chosen; ``clusters`` all of them."""

    why: dict[int, str]
    clusters: list[str]
    lacking: list[str]


def nested(rows: Floats, kept: Sequence[int], strata: Sequence[str], each: Each = map) -> list[str]:
    """Return the name of the cluster of each row that is kept: ``3.2`` is the second of the third stratum.

    A stratum of n has ⌊√(n/2)⌋ clusters. ``each`` applies a function to every stratum's places, in order.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for place, stratum in enumerate(strata):
        places[stratum].append(place)
    members = [np.array(places[stratum]) for stratum in sorted(places)]
    every = np.array(kept, np.int64)
    made = iter(each(partial(_own, rows), [every[mine] for mine in members if _count(mine) > 1]))
    found = [""] * len(strata)
    for number, mine in enumerate(members, 1):
        own = next(made) if _count(mine) > 1 else np.zeros(len(mine), np.int64)
        names = [f"{number}.{cluster + 1}" for cluster in range(_count(mine) or 1)]
        for place, cluster in zip(mine.tolist(), own.tolist(), strict=True):
            found[place] = names[cluster]
    return found


def _count(members: Integers) -> int:
    return math.floor((len(members) / 2) ** 0.5)


def _own(rows: Floats, members: Integers) -> Integers:
    return clustered(rows[members], _count(members)).own


def choose(candidates: Sequence[Candidate], clusters: Sequence[str], size: int) -> Choice:
    """Choose ``size`` cases: one of each kind, the best of all, then the best of each cluster, stratum by stratum.

    Of equal quality the earlier counts as better. ``lacking`` are kinds for which there was no room.
    """
    order = sorted(range(len(candidates)), key=lambda place: (-candidates[place].quality, place))
    why, lacking = _covering(candidates, order, size)
    best = len(why) + math.ceil((size - len(why)) * BEST)
    for rank, place in enumerate(order, 1):
        if len(why) >= best:
            break
        why.setdefault(place, f"number {rank} of all by quality")
    for place, name in _rounds(candidates, clusters, order):
        if len(why) >= size:
            break
        why.setdefault(place, name)
    return Choice(why, list(clusters), lacking)


def _covering(candidates: Sequence[Candidate], order: Sequence[int], size: int) -> tuple[dict[int, str], list[str]]:
    """Return the best of each kind, and the kinds without room; the rarest come first, and bring common ones along.

    Where there are more kinds than room, half of it is for them: what is no tool, then the tools that are called most.
    """
    having = Counter(kind for one in candidates for kind in set(one.kinds))
    room = size if len(having) <= size else size // 2
    turn = 1 if len(having) <= size else -1
    best: dict[str, int] = {}
    for place in order:
        for kind in candidates[place].kinds:
            best.setdefault(kind, place)
    why: dict[int, str] = {}
    covered = set[str]()
    lacking = []
    for kind in sorted(having, key=lambda kind: (kind.startswith(TOOL), turn * having[kind], kind)):
        if kind in covered:
            continue
        if len(why) >= room:
            lacking.append(kind)
            continue
        why[best[kind]] = f"the best with {kind}"
        covered.update(candidates[best[kind]].kinds)
    return why, [kind for kind in lacking if kind not in covered]


def _rounds(
    candidates: Sequence[Candidate], clusters: Sequence[str], order: Sequence[int]
) -> Iterator[tuple[int, str]]:
    """Yield case after case: of every stratum the best of its largest cluster, then of the next one, and so on."""
    members: dict[str, list[int]] = defaultdict(list)
    for place in order:
        members[clusters[place]].append(place)
    strata: dict[str, list[tuple[int, int, str, int]]] = defaultdict(list)
    for name, places in members.items():
        for rank, place in enumerate(places, 1):
            strata[candidates[place].stratum].append((rank, -len(places), name, place))
    turns = sorted(strata, key=lambda stratum: (-len(strata[stratum]), stratum))
    for row in zip_longest(*(sorted(strata[stratum]) for stratum in turns)):
        for rank, size, name, place in filter(None, row):
            yield place, f"number {rank} of the {-size} of cluster {name}"
