"""What every batch interface is: many requests in, their answers out when the provider gets round to them."""

from __future__ import annotations

import contextlib
import inspect
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from pytest_toolmatch.core.errors import ModelUnavailable, SamplingError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.core.turn import Turn

_NOT_FOUND = 404


class Status(NamedTuple):
    """How far a batch is: ``done`` of ``total`` requests; ``error`` says why one failed before any was run."""

    state: Literal["running", "ended", "failed"]
    done: int = 0
    total: int = 0
    error: str = ""


class Batches(Protocol):
    """The batch interface of one provider; used on one event loop only. Raises as ``Provider`` does.

    A batch holds at most ``most`` requests and ``largest`` bytes of JSON, all of one model with the same settings.
    """

    most: int
    largest: int

    def item(self, name: str, request: Request) -> dict[str, Any]:
        """Return one request as it is sent, named; RequestRejected where it can't be sent at all."""
        ...

    async def send(self, requests: Mapping[str, Request], name: str) -> str:
        """Send a batch under a name of ours; return the provider's."""
        ...

    async def status(self, batch: str) -> Status:
        """Say how far a batch is; ModelUnavailable where this key does not know it."""
        ...

    def results(self, batch: str, asked: Sequence[str]) -> AsyncIterator[tuple[str, Turn | SamplingError]]:
        """Yield what an ended batch holds, in any order; ``asked`` are the names of its requests as they were sent."""
        ...

    async def find(self, name: str, since: datetime, count: int) -> list[str]:
        """Return the batches that may be the one of that name, or of so many requests, sent at ``since`` or later."""
        ...

    async def aclose(self) -> None:
        """Close connections; safe to call twice."""
        ...


@contextlib.contextmanager
def told(fault: Callable[[Exception], SamplingError | None], batch: str = "") -> Iterator[None]:
    """Raise what an SDK's exception means to us; where ``batch`` is asked for, 404 says that it is not to be found."""
    try:
        yield
    except SamplingError:
        raise
    except Exception as error:
        if batch and _NOT_FOUND in (getattr(error, "status_code", 0), getattr(error, "code", 0)):
            raise ModelUnavailable(
                f"batch {batch} is not known to this account: use the key that it was sent with, or delete the file "
                "that notes it to ask for everything again"
            ) from None
        found = fault(error)
        if found is None:
            raise
        raise found from None


async def answered(value: Any) -> Any:
    """Return what a method of an SDK's client returns: those of asynchronous clients have to be waited for."""
    return await value if inspect.isawaitable(value) else value


async def each(values: Any) -> AsyncIterator[Any]:
    """Yield what a page or a stream of an SDK's client holds, synchronous or not."""
    if not hasattr(values, "__aiter__"):
        values = await answered(values)
    if hasattr(values, "__aiter__"):
        async for value in values:
            yield value
    else:
        for value in values:
            yield value


def read(from_wire: Callable[[Any], Turn], answer: Any) -> Turn | SamplingError:
    """Return the turn that an answer is, or why it is none."""
    try:
        return from_wire(answer)
    except SamplingError as error:
        return error
