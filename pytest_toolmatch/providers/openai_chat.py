"""``openai:NAME``: Chat Completions through OpenAI's own SDK, or through a client that the user made."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_toolmatch.core.request import tools_digest
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.providers import chat_wire
from pytest_toolmatch.providers.chat_wire import from_wire
from pytest_toolmatch.providers.leaks import lost_in_error
from pytest_toolmatch.providers.openai_client import OpenAIProvider

if TYPE_CHECKING:
    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.request import Request

__all__ = ["Provider", "from_wire", "open_provider", "to_wire"]

_CACHING_HOSTS = (".openai.com", ".azure.com")


def to_wire(request: Request) -> dict[str, Any]:
    """Return the body of a request; ``max_tokens`` is called ``max_completion_tokens`` here."""
    body = chat_wire.to_wire(request)
    if "max_tokens" in body:
        body.setdefault("max_completion_tokens", body.pop("max_tokens"))
    return body


class Provider(OpenAIProvider):
    """Calls one model through the SDK."""

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self._caches = _caches(self._url, model.settings.get("cache"))
        # The SDK walks through every schema at every call, which takes longer than all the rest; the tools are plain
        # JSON already. A user's client gets them by name, since whoever watches it looks for them there.
        self._named = _named() - ({"tools"} if self._ours else set())

    async def _send(self, request: Request) -> bytes:
        """Return the answer's body as it came: making the SDK's types of it would take as long as all the rest."""
        arguments = self._arguments(request) | {"timeout": request.rollout.timeout}
        answer = await self._call(self._client.chat.completions.with_raw_response.create, **arguments)
        content: bytes = answer.content
        return content

    def _read(self, answer: bytes, request: Request) -> Turn:
        return chat_wire.read_answer(answer, {tool.name for tool in request.tools})

    def _arguments(self, request: Request) -> dict[str, Any]:
        """Return what ``create`` takes; what it does not know by name goes into the body as it is."""
        body = to_wire(request)
        if self._caches:
            body.setdefault("prompt_cache_key", _cache_key(request))
        extra = {name: body.pop(name) for name in body.keys() - self._named}
        if extra:
            body["extra_body"] = extra
        return body | ({"extra_headers": self._headers} if self._headers else {})

    def _failed(self, error: Exception) -> Turn:
        """Return the turn of a call that the service says it lost; raise what any other error means."""
        said = getattr(getattr(error, "response", None), "text", None)
        if isinstance(said, str) and lost_in_error(said):
            return Turn(text=self._scrubbed(said), stop="lost_by_server")
        return super()._failed(error)


def open_provider(model: Model) -> Provider:
    """Return the provider of a model, by its own client where it has one.

    Raises ModelUnavailable where there is no key, ConfigError for settings that can't be, and ModuleNotFoundError
    where the SDK is not installed.
    """
    chat_wire.check_settings(model)
    return Provider(model)


def _named() -> frozenset[str]:
    """Return the parameters that the SDK knows."""
    from openai.types.chat.completion_create_params import (  # noqa: PLC0415 - start-up stays cheap
        CompletionCreateParamsBase,
    )

    return frozenset(CompletionCreateParamsBase.__annotations__)


def _caches(url: str, asked: Any) -> bool:
    """Whether to name the cache: others that speak this wire refuse what they don't know, so only where asked."""
    host = f".{urlsplit(url).hostname or ''}"
    return host.endswith(_CACHING_HOSTS) if asked is None else bool(asked)


def _cache_key(request: Request) -> str:
    """Return what all requests with the same tools and instructions share: their prefix, which is cached once."""
    told = hashlib.sha256(request.instructions.encode("utf-8", "surrogatepass")).hexdigest()
    return f"toolmatch-{tools_digest(request.tools)}-{told[:16]}"
