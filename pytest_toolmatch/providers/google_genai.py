"""Gemini through google-genai, on the Gemini API or on Vertex AI: ``google:NAME``."""

from __future__ import annotations

import json
import math
import os
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.errors import ModelUnavailable, RequestRejected, SamplingError, ServiceFault
from pytest_toolmatch.providers.google_wire import from_wire, to_wire
from pytest_toolmatch.providers.keys import key_of
from pytest_toolmatch.providers.sdk_client import SdkProvider
from pytest_toolmatch.providers.sdk_errors import environment_secrets, fault_of_connection, fault_of_status, scrub

if TYPE_CHECKING:
    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.core.turn import Turn

__all__ = ["Provider", "from_wire", "open_provider", "to_wire"]

_ADDRESS = "https://generativelanguage.googleapis.com"
_SHORTEST_DEADLINE = 10  # seconds; the service refuses to be told a shorter one
_HTTP_LIBRARIES = ("aiohttp", "httpx", "httpx2", "httpcore", "httpcore2")


class Provider(SdkProvider):
    """Calls one model through a ``google.genai.Client``, also a user's own (Vertex AI comes with it)."""

    def __init__(self, model: Model, client: Any, *, http: Any = None) -> None:
        """``http`` is the HTTP client to close in the end, where it is ours."""
        super().__init__(model, client, ours=False)
        self._aio = getattr(client, "aio", client)
        self._http = http

    async def aclose(self) -> None:
        """Close connections; safe to call twice."""
        if self._http is not None:
            await self._http.aclose()
            self._client.close()

    async def _send(self, request: Request) -> dict[str, Any]:
        prepared = self._prepare(to_wire(request), request.rollout.timeout)
        return plain(await self._aio.models.generate_content(**prepared))

    def _read(self, answer: dict[str, Any], request: Request) -> Turn:  # noqa: ARG002 - other wires need the request
        return from_wire(answer)

    def _fault(self, error: Exception) -> SamplingError | None:
        return _fault(error, self._model.identity, self._model.url)

    def _prepare(self, wire: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Return the wire's JSON as the SDK's own types, which know signatures for the bytes that they are."""
        from google.genai import types  # noqa: PLC0415 - start-up stays cheap
        from pydantic import ValidationError  # noqa: PLC0415 - comes with the SDK

        options = {
            **wire["config"].pop("httpOptions", {}),
            "timeout": max(1, math.ceil(timeout * 1000)),
            "retryOptions": {"attempts": 1},  # without it, a broken connection is tried again after 1 to 10 seconds
        }
        deadline = str(max(_SHORTEST_DEADLINE, math.ceil(timeout)))
        options["headers"] = {"X-Server-Timeout": deadline, **options.get("headers", {})}
        config = {**wire["config"], "httpOptions": options, "automaticFunctionCalling": {"disable": True}}
        try:
            return {
                "model": wire["model"],
                "contents": [types.Content.model_validate_json(json.dumps(one)) for one in wire["contents"]],
                "config": types.GenerateContentConfig.model_validate_json(json.dumps(config)),
            }
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:3])
            raise RequestRejected(
                f"{self._model.identity}: google-genai does not take the request: {faults}: check the model's settings"
            ) from None


def plain(response: Any) -> dict[str, Any]:
    """Return the SDK's form of an answer as the JSON that it was."""
    left_out = {"sdk_http_response", "parsed"}
    answer: dict[str, Any] = response.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=left_out)
    return answer


def open_provider(model: Model) -> Provider:
    """Return the provider of a model; ModelUnavailable where there is no key."""
    import httpx2  # noqa: PLC0415 - start-up stays cheap
    from google import genai  # noqa: PLC0415
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415

    if model.client is not None:
        return Provider(model, model.client)
    # Left to itself the SDK takes aiohttp, in a way that aiohttp warns of: an error where warnings are errors.
    http = httpx2.AsyncClient(timeout=None, limits=httpx2.Limits(max_connections=None), follow_redirects=True)
    try:
        options = genai.types.HttpOptions(httpx_async_client=http, base_url=model.url or None)
        client = genai.Client(api_key=key_of(model, "GEMINI_API_KEY", needed=False) or None, http_options=options)
        return Provider(model, client, http=http)
    except (ValueError, GoogleAuthError) as error:
        if "API key" in str(error):
            raise ModelUnavailable(
                f"{model.identity}: there is no key: set GEMINI_API_KEY (or GOOGLE_API_KEY), or "
                "GOOGLE_GENAI_USE_VERTEXAI=true and log in for Vertex AI"
            ) from None
        raise ModelUnavailable(f"{model.identity}: {scrub(str(error), environment_secrets())}") from None


def _fault(error: Exception, model: str, url: str) -> SamplingError | None:
    """Return what an exception of the SDK, or of what it sends with, is to us; None where it is no such."""
    from google.auth.exceptions import GoogleAuthError, TransportError  # noqa: PLC0415 - start-up stays cheap
    from google.genai import errors  # noqa: PLC0415
    from pydantic import ValidationError  # noqa: PLC0415

    if isinstance(error, errors.APIError):
        return _fault_of_answer(error, model)
    library = type(error).__module__.partition(".")[0]
    if isinstance(error, OSError | TransportError) or library in _HTTP_LIBRARIES:
        address = url or os.environ.get("GOOGLE_GEMINI_BASE_URL", _ADDRESS)
        return fault_of_connection(error, model=model, url=address)
    said = scrub(str(error), environment_secrets())
    unread = (errors.UnknownApiResponseError, json.JSONDecodeError, ValidationError, TypeError)
    told: list[tuple[Any, SamplingError]] = [
        (GoogleAuthError, ModelUnavailable(f"{model}: Google does not let us in: {said}")),
        (unread, ServiceFault(f"{model}: the answer can't be read as one of generateContent ({type(error).__name__})")),
        (Warning, RequestRejected(f"{model}: the SDK warns, an error here: {said}: allow it in `filterwarnings`")),
        (ValueError, RequestRejected(f"{model}: google-genai does not take the request: {said}")),
    ]
    return next((fault for kind, fault in told if isinstance(error, kind)), None)


def _fault_of_answer(error: Any, model: str) -> SamplingError:
    details = error.details if isinstance(error.details, dict) else {}
    said = json.dumps(details) if "error" in details else str(error.message or "")
    wrong_key = error.code == 400 and "API_KEY_INVALID" in said  # noqa: PLR2004 - the service says 400 for it
    headers = getattr(error.response, "headers", None) or {}
    return fault_of_status(401 if wrong_key else error.code, said, headers, model=model)
