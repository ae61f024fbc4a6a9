"""Spherical k-means (Dhillon & Modha 2001): rows of length 1 in clusters around directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from pytest_toolmatch.curation.embedding import Floats, unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

Integers: TypeAlias = "NDArray[np.int64]"

ROUNDS = 10
_BLOCK = 4096
_SAMPLE = 64
"""So many rows for each cluster, at most, say where its centre is."""


class Clusters(NamedTuple):
    """``centres`` are rows of length 1; ``nearest`` the clusters closest to each row, the own one first."""

    centres: Floats
    nearest: Integers

    @property
    def own(self) -> Integers:
        """The cluster of each row."""
        return self.nearest[:, 0]


def clustered(rows: Floats, count: int, *, near: int = 1, rounds: int = ROUNDS) -> Clusters:
    """Put rows into ``count`` clusters at most; the rows' order decides where the centres start, and nothing by chance.

    Centres are found on a part of the rows where there are very many. Raises nothing; clusters may end up empty.
    """
    count = max(1, min(count, len(rows)))
    told = rows[:: max(1, len(rows) // (count * _SAMPLE))]
    centres = unit(told[np.linspace(0, len(told) - 1, count).astype(np.int64)].copy())
    before = None
    for _ in range(rounds if count > 1 else 1):
        own = _nearest(told, centres, 1)[:, 0]
        if before is not None and np.array_equal(own, before):
            break
        before = own
        centres = _centres(told, own, centres)
    return Clusters(centres, _nearest(rows, centres, min(near, count)))


def _centres(rows: Floats, own: Integers, before: Floats) -> Floats:
    """Return the direction of each cluster's sum; one without rows stays where it was."""
    order = np.argsort(own, kind="stable")
    present, starts = np.unique(own[order], return_index=True)
    centres = before.copy()
    sums = np.add.reduceat(rows[order], starts, axis=0)
    alive = np.linalg.norm(sums, axis=1) > 0
    centres[present[alive]] = unit(sums[alive])
    return centres


def _nearest(rows: Floats, centres: Floats, near: int) -> Integers:
    found = np.zeros((len(rows), near), np.int64)
    for start in range(0, len(rows), _BLOCK):
        likeness = rows[start : start + _BLOCK] @ centres.T
        if near == 1:
            found[start : start + _BLOCK, 0] = likeness.argmax(1)
            continue
        part = np.argpartition(-likeness, near - 1, axis=1)[:, :near]
        order = np.argsort(-np.take_along_axis(likeness, part, 1), axis=1, kind="stable")
        found[start : start + _BLOCK] = np.take_along_axis(part, order, 1)
    return found
