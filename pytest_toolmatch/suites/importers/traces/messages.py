"""Messages in the form of any provider, read into a conversation.

What is read may be a list of messages, one message, a whole request or response, or JSON text of one of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from pytest_toolmatch.core.conversation import Conversation, Message, Role
from pytest_toolmatch.suites.importers.traces.parts import (
    Asked,
    Offered,
    Part,
    Replied,
    Text,
    is_call,
    is_reply,
    parts_in,
)
from pytest_toolmatch.suites.importers.traces.values import opened

_ROLES: Mapping[str, Role] = MappingProxyType(
    {
        "system": "system",
        "developer": "system",
        "instruction": "system",
        "assistant": "assistant",
        "ai": "assistant",
        "model": "assistant",
        "tool": "tool",
        "function": "tool",
        "user": "user",
        "human": "user",
    }
)
_SYSTEM = ("system", "instructions", "system_instruction", "systemInstruction", "system_instructions")
_WITHIN = ("messages", "contents", "prompt", "choices", "candidates", "output", "input", "message", "generations")
"""Keys of a request or a response that hold its messages; the first that is there counts."""
_MARKS = ("role", "parts", "tool_calls", "toolCalls", "additional_kwargs", "toolCallId")
_HELD = ("content", "parts", "tool_calls", "toolCalls")
"""Keys of a message that hold what it says, where it names no role."""
_LEAKED = ({"content": "role"}, {"content": "content"})
"""What an instrumentation logs that walks over the keys of a message as if they were messages: nothing was said."""
_FINISH = ("finish_reason", "finishReason", "stop_reason", "stopReason")


class Talk:
    """What was read: messages, the tools declared among them, and why the last answer ended."""

    def __init__(self, role: Role) -> None:
        self.messages: list[Message] = []
        self.tools: list[Any] = []
        self.finish = ""
        self.choices = 0
        self._role = role
        self._names: dict[str, str] = {}

    def read(self, value: Any) -> None:
        """Read whatever holds messages."""
        value = opened(value)
        match value:
            case None | "":
                return
            case dict() if value in _LEAKED:
                return
            case list():
                for one in value:
                    self.read(one)
            case dict() if not self._is_message(value) and (inner := self._inner(value)):
                self._request(value, inner)
            case dict():
                self._message(value)
            case _:
                self._add(self._role, parts_in(value))

    @staticmethod
    def _is_message(data: dict[str, Any]) -> bool:
        kind = str(data.get("type") or "").lower()
        return any(key in data for key in _MARKS) or kind in (*_ROLES, "text") or is_call(kind) or is_reply(kind)

    @staticmethod
    def _inner(data: dict[str, Any]) -> str:
        return next((key for key in _WITHIN if data.get(key) is not None), "")

    def _request(self, data: dict[str, Any], inner: str) -> None:
        config = data["config"] if isinstance(data.get("config"), dict) else {}
        for held in (data, config):
            self.tools += [held["tools"]] if held.get("tools") else []
            system = next((held[key] for key in _SYSTEM if held.get(key)), None)
            # A Responses object repeats the instructions that its request had; an answer has none.
            if system and self._role == "user":
                self._add("system", parts_in(opened(system)))
        self._finished(data)
        if inner in ("choices", "candidates") and isinstance(data[inner], list):
            self.choices = max(self.choices, len(data[inner]))
        self.read(data[inner])

    def _finished(self, data: dict[str, Any]) -> None:
        self.finish = str(next((data[key] for key in _FINISH if data.get(key)), self.finish))

    def _message(self, data: dict[str, Any]) -> None:
        self._finished(data)
        data = self._nested(data)
        kind = str(data.get("type") or "").lower()
        said = str(data.get("role") or "").lower()
        role = _ROLES.get(said) or _ROLES.get(kind) or ("assistant" if is_call(kind) else self._role)
        if is_call(kind) or is_reply(kind) or (not said and not any(key in data for key in _HELD)):
            self._add(role, parts_in(data))
            return
        content = next((data[key] for key in ("content", "parts", "contents", "text") if data.get(key)), None)
        parts = _joined(list(parts_in(content)), list(self._calls(data)))
        if role == "tool" and not any(isinstance(part, Replied | Asked | Offered) for part in parts):
            parts = [self._whole_reply(data, parts)]
        self._add(role, parts)

    @staticmethod
    def _nested(data: dict[str, Any]) -> dict[str, Any]:
        """Unwrap ``{content: {role, parts}}`` of Gemini and the ``kwargs`` of LangChain."""
        inner = data.get("content")
        if isinstance(inner, dict) and ("parts" in inner or "role" in inner):
            return inner
        held = data.get("kwargs")
        return held if isinstance(held, dict) and ("content" in held or "tool_calls" in held) else data

    @staticmethod
    def _calls(data: dict[str, Any]) -> Iterable[Part]:
        extra = data["additional_kwargs"] if isinstance(data.get("additional_kwargs"), dict) else {}
        held = (data.get("tool_calls"), data.get("toolCalls"), extra.get("tool_calls"))
        calls = opened(next((calls for calls in held if calls), None))
        for one in calls if isinstance(calls, list) else ():
            if isinstance(one, dict):
                typed = one if "function" in one or "tool_call" in one else one | {"type": "tool_call"}
                yield from parts_in(typed)

    @staticmethod
    def _whole_reply(data: dict[str, Any], parts: Iterable[Part]) -> Replied:
        text = "\n".join(part.text for part in parts if isinstance(part, Text))
        key = data.get("tool_call_id") or data.get("toolCallId") or data.get("id") or ""
        return Replied(str(key), str(data.get("name") or ""), text, data.get("status") == "error")

    def _add(self, role: Role, parts: Iterable[Part]) -> None:
        """Take in the parts of one message: replies become messages of their own."""
        texts, asked = [], []
        for part in parts:
            match part:
                case Text():
                    texts.append(part.text)
                case Asked():
                    asked.append(part)
                case Replied():
                    self._reply(part)
                case Offered():
                    self.tools.append(part.data)
        if asked:
            self._ask("\n".join(texts), asked)
        elif texts:
            self.messages.append(Message("user" if role == "tool" else role, "\n".join(texts)))

    def _ask(self, text: str, asked: list[Asked]) -> None:
        """Add calls; those of one answer may come as several items, as in OpenAI's Responses."""
        last = self.messages[-1] if self.messages else Message("user")
        before = last if last.role == "assistant" else Message("assistant")
        if before is last:
            self.messages.pop()
        self._names |= {one.id: one.call.name for one in asked if one.id}
        self.messages.append(
            msgspec.structs.replace(
                before,
                content="\n".join(filter(None, (before.content, text))),
                calls=(*before.calls, *(one.call for one in asked)),
                ids=(*before.ids, *(one.id for one in asked)),
            )
        )

    def _reply(self, part: Replied) -> None:
        name = part.name or self._names.get(part.id, "")
        self.messages.append(Message("tool", part.text, name=name, reply_to=part.id, error=part.error))


def _joined(content: Sequence[Part], calls: Sequence[Part]) -> list[Part]:
    """Return the parts of a message without those calls of its content that it holds a second time, in full."""
    again = [one for one in calls if isinstance(one, Asked)]
    return [part for part in content if not any(_same(part, one) for one in again)] + [*calls]


def _same(part: Part, call: Asked) -> bool:
    return isinstance(part, Asked) and (part.id == call.id if part.id and call.id else part.call == call.call)


def talk_of(value: Any, role: Role) -> Talk:
    """Read messages; ``role`` is that of a text that has none of its own."""
    talk = Talk(role)
    talk.read(value)
    return talk


def answer_of(messages: Iterable[Message]) -> Message:
    """Return an answer's messages as one."""
    said = [message for message in messages if message.role == "assistant"]
    text = "\n".join(message.content for message in said if message.content)
    calls = tuple(call for message in said for call in message.calls)
    return Message("assistant", text, calls, ids=tuple(key for message in said for key in message.ids))


def settled(messages: Conversation) -> Conversation:
    """Return a conversation without ids where the order says the same, so that the same talk is the same case."""
    done: list[Message] = []
    place = 0
    while place < len(messages):
        asked = messages[place]
        end = place + 1
        while end < len(messages) and asked.calls and messages[end].role == "tool":
            end += 1
        done += _in_order(asked, messages[place + 1 : end])
        place = end
    return tuple(done)


def _in_order(asked: Message, replies: Conversation) -> list[Message]:
    places = {key: place for place, key in enumerate(asked.ids)}
    by_order = not any(reply.reply_to for reply in replies)
    if by_order or (len(replies) == len(places) == len(asked.calls) and all(r.reply_to in places for r in replies)):
        ordered = sorted(replies, key=lambda reply: places.get(reply.reply_to, 0))
        named = zip(ordered, [*asked.calls, *[None] * len(ordered)], strict=False)
        replace = msgspec.structs.replace
        return [
            replace(asked, ids=()),
            *(replace(one, reply_to="", name=one.name or (call.name if call else "")) for one, call in named),
        ]
    whole = asked if all(asked.ids) else msgspec.structs.replace(asked, ids=())
    return [whole, *replies]
