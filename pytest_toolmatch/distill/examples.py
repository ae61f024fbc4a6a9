"""What a model is trained on: the border between the makers of data and the model."""

from __future__ import annotations

from zlib import crc32

import msgspec

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Conversation
from pytest_toolmatch.core.tool import Tool

KINDS: tuple[str, ...] = ("one", "parallel", "first_of_several", "next_of_several", "done", "no_call", "missing")
"""What a turn asks for: the first four call, the others answer (all done, nothing to call, a value is missing)."""


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One turn: what is on offer, what was said so far, and the calls that are right then (none: answer instead).

    ``conversation`` ends with a user's or a tool's message. ``calls`` are those of this turn, in order; parallel calls
    have no order. ``kind`` is one of KINDS. ``group`` names the near-duplicates (a template, a phrasing) that are
    never on both sides of a train/test split. ``weight`` scales what the example counts for in the loss.
    """

    tools: tuple[Tool, ...]
    conversation: Conversation
    calls: tuple[Call, ...]
    kind: str
    group: str
    weight: float = 1.0


def is_validation(example: Example) -> bool:
    """Whether an example is kept apart to choose the best network by: one group of near-duplicates in fifty."""
    return crc32(example.group.encode()) % 50 == 0


def is_test_request(example: Example) -> bool:
    """Whether a hand-written request is kept apart for the test: one group of near-duplicates in five."""
    return crc32(example.group.encode()) % 5 == 0
