"""Places that belong together: connected components, with names that do not depend on the order."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from numpy.typing import NDArray

Integers: TypeAlias = "NDArray[np.int64]"


class Disjoint:
    """The places from 0 on, each alone until it is joined with others; ``roots`` are the least places of each."""

    def __init__(self, count: int) -> None:
        self.roots: Integers = np.arange(count)

    def join(self, ones: Integers, others: Integers) -> None:
        """Make pairs of places belong together, all at once.

        Every root is hooked to the least one that it is paired with, then paths are halved until all are flat: few
        rounds (Shiloach & Vishkin 1982).
        """
        ones, others = self.roots[ones], self.roots[others]
        while (apart := ones != others).any():
            ones, others = ones[apart], others[apart]
            np.minimum.at(self.roots, np.maximum(ones, others), np.minimum(ones, others))
            while not np.array_equal(flatter := self.roots[self.roots], self.roots):
                self.roots = flatter
            ones, others = self.roots[ones], self.roots[others]

    def join_equal(self, keys: Iterable[Hashable]) -> None:
        """Join the places that have the same key; one that is empty belongs to nobody."""
        first: dict[Hashable, int] = {}
        others = [first.setdefault(key, place) if key else place for place, key in enumerate(keys)]
        self.join(np.arange(len(others)), np.array(others, np.int64))

    def names(self, texts: Sequence[str]) -> list[str]:
        """Return a name for each place: the least text of those that it belongs to."""
        found: dict[int, str] = {}
        roots = self.roots.tolist()
        for root, text in zip(roots, texts, strict=True):
            found[root] = min(found.get(root, text), text)
        return [found[root] for root in roots]
