"""How far sampling has come, and how to wait for it."""

from __future__ import annotations

import time
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

_EVERY = 0.2


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """A look at a sampler.

    ``failed`` of the ``done`` draws have no valid sample. ``waiting_for`` are the draws still to come, by model;
    ``paused`` the seconds for which a model asked not to be asked. ``cost`` in USD, as far as it is known.
    """

    done: int
    total: int
    failed: int
    waiting_for: dict[str, int]
    paused: dict[str, float]
    cost: float
    calls: int


def wait(futures: Iterable[Future[Any]], tick: Callable[[], object] = lambda: None, every: float = _EVERY) -> None:
    """Wait until all futures are done, in a way that Ctrl-C ends; ``tick`` is called about five times a second."""
    # One after the other: concurrent.futures.wait would visit each of thousands at every tick.
    due = time.monotonic() + every
    for future in futures:
        while not future.done() or time.monotonic() >= due:
            _look(future, max(0.0, due - time.monotonic()))
            if time.monotonic() >= due:
                tick()
                due = time.monotonic() + every


def _look(future: Future[Any], timeout: float) -> None:
    try:
        future.exception(timeout)
    except (TimeoutError, CancelledError):
        return
