"""A conversation as Anthropic's Messages API wants it: user and assistant in turn, every call with its result.

All calls of an assistant's message are answered in the one user message that follows it, results first. Which reply
is to which call, see ``exchanges``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.providers.exchanges import Exchange, exchanges, with_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.core.conversation import Conversation, Message

NATIVE = "anthropic"
"""What ``native`` says under ``provider`` where it is a message of this wire."""

_OPENING = "(The assistant opens the conversation.)"  # the first message has to be the user's
_ID = re.compile(r"[A-Za-z0-9_-]+")


def wire_messages(conversation: Conversation) -> list[dict[str, Any]]:
    """Return the messages of a conversation, without its system messages."""
    messages: list[dict[str, Any]] = []
    for exchange in exchanges(conversation, NATIVE, _ID):
        for role, content in _contents(exchange):
            if not messages and role == "assistant" and content:
                messages.append({"role": "user", "content": [_text(_OPENING)]})
            if messages and messages[-1]["role"] == role:
                messages[-1]["content"].extend(content)
            elif content:
                messages.append({"role": role, "content": content})
    return messages


def _contents(exchange: Exchange) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    if exchange.message.role == "user":
        yield "user", [_text(exchange.message.content)]
    elif exchange.message.role == "assistant":
        native = exchange.native or {}
        yield "assistant", with_ids(native.get("content", []), exchange.ids, "tool_use", "id") or _said(exchange)
        yield "user", [_result(name, reply) for name, reply in zip(exchange.ids, exchange.replies, strict=True)]


def _said(exchange: Exchange) -> list[dict[str, Any]]:
    message = exchange.message
    said = [_text(message.content)] if message.content.strip() else []
    called = zip(message.calls, exchange.ids, strict=True)
    return said + [
        {"type": "tool_use", "id": name, "name": call.name, "input": _object(call.arguments)} for call, name in called
    ]


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _object(arguments: Any) -> dict[str, Any]:
    """Return the arguments as the object that this wire demands; what is none goes under the key Anthropic advises."""
    if arguments is None or isinstance(arguments, dict):
        return arguments or {}
    return {"INVALID_JSON": arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()}


def _result(call_id: str, reply: Message) -> dict[str, Any]:
    result = {"type": "tool_result", "tool_use_id": call_id, "content": reply.content}
    return result | {"is_error": True} if reply.error else result
