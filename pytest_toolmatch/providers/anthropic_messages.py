"""``anthropic:NAME``: Claude by Anthropic's own SDK, which also speaks to Bedrock, Vertex and Azure."""

from __future__ import annotations

import asyncio
import inspect
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.errors import ModelUnavailable, RequestRejected, SamplingError, ServiceFault
from pytest_toolmatch.providers.anthropic_answer import from_wire
from pytest_toolmatch.providers.anthropic_wire import to_wire
from pytest_toolmatch.providers.sdk_errors import environment_secrets, fault_of_connection, fault_of_status, scrub

if TYPE_CHECKING:
    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.core.turn import Turn

__all__ = ["Provider", "from_wire", "open_provider", "to_wire"]

_AUTHENTICATING = {"authorization", "x-api-key"}


class Provider:
    """Calls one model of Anthropic's; ``client`` is any client of the SDK, sync ones are called in a thread."""

    def __init__(self, model: Model, client: Any, *, ours: bool) -> None:
        self._model = model
        self._client = client
        self._ours = ours

    async def complete(self, request: Request) -> Turn:
        """Send one request and return the answer; see ``Provider`` for what is raised."""
        try:
            async with asyncio.timeout(request.rollout.timeout):
                body = await self._send(to_wire(request) | {"timeout": request.rollout.timeout})
        except SamplingError:
            raise
        except Exception as error:  # noqa: BLE001 - what an SDK or its transport raises is no fixed set
            raise self._fault(error) from None
        try:
            return from_wire(json.loads(body))
        except ServiceFault as fault:
            raise ServiceFault(f"{self._model.identity}: {fault}") from None
        except (ValueError, RecursionError):
            raise ServiceFault(f"{self._model.identity}: the answer is no JSON: {self._start(body)}") from None

    async def aclose(self) -> None:
        """Close the connections, unless the client is a user's own."""
        if self._ours:
            await self._client.close()

    async def _send(self, wire: dict[str, Any]) -> str:
        with suppress(DeprecationWarning, UserWarning):
            return await self._create(wire)
        # Under `-W error` the SDK's advice on a model would keep us from asking it. It goes by the argument.
        named = {"model": wire["model"]} | wire.get("extra_body", {})
        return await self._create(wire | {"model": "", "extra_body": named})

    async def _create(self, wire: dict[str, Any]) -> str:
        create = self._client.messages.with_raw_response.create
        response = await (create(**wire) if _is_async(self._client) else asyncio.to_thread(create, **wire))
        text = response.text()
        return str(await text if inspect.isawaitable(text) else text)

    def _fault(self, error: Exception) -> SamplingError:
        import anthropic  # noqa: PLC0415 - start-up stays cheap

        identity = self._model.identity
        if isinstance(error, anthropic.APIStatusError):
            said = self._scrubbed(error.response.text)
            return fault_of_status(error.status_code, said, error.response.headers, model=identity)
        if isinstance(error, anthropic.APIConnectionError | TimeoutError | OSError):
            return fault_of_connection(error, model=identity, url=str(self._client.base_url))
        said = self._scrubbed(str(error))[:300]
        if isinstance(error, anthropic.AnthropicError):
            return ModelUnavailable(f"{identity}: {said}")
        return RequestRejected(f"{identity}: the SDK does not send this: {type(error).__name__}: {said}")

    def _start(self, body: str) -> str:
        return repr(self._scrubbed(body[:2000])[:80])

    def _scrubbed(self, text: str) -> str:
        headers = {**getattr(self._client, "default_headers", {}), **self._model.settings.get("extra_headers", {})}
        secret = [value for name, value in headers.items() if isinstance(value, str) and _may_be_secret(name)]
        keys = (getattr(self._client, name, None) for name in ("api_key", "auth_token"))
        return scrub(text, [*secret, *filter(None, keys)])


def open_provider(model: Model) -> Provider:
    """Return the provider of a model, by its own client where it has one.

    Raises ModelUnavailable where there is no key; ModuleNotFoundError where the SDK is not installed.
    """
    import anthropic  # noqa: PLC0415 - start-up stays cheap

    if model.client is not None:
        return Provider(model, model.client.with_options(max_retries=0), ours=False)
    try:
        client = anthropic.AsyncAnthropic(base_url=model.url or None, max_retries=0)
    except (anthropic.AnthropicError, ValueError) as error:
        said = scrub(str(error), environment_secrets())
        raise ModelUnavailable(f"{model.identity}: {said} Or set ANTHROPIC_API_KEY.") from None
    _check_key(model, client)
    return Provider(model, client, ours=True)


def _check_key(model: Model, client: Any) -> None:
    headers = {**client.default_headers, **model.settings.get("extra_headers", {})}
    by_header = {name.lower() for name, value in headers.items() if isinstance(value, str)} & _AUTHENTICATING
    key = client.api_key or client.auth_token or ""
    if not (key or client.credentials or by_header):
        raise ModelUnavailable(f"{model.identity}: there is no key: set ANTHROPIC_API_KEY")
    if not key.isascii() or any(one.isspace() for one in key):
        raise ModelUnavailable(
            f"{model.identity}: the key holds a space, a line break or a letter that no key has: "
            "check ANTHROPIC_API_KEY (or ANTHROPIC_AUTH_TOKEN)"
        )


def _is_async(client: Any) -> bool:
    return hasattr(type(client), "__aenter__")


def _may_be_secret(header: str) -> bool:
    return header.lower() in _AUTHENTICATING or not header.lower().startswith(
        ("accept", "content-", "user-agent", "x-stainless", "anthropic-")
    )
