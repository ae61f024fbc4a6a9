"""Throws of dice."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


class Dice(Random):
    """A seeded random source with the throws that are needed here."""

    def pick(self, items: Sequence[T]) -> T:
        """Return one of the items."""
        return items[int(self.random() * len(items))]

    def chance(self, probability: float) -> bool:
        """Say yes with a probability."""
        return self.random() < probability

    def whole(self, low: int, high: int) -> int:
        """Return an integer between two, both included."""
        return low + int(self.random() * (high - low + 1))

    def some(self, items: Sequence[T], count: int) -> list[T]:
        """Return so many different items, or all, in random order."""
        return self.sample(items, min(count, len(items)))
