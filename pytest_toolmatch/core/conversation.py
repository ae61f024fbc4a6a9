"""What a model is shown: the messages so far, in one neutral form for all providers."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from pytest_toolmatch.core.chain import Step

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]


class Message(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One message; ``calls`` belong to an assistant, ``name`` and ``reply_to`` to a tool's reply."""

    role: Role
    content: str = ""
    calls: Step = ()
    name: str = ""
    reply_to: str = ""


Conversation: TypeAlias = tuple[Message, ...]


def user(text: str) -> Conversation:
    """Return the conversation that is a single query."""
    return (Message("user", text),)


def last_query(conversation: Conversation) -> str:
    """Return the text of the last user message, or the empty string."""
    return next((m.content for m in reversed(conversation) if m.role == "user"), "")
