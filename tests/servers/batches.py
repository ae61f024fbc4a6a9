"""The batch interfaces of the three providers, for the loopback server: they answer when they are told to."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tests.servers.anthropic import check_params
from tests.servers.loopback import Answer, Loopback, Received

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Failed:
    """What a request comes to that is not answered; ``expired`` ones were not even looked at."""

    status: int = 500
    message: str = "Internal server error"
    expired: bool = False


@dataclass
class Batch:
    name: str
    requests: dict[str, Any]
    made: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: bool = False
    failed: str = ""


class Service:
    """``with Service(reply)``: ``reply`` gets the body of each request, its name, and gives its answer or Failed.

    ``finish`` ends all batches; ``lose`` names what is done to calls that make a batch, which is made all the same.
    """

    PREFIX: ClassVar[str] = ""
    PATH: ClassVar[str] = ""

    def __init__(self, reply: Callable[[Any], Any]) -> None:
        self.batches: dict[str, Batch] = {}
        self.lose: Answer | None = None
        self.refuse: Answer | None = None
        self.reply = reply
        self.server = Loopback(self._handle)

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    @property
    def url(self) -> str:
        return self.server.url + self.PATH

    @property
    def asked(self) -> list[Any]:
        """The bodies of all requests of all batches."""
        return [body for batch in self.batches.values() for body in batch.requests.values()]

    def finish(self) -> None:
        for batch in self.batches.values():
            batch.ended = True

    def new(self, name: str, requests: dict[str, Any]) -> Answer:
        assert len(requests) > 0
        identity = f"{self.PREFIX}{len(self.batches)}"
        self.batches[identity] = Batch(name, requests)
        return self.lose or Answer(self.told(identity))

    def told(self, identity: str) -> dict[str, Any]:
        raise NotImplementedError

    def route(self, received: Received) -> Answer:
        raise NotImplementedError

    def results(self, identity: str) -> list[tuple[str, Any]]:
        """Return what each request came to, in no order of theirs."""
        return [(name, self.reply(body)) for name, body in reversed(self.batches[identity].requests.items())]

    def _handle(self, received: Received) -> Answer:
        if self.refuse and received.method == "POST":
            return self.refuse
        return self.route(received)

    def newest(self) -> list[dict[str, Any]]:
        return [self.told(identity) for identity in reversed(self.batches)]


def lines(values: list[dict[str, Any]]) -> Answer:
    body = b"".join(json.dumps(value).encode() + b"\n" for value in values)
    return Answer(body, headers={"Content-Type": "application/x-jsonl"})


class Anthropic(Service):
    PREFIX = "msgbatch_"
    _KINDS: ClassVar[dict[int, str]] = {400: "invalid_request_error", 404: "not_found_error", 529: "overloaded_error"}

    def route(self, received: Received) -> Answer:
        path = received.path.removeprefix("/v1/messages/batches").strip("/").split("/")
        if received.method == "POST":
            requests = {one["custom_id"]: one["params"] for one in received.json["requests"]}
            for params in requests.values():
                check_params(params)
            return self.new("", requests)
        if path == [""]:
            page = self.newest()
            ids = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {}
            return Answer({"data": page, "has_more": False, **ids})
        if path[0] not in self.batches:
            told = {"type": "not_found_error", "message": "Not found"}
            return Answer({"type": "error", "error": told}, status=404)
        if path[1:] == ["results"]:
            return lines([{"custom_id": name, "result": self._result(got)} for name, got in self.results(path[0])])
        return Answer(self.told(path[0]))

    def told(self, identity: str) -> dict[str, Any]:
        batch = self.batches[identity]
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        counts["succeeded" if batch.ended else "processing"] = len(batch.requests)
        made = batch.made.isoformat()
        return {
            "id": identity,
            "type": "message_batch",
            "processing_status": "ended" if batch.ended else "in_progress",
            "request_counts": counts,
            "created_at": made,
            "expires_at": made,
            "ended_at": made if batch.ended else None,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": f"{self.url}/v1/messages/batches/{identity}/results" if batch.ended else None,
        }

    def _result(self, got: Any) -> dict[str, Any]:
        if not isinstance(got, Failed):
            return {"type": "succeeded", "message": got}
        if got.expired:
            return {"type": "expired"}
        error = {"type": self._KINDS.get(got.status, "api_error"), "message": got.message}
        return {"type": "errored", "error": {"type": "error", "error": error, "request_id": "req_1"}}


class OpenAI(Service):
    PREFIX = "batch_"
    PATH = "/v1"

    def __init__(self, reply: Callable[[Any], Any]) -> None:
        super().__init__(reply)
        self.files: list[dict[str, Any]] = []

    def route(self, received: Received) -> Answer:
        kind, *path = received.path.removeprefix("/v1/").split("/")
        if kind == "files" and received.method == "POST":
            assert b'name="purpose"\r\n\r\nbatch\r\n' in received.body
            items = [json.loads(line) for line in received.body.splitlines() if line.startswith(b"{")]
            assert {(one["method"], len(one)) for one in items} == {("POST", 4)}
            self.files.append({one["custom_id"]: one for one in items})
            name = f"file-{len(self.files) - 1}"
            return Answer(
                {"id": name, "object": "file", "bytes": 1, "created_at": 1, "filename": "x", "purpose": "batch"}
            )
        if kind == "files":
            return self._content(*path[0].split("-"))
        if received.method == "POST":
            sent = received.json
            assert sent["completion_window"] == "24h"
            items = self.files[int(sent["input_file_id"].removeprefix("file-"))]
            assert {one["url"] for one in items.values()} == {sent["endpoint"]}
            return self.new(sent["metadata"]["toolmatch"], {name: one["body"] for name, one in items.items()})
        if not path:
            return Answer({"object": "list", "data": self.newest(), "has_more": False})
        if path[0] not in self.batches:
            return Answer({"error": {"message": "No such batch", "type": "invalid_request_error"}}, status=404)
        return Answer(self.told(path[0]))

    def told(self, identity: str) -> dict[str, Any]:
        batch = self.batches[identity]
        status = "failed" if batch.failed else "completed" if batch.ended else "in_progress"
        done = len(batch.requests) * batch.ended
        files = {f"{kind}_file_id": f"{kind}-{identity}" for kind in ("output", "error")} if batch.ended else {}
        return {
            "id": identity,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "errors": {"object": "list", "data": [{"code": "x", "message": batch.failed}]} if batch.failed else None,
            "input_file_id": "file-0",
            "completion_window": "24h",
            "status": status,
            "created_at": int(batch.made.timestamp()),
            "request_counts": {"total": len(batch.requests), "completed": done, "failed": 0},
            "metadata": {"toolmatch": batch.name},
            **files,
        }

    def _content(self, kind: str, identity: str) -> Answer:
        found = [(name, got) for name, got in self.results(identity) if isinstance(got, Failed) == (kind == "error")]
        return lines([{"id": "batch_req_1", "custom_id": name, **self._result(got)} for name, got in found])

    def _result(self, got: Any) -> dict[str, Any]:
        if not isinstance(got, Failed):
            return {"response": {"status_code": 200, "request_id": "r", "body": got}, "error": None}
        if got.expired:
            return {"response": None, "error": {"code": "batch_expired", "message": "This request was not executed."}}
        body = {"error": {"message": got.message, "type": "invalid_request_error"}}
        return {"response": {"status_code": got.status, "request_id": "r", "body": body}, "error": None}


class Google(Service):
    PREFIX = "batches/"
    _CODES: ClassVar[dict[int, int]] = {400: 3, 500: 13}

    def route(self, received: Received) -> Answer:
        path = re.sub(r"^/v1(beta)?/", "", received.path)
        if received.method == "POST":
            assert re.fullmatch(r"models/[\w.-]+:batchGenerateContent", path), path
            batch = received.json["batch"]
            items = batch["inputConfig"]["requests"]["requests"]
            return self.new(batch["displayName"], {one["metadata"]["key"]: one["request"] for one in items})
        if path == "batches":
            return Answer({"operations": self.newest()})
        if path not in self.batches:
            return Answer({"error": {"code": 404, "message": "not found", "status": "NOT_FOUND"}}, status=404)
        return Answer(self.told(path))

    def told(self, identity: str) -> dict[str, Any]:
        batch = self.batches[identity]
        state = "FAILED" if batch.failed else "SUCCEEDED" if batch.ended else "RUNNING"
        metadata = {"displayName": batch.name, "state": f"BATCH_STATE_{state}", "createTime": batch.made.isoformat()}
        if batch.ended and not batch.failed:
            found = [{"metadata": {"key": name}, **self._result(got)} for name, got in self.results(identity)]
            metadata["output"] = {"inlinedResponses": {"inlinedResponses": found}}  # type: ignore[assignment]
        return {"name": identity, "metadata": metadata}

    def _result(self, got: Any) -> dict[str, Any]:
        if not isinstance(got, Failed):
            return {"response": got}
        return {"error": {"code": 4 if got.expired else self._CODES[got.status], "message": got.message}}
