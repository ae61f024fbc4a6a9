"""Embeddings of any server that speaks OpenAI's ``POST /v1/embeddings``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import msgspec
import numpy as np

from pytest_toolmatch.core.errors import ConfigError, ServiceFault
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.curation.embedding import unit
from pytest_toolmatch.providers.keys import key_of
from pytest_toolmatch.providers.sdk_errors import fault_of_connection, fault_of_status
from pytest_toolmatch.sampling.retrying import Health, Retries, ask_again

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aiohttp import ClientSession

    from pytest_toolmatch.curation.embedding import Floats

BATCH = 64
"""Texts of one request."""
IN_FLIGHT = 8
"""Requests that are under way together."""
_TIMEOUT = 120.0
_LONGEST = 8000
"""Characters of a text that are sent."""
_OK, _ELSEWHERE = 200, 300


class _Row(msgspec.Struct):
    embedding: list[float]
    index: int | None = None


class _Answer(msgspec.Struct):
    data: list[_Row]


class _Post(NamedTuple):
    """Where to send, and what is known of who answers there."""

    session: ClientSession
    health: Health


_decoder = msgspec.json.Decoder(_Answer)


class Server:
    """One model of one server; ``url`` as in ``http://localhost:11434/v1``."""

    epsilon = 0.25

    def __init__(self, url: str, model: str, retries: Retries | None = None) -> None:
        self.url, self.model = url.rstrip("/"), model
        self.name = f"{self.url}#{model}"
        self._retries = retries or Retries()
        if not urlsplit(self.url).hostname:
            raise ConfigError(f"--embedder {self.name}: no host in this address; write http://HOST:PORT/v1#MODEL")

    def rows(self, texts: Sequence[str]) -> Iterator[Floats]:
        """Yield the server's rows; raises SamplingError, in one line, where it can't be reached or does not answer so.

        What may pass (overload, a broken connection) is asked again first.
        """
        with asyncio.Runner() as runner:
            post = runner.run(self._opened())
            try:
                for start in range(0, len(texts), BATCH * IN_FLIGHT):
                    yield runner.run(self._together(post, texts[start : start + BATCH * IN_FLIGHT]))
            finally:
                runner.run(post.session.close())

    async def _opened(self) -> _Post:
        import aiohttp  # noqa: PLC0415 - only where a server is asked

        ours = urlsplit(self.url).hostname or ""
        name = "OPENAI_API_KEY" if ours.endswith(".openai.com") else "TOOLMATCH_LOCAL_API_KEY"
        key = key_of(Model(name=self.name), name, needed=False)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT)
        return _Post(aiohttp.ClientSession(headers=headers, timeout=timeout), Health(self._retries))

    async def _together(self, post: _Post, texts: Sequence[str]) -> Floats:
        batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._batch(post, batch)) for batch in batches]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        rows = [task.result() for task in tasks]
        if len({one.shape[1] for one in rows}) > 1:
            raise ServiceFault(f"{self.name}: rows of different lengths; is there one model behind this address?")
        return unit(np.vstack(rows))

    async def _batch(self, post: _Post, texts: Sequence[str]) -> Floats:
        try:
            return await self._asked(post, texts)
        except ServiceFault as fault:
            return await ask_again(fault, lambda: self._asked(post, texts), post.health)

    async def _asked(self, post: _Post, texts: Sequence[str]) -> Floats:
        # An empty text is refused by some, and has no meaning for any.
        body = {"model": self.model, "input": [text[:_LONGEST] or "(empty)" for text in texts]}
        try:
            async with post.session.post(f"{self.url}/embeddings", json=body, allow_redirects=False) as response:
                status, headers, data = response.status, response.headers, await response.read()
        except Exception as error:  # noqa: BLE001 - what a transport raises is no fixed set
            raise fault_of_connection(error, model=self.model, url=self.url) from None
        if not _OK <= status < _ELSEWHERE:
            raise fault_of_status(status, data.decode("utf-8", "replace"), headers, model=self.name)
        post.health.answer()
        return self._read(data, len(texts))

    def _read(self, data: bytes, count: int) -> Floats:
        try:
            rows = _decoder.decode(data).data
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ServiceFault(f"{self.name}: the answer holds no embeddings: {error}") from None
        rows = sorted(rows, key=lambda row: row.index or 0)
        if len(rows) != count or len({len(row.embedding) for row in rows}) != 1:
            raise ServiceFault(f"{self.name}: {len(rows)} rows for {count} texts, or of different lengths")
        return np.array([row.embedding for row in rows], np.float32)
