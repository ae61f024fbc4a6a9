"""``anthropic:NAME``: Claude by Anthropic's own SDK, which also speaks to Bedrock, Vertex and Azure."""

from __future__ import annotations

import inspect
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.errors import ModelUnavailable
from pytest_toolmatch.providers.anthropic_answer import from_wire
from pytest_toolmatch.providers.anthropic_wire import to_wire
from pytest_toolmatch.providers.keys import check_key
from pytest_toolmatch.providers.sdk_client import SdkProvider, without_retries
from pytest_toolmatch.providers.sdk_errors import environment_secrets, scrub

if TYPE_CHECKING:
    from pytest_toolmatch.core.errors import SamplingError
    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.core.turn import Turn

__all__ = ["Provider", "from_wire", "open_provider", "to_wire"]

_AUTHENTICATING = {"authorization", "x-api-key"}


class Provider(SdkProvider):
    """Calls one model of Anthropic's; ``client`` is any client of the SDK."""

    async def _send(self, request: Request) -> str:
        wire = to_wire(request) | {"timeout": request.rollout.timeout}
        with suppress(DeprecationWarning, UserWarning):
            return await self._create(wire)
        # Under `-W error` the SDK's advice on a model would keep us from asking it. It goes by the argument.
        named = {"model": wire["model"]} | wire.get("extra_body", {})
        return await self._create(wire | {"model": "", "extra_body": named})

    async def _create(self, wire: dict[str, Any]) -> str:
        response = await self._call(self._client.messages.with_raw_response.create, **wire)
        text = response.text()
        return str(await text if inspect.isawaitable(text) else text)

    def _read(self, answer: str, request: Request) -> Turn:  # noqa: ARG002 - other wires need the request to read
        return from_wire(self._object(answer))

    def _fault(self, error: Exception) -> SamplingError:
        import anthropic  # noqa: PLC0415 - start-up stays cheap

        return self._told(error, anthropic, anthropic.AnthropicError)


def open_provider(model: Model) -> Provider:
    """Return the provider of a model, by its own client where it has one.

    Raises ModelUnavailable where there is no key; ModuleNotFoundError where the SDK is not installed.
    """
    import anthropic  # noqa: PLC0415 - start-up stays cheap

    if model.client is not None:
        return Provider(model, without_retries(model.client), ours=False)
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
    if key or not (client.credentials or by_header):
        check_key(key, model, "ANTHROPIC_AUTH_TOKEN" if key and not client.api_key else "ANTHROPIC_API_KEY")
