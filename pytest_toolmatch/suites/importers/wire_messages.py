"""Anthropic's Messages: contents are texts or lists of blocks, a reply of a tool is a block of the user's message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.sample import Outcome, Usage
from pytest_toolmatch.suites.importers.contents import count, dicts, mapping, string, text_of
from pytest_toolmatch.suites.importers.wire import Answered, Asked, without_instructions

STOPS: dict[str, Outcome] = {
    "max_tokens": "truncated",
    "model_context_window_exceeded": "truncated",
    "pause_turn": "truncated",
    "refusal": "refused",
}
_OWN = "_tool_use"
"""How the types of blocks end that are calls of tools that Anthropic runs itself."""


def asked(body: dict[str, Any]) -> Asked:
    """Return what a request asks."""
    said = messages_of(body.get("messages"))
    instructions, messages = without_instructions(said, text_of(body.get("system")))
    model = string(body.get("model"))
    return Asked(messages=messages, instructions=instructions, tools=dicts(body.get("tools")), model=model)


def answered(body: dict[str, Any]) -> Answered | None:
    """Return what a response says; None where it has no content."""
    if not isinstance(body.get("content"), list):
        return None
    return Answered(
        message=_said(body["content"]),
        stop=STOPS.get(string(body.get("stop_reason"))),
        usage=_usage(mapping(body.get("usage"))),
        model=string(body.get("model")),
        id=string(body.get("id")),
        own=sum(string(block.get("type")).endswith(_OWN) for block in dicts(body["content"])),
    )


def messages_of(data: Any) -> list[Message]:
    """Return the messages of a list, a user's that holds tools' replies as several."""
    return [message for entry in dicts(data) for message in _messages(entry)]


def _messages(entry: dict[str, Any]) -> Iterator[Message]:
    content = entry.get("content")
    if entry.get("role") == "assistant":
        yield _said(content)
        return
    if entry.get("role") == "system":
        yield Message("system", text_of(content))
        return
    results = [block for block in dicts(content) if block.get("type") == "tool_result"]
    for block in results:
        key, text = string(block.get("tool_use_id")), text_of(block.get("content"))
        yield Message("tool", text, reply_to=key, error=bool(block.get("is_error")))
    others = [block for block in content if block not in results] if isinstance(content, list) else content
    if others:
        yield Message("user", text_of(others))


def _said(content: Any) -> Message:
    uses = [block for block in dicts(content) if block.get("type") == "tool_use"]
    calls = tuple(Call(string(block.get("name")), block.get("input")) for block in uses)
    texts = content if isinstance(content, str) else [block for block in dicts(content) if block.get("type") == "text"]
    return Message("assistant", text_of(texts), calls, ids=tuple(string(block.get("id")) for block in uses))


def _usage(tokens: dict[str, Any]) -> Usage | None:
    if not tokens:
        return None
    read, written = count(tokens.get("cache_read_input_tokens")), count(tokens.get("cache_creation_input_tokens"))
    return Usage(
        input=count(tokens.get("input_tokens")) + read + written,
        cached=read,
        cache_write=written,
        output=count(tokens.get("output_tokens")),
    )
