"""What a model is shown: the messages so far, in one neutral form for all providers."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from pytest_toolmatch.core.chain import Call, Step
from pytest_toolmatch.core.errors import SuiteError

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]


class Message(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One message; ``calls`` belong to an assistant, ``name`` and ``reply_to`` to a tool's reply.

    ``ids`` name the calls, one each, for replies to refer to by ``reply_to``; where there are none, replies follow in
    the order of the calls. ``error`` marks a reply that refuses its call. ``native`` is the provider's own form of an
    assistant's message, to be sent back unchanged to the provider that said it.
    """

    role: Role
    content: str = ""
    calls: Step = ()
    name: str = ""
    reply_to: str = ""
    ids: tuple[str, ...] = ()
    error: bool = False
    native: Any = None


Conversation: TypeAlias = tuple[Message, ...]


def conversation_of(given: Any, where: str) -> Conversation:
    """Return messages, which may be the plain mappings of a suite file; SuiteError says which one is none."""
    __tracebackhide__ = True
    try:
        return msgspec.convert(given, Conversation)
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at `$")
        message, call = (", ".join(form.__struct_fields__) for form in (Message, Call))
        raise SuiteError(
            f"{where}: conversation{place.rstrip('`')}: {said}; write a list of messages, as in "
            f"[{{'role': 'user', 'content': '…'}}]: a message may have {message}, and a call {call}"
        ) from None


def user(text: str) -> Conversation:
    """Return the conversation that is a single query."""
    return (Message("user", text),)


def asked_in(conversation: Conversation) -> str:
    """Return all that the user says."""
    return "\n".join(message.content for message in conversation if message.role == "user")


def last_query(conversation: Conversation) -> str:
    """Return the text of the last user message, or the empty string."""
    return next((m.content for m in reversed(conversation) if m.role == "user"), "")
