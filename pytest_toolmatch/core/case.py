"""A case: one query, or a conversation so far, with the tools that are on offer."""

from __future__ import annotations

import hashlib
import re

import msgspec

from pytest_toolmatch.core.conversation import Conversation, Message, conversation_of, last_query, user
from pytest_toolmatch.core.tool import Tool


class Case(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, dict=True):
    """One query with an id that is stable under edits of other cases.

    ``weight`` is what it counts in its suite beside others: that of a sample which is not drawn evenly. ``stratum``
    names the part of the whole that it was drawn from, where every part gave as many as it should. One that is
    ``held_out`` is nothing to learn from.
    ``conversation`` may be given as the mappings of a suite file, too; SuiteError where one of them is no message.
    ``tools`` is ``None`` where the suite's tools are on offer; ``where`` says where it was declared
    (``path:line``), for messages.
    """

    id: str
    conversation: Conversation
    tags: tuple[str, ...] = ()
    tools: tuple[Tool, ...] | None = None
    where: str = ""
    weight: float = 1.0
    stratum: str = ""
    held_out: bool = False

    def __post_init__(self) -> None:
        """Make messages of what was given as plain mappings."""
        __tracebackhide__ = True
        if type(self.conversation) is not tuple or any(type(one) is not Message for one in self.conversation):
            made = conversation_of(self.conversation, f"case {self.id!r}")
            msgspec.structs.force_setattr(self, "conversation", made)

    @property
    def query(self) -> str:
        """The text of the last user message."""
        return last_query(self.conversation)

    def asks_as(self, other: Case) -> bool:
        """Say whether another case asks the same, with the same tools on offer."""
        return self is other or (self.conversation == other.conversation and self.tools == other.tools)

    def __repr__(self) -> str:
        return f"<Case {self.id}>"


def case_of_query(text: str, *, id: str = "", tags: tuple[str, ...] = ()) -> Case:  # noqa: A002
    """Return a case for a bare query, with an id made from its text where none is given."""
    return Case(id=id or slug(text), conversation=user(text), tags=tags)


def case_id(conversation: Conversation) -> str:
    """Return an id made from the query, and from what was said before it where something was."""
    query = last_query(conversation)
    if len(conversation) == 1:
        return slug(query)
    return f"{slug(query)}-{hashlib.sha256(_encoder.encode(conversation)).hexdigest()[:8]}"


def slug(text: str, *, limit: int = 40) -> str:
    """Return a readable, stable id for a text, never empty: ASCII, at most ``limit`` + 5 characters.

    It ends in 4 hex digits of the text's hash; in 8 where letters beyond ASCII were lost, so that queries of which
    nothing readable is left still differ.
    """
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if words and words == text and len(text) <= limit:
        return text
    digits = 4 if text.isascii() else 8
    digest = hashlib.sha256(text.encode()).hexdigest()[:digits]
    return f"{words[: limit + 4 - digits].rstrip('-')}-{digest}".lstrip("-")


_encoder = msgspec.json.Encoder()
