"""Places that belong together: union-find (Tarjan 1975), with names that do not depend on the order."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence


class Disjoint:
    """The places from 0 on, each alone until it is joined with others."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))

    def root(self, place: int) -> int:
        """Return the place that stands for all that a place was joined with."""
        parents = self._parents
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    def join(self, one: int, other: int) -> None:
        """Make two places belong together."""
        self._parents[self.root(one)] = self.root(other)

    def join_equal(self, keys: Iterable[Hashable]) -> None:
        """Join the places that have the same key; one that is empty belongs to nobody."""
        first: dict[Hashable, int] = {}
        for place, key in enumerate(keys):
            if key:
                self.join(place, first.setdefault(key, place))

    def names(self, texts: Sequence[str]) -> list[str]:
        """Return a name for each place: the least text of those that it belongs to."""
        found: dict[int, str] = {}
        for place, text in enumerate(texts):
            key = self.root(place)
            found[key] = min(found.get(key, text), text)
        return [found[self.root(place)] for place in range(len(texts))]
