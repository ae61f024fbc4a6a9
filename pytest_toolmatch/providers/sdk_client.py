"""What the providers over an official SDK share: a call by a client of ours or a user's, and what comes of it."""

from __future__ import annotations

import asyncio
import inspect
import json
from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.errors import ModelUnavailable, RequestRejected, SamplingError, ServiceFault
from pytest_toolmatch.providers.sdk_errors import environment_secrets, fault_of_connection, fault_of_status, scrub
from pytest_toolmatch.providers.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.core.turn import Turn

_SHOWN = 300
_LONGEST_SECRET = 2000
_PLAIN_HEADERS = ("accept", "content-", "user-agent", "x-stainless", "anthropic-")


class SdkProvider(ABC):
    """Calls one model through an SDK's client; a wire says how to send a request, and what its answer means."""

    def __init__(self, model: Model, client: Any, *, ours: bool) -> None:
        self._model = model
        self._client = client
        self._ours = ours
        self._headers: dict[str, Any] = model.settings.get("extra_headers") or {}
        self._url = str(getattr(client, "base_url", ""))

    async def complete(self, request: Request) -> Turn:
        """Send one request and return the answer; see ``Provider`` for what is raised."""
        try:
            async with asyncio.timeout(request.rollout.timeout):  # an SDK's own bounds each read, not the whole
                answer = await self._send(request)
        except SamplingError:
            raise
        except Exception as error:  # noqa: BLE001 - what an SDK or its transport raises is no fixed set
            return self._failed(error)
        try:
            return self._read(answer, request)
        except ServiceFault as fault:
            place = f"{self._model.identity} at {self._url}" if self._url else self._model.identity
            raise ServiceFault(self._scrubbed(f"{place}: {fault}")) from None

    async def aclose(self) -> None:
        """Close the connections, unless the client is a user's own; safe to call twice."""
        if self._ours:
            await self._client.close()

    @abstractmethod
    async def _send(self, request: Request) -> Any: ...

    @abstractmethod
    def _read(self, answer: Any, request: Request) -> Turn: ...

    @abstractmethod
    def _fault(self, error: Exception) -> SamplingError | None: ...

    def _failed(self, error: Exception) -> Turn:
        """Raise what an exception means to us."""
        raise self._fault(error) or self._unsent(error) from None

    async def _call(self, method: Callable[..., Any], **arguments: Any) -> Any:
        """Call a method of the client: one that may be synchronous in a thread, so that no other call has to wait."""
        if hasattr(type(self._client), "__aenter__"):
            return await method(**arguments)
        answer = await in_thread(partial(method, **arguments))
        return await answer if inspect.isawaitable(answer) else answer

    def _object(self, body: str | bytes) -> dict[str, Any]:
        """Return the JSON object that an answer's body is; ServiceFault where it is none."""
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return found
        start = body[:_LONGEST_SECRET]
        said = self._scrubbed(start if isinstance(start, str) else start.decode("utf-8", "replace"))
        raise ServiceFault(f"the answer can't be read: it is no JSON object but starts with {said[:60]!r}")

    def _told(self, error: Exception, sdk: ModuleType, base: type[Exception]) -> SamplingError:
        """Return what an exception is to us; OpenAI's and Anthropic's SDKs name all theirs alike but the base."""
        identity = self._model.identity
        if isinstance(error, sdk.APIStatusError):
            said = self._scrubbed(error.response.text)
            return fault_of_status(error.status_code, said, error.response.headers, model=identity)
        if isinstance(error, sdk.APIConnectionError | TimeoutError | OSError):
            return fault_of_connection(error, model=identity, url=self._url)
        if isinstance(error, base):  # no key, a token that can't be had
            return ModelUnavailable(f"{identity}: {self._scrubbed(str(error))[:_SHOWN]}")
        return self._unsent(error)

    def _unsent(self, error: Exception) -> RequestRejected:
        said = f"{type(error).__name__}: {self._scrubbed(str(error))[:_SHOWN]}"
        return RequestRejected(f"{self._model.identity}: the SDK does not send this: {said}")

    def _scrubbed(self, text: str) -> str:
        """Return the text without what is secret in the environment, in the client and in the headers."""
        headers = {**getattr(self._client, "default_headers", {}), **self._headers}
        hidden = [value for name, value in headers.items() if not name.lower().startswith(_PLAIN_HEADERS)]
        keys = [getattr(self._client, name, None) for name in ("api_key", "auth_token")]
        return scrub(text, [*environment_secrets(), *(one for one in (*hidden, *keys) if isinstance(one, str))])


def without_retries(client: Any) -> Any:
    """Return a user's client that asks once; one that can't be told so goes as it is."""
    options = getattr(client, "with_options", None)
    return options(max_retries=0) if options else client
