"""OpenAI's Responses API through the official SDK: ``openai-responses:NAME``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.errors import RequestRejected, ServiceFault
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.turn import Stop, Turn
from pytest_toolmatch.providers.exchanges import (
    Exchange,
    distinct,
    exchanges,
    read_arguments,
    with_ids,
    write_arguments,
)
from pytest_toolmatch.providers.openai_client import OpenAIProvider
from pytest_toolmatch.providers.wire import NO_PARAMETERS, OWN_SETTINGS, model_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.request import Request

PREFIX = "openai-responses"
_REASONING = "reasoning.encrypted_content"
NO_REASONING = "Encrypted content is not supported"
_RENAMED = {"max_tokens": "max_output_tokens", "max_completion_tokens": "max_output_tokens"}
_NESTED = {"reasoning_effort": ("reasoning", "effort"), "verbosity": ("text", "verbosity")}
_CHOICES = {"any": "required"}
_ID = re.compile(r".{1,64}", re.DOTALL)  # longer ones are refused
_STOPS: dict[str, Stop] = {"content_filter": "refused"}  # all other reasons to be incomplete are limits
_REJECTIONS = ("invalid_", "image_", "unsupported_", "empty_image", "failed_to_download_image")


def to_wire(request: Request) -> dict[str, Any]:
    """Return the JSON body of ``POST /responses``.

    Nothing is kept at the provider (``store``), so reasoning comes back encrypted and is sent again as it came.
    Settings: ``max_tokens``, ``reasoning_effort`` and ``verbosity`` are translated, all others go as they are.
    """
    body: dict[str, Any] = {
        "model": model_name(request.model),
        "input": [item for exchange in exchanges(request.conversation, PREFIX, _ID) for item in _items(exchange)],
        "store": False,
        "include": [_REASONING],
    }
    if request.instructions:
        body["instructions"] = request.instructions
    if request.tools:
        body["tools"] = [_function(tool.shown()) for tool in request.tools]
    for name, value in request.settings.items():
        if name not in OWN_SETTINGS:
            _set(body, name, value)
    return body | (request.settings.get("extra_body") or {})


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
        ids=distinct([item.get("call_id") for item in calls], set()),
        text="".join([part.get("text", "") for part in parts if part.get("type") == "output_text"] + refusals),
        stop="refused" if refusals else _stop(response),
        usage=_usage(response.get("usage")),
        native={"provider": PREFIX, "output": output},
    )


class Provider(OpenAIProvider):
    """Calls one model through the SDK."""

    _encrypted = True

    async def complete(self, request: Request) -> Turn:
        """Send one request and return the answer; see ``Provider`` for what is raised."""
        asked = self._encrypted  # others in flight may learn meanwhile that it is refused
        try:
            return await super().complete(request)
        except RequestRejected as error:
            if NO_REASONING not in str(error) or "include" in request.settings or not asked:
                raise
            # A model that does not reason refuses to be asked for its reasoning; no list of names could tell which.
            self._encrypted = False
            return await self.complete(request)

    async def _send(self, request: Request) -> bytes:
        body = to_wire(request)
        if not self._encrypted:
            body.pop("include")
        sent = {"model": body.pop("model"), "input": body.pop("input"), "timeout": request.rollout.timeout}
        headers = {"extra_headers": self._headers} if self._headers else {}
        create = self._client.responses.with_raw_response.create
        answer = await self._call(create, **sent, **headers, extra_body=body)
        content: bytes = answer.content
        return content

    def _read(self, answer: bytes, request: Request) -> Turn:  # noqa: ARG002 - other wires need the request to read
        return from_wire(self._object(answer))


def open_provider(model: Model) -> Provider:
    """Return the provider of a model; ModelUnavailable where there is no key."""
    return Provider(model)


def _items(exchange: Exchange) -> Iterator[dict[str, Any]]:
    native = exchange.native or {}
    yield from with_ids(native.get("output", []), exchange.ids, "function_call", "call_id") or _said(exchange)
    for name, reply in zip(exchange.ids, exchange.replies, strict=True):
        yield {"type": "function_call_output", "call_id": name, "output": reply.content}


def _said(exchange: Exchange) -> Iterator[dict[str, Any]]:
    message = exchange.message
    if message.content or not exchange.ids:
        yield {"type": "message", "role": message.role, "content": message.content}
    for call, name in zip(message.calls, exchange.ids, strict=False):
        written = write_arguments(call.arguments)
        yield {"type": "function_call", "call_id": name, "name": call.name, "arguments": written}


def _function(shown: dict[str, Any]) -> dict[str, Any]:
    parameters = shown["parameters"] or NO_PARAMETERS
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
