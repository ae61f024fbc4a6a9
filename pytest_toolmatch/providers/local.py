"""``local:NAME@URL``: Chat Completions of a local server, through a client of our own that one core drives fast.

An official SDK gets a few hundred calls a second through one core. Behind a local server that is what bounds a run.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec

from pytest_toolmatch.core.errors import ConfigError, RequestRejected, SamplingError, ServiceFault
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.providers.chat_wire import (
    body_of,
    check_settings,
    encoded_tools,
    from_wire,
    read_answer,
    to_wire,
)
from pytest_toolmatch.providers.keys import key_of
from pytest_toolmatch.providers.leaks import lost_in_error
from pytest_toolmatch.providers.sdk_errors import fault_of_connection, fault_of_status, scrub

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import ClientResponse, ClientSession

    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.core.tool import Tool

__all__ = ["Provider", "from_wire", "open_provider", "to_wire"]

_KEY = "TOOLMATCH_LOCAL_API_KEY"
_LARGEST = 32 << 20
"""Bytes of a body: no answer is that long, but a stream that never ends would fill the memory."""

_KEEP_ALIVE, _CONNECT = 60.0, 30.0
_SHOWN = 80
_OK, _ELSEWHERE = 200, 300
_MOST_TOOLS = 256

_encoder = msgspec.json.Encoder()


class Provider:
    """Calls one model; connections are made on the loop of the first call, and kept."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._url = chat_url(model)
        self._headers, secrets = _headers(model)
        self._secrets = [*secrets, *_address_secrets(self._url)]
        self._session: ClientSession | None = None
        self._tools: dict[int, tuple[tuple[Tool, ...], msgspec.Raw, frozenset[str]]] = {}

    async def complete(self, request: Request) -> Turn:
        """Send one request and return the answer; see ``Provider`` for what is raised."""
        tools, offered = self._prepared(request.tools)
        data = self._encoded(request, tools)
        try:
            async with asyncio.timeout(request.rollout.timeout):
                status, headers, body = await self._post(data)
        except Exception as error:  # noqa: BLE001 - what a transport raises is no fixed set
            raise self._fault(error) from None
        if not _OK <= status < _ELSEWHERE:
            return self._refused(status, headers, body)
        try:
            return read_answer(body, offered)
        except ServiceFault as fault:
            raise self._unreadable(fault, headers, body) from None

    async def aclose(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session:
            await session.close()

    def _prepared(self, tools: tuple[Tool, ...]) -> tuple[msgspec.Raw, frozenset[str]]:
        """Return the tools encoded, and their names: once for all draws that share the tuple."""
        # The tools are kept beside what is made of them, so that their identity stays their own.
        if len(self._tools) > _MOST_TOOLS:
            self._tools.clear()
        if id(tools) not in self._tools:
            self._tools[id(tools)] = (tools, encoded_tools(tools), frozenset(tool.name for tool in tools))
        return self._tools[id(tools)][1:]

    def _encoded(self, request: Request, tools: msgspec.Raw) -> bytes:
        try:
            return _encoder.encode(body_of(request, tools))
        except (UnicodeError, TypeError, ValueError, RecursionError) as error:
            raise RequestRejected(f"{self._model.identity}: the request can't be written as JSON: {error}") from None

    async def _post(self, data: bytes) -> tuple[int, Mapping[str, str], bytes]:
        session = self._session or self._open()
        async with session.post(self._url, data=data, allow_redirects=False) as response:
            return response.status, response.headers, await _body(response)

    def _open(self) -> ClientSession:
        import aiohttp  # noqa: PLC0415 - start-up stays cheap

        # How many calls are in flight is bounded where they are made; a second bound here would only hide it.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE)
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(sock_connect=_CONNECT),
            trust_env=not _is_loopback(self._url),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self._session

    def _refused(self, status: int, headers: Mapping[str, str], body: bytes) -> Turn:
        """Return the turn of a call that the server says it lost; raise what any other status means."""
        said = self._scrubbed(body.decode("utf-8", "replace"))
        if lost_in_error(said):
            return Turn(text=said, stop="lost_by_server")
        raise fault_of_status(status, said, headers, model=f"{self._model.identity} at {self._scrubbed(self._url)}")

    def _fault(self, error: Exception) -> SamplingError:
        if isinstance(error, ServiceFault):
            return ServiceFault(self._scrubbed(f"{self._model.identity} at {self._url}: {error}"))
        return fault_of_connection(error, model=self._model.identity, url=self._url)

    def _unreadable(self, fault: ServiceFault, headers: Mapping[str, str], body: bytes) -> ServiceFault:
        kind = headers.get("Content-Type", "an unknown type").partition(";")[0]
        start = body[:_SHOWN].decode("utf-8", "replace")
        said = f"{self._model.identity} at {self._url}: {fault}; {kind}, {len(body)} bytes: {start!r}"
        return ServiceFault(self._scrubbed(said))

    def _scrubbed(self, text: str) -> str:
        return scrub(text, self._secrets)


def open_provider(model: Model) -> Provider:
    """Return the provider of a model; ConfigError without a URL, ModelUnavailable where a key that is named is not."""
    check_settings(model)
    return Provider(model)


def chat_url(model: Model) -> str:
    """Return where a server answers chats, from an address with or without ``/v1``; ConfigError where there is none."""
    try:
        parts = urlsplit(model.url)
        served = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        served = False
    if not served:
        raise ConfigError(
            f"{model.identity}: {scrub(model.url, ()) or 'it has no address'}: say where it is served, "
            f"for example local:{model.name.partition('@')[0]}@http://localhost:11434/v1"
        )
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    return urlunsplit(parts._replace(path=f"{path or '/v1'}/chat/completions", fragment=""))


def _headers(model: Model) -> tuple[dict[str, str], list[str]]:
    """Return the headers of every request, and which of what they hold is secret."""
    key = key_of(model, _KEY, needed=False)
    extra = {str(header): str(value) for header, value in (model.settings.get("extra_headers") or {}).items()}
    headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
    return headers | ({"Authorization": f"Bearer {key}"} if key else {}) | extra, [key, *extra.values()]


def _address_secrets(url: str) -> list[str]:
    """Return the password of an address, and the form in which it is sent."""
    parts = urlsplit(url)
    if not parts.password:
        return []
    name, password = unquote(parts.username or ""), unquote(parts.password)
    return [password, base64.b64encode(f"{name}:{password}".encode()).decode()]


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


async def _body(response: ClientResponse) -> bytes:
    if response.content_length is not None and response.content_length <= _LARGEST:
        return await response.read()
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > _LARGEST:
            response.close()
            raise ServiceFault(f"the answer is longer than {_LARGEST >> 20} MiB: is it a stream?")
    return b"".join(chunks)
