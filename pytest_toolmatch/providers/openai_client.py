"""OpenAI's SDK, as both of its wires use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.errors import ModelUnavailable
from pytest_toolmatch.providers.keys import key_of
from pytest_toolmatch.providers.sdk_client import SdkProvider, without_retries
from pytest_toolmatch.providers.sdk_errors import scrub

if TYPE_CHECKING:
    from pytest_toolmatch.core.errors import SamplingError
    from pytest_toolmatch.core.model import Model

_KEY = "OPENAI_API_KEY"
_MOST_CONNECTIONS = 1000
_KEEP_ALIVE = 60.0


class OpenAIProvider(SdkProvider):
    """Calls one model through the SDK; ``client`` is any client of it."""

    def __init__(self, model: Model) -> None:
        ours = model.client is None
        super().__init__(model, _client(model) if ours else without_retries(model.client), ours=ours)

    def _fault(self, error: Exception) -> SamplingError:
        import openai  # noqa: PLC0415 - start-up stays cheap

        return self._told(error, openai, openai.OpenAIError)


def _client(model: Model) -> Any:
    """Return a client of ours; ModelUnavailable where there is no key."""
    import httpx2  # noqa: PLC0415 - it comes with the SDK
    import openai  # noqa: PLC0415 - start-up stays cheap

    key = key_of(model, _KEY)
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
