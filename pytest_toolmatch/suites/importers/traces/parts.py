"""Parts of a message, in the form of any provider: a text, a call, a tool's reply, a tool on offer.

Anthropic's blocks, OpenAI's parts and Responses items, Gemini's parts, those of OpenTelemetry's conventions and of the
Vercel AI SDK differ in the names of the same few fields, so a table of names reads them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.suites.importers.fields import parsed
from pytest_toolmatch.suites.importers.traces.values import opened
from pytest_toolmatch.suites.importers.wire_responses import call_of, output_text

_CALLS = ("tool_use", "tool_call", "tool-call", "function_call", "functioncall", "server_tool_use", "mcp_tool_use")
_REPLIES = ("tool_result", "tool_call_response", "tool-result", "function_call_output", "function_response")
TEXTS = ("text", "input_text", "output_text", "refusal")
SILENT = ("reasoning", "thinking", "redacted_thinking", "step-start")

_IDS = ("call_id", "toolCallId", "tool_call_id", "tool_use_id", "id")
_NAMES = ("name", "toolName", "tool_name")
_ARGUMENTS = ("arguments", "input", "args")
_RESULTS = ("result", "response", "output", "content", "value")


class Text(msgspec.Struct, frozen=True):
    """Something said."""

    text: str


class Asked(msgspec.Struct, frozen=True):
    """A call, with its id where it has one."""

    id: str
    call: Call


class Replied(msgspec.Struct, frozen=True):
    """What a tool answered; ``id`` or ``name`` says to which call."""

    id: str
    name: str
    text: str
    error: bool = False


class Offered(msgspec.Struct, frozen=True):
    """A tool's declaration that stands among the messages."""

    data: Any


Part = Text | Asked | Replied | Offered


def is_call(kind: str) -> bool:
    """Return whether a part's type is that of a call; Responses has one for every kind of tool."""
    return kind in _CALLS or kind.endswith("_call")


def is_reply(kind: str) -> bool:
    """Return whether a part's type is that of a tool's reply."""
    return kind in _REPLIES or kind.endswith("_call_output")


def parts_in(content: Any) -> Iterator[Part]:
    """Yield the parts of a message's content, whatever its form."""
    value = _calls_as_text(content) if isinstance(content, str) else content
    match value:
        case None | "":
            return
        case str():
            yield Text(value)
        case list():
            for one in value:
                yield from parts_in(one)
        case dict():
            yield from _part(value)
        case _:
            yield Text(text_of(value))


def _calls_as_text(content: str) -> Any:
    """Return calls that an instrumentation wrote into the text of a message, else the text."""
    if not content.startswith('[{"') or '"function"' not in content:
        return content
    value = opened(content)
    calls = isinstance(value, list) and all(isinstance(one, dict) and "function" in one for one in value)
    return value if calls else content


def _part(data: dict[str, Any]) -> Iterator[Part]:
    kind = str(data.get("type") or "").lower()
    wrapped = next((key for key in _WRAPPERS if key in data), None)
    if wrapped and not is_call(kind) and not is_reply(kind):
        yield from _WRAPPERS[wrapped](data)
    elif kind in _CALLS:
        yield call_in(data)
    elif is_call(kind):
        yield Asked(str(_first(data, _IDS) or ""), call_of(data))
    elif is_reply(kind):
        yield _reply(data)
    elif kind in SILENT or data.get("thought") is True:
        return
    elif kind in TEXTS or (not kind and ("text" in data or "content" in data)):
        yield from parts_in(next((data[key] for key in ("text", "content", "refusal") if data.get(key)), None))
    elif "toolCallId" in data and "toolName" in data:
        yield call_in(data)
    else:
        yield Text(f"[{kind}]" if kind else text_of(data))


def _function(data: dict[str, Any]) -> Iterator[Part]:
    function = data["function"] if isinstance(data["function"], dict) else {}
    declared = "arguments" not in function and ("parameters" in function or "description" in function)
    yield Offered(data) if declared else call_in(data)


def _unwrapped(key: str) -> Any:
    def parts(data: dict[str, Any]) -> Iterator[Part]:
        yield from parts_in(data[key])

    return parts


def _gemini_call(key: str) -> Any:
    def parts(data: dict[str, Any]) -> Iterator[Part]:
        yield call_in(data[key] if isinstance(data[key], dict) else {})

    return parts


def _gemini_reply(key: str) -> Any:
    def parts(data: dict[str, Any]) -> Iterator[Part]:
        yield _reply(data[key] if isinstance(data[key], dict) else {})

    return parts


_WRAPPERS = {
    "function_call": _gemini_call("function_call"),
    "functionCall": _gemini_call("functionCall"),
    "function_response": _gemini_reply("function_response"),
    "functionResponse": _gemini_reply("functionResponse"),
    "tool_call": _unwrapped("tool_call"),
    "message_content": _unwrapped("message_content"),
    "function": _function,
}
"""Key of a part → how to read it; the first that is there counts, before the part's type."""


def call_in(data: dict[str, Any]) -> Asked:
    """Return the call that an object stands for, flat or below ``function``."""
    function = data["function"] if isinstance(data.get("function"), dict) else data
    name = _first(function, _NAMES)
    arguments = next((function[key] for key in _ARGUMENTS if key in function), None)
    return Asked(str(_first(data, _IDS) or ""), Call(str(name or ""), parsed(arguments)))


def _reply(data: dict[str, Any]) -> Replied:
    result = next((data[key] for key in _RESULTS if key in data), None)
    error = bool(data.get("is_error") or data.get("isError"))
    item = str(data.get("type")).endswith("_call_output") and not isinstance(result, list)
    text = output_text(result) if item else text_of(result)
    return Replied(str(_first(data, _IDS) or ""), str(_first(data, _NAMES) or ""), text, error)


def _first(data: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((data[key] for key in keys if data.get(key)), None)


def text_of(value: Any) -> str:
    """Return the text in a content or a result; what is no text is shown as JSON."""
    match value:
        case None:
            return ""
        case str():
            return value
        case {"content": list() as inner}:
            return text_of(inner)
        case list() if value and all(isinstance(one, dict) and "type" in one for one in value):
            return "\n".join(part.text for part in parts_in(value) if isinstance(part, Text))
        case {"type": str() as kind, "value": held} if kind in ("text", "json"):
            return text_of(held)
    return msgspec.json.encode(value).decode()
