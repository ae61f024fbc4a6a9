"""A conversation as Anthropic's Messages API wants it: user and assistant in turn, every call with its result.

All calls of an assistant's message are answered in the one user message that follows it, results first, in the order
of the calls. What a conversation of ours lacks for that is filled in: a call that nothing replied to gets an empty
result; a reply to no call is shown as the user's text.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_toolmatch.core.conversation import Conversation, Message

NATIVE = "anthropic"
"""What ``native`` says under ``provider`` where it is a message of this wire."""

_OPENING = "(The assistant opens the conversation.)"  # the first message has to be the user's
_ID = re.compile(r"[A-Za-z0-9_-]+")


def wire_messages(conversation: Conversation) -> list[dict[str, Any]]:
    """Return the messages of a conversation, without its system messages."""
    turns = _Turns()
    for message in conversation:
        if message.role == "assistant":
            turns.said(message)
        elif message.role == "tool":
            turns.replied(message)
        elif message.role == "user":
            turns.asked(_text(message.content))
    turns.close()
    return turns.messages


def native_content(message: Message) -> list[dict[str, Any]] | None:
    """Return the content that this provider itself said, which goes back unchanged; ``None`` where there is none."""
    native = message.native
    return native["content"] if isinstance(native, dict) and native.get("provider") == NATIVE else None


class _Turns:
    """The messages so far; ``_open`` are the latest calls with their results, and what the user said since."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self._used: set[str] = set()
        self._results: dict[str, dict[str, Any] | None] = {}  # the id on the wire → its result
        self._wire_ids: dict[str, str] = {}  # the id in the conversation → the id on the wire
        self._asked: list[dict[str, Any]] = []

    def said(self, message: Message) -> None:
        self.close()
        content = native_content(message) or self._content(message)
        if not content:
            return
        if not self.messages:
            self._add("user", [_text(_OPENING)])
        self._add("assistant", content)
        called = [block["id"] for block in content if block["type"] == "tool_use"]
        self._used.update(called)
        self._results = dict.fromkeys(called)
        self._wire_ids = dict(zip(message.ids or called, called, strict=False))

    def replied(self, message: Message) -> None:
        named = self._wire_ids.get(message.reply_to)
        waiting = [one for one, result in self._results.items() if result is None]
        if named not in waiting:
            named = next(iter(waiting), None)
        if named is None:
            self.asked(_text(f"{message.name or 'tool'}: {message.content}"))
        else:
            self._results[named] = _result(named, message.content, error=message.error)

    def asked(self, block: dict[str, Any]) -> None:
        self._asked.append(block)

    def close(self) -> None:
        """Write the user's message that is due: the results of the latest calls, then what the user said."""
        results = [result or _result(one, "", error=False) for one, result in self._results.items()]
        if results or self._asked:
            self._add("user", [*results, *self._asked])
        self._results, self._wire_ids, self._asked = {}, {}, []

    def _add(self, role: str, content: Iterable[dict[str, Any]]) -> None:
        if self.messages and self.messages[-1]["role"] == role:
            self.messages[-1]["content"].extend(content)
        else:
            self.messages.append({"role": role, "content": list(content)})

    def _content(self, message: Message) -> list[dict[str, Any]]:
        said = [_text(message.content)] if message.content.strip() else []
        calls = enumerate(message.calls)
        ids = self._ids(message)
        return said + [_tool_use(ids[n], call.name, call.arguments) for n, call in calls]

    def _ids(self, message: Message) -> list[str]:
        """Return one id a call: its own where this wire takes it and no other call has it, else one made up."""
        ids: list[str] = []
        for n in range(len(message.calls)):
            own = message.ids[n] if n < len(message.ids) else ""
            taken = own in self._used or own in ids or not _ID.fullmatch(own)
            ids.append(self._made_up(n) if taken else own)
        return ids

    def _made_up(self, n: int) -> str:
        name = f"call_{len(self.messages)}_{n}"
        while name in self._used:
            name += "_"
        return name


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _tool_use(call_id: str, name: str, arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": _object(arguments)}


def _object(arguments: Any) -> dict[str, Any]:
    """Return the arguments as the object that this wire demands; what is none goes under the key Anthropic advises."""
    if arguments is None or isinstance(arguments, dict):
        return arguments or {}
    return {"INVALID_JSON": arguments if isinstance(arguments, str) else json.dumps(arguments)}


def _result(call_id: str, content: str, *, error: bool) -> dict[str, Any]:
    result = {"type": "tool_result", "tool_use_id": call_id, "content": content}
    return result | {"is_error": True} if error else result
