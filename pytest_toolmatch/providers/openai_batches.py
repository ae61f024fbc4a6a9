"""OpenAI's batch interface, for Chat Completions and for Responses: a file of requests in, files of answers out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.errors import RequestRejected, SamplingError, ServiceFault
from pytest_toolmatch.providers import chat_wire, openai_chat, openai_responses
from pytest_toolmatch.providers.batches import Status, answered, each, read, told
from pytest_toolmatch.providers.sdk_errors import fault_of_status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.core.turn import Turn

__all__ = ["Batches", "open_batches"]

_WIRES: dict[str, tuple[str, Any, Any, Any]] = {
    "openai": ("/v1/chat/completions", openai_chat.to_wire, chat_wire.from_wire, openai_chat.open_provider),
    "openai-responses": (
        "/v1/responses",
        openai_responses.to_wire,
        openai_responses.from_wire,
        openai_responses.open_provider,
    ),
}
_NAME = "toolmatch"
_ENDED = ("completed", "expired", "cancelled")
_FINE = 400


class Batches:
    """Sends and collects batches of one of the two wires."""

    most = 50_000
    largest = 190_000_000

    def __init__(self, model: Model, provider: Any) -> None:
        self._model = model
        self._provider = provider
        self._client = provider._client  # noqa: SLF001 - the same client, told its faults the same way
        self._fault, self._scrubbed = provider._fault, provider._scrubbed  # noqa: SLF001
        self._endpoint, self._to_wire, self._from_wire, _ = _WIRES[model.provider]
        self._encrypted = True

    def item(self, name: str, request: Request) -> dict[str, Any]:
        """Return one line of the file."""
        body = self._to_wire(request)
        if not self._encrypted:
            body.pop("include", None)
        return {"custom_id": name, "method": "POST", "url": self._endpoint, "body": body}

    async def send(self, requests: Mapping[str, Request], name: str) -> str:
        """Send the file, then the batch, which carries our name."""
        lines = b"".join(msgspec.json.encode(self.item(one, request)) + b"\n" for one, request in requests.items())
        headers = next(iter(requests.values())).settings.get("extra_headers") or {}
        with told(self._fault):
            file = await answered(
                self._client.files.create(file=(f"{name}.jsonl", lines), purpose="batch", extra_headers=headers)
            )
            batch = await answered(
                self._client.batches.create(
                    input_file_id=file.id,
                    endpoint=self._endpoint,
                    completion_window="24h",
                    metadata={_NAME: name},
                    extra_headers=headers,
                )
            )
        return str(batch.id)

    async def status(self, batch: str) -> Status:
        """Say how far a batch is."""
        found, counts = await self._retrieve(batch)
        if found.status == "failed":
            reasons = [one.message for one in (found.errors.data if found.errors else None) or () if one.message]
            return Status("failed", error=self._scrubbed("; ".join(reasons[:3])) or "no reason given")
        done, total = (counts.completed + counts.failed, counts.total) if counts else (0, 0)
        return Status("ended" if found.status in _ENDED else "running", done, total)

    async def results(
        self,
        batch: str,
        asked: Sequence[str],  # noqa: ARG002 - each result is named
    ) -> AsyncIterator[tuple[str, Turn | SamplingError]]:
        """Yield the answers of the one file and the errors of the other."""
        found, _ = await self._retrieve(batch)
        for file in filter(None, (found.output_file_id, found.error_file_id)):
            with told(self._fault, batch):
                content = (await answered(self._client.files.content(file))).content
            for line in self._lines(content):
                yield line["custom_id"], self._read(line)

    async def find(self, name: str, since: datetime, count: int) -> list[str]:  # noqa: ARG002 - the name is enough
        """Return the batch of that name, if there is one."""
        with told(self._fault):
            async for batch in each(self._client.batches.list(limit=100)):
                if datetime.fromtimestamp(batch.created_at, UTC) < since:
                    break
                if (batch.metadata or {}).get(_NAME) == name:
                    return [str(batch.id)]
        return []

    async def aclose(self) -> None:
        """Close the connections, unless the client is a user's own."""
        await self._provider.aclose()

    async def _retrieve(self, batch: str) -> tuple[Any, Any]:
        with told(self._fault, batch):
            found = await answered(self._client.batches.retrieve(batch))
        return found, found.request_counts

    def _lines(self, content: bytes) -> Iterator[dict[str, Any]]:
        try:
            yield from map(json.loads, filter(None, content.split(b"\n")))
        except ValueError:
            raise ServiceFault(f"{self._model.identity}: the batch's answers can't be read as JSON Lines") from None

    def _read(self, line: dict[str, Any]) -> Turn | SamplingError:
        response, error = line.get("response") or {}, line.get("error") or {}
        if not response:
            said = self._scrubbed(f"{error.get('code')}: {error.get('message')}")
            return ServiceFault(f"{self._model.identity}: {said}")
        if response.get("status_code", 0) < _FINE:
            return read(self._from_wire, response.get("body") or {})
        said = self._scrubbed(json.dumps(response.get("body")))
        fault = fault_of_status(response["status_code"], said, {}, model=self._model.identity)
        if openai_responses.NO_REASONING in said and isinstance(fault, RequestRejected):
            # A model that does not reason refuses to be asked for its reasoning: it is asked again without.
            self._encrypted = False
            return ServiceFault(str(fault))
        return fault


def open_batches(model: Model) -> Batches:
    """Return the batch interface of a model; raises as ``open_provider`` does."""
    return Batches(model, _WIRES[model.provider][3](model))
