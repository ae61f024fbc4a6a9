"""Bodies in the form of Anthropic's Messages API, for the loopback server to answer with."""

from __future__ import annotations

from functools import cache
from typing import Any

from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from pydantic import TypeAdapter

from tests.servers.loopback import Answer


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said, "citations": None}


def tool_use(name: str, arguments: Any, call_id: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments, "caller": {"type": "direct"}}


def thinking(thought: str, signature: str = "EqQBCgIYAhIM") -> dict[str, Any]:
    return {"type": "thinking", "thinking": thought, "signature": signature}


def redacted_thinking(data: str = "EmwKAhgBEgy3va3pzix") -> dict[str, Any]:
    return {"type": "redacted_thinking", "data": data}


def usage(read: int = 0, written: int = 0, thought: int = 0) -> dict[str, Any]:
    return {
        "input_tokens": 12,
        "output_tokens": 34,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens_details": {"thinking_tokens": thought},
        "service_tier": "standard",
    }


def message(*content: dict[str, Any], stop_reason: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a whole response; the reason to stop is that of its content where none is given."""
    called = any(block["type"] == "tool_use" for block in content)
    return {
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-4-7",
        "content": list(content),
        "stop_reason": stop_reason or ("tool_use" if called else "end_turn"),
        "stop_sequence": None,
        "usage": usage(),
    } | more


def fault(status: int, kind: str, said: str, **headers: str) -> Answer:
    """Return an error as the API sends it; underscores in the names of headers are hyphens."""
    body = {"type": "error", "error": {"type": kind, "message": said}, "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy"}
    return Answer(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


def check_params(sent: dict[str, Any]) -> None:
    """Raise pydantic's ValidationError unless the SDK's own types allow what is sent."""
    _exhaust(_params().validate_python(sent))


@cache
def _params() -> TypeAdapter[Any]:
    return TypeAdapter(MessageCreateParamsNonStreaming)


def _exhaust(value: Any) -> None:
    """Walk through a value: pydantic checks the items of an Iterable only when they are asked for."""
    if not isinstance(value, str) and hasattr(value, "__iter__"):
        for item in value.values() if isinstance(value, dict) else value:
            _exhaust(item)
