"""Which cases of a suite a run is to judge: each counts once, however many tests ask for it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Awaited:
    """What the tests of a suite ask for: the ids of their cases, or a test's own where only it knows."""

    def __init__(self, tests: Mapping[str, int] | None = None) -> None:
        self.tests = Counter(tests)
        """By what is asked for, how many tests do."""
        self._left_out: dict[str, set[str]] = {}

    def ask(self, asked: Iterable[str]) -> None:
        """Note what a test asks for."""
        self.tests.update(set(asked))

    def leave_out(self, nodeid: str, asked: Iterable[str]) -> None:
        """Note that a test is skipped."""
        self._left_out[nodeid] = set(asked)

    @property
    def left_out(self) -> list[str]:
        """What is not to be judged: that of which every test is skipped."""
        skipped = Counter(one for asked in self._left_out.values() for one in asked)
        return [one for one, count in skipped.items() if count >= self.tests[one]]

    def __len__(self) -> int:
        """Return how many cases are to be judged."""
        return len(self.tests) - len(self.left_out)
