"""The first request with a prefix goes ahead of the others, which then find the prefix in the provider's cache.

Requests that are sent together all pay for writing what they share (tools, instructions); once one of them has been
answered the others read it for a tenth of the price. That costs the time of one answer, once a suite and model.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.core.turn import Turn

_CACHING = ("anthropic", "openai", "openai-responses", "google")


def caches(model: Model) -> bool:
    """Whether the provider charges less for a prefix that it has seen; ``cache = false`` in the settings says no."""
    return model.provider in _CACHING and model.settings.get("cache") is not False


class Leader:
    """Holds back all requests but the first, until that is answered or has failed. Lives on one event loop."""

    def __init__(self) -> None:
        self._answered: asyncio.Event | None = None

    async def __call__(self, complete: Callable[[Request], Awaitable[Turn]], request: Request) -> Turn:
        """Send a request, after the first one of all."""
        if self._answered is not None:
            await self._answered.wait()
            return await complete(request)
        self._answered = asyncio.Event()
        try:
            return await complete(request)
        finally:
            self._answered.set()
