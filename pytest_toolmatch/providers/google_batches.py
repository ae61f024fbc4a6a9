"""Gemini's batch interface: requests go inside the call that makes the batch, answers come inside the batch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.errors import ConfigError, RequestRejected, SamplingError
from pytest_toolmatch.providers.batches import Status, answered, each, read, told
from pytest_toolmatch.providers.google_genai import from_wire, open_provider, plain, to_wire
from pytest_toolmatch.providers.sdk_errors import fault_of_status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
    from datetime import datetime

    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.core.turn import Turn
    from pytest_toolmatch.providers.google_genai import Provider

__all__ = ["Batches", "open_batches"]

_KEY = "key"
_TIMEOUT = 300_000  # milliseconds, for 18 MB
_ENDED = ("SUCCEEDED", "PARTIALLY_SUCCEEDED", "CANCELLED", "EXPIRED")
_STATUSES = {3: 400, 5: 404, 7: 403, 8: 429, 9: 400, 11: 400, 16: 401}
"""What gRPC's codes are in HTTP; all others pass."""
_LEAST_HTTP = 100


class Batches:
    """Sends and collects batches of the Gemini API."""

    most = 10_000
    largest = 18_000_000

    def __init__(self, model: Model, provider: Provider) -> None:
        self._model = model
        self._provider = provider
        self._batches = provider._aio.batches  # noqa: SLF001 - the same client, told its faults the same way
        self._fault = provider._fault  # noqa: SLF001
        self._options = {"http_options": {"timeout": _TIMEOUT, "retry_options": {"attempts": 1}}}

    def item(self, name: str, request: Request) -> dict[str, Any]:
        """Return one inlined request."""
        wire = to_wire(request)
        wire["config"].pop("httpOptions", None)
        return {"contents": wire["contents"], "config": wire["config"], "metadata": {_KEY: name}}

    async def send(self, requests: Mapping[str, Request], name: str) -> str:
        """Send a batch, which carries our name as its display name."""
        items = self._inlined([self.item(one, request) for one, request in requests.items()])
        with told(self._fault):
            batch = await answered(
                self._batches.create(model=self._model.name, src=items, config={"display_name": name, **self._options})
            )
        return str(batch.name)

    async def status(self, batch: str) -> Status:
        """Say how far a batch is; the Gemini API does not count."""
        state = _state(await self._get(batch))
        if state == "FAILED":
            return Status("failed", error="the service does not say why")
        return Status("ended" if state in _ENDED else "running")

    async def results(self, batch: str, asked: Sequence[str]) -> AsyncIterator[tuple[str, Turn | SamplingError]]:
        """Yield the answers; those without our name are in the order of the requests."""
        found = await self._get(batch)
        responses = (found.dest.inlined_responses if found.dest else None) or []
        for place, one in enumerate(responses):
            ordered = asked[place] if len(responses) == len(asked) else ""
            yield (one.metadata or {}).get(_KEY, ordered), self._read(one)

    async def find(self, name: str, since: datetime, count: int) -> list[str]:  # noqa: ARG002 - the name is enough
        """Return the batch of that name, if there is one."""
        with told(self._fault):
            async for batch in each(self._batches.list(config={"page_size": 100, **self._options})):
                if batch.create_time and batch.create_time < since:
                    break
                if batch.display_name == name:
                    return [str(batch.name)]
        return []

    async def aclose(self) -> None:
        """Close the connections, unless the client is a user's own."""
        await self._provider.aclose()

    def _inlined(self, items: Iterable[dict[str, Any]]) -> list[Any]:
        """Return the requests as the SDK's own types, which know signatures for the bytes that they are."""
        from google.genai import types  # noqa: PLC0415 - start-up stays cheap
        from pydantic import ValidationError  # noqa: PLC0415 - comes with the SDK

        try:
            return [types.InlinedRequest.model_validate_json(json.dumps(item)) for item in items]
        except ValidationError as error:
            said = f"{self._model.identity}: google-genai does not take the request: {error.errors()[0]['msg']}"
            raise RequestRejected(f"{said}: check the model's settings") from None

    async def _get(self, batch: str) -> Any:
        with told(self._fault, batch):
            return await answered(self._batches.get(name=batch, config=self._options))

    def _read(self, one: Any) -> Turn | SamplingError:
        if one.response is not None:
            return read(from_wire, plain(one.response))
        code = (one.error.code if one.error else None) or 0
        status = code if code >= _LEAST_HTTP else _STATUSES.get(code, 500)
        return fault_of_status(status, (one.error and one.error.message) or "", {}, model=self._model.identity)


def open_batches(model: Model) -> Batches:
    """Return the batch interface of a model; ConfigError on Vertex AI, else raises as ``open_provider`` does."""
    provider = open_provider(model)
    if getattr(provider._client, "vertexai", False):  # noqa: SLF001
        raise ConfigError(
            f"{model.identity}: on Vertex AI batches go through Cloud Storage, which toolmatch has no part in: use a "
            "key of the Gemini API, or leave --toolmatch-batch out"
        )
    return Batches(model, provider)


def _state(batch: Any) -> str:
    return str(getattr(batch.state, "value", batch.state)).removeprefix("JOB_STATE_")
