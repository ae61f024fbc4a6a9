"""OpenAI's Responses API through the official SDK: ``openai-responses:NAME``."""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.errors import ModelUnavailable, RequestRejected, SamplingError, ServiceFault
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.turn import Stop, Turn
from pytest_toolmatch.providers.exchanges import Exchange, exchanges, read_arguments, write_arguments
from pytest_toolmatch.providers.sdk_errors import environment_secrets, fault_of_connection, fault_of_status, scrub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.request import Request

PREFIX = "openai-responses"
_REASONING = "reasoning.encrypted_content"
_NO_REASONING = "Encrypted content is not supported"
_RENAMED = {"max_tokens": "max_output_tokens", "max_completion_tokens": "max_output_tokens"}
_NESTED = {"reasoning_effort": ("reasoning", "effort"), "verbosity": ("text", "verbosity")}
_CHOICES = {"any": "required"}
_NO_PARAMETERS = {"type": "object", "properties": {}}
_STOPS: dict[str, Stop] = {"content_filter": "refused"}  # all other reasons to be incomplete are limits
_REJECTIONS = ("invalid_", "image_", "unsupported_", "empty_image", "failed_to_download_image")


def to_wire(request: Request) -> dict[str, Any]:
    """Return the JSON body of ``POST /responses``.

    Nothing is kept at the provider (``store``), so reasoning comes back encrypted and is sent again as it came.
    Settings: ``max_tokens``, ``reasoning_effort`` and ``verbosity`` are translated, all others go as they are.
    """
    body: dict[str, Any] = {
        "model": request.model.partition(":")[2],
        "input": [item for exchange in exchanges(request.conversation) for item in _items(exchange)],
        "store": False,
        "include": [_REASONING],
    }
    if request.instructions:
        body["instructions"] = request.instructions
    if request.tools:
        body["tools"] = [_function(tool.shown()) for tool in request.tools]
    for name, value in request.settings.items():
        _set(body, name, value)
    return body


def from_wire(response: dict[str, Any]) -> Turn:
    """Return the turn that a response's JSON holds.

    Raises ServiceFault where the response failed or can't be read, RequestRejected where it failed for what was asked.
    """
    _check(response)
    output = [item for item in response["output"] if isinstance(item, dict)]
    calls = [item for item in output if item.get("type") == "function_call"]
    parts = [part for item in output if item.get("type") == "message" for part in item.get("content") or ()]
    refusals = [part.get("refusal", "") for part in parts if part.get("type") == "refusal"]
    return Turn(
        calls=tuple(Call(item["name"], read_arguments(item.get("arguments"))) for item in calls),
        ids=tuple(item.get("call_id") or f"call_{index}" for index, item in enumerate(calls)),
        text="".join([part.get("text", "") for part in parts if part.get("type") == "output_text"] + refusals),
        stop="refused" if refusals else _stop(response),
        usage=_usage(response.get("usage")),
        native={"provider": PREFIX, "output": output},
    )


class Provider:
    """Calls one model through an ``AsyncOpenAI``, or a user's own client: sync ones in a thread."""

    def __init__(self, client: Any, model: str, *, owned: bool) -> None:
        self._client = client.with_options(max_retries=0)
        self._model = model
        self._owned = owned
        self._encrypted = True

    async def complete(self, request: Request) -> Turn:
        """Send one request and return the answer."""
        wire = to_wire(request)
        if not self._encrypted:
            wire.pop("include")
        try:
            return from_wire(await self._send(wire, request.rollout.timeout))
        except RequestRejected as error:
            if _NO_REASONING not in str(error) or "include" in request.settings or not self._encrypted:
                raise
            # A model that does not reason refuses to be asked for its reasoning; no list of names could tell which.
            self._encrypted = False
            return await self.complete(request)

    async def aclose(self) -> None:
        """Close connections; safe to call twice."""
        if self._owned:
            await self._client.close()

    async def _send(self, wire: dict[str, Any], limit: float) -> dict[str, Any]:
        try:
            async with asyncio.timeout(limit):  # the SDK's own bounds each read, not the whole
                answer = await self._post(wire, limit)
                return _read(answer.content, self._model)
        except Exception as error:
            fault = _fault(error, self._model, str(self._client.base_url))
            if fault is None:
                raise
            raise fault from None

    async def _post(self, wire: dict[str, Any], limit: float) -> Any:
        rest = {name: value for name, value in wire.items() if name not in ("model", "input")}
        sent = {"model": wire["model"], "input": wire["input"], "extra_body": rest, "timeout": limit}
        create = self._client.responses.with_raw_response.create
        if isinstance(self._client, _sync_client()):
            return await asyncio.to_thread(create, **sent)
        answer = create(**sent)
        return await answer if inspect.isawaitable(answer) else answer


def open_provider(model: Model) -> Provider:
    """Return the provider of a model; ModelUnavailable where there is no key."""
    import openai  # noqa: PLC0415 - start-up stays cheap

    if model.client is not None:
        return Provider(model.client, model.identity, owned=False)
    try:
        client = openai.AsyncOpenAI(max_retries=0)
    except openai.OpenAIError:
        raise ModelUnavailable(f"{model.identity}: there is no key: set OPENAI_API_KEY") from None
    return Provider(client, model.identity, owned=True)


def _sync_client() -> type[Any]:
    import openai  # noqa: PLC0415 - start-up stays cheap

    return openai.OpenAI


def _fault(error: Exception, model: str, url: str) -> SamplingError | None:
    import openai  # noqa: PLC0415 - start-up stays cheap

    if isinstance(error, openai.APIStatusError):
        return fault_of_status(error.status_code, error.response.text, error.response.headers, model=model)
    if isinstance(error, openai.APIConnectionError | TimeoutError):
        return fault_of_connection(error, model=model, url=url)
    if isinstance(error, openai.OpenAIError):  # no key, a token that can't be had
        return ModelUnavailable(f"{model}: {type(error).__name__}: {scrub(str(error), environment_secrets())}")
    return None


def _items(exchange: Exchange) -> Iterator[dict[str, Any]]:
    message = exchange.message
    native = message.native if isinstance(message.native, dict) else {}
    if native.get("provider") == PREFIX:
        yield from native["output"]
        ids = tuple(item.get("call_id") or "" for item in native["output"] if item.get("type") == "function_call")
    else:
        ids = exchange.ids
        yield from _spoken(message.role, message.content, any_calls=bool(message.calls))
        for call, name in zip(message.calls, ids, strict=True):
            written = write_arguments(call.arguments)
            yield {"type": "function_call", "call_id": name, "name": call.name, "arguments": written}
    for name, reply in zip(ids, exchange.replies, strict=True):
        yield {"type": "function_call_output", "call_id": name, "output": reply.content}


def _spoken(role: str, content: str, *, any_calls: bool) -> Iterator[dict[str, Any]]:
    if content or not any_calls:
        yield {"type": "message", "role": role, "content": content}


def _function(shown: dict[str, Any]) -> dict[str, Any]:
    parameters = shown["parameters"] or _NO_PARAMETERS
    return {"type": "function", **shown, "parameters": parameters, "strict": False}


def _set(body: dict[str, Any], name: str, value: Any) -> None:
    if name in _NESTED:
        outer, inner = _NESTED[name]
        body[outer] = {**body.get(outer, {}), inner: value}
    elif name == "tool_choice":
        body[name] = _choice(value)
    else:
        body[_RENAMED.get(name, name)] = value


def _choice(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("function"), dict):
        return {"type": "function", "name": value["function"].get("name")}
    return _CHOICES.get(value, value) if isinstance(value, str) else value


def _check(response: dict[str, Any]) -> None:
    who, error, status = response.get("model", "the model"), response.get("error"), response.get("status", "completed")
    if error or status == "failed":
        code, message = (error.get("code"), error.get("message")) if isinstance(error, dict) else ("", error)
        fault = RequestRejected if str(code).startswith(_REJECTIONS) else ServiceFault
        raise fault(f"{who}: the response failed: {code or 'no code'}: {message or 'no reason given'}")
    if status not in ("completed", "incomplete"):
        raise ServiceFault(f"{who}: the response is not finished but {status!r}")
    if not isinstance(response.get("output"), list):
        raise ServiceFault(f"{who}: the answer can't be read: it has no list `output`, as the Responses API gives it")


def _stop(response: dict[str, Any]) -> Stop:
    if response.get("status") != "incomplete":
        return "done"
    return _STOPS.get((response.get("incomplete_details") or {}).get("reason", ""), "truncated")


def _usage(usage: dict[str, Any] | None) -> Usage | None:
    if not usage:
        return None
    return Usage(
        input=usage.get("input_tokens") or 0,
        cached=(usage.get("input_tokens_details") or {}).get("cached_tokens") or 0,
        output=usage.get("output_tokens") or 0,
        reasoning=(usage.get("output_tokens_details") or {}).get("reasoning_tokens") or 0,
    )


def _read(content: bytes, model: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        start = content[:60].decode("utf-8", "replace")
        raise ServiceFault(f"{model}: the answer can't be read: it is no JSON object but starts with {start!r}")
    return found
