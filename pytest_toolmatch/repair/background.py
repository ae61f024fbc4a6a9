"""Work that says how far it has come while it goes on: in a thread of its own, line by line."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

T = TypeVar("T")
_END = object()
_LOOK = 0.5


def told(work: Callable[[Callable[[str], None]], T], stop: Callable[[], None]) -> Generator[str, None, T]:
    """Yield what work says, and return what it returns; raises what it raises.

    ``stop`` makes it come to an end soon, where whoever listens stops listening.
    """
    said: queue.SimpleQueue[Any] = queue.SimpleQueue()
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work(said.put))
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that asked for it
            errors.append(error)
        finally:
            said.put(_END)

    thread = threading.Thread(target=run, name="toolmatch-repair", daemon=True)
    thread.start()
    try:
        while (line := _next(said)) is not _END:
            if line is not None:
                yield line
    except BaseException:
        stop()
        raise
    finally:
        thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _next(said: queue.SimpleQueue[Any]) -> Any:
    """Return the next line, or None now and then: a wait without an end would not notice Ctrl-C everywhere."""
    try:
        return said.get(timeout=_LOOK)
    except queue.Empty:
        return None
