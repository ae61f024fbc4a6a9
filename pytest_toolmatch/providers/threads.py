"""Functions that block, each in a daemon thread: neither do they wait for each other, nor keep the process from ending.

An executor's threads, also those of ``asyncio.to_thread``, are few, and waited for when the interpreter ends: a call
that hangs would outlive Ctrl-C by its whole time-out.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


async def in_thread(function: Callable[[], _T], name: str = "toolmatch-call") -> _T:
    """Run a function in a thread of its own and return its result; the thread sees the context variables.

    What it raises is raised, but for SystemExit and the like (``pytest.fail``), which become a RuntimeError: they
    would end the event loop.
    """
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()
    done: asyncio.Future[tuple[list[_T], BaseException | None]] = loop.create_future()

    def settle(result: list[_T], error: BaseException | None) -> None:
        if not done.done():
            done.set_result((result, error))

    def work() -> None:
        result, error = [], None
        try:
            result = [context.run(function)]
        except BaseException as raised:  # noqa: BLE001 - whatever it is goes to whoever waits
            error = raised
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, daemon=True, name=name).start()
    result, error = await done
    if error is not None:
        raise error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")
    return result[0]
