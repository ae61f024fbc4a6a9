"""This process: as many threads as its linear algebra would have had, each with blocks of its own."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Self, TypeVar

from threadpoolctl import ThreadpoolController

from pytest_toolmatch.engines.engine import in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_Block = TypeVar("_Block")
_Made = TypeVar("_Made")


class Local:
    """Threads share memory, and numpy lets go of the interpreter where it computes."""

    shown, apart = "", False

    def __init__(self) -> None:
        self._libraries = ThreadpoolController().select(user_api="blas")
        self._threads = max((int(one["num_threads"]) for one in self._libraries.info()), default=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing to let go of."""

    def map(self, function: Callable[[_Block], _Made], blocks: Iterable[_Block]) -> Iterator[_Made]:
        """Yield the results in order."""
        with self._libraries.limit(limits=1), ThreadPoolExecutor(self._threads) as pool:
            try:
                yield from in_order(
                    lambda block: pool.submit(function, block), Future.result, blocks, 2 * self._threads
                )
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
