"""Pairs of rows that are alike, all of them, without a look at every number of every pair.

Rows are turned towards their principal axes, and the first few columns are kept beside the length of all others: by
Cauchy and Schwarz the products of such rows are no less than those of the whole ones. So what they say is too far apart
is, and what is left is compared in full. How many columns pay is found on a sample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pytest_toolmatch.curation.embedding import Floats

    Integers = NDArray[np.int64]

_WORTH = 2000
"""Rows from which on a bound saves more than it takes."""
_TOLD, _SAMPLE = 4096, 512
"""Rows that axes are found on, and columns counted, at most."""
_STEP = 8
_DEAR = 60
"""What it takes to compare one pair alone, over what it takes among many."""
_SAVES = 0.8
"""A bound takes this share of comparing all in full at most, or it is not used."""
_ROUNDING = 1e-5
_WIDE, _AT_ONCE = 4096, 4096


class Pairs(NamedTuple):
    """Pairs of rows, and how alike they are, by the first of each pair, then by the second."""

    ones: Integers
    others: Integers
    likeness: Floats


_NONE = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))


class Alike:
    """Finds what is alike among ``rows`` of length 1 or 0, by their place in ``order``, which may be some of them only.

    Pairs of more than ``least`` count.
    """

    def __init__(self, rows: Floats, least: float, order: Integers) -> None:
        self._rows, self._order, self._least = rows, order, np.float32(least)
        narrow = narrowed(rows, least, order) if len(order) >= _WORTH else None
        self._whole = narrow is None
        self._bound = rows[order] if narrow is None else narrow
        self._known = np.empty_like(self._bound)
        self._places = np.empty(len(order), np.int64)
        self._count = 0

    def add(self, places: Integers) -> None:
        """Compare what is asked for from now on with these rows, too."""
        end = self._count + len(places)
        self._known[self._count : end] = self._bound[places]
        self._places[self._count : end] = places
        self._count = end

    def within(self, start: int, end: int) -> Pairs:
        """Return which rows from ``start`` to ``end`` are alike, each pair both ways; every row is so to itself."""
        return self._tile(start, end, self._bound[start:end], np.arange(start, end))

    def pairs(self, start: int, end: int) -> Pairs:
        """Return which rows from ``start`` to ``end`` are alike to which of those that were added."""
        parts = (slice(first, min(first + _WIDE, self._count)) for first in range(0, self._count, _WIDE))
        tiles = [self._tile(start, end, self._known[some], self._places[some]) for some in parts]
        ones, others, likeness = (np.concatenate(some) for some in zip(_NONE, *tiles, strict=True))
        order = np.lexsort((others, ones))
        return Pairs(ones[order], others[order], likeness[order])

    def _tile(self, start: int, end: int, known: Floats, places: Integers) -> Pairs:
        """Compare with some other rows: what the bound leaves, or all where it leaves too much."""
        products = self._bound[start:end] @ known.T
        whole = self._whole
        found = np.flatnonzero(products > self._least - (0 if whole else _ROUNDING))
        if not whole and len(found) * _DEAR > products.size:
            whole, products = True, self._rows[self._order[start:end]] @ self._rows[self._order[places]].T
            found = np.flatnonzero(products > self._least)
        ones, others = start + found // len(places), places[found % len(places)]
        if whole:
            return Pairs(ones, others, products.ravel()[found])
        likeness = np.concatenate([_NONE.likeness, *self._compared(self._order[ones], self._order[others])])
        near = likeness > self._least
        return Pairs(ones[near], others[near], likeness[near])

    def _compared(self, ones: Integers, others: Integers) -> Iterator[Floats]:
        for first in range(0, len(ones), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            yield np.einsum("ij,ij->i", self._rows[ones[some]], self._rows[others[some]])


def narrowed(rows: Floats, least: float, order: Integers) -> Floats | None:
    """Return rows, in an order, of fewer columns whose products are bounds; None where that doesn't pay."""
    told = rows[order[:: -(-len(order) // _TOLD)]]
    axes = np.linalg.eigh(told.T @ told)[1][:, ::-1]
    count = _columns(told[:: -(-len(told) // _SAMPLE)] @ axes, least)
    if count is None:
        return None
    made = np.empty((len(order), count + 1), np.float32)
    for first in range(0, len(order), _AT_ONCE):
        some = rows[order[first : first + _AT_ONCE]]
        made[first : first + _AT_ONCE] = _beside_rest(some, some @ axes[:, :count])
    return made


def _beside_rest(rows: Floats, turned: Floats) -> Floats:
    rest = np.einsum("ij,ij->i", rows, rows) - np.einsum("ij,ij->i", turned, turned)
    return np.hstack([turned, np.sqrt(np.maximum(rest, 0) + _ROUNDING)[:, None]]).astype(np.float32)


def _columns(sample: Floats, least: float) -> int | None:
    """Return how many columns take the least time in all, or None where all of them do."""
    width = sample.shape[1]
    rest = np.cumsum((sample**2)[:, ::-1], axis=1)[:, ::-1]
    products = np.zeros((len(sample), len(sample)), np.float32)
    best, least_cost = None, _SAVES * width
    for count in range(_STEP, width, _STEP):
        some = sample[:, count - _STEP : count]
        products += some @ some.T
        length = np.sqrt(rest[:, count])
        cost = count + _DEAR * width * float((products + np.outer(length, length) > least).mean())
        if cost < least_cost:
            best, least_cost = count, cost
    return best
