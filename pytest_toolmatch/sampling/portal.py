"""The portal: one event loop on one daemon thread, and how to get there from any other thread."""

from __future__ import annotations

import asyncio
import threading
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future

T = TypeVar("T")

_PATIENCE = 0.3
"""Seconds that a stopping loop gives its last tasks and its thread."""


class Portal:
    """A running event loop; ``close`` ends it, and so does the end of the process, without a word."""

    def __init__(self, name: str = "toolmatch") -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=_serve, args=(self.loop,), name=name, daemon=True)
        self.thread.start()
        # Knows the loop and the thread, not the portal: a forgotten portal is ended, too.
        self._end = weakref.finalize(self, _stop, self.loop, self.thread)

    @property
    def closed(self) -> bool:
        """Whether the loop has ended."""
        return not self._end.alive

    def call_soon(self, function: Callable[..., object], *args: Any) -> None:
        """Call a function on the loop; may be called in any thread."""
        self.loop.call_soon_threadsafe(function, *args)

    def start(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the loop; may be called in any thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def close(self) -> None:
        """Cancel what still runs and end the loop; safe to call twice."""
        self._end()

    def leave(self) -> None:
        """Let the loop run until the process ends, for what won't end before.

        A server that is slow to go has pipes on the loop, and these complain when they find it closed.
        """
        if self._end.detach():
            self.loop.set_exception_handler(lambda *_: None)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()


def _stop(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    # A task that will not be cancelled would be reported when the loop goes: nobody can do anything about it then.
    loop.set_exception_handler(lambda *_: None)
    if thread.is_alive() and thread is not threading.current_thread():
        asyncio.run_coroutine_threadsafe(_cancel_rest(), loop)
        thread.join(2 * _PATIENCE)
    if not loop.is_running():
        loop.close()


async def _cancel_rest() -> None:
    loop = asyncio.get_running_loop()
    rest = asyncio.all_tasks(loop) - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    if rest:
        await asyncio.wait(rest, timeout=_PATIENCE)
    loop.call_soon(loop.stop)
