"""What is sent to Chat Completions, as OpenAI and everyone after it speaks it, pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.providers.chat_answer import NATIVE, REASONING, from_wire, read_answer
from pytest_toolmatch.providers.exchanges import Exchange, exchanges, write_arguments
from pytest_toolmatch.providers.wire import NO_PARAMETERS, OWN_SETTINGS, model_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_toolmatch.core.chain import Call
    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.core.tool import Tool

__all__ = ["body_of", "check_settings", "encoded_tools", "from_wire", "model_name", "read_answer", "to_wire"]

_ONE_ANSWER: dict[str, Any] = {"stream": False, "n": 1}
_ID = re.compile(r".{1,40}", re.DOTALL)  # OpenAI refuses longer ones


def to_wire(request: Request) -> dict[str, Any]:
    """Return the body of a request; settings stand beside the messages as they are."""
    return body_of(request, [_tool(tool) for tool in request.tools])


def body_of(request: Request, tools: Any) -> dict[str, Any]:
    """Return the body with ``tools`` as they are given: plain JSON, or JSON that is already encoded."""
    body = {"model": model_name(request.model), "messages": [*_messages(request)]}
    if request.tools:
        body["tools"] = tools
    plain = {name: value for name, value in request.settings.items() if name not in OWN_SETTINGS}
    return body | plain | (request.settings.get("extra_body") or {})


def encoded_tools(tools: Iterable[Tool]) -> msgspec.Raw:
    """Return the tools as JSON that an encoder takes over unchanged."""
    return msgspec.Raw(msgspec.json.encode([_tool(tool) for tool in tools]))


def check_settings(model: Model) -> None:
    """Raise ConfigError for settings that would change what an answer is."""
    settings = model.settings
    wrong = [name for name, value in _ONE_ANSWER.items() if settings.get(name) not in (None, value)]
    if wrong:
        raise ConfigError(
            f"{model.identity}: settings.{wrong[0]}: an answer is read whole, and one at a time: leave it out "
            "(for more answers, raise the number of samples)"
        )


def _tool(tool: Tool) -> dict[str, Any]:
    parameters = NO_PARAMETERS if tool.parameters is None else tool.parameters
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": parameters},
    }


def _messages(request: Request) -> Iterator[dict[str, Any]]:
    if request.instructions:
        yield {"role": "system", "content": request.instructions}
    for exchange in exchanges(request.conversation, NATIVE, _ID):
        message = exchange.message
        if message.role == "assistant":
            yield _said(exchange)
            for name, reply in zip(exchange.ids, exchange.replies, strict=True):
                yield {"role": "tool", "tool_call_id": name, "content": reply.content}
        else:
            yield {"role": message.role, "content": message.content}


def _said(exchange: Exchange) -> dict[str, Any]:
    message, native = exchange.message, exchange.native or {}
    said = {"role": "assistant", "content": message.content} | {k: native[k] for k in REASONING if k in native}
    if message.calls:
        extras = [*(native.get("extra_content") or ()), *[None] * len(message.calls)]
        said["tool_calls"] = [_call(*parts) for parts in zip(message.calls, exchange.ids, extras, strict=False)]
    return said


def _call(call: Call, name: str, extra: Any) -> dict[str, Any]:
    written = {"name": call.name, "arguments": write_arguments(call.arguments)}
    told = {"id": name, "type": "function", "function": written}
    return told | {"extra_content": extra} if extra else told
