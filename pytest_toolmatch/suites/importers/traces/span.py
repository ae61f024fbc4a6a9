"""A span as every container gives it, and what the dialects make of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from pytest_toolmatch.core.conversation import Conversation, Message
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.tool import Tool

Attributes: TypeAlias = Mapping[str, Any]

Kind: TypeAlias = Literal["model", "tool", "agent", "other"]


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """One span. ``start`` and ``end`` in nanoseconds since the epoch; ``where`` is ``path:line``.

    ``events`` are pairs of name and attributes. ``failure`` says what went wrong, where the span says that something
    did. ``label`` is the model's name where the user gave one.
    """

    trace: str
    id: str
    where: str
    parent: str = ""
    name: str = ""
    start: int = 0
    end: int = 0
    attributes: dict[str, Any] = {}
    events: tuple[tuple[str, dict[str, Any]], ...] = ()
    failure: str = ""
    label: str = ""

    @property
    def place(self) -> str:
        """Return where it stands, with its id."""
        return f"{self.where} span {self.id}"


class Exchange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One request to a model and its answer; ``tools`` is None where the request does not say what was on offer.

    ``others`` counts the calls of choices beside the first, which led nowhere.
    """

    messages: Conversation = ()
    answer: Message = Message("assistant")
    tools: tuple[Tool, ...] | None = None
    model: str = ""
    finish: str = ""
    usage: Usage | None = None
    others: int = 0

    @property
    def unanswered(self) -> bool:
        """Whether the span tells of no answer: none came, or it was not logged."""
        return not self.answer.calls and not self.answer.content


class ToolRun(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tool being run: what its span says of the call and of its result."""

    name: str
    id: str = ""
    arguments: Any = None
    result: str = ""


class Node(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A span with its attributes understood: what is kept of it until its trace is complete."""

    trace: str
    id: str
    where: str
    parent: str = ""
    kind: Kind = "other"
    start: int = 0
    end: int = 0
    exchange: Exchange | None = None
    tool: ToolRun | None = None
    failure: str = ""
    label: str = ""
    session: str = ""

    @property
    def place(self) -> str:
        """Return where it stands, with its id."""
        return f"{self.where} span {self.id}"
