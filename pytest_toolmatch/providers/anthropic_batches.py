"""Message Batches: Anthropic's batch interface, through the same client as single requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.errors import SamplingError, ServiceFault
from pytest_toolmatch.providers.anthropic_messages import from_wire, open_provider, to_wire
from pytest_toolmatch.providers.batches import Status, answered, each, read, told
from pytest_toolmatch.providers.sdk_errors import fault_of_status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime

    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.core.turn import Turn
    from pytest_toolmatch.providers.anthropic_messages import Provider

__all__ = ["Batches", "open_batches"]

_APART = ("extra_headers", "extra_query", "extra_body")
_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_OTHER_ERROR = 500


class Batches:
    """Sends and collects message batches."""

    most = 100_000
    largest = 240_000_000

    def __init__(self, model: Model, provider: Provider) -> None:
        self._model = model
        self._provider = provider
        self._batches = provider._client.messages.batches  # noqa: SLF001 - the same client, told its faults the same way
        self._fault = provider._fault  # noqa: SLF001

    def item(self, name: str, request: Request) -> dict[str, Any]:
        """Return one request: what ``messages.create`` would send as its body."""
        wire = to_wire(request)
        body = {key: value for key, value in wire.items() if key not in _APART}
        return {"custom_id": name, "params": body | wire.get("extra_body", {})}

    async def send(self, requests: Mapping[str, Request], name: str) -> str:  # noqa: ARG002 - this API takes no name
        """Send a batch; what is no part of a body goes with all of it."""
        wire = to_wire(next(iter(requests.values())))
        options = {key: wire[key] for key in ("extra_headers", "extra_query") if key in wire}
        # As a body of our own: the SDK would walk through every schema of every request.
        body = {"requests": [self.item(one, request) for one, request in requests.items()]}
        with told(self._fault):
            batch = await answered(self._batches.create(requests=(), extra_body=body, **options))
        return str(batch.id)

    async def status(self, batch: str) -> Status:
        """Say how far a batch is; requests are counted as done when all are."""
        with told(self._fault, batch):
            found = await answered(self._batches.retrieve(batch))
        total = _total(found)
        return Status(
            "ended" if found.processing_status == "ended" else "running", total - found.request_counts.processing, total
        )

    async def results(
        self,
        batch: str,
        asked: Sequence[str],  # noqa: ARG002 - each result is named
    ) -> AsyncIterator[tuple[str, Turn | SamplingError]]:
        """Yield the results as they are streamed; there are none any more of a batch that was archived."""
        with told(self._fault, batch):
            if (await answered(self._batches.retrieve(batch))).archived_at:
                return
            async for one in each(self._batches.results(batch)):
                line = one.to_dict(mode="json", warnings=False)
                yield line["custom_id"], self._read(line["result"])

    async def find(self, name: str, since: datetime, count: int) -> list[str]:  # noqa: ARG002
        """Return the batches of that size sent since then: only their results tell whose they are."""
        found = []
        with told(self._fault):
            async for batch in each(self._batches.list(limit=100)):
                if batch.created_at < since:
                    break
                found += [str(batch.id)] if _total(batch) == count else []
        return found

    async def aclose(self) -> None:
        """Close the connections, unless the client is a user's own."""
        await self._provider.aclose()

    def _read(self, result: dict[str, Any]) -> Turn | SamplingError:
        if result["type"] == "succeeded":
            return read(from_wire, result["message"])
        if result["type"] != "errored":
            return ServiceFault(f"{self._model.identity}: the request {result['type']} before it was answered")
        error = result["error"].get("error") or {}
        status = _STATUSES.get(error.get("type", ""), _OTHER_ERROR)
        return fault_of_status(status, error.get("message", ""), {}, model=self._model.identity)


def open_batches(model: Model) -> Batches:
    """Return the batch interface of a model; raises as ``open_provider`` does."""
    return Batches(model, open_provider(model))


def _total(batch: Any) -> int:
    counts = batch.request_counts
    return int(counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired)
