"""What every exporter takes and gives: rows in, lines of files out."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

from pytest_toolmatch.core.chain import Chain
from pytest_toolmatch.core.conversation import Conversation
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.tool import Tool

Unit: TypeAlias = Literal["sample", "case"]
"""What a format has one row of, where nobody says: formats to evaluate with have one right answer a case."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What a teacher did in one case, once.

    ``number`` tells cases apart, ``conversation`` what was said before, ``said`` what the teacher
    went on with: its calls, the replies to them, and its last words ``text``; it ends with the teacher. ``support`` of
    ``draws`` samples did the same. ``made_up`` replies are simulated, since none is recorded.
    """

    suite: str
    case: str
    number: int
    draw: int
    part: str
    tools: tuple[Tool, ...]
    instructions: str
    conversation: Conversation
    said: Conversation
    chain: Chain
    text: str = ""
    support: int = 1
    draws: int = 1
    made_up: int = 0

    @property
    def request(self) -> Request:
        """All of the row as the request that would follow it, for wires to write."""
        return Request(
            role="recorded",
            model="",
            conversation=(*self.conversation, *self.said),
            tools=self.tools,
            instructions=self.instructions,
        )

    @property
    def steps(self) -> list[list[dict[str, Any]]]:
        """The chain as JSON: a list of steps, each a list of ``{name, arguments}``."""
        return [[{"name": call.name, "arguments": call.arguments or {}} for call in step] for step in self.chain]

    @property
    def is_silent(self) -> bool:
        """Whether the teacher neither called nor said anything, which is nothing to train on."""
        return not self.said


class Line(NamedTuple):
    """One JSON line; ``file`` is where it goes, below the part's directory, or the part's own ``PART.jsonl``."""

    data: dict[str, Any]
    file: str = ""


class Omitted(NamedTuple):
    """Why a row can't be said in a format, as in ``3 rows: WHY``."""

    why: str


Lines: TypeAlias = tuple[Line, ...] | Omitted

SILENT = Omitted("neither calls nor words are recorded, which is nothing to train on")


def to_the_last_word(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a wire's messages up to the assistant's last one: wires answer calls that nobody has answered."""
    last = max(place for place, message in enumerate(messages) if message["role"] == "assistant")
    return messages[: last + 1]
