"""A sample by chance whose sums are those of the whole: the cube method (Deville & Tillé 2004, Biometrika 91:4).

Every row is drawn with the probability that it was given, whatever is balanced: so estimates stay unbiased. The fast
flight (Chauvet & Tillé 2006) looks at one row more than there are columns at a time; here at neighbours, and at all
such groups at once. So the sample is spread evenly over the order of the rows, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Numbers: TypeAlias = "NDArray[np.float64]"

_ZERO = 1e-9


def balanced(columns: Numbers, probabilities: Numbers, chance: np.random.Generator) -> list[int]:
    """Draw rows, each with its probability, so that Σ column ÷ probability is near that of all, as far as it can be.

    ``columns`` is ``(rows, columns)``, those that matter most first: the last ones are given up first where the few
    rows that are left can't keep all. With the probabilities as the first column, as many rows are drawn as they add
    up to.
    """
    share = np.clip(probabilities, 0.0, 1.0)
    scaled = columns / np.maximum(share, _ZERO)[:, None]
    share[share < _ZERO], share[share > 1 - _ZERO] = 0.0, 1.0
    waiting = np.flatnonzero((share > 0) & (share < 1))
    for width in range(columns.shape[1], 0, -1):
        waiting = _flown(scaled[:, :width], share, waiting, chance)
    share[waiting] = chance.random(len(waiting)) < share[waiting]
    return [int(place) for place in np.flatnonzero(share)]


def _flown(
    scaled: Numbers, share: Numbers, waiting: NDArray[np.int64], chance: np.random.Generator
) -> NDArray[np.int64]:
    """Move shares to 0 or 1 without moving any balanced sum, in place; return who is left, one a column at most."""
    size = scaled.shape[1] + 1
    while len(waiting) >= size:
        groups = waiting[: len(waiting) // size * size].reshape(-1, size)
        share[groups] = _step(share[groups], _kernels(scaled[groups].swapaxes(1, 2)), chance)
        waiting = waiting[(share[waiting] > 0) & (share[waiting] < 1)]
    return waiting


def _step(share: Numbers, ways: Numbers, chance: np.random.Generator) -> Numbers:
    """Go one of two ways until the first share of each group is 0 or 1, by chance: no share moves on average."""
    up, down = ways > _ZERO, ways < -_ZERO
    along = np.where(up | down, ways, 1.0)
    forth = np.where(up, (1 - share) / along, np.where(down, -share / along, np.inf)).min(1)
    back = np.where(up, share / along, np.where(down, (share - 1) / along, np.inf)).min(1)
    far = np.where(chance.random(len(share)) * (forth + back) < back, forth, -back)
    moved = share + far[:, None] * ways
    return np.where(moved < _ZERO, 0.0, np.where(moved > 1 - _ZERO, 1.0, moved))


def _kernels(matrices: Numbers) -> Numbers:
    """Return, for each matrix of one column more than rows, numbers that it sends to 0; the largest is 1.

    Elimination by the largest pivot; the first column that depends on those before it decides.
    """
    left, (count, rows, _) = matrices.copy(), matrices.shape
    free = np.full(count, rows)
    for column in range(rows):
        sizes = np.abs(left[:, column:, column])
        free[(free == rows) & (sizes.max(1) <= _ZERO)] = column
        at = np.flatnonzero(free == rows)
        best = column + sizes[at].argmax(1)
        pivot = left[at, best] / left[at, best, column, None]
        left[at, best] = left[at, column]
        left[at] -= left[at, :, column, None] * pivot[:, None]
        left[at, column] = pivot
    every = np.arange(count)
    found = np.zeros((count, rows + 1))
    found[:, :rows] = np.where(np.arange(rows) < free[:, None], -left[every, :, free], 0.0)
    found[every, free] = 1.0
    return found / np.abs(found).max(1, keepdims=True)
