"""``openai:NAME``: Chat Completions through OpenAI's own SDK, or through a client that the user made."""

from __future__ import annotations

import asyncio
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_toolmatch.core.errors import ModelUnavailable, RequestRejected, SamplingError, ServiceFault
from pytest_toolmatch.core.request import tools_digest
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.providers import chat_wire
from pytest_toolmatch.providers.chat_wire import from_wire
from pytest_toolmatch.providers.leaks import lost_in_error
from pytest_toolmatch.providers.sdk_errors import fault_of_connection, fault_of_status, scrub

if TYPE_CHECKING:
    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.request import Request

__all__ = ["Provider", "from_wire", "open_provider", "to_wire"]

_CACHING_HOSTS = (".openai.com", ".azure.com")
_KEY = "OPENAI_API_KEY"
_MOST_CONNECTIONS = 1000
_KEEP_ALIVE = 60.0
_THREADS = 64


def to_wire(request: Request) -> dict[str, Any]:
    """Return the body of a request; ``max_tokens`` is called ``max_completion_tokens`` here."""
    body = chat_wire.to_wire(request)
    if "max_tokens" in body:
        body.setdefault("max_completion_tokens", body.pop("max_tokens"))
    return body


class Provider:
    """Calls one model through the SDK; ``client`` is any client of it, sync ones are called in threads."""

    def __init__(self, model: Model, client: Any, *, ours: bool) -> None:
        self._model = model
        self._client = client
        self._ours = ours
        self._url = str(getattr(client, "base_url", ""))
        self._caches = _caches(self._url, model.settings.get("cache"))
        self._headers = model.settings.get("extra_headers") or {}
        # The SDK walks through every schema at every call, which takes longer than all the rest; the tools are plain
        # JSON already. A user's client gets them by name, since whoever watches it looks for them there.
        self._named = _named() - ({"tools"} if ours else set())
        # The loop's own executor has a handful of threads, which would bound the calls in flight.
        self._threads = None if _is_async(client) else ThreadPoolExecutor(_THREADS)

    async def complete(self, request: Request) -> Turn:
        """Send one request and return the answer; see ``Provider`` for what is raised."""
        try:
            async with asyncio.timeout(request.rollout.timeout):
                body = await self._send(self._arguments(request) | {"timeout": request.rollout.timeout})
        except Exception as error:  # noqa: BLE001 - what an SDK or its transport raises is no fixed set
            return self._failed(error)
        try:
            return chat_wire.read_answer(body, {tool.name for tool in request.tools})
        except ServiceFault as fault:
            raise ServiceFault(self._scrubbed(f"{self._model.identity}: {self._url}: {fault}")) from None

    async def aclose(self) -> None:
        """Close the connections, unless the client is a user's own."""
        if self._threads:
            self._threads.shutdown(wait=False)
        if self._ours:
            await self._client.close()

    def _arguments(self, request: Request) -> dict[str, Any]:
        """Return what ``create`` takes; what it does not know by name goes into the body as it is."""
        body = to_wire(request)
        if self._caches:
            body.setdefault("prompt_cache_key", _cache_key(request))
        extra = {name: body.pop(name) for name in body.keys() - self._named}
        if extra:
            body["extra_body"] = extra
        return body | ({"extra_headers": self._headers} if self._headers else {})

    async def _send(self, arguments: dict[str, Any]) -> bytes:
        """Return the answer's body as it came: making the SDK's types of it would take as long as all the rest."""
        send = partial(self._client.chat.completions.with_raw_response.create, **arguments)
        answer = await (asyncio.get_running_loop().run_in_executor(self._threads, send) if self._threads else send())
        content: bytes = answer.content
        return content

    def _failed(self, error: Exception) -> Turn:
        """Return the turn of a call that the service says it lost; raise what any other error means."""
        import openai  # noqa: PLC0415 - start-up stays cheap

        if isinstance(error, openai.APIStatusError) and lost_in_error(error.response.text):
            return Turn(text=self._scrubbed(error.response.text), stop="lost_by_server")
        raise self._fault(error, openai) from None

    def _fault(self, error: Exception, openai: Any) -> SamplingError:
        identity = self._model.identity
        if isinstance(error, openai.APIStatusError):
            said = self._scrubbed(error.response.text)
            return fault_of_status(error.status_code, said, error.response.headers, model=identity)
        if isinstance(error, openai.APIConnectionError | TimeoutError | OSError):
            return fault_of_connection(error, model=identity, url=self._url)
        if isinstance(error, openai.OpenAIError):
            return ModelUnavailable(f"{identity}: {self._scrubbed(str(error))}")
        said = self._scrubbed(str(error))[:300]
        return RequestRejected(f"{identity}: the SDK does not send this: {type(error).__name__}: {said}")

    def _scrubbed(self, text: str) -> str:
        secrets = (getattr(self._client, "api_key", None), *self._headers.values())
        return scrub(text, [secret for secret in secrets if isinstance(secret, str)])


def open_provider(model: Model) -> Provider:
    """Return the provider of a model, by its own client where it has one.

    Raises ModelUnavailable where there is no key, ConfigError for settings that can't be, and ModuleNotFoundError
    where the SDK is not installed.
    """
    chat_wire.check_settings(model)
    if model.client is None:
        return Provider(model, _client(model), ours=True)
    options = getattr(model.client, "with_options", None)
    return Provider(model, options(max_retries=0) if options else model.client, ours=False)


def _is_async(client: Any) -> bool:
    return any(kind.__name__.startswith("Async") for kind in type(client).__mro__)


def _named() -> frozenset[str]:
    """Return the parameters that the SDK knows."""
    from openai.types.chat.completion_create_params import (  # noqa: PLC0415 - start-up stays cheap
        CompletionCreateParamsBase,
    )

    return frozenset(CompletionCreateParamsBase.__annotations__)


def _client(model: Model) -> Any:
    import httpx2  # noqa: PLC0415 - it comes with the SDK
    import openai  # noqa: PLC0415 - start-up stays cheap

    key = _key(model)
    # aiohttp gets twice as much through one core as the SDK's own transport. Few connections kept means a storm of
    # new ones at every answer.
    limits = httpx2.Limits(
        max_connections=_MOST_CONNECTIONS, max_keepalive_connections=_MOST_CONNECTIONS, keepalive_expiry=_KEEP_ALIVE
    )
    try:
        http = openai.DefaultAioHttpClient(limits=limits)
        return openai.AsyncOpenAI(api_key=key, base_url=model.url or None, max_retries=0, http_client=http)
    except (openai.OpenAIError, ValueError) as error:
        raise ModelUnavailable(f"{model.identity}: {scrub(str(error), [key])}") from None


def _key(model: Model) -> str:
    name = model.settings.get("api_key_env", _KEY)
    key = os.environ.get(name, "").strip()
    if not key:
        raise ModelUnavailable(f"{model.identity}: there is no key: set {name}")
    if not key.isascii() or any(one.isspace() for one in key):
        raise ModelUnavailable(f"{model.identity}: the key holds a space or a letter that no key has: check {name}")
    return key


def _caches(url: str, asked: Any) -> bool:
    """Whether to name the cache: others that speak this wire refuse what they don't know, so only where asked."""
    host = f".{urlsplit(url).hostname or ''}"
    return host.endswith(_CACHING_HOSTS) if asked is None else bool(asked)


def _cache_key(request: Request) -> str:
    """Return what all requests with the same tools and instructions share: their prefix, which is cached once."""
    told = hashlib.sha256(request.instructions.encode("utf-8", "surrogatepass")).hexdigest()
    return f"toolmatch-{tools_digest(request.tools)}-{told[:16]}"
