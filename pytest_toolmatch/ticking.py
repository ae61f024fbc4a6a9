"""How far a long command has come: one line on stderr, where that is a terminal."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING, Self, TypeVar

from pytest_toolmatch.reports.lines import clean, cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_T = TypeVar("_T")

_EVERY = 0.2
"""Seconds between two looks of the line."""


class Ticker:
    """A line such as ``reading: 12,400 records, 7 s``, which is gone when the work is done or stopped."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._start = self._last = time.monotonic()
        self._count = 0
        self._shown = False
        self._on = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def follow(self, items: Iterable[_T], unit: str) -> Iterator[_T]:
        """Yield the items and count them; ``unit`` is what several of them are called."""
        if not self._on:
            yield from items
            return
        for item in items:
            self._count += 1
            if time.monotonic() - self._last > _EVERY:
                self._show(unit)
            yield item

    def reach(self, count: int, unit: str) -> None:
        """Say how many are done, where they come many at once."""
        self._count = count
        if self._on and time.monotonic() - self._last > _EVERY:
            self._show(unit)

    def _show(self, unit: str) -> None:
        self._last = time.monotonic()
        text = f"{self._what}: {self._count:,} {unit}, {self._last - self._start:.0f} s"
        sys.stderr.write(f"\r{cut(clean(text), shutil.get_terminal_size().columns - 1)}\x1b[K")
        sys.stderr.flush()
        self._shown = True
