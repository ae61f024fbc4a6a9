"""SemDeDup (Abbas et al. 2023, arXiv:2303.09540): of cases that mean the same, the least typical one stays.

Rows are looked at from the farthest from their cluster's centre to the nearest; one that is within ε (1 - cosine) of
one that was kept is dropped, and that one stands for it. The paper compares with all earlier rows, so that a dropped
row may suppress another: then nothing that is kept might stand for it. It also compares within clusters only; here a
cluster's rows are compared with those that are almost in it, too, since near-duplicates lie on both sides of a border.
Up to ``EXACT`` rows all are compared with all.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from pytest_toolmatch.curation.clusters import Clusters, clustered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pytest_toolmatch.curation.embedding import Floats

Integers: TypeAlias = "NDArray[np.int64]"

EXACT = 10_000
"""Rows of one stratum up to which all are compared with all."""
CURVE = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
"""The values of ε that the removal curve shows."""
_NEAR = 8
"""Clusters that a row is compared in: its own, and the next ones."""
_BLOCK = 512


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


def deduplicated(rows: Floats, epsilon: float, order: Order | None = None) -> Integers:
    """Return for each row the place of the one that stands for it: its own where it is kept.

    A dropped row is within ``epsilon`` of the kept one that stands for it.
    """
    places, clusters = order or ordered(rows)
    if clusters is None:
        return _stands(rows, places, epsilon)
    stands = np.arange(len(rows))
    for members in _by_cluster(clusters.own[places], places):
        stands[members] = _within(rows, members, epsilon)
    return _across(rows, stands, places, clusters, epsilon)


def _within(rows: Floats, members: Integers, epsilon: float) -> Integers:
    """Return who stands for the members of one cluster, given in their order."""
    found = _stands(rows[members], np.arange(len(members)), epsilon)
    return members[found]


def _stands(rows: Floats, places: Integers, epsilon: float) -> Integers:
    """Compare every row with all that are kept before it, a block at a time."""
    least = np.float32(1 - epsilon)
    stands = np.arange(len(rows))
    kept = np.zeros((len(rows), rows.shape[1]), np.float32)
    names = np.zeros(len(rows), np.int64)
    count = 0
    for start in range(0, len(places), _BLOCK):
        block = places[start : start + _BLOCK]
        mine = rows[block]
        if count:
            likeness = mine @ kept[:count].T
            best = likeness.argmax(1)
            dropped = likeness[np.arange(len(block)), best] > least
            stands[block[dropped]] = names[best[dropped]]
        else:
            dropped = np.zeros(len(block), bool)
        fresh = block[~dropped]
        fresh = fresh[_new(rows, fresh, stands, least)]
        kept[count : count + len(fresh)] = rows[fresh]
        names[count : count + len(fresh)] = fresh
        count += len(fresh)
    return stands


def _new(rows: Floats, block: Integers, stands: Integers, least: np.float32) -> NDArray[np.bool_]:
    """Say which rows of a block stay beside each other; note who stands for the others."""
    alike = rows[block] @ rows[block].T
    open_ = np.ones(len(block), bool)
    for place in np.flatnonzero((np.triu(alike, 1) > least).any(1)):
        if open_[place]:
            later = np.flatnonzero((alike[place, place + 1 :] > least) & open_[place + 1 :]) + place + 1
            open_[later] = False
            stands[block[later]] = block[place]
    return open_


def _across(rows: Floats, stands: Integers, places: Integers, clusters: Clusters, epsilon: float) -> Integers:
    """Let rows that are kept stand for those of the clusters next to theirs; then see to whom these stood for."""
    least = np.float32(1 - epsilon)
    kept = stands == np.arange(len(rows))
    for one, other in _pairs(rows, places, kept, clusters, least):
        if kept[one] and kept[other]:
            kept[other], stands[other] = False, one
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
    rows: Floats, places: Integers, kept: NDArray[np.bool_], clusters: Clusters, least: np.float32
) -> list[tuple[int, int]]:
    """Return the pairs of kept rows within ε over a border, the earlier one first, in the order of the earlier."""
    rank = np.empty(len(rows), np.int64)
    rank[places] = np.arange(len(rows))
    alive = places[kept[places]]
    lists = dict(zip(*_grouped(clusters.own[alive], alive), strict=True))
    codes = [np.zeros(0, np.int64)]
    for near in range(1, clusters.nearest.shape[1]):
        for cluster, visitors in zip(*_grouped(clusters.nearest[alive, near], alive), strict=True):
            there = lists.get(cluster)
            if there is not None:
                mine, its = np.nonzero(rows[visitors] @ rows[there].T > least)
                one, other = rank[visitors[mine]], rank[there[its]]
                codes.append(np.minimum(one, other) * len(rows) + np.maximum(one, other))
    found = np.unique(np.concatenate(codes))
    return list(zip(places[found // len(rows)].tolist(), places[found % len(rows)].tolist(), strict=True))


def _by_cluster(own: Integers, places: Integers) -> list[Integers]:
    return _grouped(own, places)[1]


def _grouped(keys: Integers, places: Integers) -> tuple[list[int], list[Integers]]:
    """Return the distinct keys and the places of each, in their order."""
    order = np.argsort(keys, kind="stable")
    names, starts = np.unique(keys[order], return_index=True)
    return [int(name) for name in names], np.split(places[order], starts[1:])
