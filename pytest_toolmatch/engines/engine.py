"""What a stage needs to know of where its work is done: functions of blocks, and results in order."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_Block = TypeVar("_Block")
_Made = TypeVar("_Made")
_Due = TypeVar("_Due")


class Engine(Protocol):
    """Does work block by block, several at a time; it is open within a ``with``.

    Every block has one thread for its linear algebra: sums that are shared out among threads are rounded in another
    way, and then results would depend on the machine. ``shown`` says where the work is done; empty where that goes
    without saying. ``apart`` where a block has a process of its own.
    """

    shown: str
    apart: bool

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def map(self, function: Callable[[_Block], _Made], blocks: Iterable[_Block]) -> Iterator[_Made]:
        """Yield ``function(block)`` of every block, in their order; blocks are asked for little by little.

        What a ``functools.partial`` holds (rows of all cases) is handed over once, not with every block. Both have to
        be picklable, and the function must not depend on anything else.
        """
        ...


class Seen:
    """An engine that tells ``seen`` how many blocks are done, of all that it is asked to do."""

    def __init__(self, engine: Engine, seen: Callable[[int], None]) -> None:
        self.shown, self.apart = engine.shown, engine.apart
        self._engine, self._seen, self._done = engine, seen, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """The engine itself stays as it is."""

    def map(self, function: Callable[[_Block], _Made], blocks: Iterable[_Block]) -> Iterator[_Made]:
        """Yield what the engine yields."""
        for made in self._engine.map(function, blocks):
            self._done += 1
            self._seen(self._done)
            yield made


def in_order(
    start: Callable[[_Block], _Due], end: Callable[[_Due], _Made], blocks: Iterable[_Block], ahead: int
) -> Iterator[_Made]:
    """Start blocks, ``ahead`` of them at most before the first has ended, and yield what comes in their order."""
    due: deque[_Due] = deque()
    for block in blocks:
        due.append(start(block))
        if len(due) >= ahead:
            yield end(due.popleft())
    while due:
        yield end(due.popleft())


def blocks_of(items: Iterable[_Block], size: int) -> Iterator[list[_Block]]:
    """Yield the items in lists of ``size``."""
    rest = iter(items)
    while block := list(islice(rest, size)):
        yield block
