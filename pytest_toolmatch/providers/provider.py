"""What every provider is: one request in, one turn out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.core.turn import Turn


class Provider(Protocol):
    """Calls one model. Used on one event loop only; made in any thread.

    ``complete`` never retries: that is the sampler's. It raises only errors below SamplingError: ModelUnavailable
    (401, 403, 404, missing package or key), RequestRejected (other 4xx), ServiceFault (408, 409, 429, 5xx, time-outs,
    connections, answers that can't be read). No message holds a key.
    """

    async def complete(self, request: Request) -> Turn:
        """Send one request and return the answer."""
        ...

    async def aclose(self) -> None:
        """Close connections; safe to call twice."""
        ...
