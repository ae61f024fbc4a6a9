"""A real HTTP server on loopback, in a thread of its own: answers as it is told, also late, wrongly or not at all."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Fault = Literal["", "hang", "reset", "half"]
"""``hang`` never answers, ``reset`` closes without an answer, ``half`` sends half of the body and closes."""


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    method: str
    path: str
    query: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What to answer. ``body`` is JSON unless it is bytes; ``delay`` in seconds."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    fault: Fault = ""


class Loopback:
    """``with Loopback(answer) as server``; ``answer`` gets each request, or is a list to use up, its last repeated."""

    def __init__(self, answer: Callable[[Received], Answer] | Iterable[Answer]) -> None:
        self.requests: list[Received] = []
        self.in_flight = self.most_in_flight = 0
        self.url = ""
        self._answer = answer if callable(answer) else _in_turn(list(answer))
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End at once, whatever is in flight: what a dying server does."""
        if self._loop.is_running():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(_end(runner))
        self._loop.close()

    async def _start(self) -> web.AppRunner:
        app = web.Application(client_max_size=1 << 28)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, shutdown_timeout=0.01)  # 0 would wait for ever
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return runner

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = Received(request.method, request.path, request.query_string, headers, await request.read())
        self.requests.append(received)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._respond(request, self._answer(received))
        finally:
            self.in_flight -= 1

    async def _respond(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        await asyncio.sleep(3600 if answer.fault == "hang" else answer.delay)
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        headers = {"Content-Type": "application/json"} | answer.headers
        if answer.fault == "":
            return web.Response(status=answer.status, body=body, headers=headers)
        response = web.StreamResponse(status=answer.status, headers=headers | {"Content-Length": str(len(body))})
        if answer.fault == "half":
            await response.prepare(request)
            await response.write(body[: len(body) // 2])
        assert request.transport is not None
        request.transport.abort()
        return response


def _in_turn(answers: list[Answer]) -> Callable[[Received], Answer]:
    return lambda _: answers.pop(0) if len(answers) > 1 else answers[0]


async def _end(runner: web.AppRunner) -> None:
    await runner.cleanup()
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
