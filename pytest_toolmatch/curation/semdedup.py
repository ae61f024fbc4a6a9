"""SemDeDup (Abbas et al. 2023, arXiv:2303.09540): of cases that mean the same, the least typical one stays.

Rows are looked at from the farthest from their cluster's centre to the nearest; one that is within ε (1 - cosine) of
one that was kept is dropped, and that one stands for it. The paper compares with all earlier rows, so that a dropped
row may suppress another: then nothing that is kept might stand for it. It also compares within clusters only; here a
cluster's rows are compared with those that are almost in it, too, since near-duplicates lie on both sides of a border.
Up to ``EXACT`` rows all are compared with all, but for those that are known to be apart.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from pytest_toolmatch.curation.bound import Alike
from pytest_toolmatch.curation.clusters import Clusters, clustered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pytest_toolmatch.curation.bound import Pairs
    from pytest_toolmatch.curation.embedding import Floats

Integers: TypeAlias = "NDArray[np.int64]"

EXACT = 200_000
"""Rows of one stratum, and one group, up to which all are compared with all."""
CURVE = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.35)
"""The values of ε that the removal curve shows."""
_NEAR = 24
"""Clusters that a row is compared in: its own, and the next ones."""
_BLOCK = 256


class Order(NamedTuple):
    """Rows from the least typical to the most: ``places``; ``clusters`` is None where all are compared with all."""

    places: Integers
    clusters: Clusters | None


def ordered(rows: Floats, exact: int = EXACT) -> Order:
    """Return the order in which rows are looked at, and their clusters where there are too many for one."""
    if len(rows) <= exact:
        centre = rows.sum(0)
        length = float(np.linalg.norm(centre))
        typical = rows @ (centre / length) if length else np.zeros(len(rows), np.float32)
        return Order(_descending(typical), None)
    found = clustered(rows, math.ceil(len(rows) ** 0.5), near=_NEAR)
    typical = np.einsum("ij,ij->i", rows, found.centres[found.own])
    return Order(_descending(typical), found)


def _descending(typical: Floats) -> Integers:
    """Return places by distance, farthest first; what differs by rounding only stays in its order."""
    return np.argsort(np.round(typical, 5), kind="stable")


def deduplicated(rows: Floats, epsilon: float, order: Order | None = None, groups: Integers | None = None) -> Integers:
    """Return for each row the place of the one that stands for it: its own where it is kept.

    A dropped row is within ``epsilon`` of the kept one that stands for it. Rows of different ``groups`` are known to be
    apart.
    """
    return at_each(rows, (epsilon,), order, groups)[0]


def at_each(
    rows: Floats, epsilons: Sequence[float], order: Order | None = None, groups: Integers | None = None
) -> list[Integers]:
    """Return who stands for each row at every ε: rows are compared once for all of them."""
    return among(rows, np.arange(len(rows)), epsilons, order, groups)


def among(
    rows: Floats,
    members: Integers,
    epsilons: Sequence[float],
    order: Order | None = None,
    groups: Integers | None = None,
) -> list[Integers]:
    """Return who stands for each of some rows at every ε, by their number among them; few are copied at a time.

    ``groups`` are those of the members.
    """
    places, clusters = order or ordered(rows[members])
    leasts = [np.float32(1 - epsilon) for epsilon in epsilons]
    if clusters is not None:
        return _by_clusters(rows[members], leasts, places, clusters)
    if groups is None:
        groups = np.zeros(len(members), np.int64)
    stands = [np.arange(len(members)) for _ in leasts]
    for part in _parts(groups, places):
        mine = members[part]
        found = _few(rows[mine], leasts, groups[part]) if len(part) <= _BLOCK else _stands(rows, leasts, mine)
        for one, each in zip(stands, found, strict=True):
            one[part] = part[each]
    return stands


def _parts(groups: Integers, places: Integers) -> Iterator[Integers]:
    """Yield the places of one group after the other, as many small ones together as are few; none that is alone."""
    _, own, counts = np.unique(groups, return_inverse=True, return_counts=True)
    places = places[counts[own[places]] > 1]
    together, count = list[Integers](), 0
    for part in sorted(_grouped(groups[places], places)[1], key=len):
        if together and count + len(part) > _BLOCK:
            yield np.concatenate(together)
            together, count = [], 0
        together.append(part)
        count += len(part)
    if together:
        yield np.concatenate(together)


def _few(rows: Floats, leasts: Sequence[np.float32], groups: Integers) -> list[Integers]:
    """Compare a few rows with each other at once; those of different groups are apart."""
    alike = rows @ rows.T
    alike[groups[:, None] != groups] = -1
    stands = [np.arange(len(rows)) for _ in leasts]
    for one, least in zip(stands, leasts, strict=True):
        _first(one, alike, 0, least)
    return stands


def _by_clusters(rows: Floats, leasts: Sequence[np.float32], places: Integers, clusters: Clusters) -> list[Integers]:
    stands = [np.arange(len(rows)) for _ in leasts]
    for members in _grouped(clusters.own[places], places)[1]:
        for one, found in zip(stands, _stands(rows, leasts, members), strict=True):
            one[members] = members[found]
    kept = np.stack(stands) == np.arange(len(rows))
    pairs = _pairs(rows, places, kept, clusters, leasts)
    return [_across(rows, *each, Order(places, clusters)) for each in zip(stands, pairs, leasts, strict=True)]


def _stands(rows: Floats, leasts: Sequence[np.float32], order: Integers) -> list[Integers]:
    """Compare every row with all before it that are kept at any ε, a block at a time; only these stand for others."""
    stands = [np.arange(len(order)) for _ in leasts]
    alike = Alike(rows, float(min(leasts)), order)
    for start in range(0, len(order), _BLOCK):
        end = min(start + _BLOCK, len(order))
        block, own = np.arange(start, end), _square(alike.within(start, end), start, end - start)
        mine, its, values = alike.pairs(start, end)
        for one, least in zip(stands, leasts, strict=True):
            near = values > least
            near[near] = one[its[near]] == its[near]
            _best(one, mine[near], its[near], values[near])
            _first(one[start:end], own, start, least)
        alike.add(block[np.logical_or.reduce([one[start:end] == block for one in stands])])
    return stands


def _square(pairs: Pairs, start: int, size: int) -> Floats:
    """Return how alike the rows of a block are; 0 where that does not count."""
    made = np.zeros((size, size), np.float32)
    made[pairs.ones - start, pairs.others - start] = pairs.likeness
    return made


def _best(stands: Integers, mine: Integers, its: Integers, values: Floats) -> None:
    """Let the most alike stand for each row, of pairs by row; the first of equals."""
    if not len(mine):
        return
    names, starts, counts = np.unique(mine, return_index=True, return_counts=True)
    best = np.flatnonzero(values == np.repeat(np.maximum.reduceat(values, starts), counts))
    _, first = np.unique(mine[best], return_index=True)
    stands[names] = its[best[first]]


def _first(stands: Integers, alike: Floats, start: int, least: np.float32) -> None:
    """Let the first of a block's rows that nobody stands for yet stand for those after it, and so on."""
    open_ = stands == np.arange(start, start + len(stands))
    near = np.triu(alike, 1) > least
    for place in np.flatnonzero(near.any(1)):
        if open_[place]:
            later = np.flatnonzero(near[place] & open_)
            open_[later] = False
            stands[later] = start + place


def _across(
    rows: Floats, stands: Integers, pairs: Sequence[tuple[int, int]], least: np.float32, order: Order
) -> Integers:
    """Let rows that are kept stand for those of the clusters next to theirs; then see to whom these stood for."""
    kept = stands == np.arange(len(rows))
    for one, other in pairs:
        if kept[one] and kept[other]:
            kept[other], stands[other] = False, one
    places, clusters = order
    assert clusters is not None
    known = _Kept(rows, clusters, places[kept[places]])
    for orphan in places[~kept[stands[places]]]:
        found = known.nearest(orphan, least)
        stands[orphan] = orphan if found is None else found
        if found is None:
            known.add(orphan)
    return stands


class _Kept:
    """The rows that are kept, by cluster."""

    def __init__(self, rows: Floats, clusters: Clusters, kept: Integers) -> None:
        self._rows, self._clusters = rows, clusters
        self._members = dict(zip(*_grouped(clusters.own[kept], kept), strict=True))

    def nearest(self, place: int, least: np.float32) -> int | None:
        """Return the one most like a row, in the clusters that it is compared in; None below ``least``."""
        near = [self._members[cluster] for cluster in self._clusters.nearest[place] if cluster in self._members]
        if not near:
            return None
        kept = np.concatenate(near)
        likeness = self._rows[kept] @ self._rows[place]
        best = int(likeness.argmax())
        return int(kept[best]) if likeness[best] > least else None

    def add(self, place: int) -> None:
        """Keep one more row."""
        cluster = int(self._clusters.own[place])
        self._members[cluster] = np.append(self._members.get(cluster, np.zeros(0, np.int64)), place)


def _pairs(
    rows: Floats, places: Integers, kept: NDArray[np.bool_], clusters: Clusters, leasts: Sequence[np.float32]
) -> list[list[tuple[int, int]]]:
    """Return the pairs of kept rows within each ε over a border, the earlier one first, in the order of the earlier.

    ``kept`` is ``(leasts, rows)``.
    """
    rank = np.empty(len(rows), np.int64)
    rank[places] = np.arange(len(rows))
    alive = places[np.logical_or.reduce(kept)[places]]
    lists = dict(zip(*_grouped(clusters.own[alive], alive), strict=True))
    codes: list[list[Integers]] = [[np.zeros(0, np.int64)] for _ in leasts]
    others = clusters.nearest[alive, 1:]
    for cluster, visitors in zip(*_grouped(others.ravel(), np.repeat(alive, others.shape[1])), strict=True):
        there = lists.get(cluster)
        if there is None:
            continue
        likeness = rows[visitors] @ rows[there].T
        mine, its = np.nonzero(likeness > min(leasts))
        values, mine, its = likeness[mine, its], visitors[mine], there[its]
        for stay, least, found in zip(kept, leasts, codes, strict=True):
            both = (values > least) & stay[mine] & stay[its]
            one, other = rank[mine[both]], rank[its[both]]
            found.append(np.minimum(one, other) * len(rows) + np.maximum(one, other))
    return [_decoded(np.unique(np.concatenate(found)), places) for found in codes]


def _decoded(codes: Integers, places: Integers) -> list[tuple[int, int]]:
    ones, others = places[codes // len(places)], places[codes % len(places)]
    return list(zip(ones.tolist(), others.tolist(), strict=True))


def _grouped(keys: Integers, places: Integers) -> tuple[list[int], list[Integers]]:
    """Return the distinct keys and the places of each, in their order."""
    order = np.argsort(keys, kind="stable")
    names, starts = np.unique(keys[order], return_index=True)
    return names.tolist(), np.split(places[order], starts[1:])[: len(names)]
