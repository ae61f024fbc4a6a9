"""What an answer of Anthropic's Messages API means, pure."""

from __future__ import annotations

from typing import Any

import msgspec

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.errors import ServiceFault
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.turn import Stop, Turn
from pytest_toolmatch.providers.anthropic_turns import NATIVE

_STOPS: dict[str | None, Stop] = {
    "max_tokens": "truncated",
    "model_context_window_exceeded": "truncated",
    "pause_turn": "truncated",  # a server tool took too long: the answer is not all there
    "refusal": "refused",
}


class _Tokens(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens_details: dict[str, Any] | None = None


class _Text(msgspec.Struct):
    text: str


class _ToolUse(msgspec.Struct):
    id: str
    name: str
    input: Any = None


class _Response(msgspec.Struct):
    content: list[dict[str, Any]]
    stop_reason: str | None = None
    usage: _Tokens | None = None


def from_wire(response: Any) -> Turn:
    """Return the turn of a Messages response, plain JSON; a ServiceFault where it is none.

    Thinking, and what the provider's own tools did, are no part of the turn but of ``native``. A turn that was paused
    is truncated: it would go on where it is sent back, but not with a tool of ours.
    """
    try:
        answer = msgspec.convert(response, _Response)
        texts = [msgspec.convert(block, _Text).text for block in _blocks(answer, "text")]
        uses = [msgspec.convert(block, _ToolUse) for block in _blocks(answer, "tool_use")]
    except msgspec.ValidationError as error:
        raise ServiceFault(f"the answer is no Messages response: {error}") from None
    return Turn(
        calls=tuple(Call(use.name, use.input) for use in uses),
        ids=tuple(use.id for use in uses),
        text="".join(texts),
        stop=_STOPS.get(answer.stop_reason, "done"),
        usage=_usage(answer.usage),
        native=_native(answer, uses),
    )


def _blocks(answer: _Response, kind: str) -> list[dict[str, Any]]:
    return [block for block in answer.content if block.get("type") == kind]


def _native(answer: _Response, uses: list[_ToolUse]) -> Any:
    """Return the content where it has to go back unchanged; an input that is no object could not."""
    plain = all(block.get("type") == "text" for block in answer.content)
    if plain or not all(isinstance(use.input, dict) for use in uses):
        return None
    return {"provider": NATIVE, "content": answer.content}


def _usage(tokens: _Tokens | None) -> Usage | None:
    if tokens is None:
        return None
    read, written = tokens.cache_read_input_tokens or 0, tokens.cache_creation_input_tokens or 0
    return Usage(
        input=(tokens.input_tokens or 0) + read + written,
        cached=read,
        cache_write=written,
        output=tokens.output_tokens or 0,
        reasoning=(tokens.output_tokens_details or {}).get("thinking_tokens") or 0,
    )
