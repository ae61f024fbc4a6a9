"""A request: everything that is sent to a model for one draw, and the key it is recorded under.

A key says what was asked, part by part, so that a stale recording can say which part changed::

    4b0c0f1e6a5d3c2b.0c81e5aa.e3b0c442.9f86d081.44136fa3/teacher/3
    conversation     tools    instruc- settings rollout  role    draw
                              tions

Each part is the start of a SHA-256 of its canonical JSON. A sample imported from a log has no rollout part, and no
settings but the model's name: nobody knows how it was run.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.conversation import Conversation
from pytest_toolmatch.core.rollout import Rollout
from pytest_toolmatch.core.sample import Sample, SampleRole
from pytest_toolmatch.core.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Iterable

PARTS: tuple[str, ...] = ("query", "tools", "instructions", "model settings", "rollout rules")
"""What the parts of a key are called where one has changed."""

CARRIAGE = frozenset({"api_key_env", "extra_headers", "cache"})
"""Settings of how a request gets to its model; they are no part of what is asked."""

_encoder = msgspec.json.Encoder(order="sorted")
_LONG, _SHORT = 16, 8


class Request(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One draw, planned. ``settings`` are what the provider is told beside the messages (temperature, …).

    The first ``examples`` messages are examples, which belong to the instructions rather than to the query.
    ``followed`` is the digest of the teacher's sample that a teacher-forced draw follows, else empty.
    """

    role: SampleRole
    model: str
    conversation: Conversation
    tools: tuple[Tool, ...] = ()
    instructions: str = ""
    settings: dict[str, Any] = {}
    rollout: Rollout = Rollout()
    examples: int = 0
    followed: str = ""
    draw: int = 0

    @property
    def key(self) -> str:
        """Everything that is sent, the role and the draw; changes with every field."""
        examples, query = self.conversation[: self.examples], self.conversation[self.examples :]
        asked = question_digest(query, tools_digest(self.tools), self.instructions, examples)
        if self.role == "recorded":
            asked = f"{asked}.{settings_digest(self.model, {})}"
        else:
            asked = f"{asked}.{settings_digest(self.model, self.settings)}.{self._rollout_digest()}"
        return draw_key(asked, self.role, self.draw)

    def _rollout_digest(self) -> str:
        return rollout_digest(self.rollout, self.tools, self.followed)


def question_digest(conversation: Conversation, tools: str, instructions: str, examples: Conversation = ()) -> str:
    """Return the parts of a key that a suite decides; ``tools`` is their digest, so that a suite hashes them once."""
    told = _digest([instructions, examples] if examples else instructions)
    return f"{_digest(conversation, _LONG)}.{tools}.{told}"


def tools_digest(tools: Iterable[Tool]) -> str:
    """Return a hash of what a model sees of the tools, in their order."""
    return _digest([tool.shown() for tool in tools])


def settings_digest(model: str, settings: dict[str, Any]) -> str:
    """Return a hash of who is asked, and how; how the request gets there (keys, headers, caches) is no part of it."""
    return _digest([model, {name: value for name, value in settings.items() if name not in CARRIAGE}])


def rollout_digest(rollout: Rollout, tools: Iterable[Tool], followed: str = "") -> str:
    """Return a hash of what is sent after the first turn, as far as it is known: the rules and how tools answer."""
    rules = [rollout.mode, rollout.max_steps, rollout.max_retries, followed]
    return _digest([rules, [tool.answering() for tool in tools]])


def followed_digest(teacher: Sample) -> str:
    """Return a hash of what a draw is shown of the teacher's sample that it follows: calls and replies."""
    return _digest([teacher.chain, teacher.replies], _LONG)


def draw_key(asked: str, role: SampleRole, draw: int) -> str:
    """Return the recording key of one draw; ``asked`` are the parts."""
    return f"{asked}/{role}/{draw}"


def changed_parts(recorded: str, wanted: str) -> list[str]:
    """Return what differs between what was asked for a recorded key and what is asked now."""
    pairs = zip(recorded.partition("/")[0].split("."), wanted.partition("/")[0].split("."), strict=False)
    return [name for name, (old, new) in zip(PARTS, pairs, strict=False) if old != new]


def _digest(value: Any, length: int = _SHORT) -> str:
    return hashlib.sha256(_encoder.encode(value)).hexdigest()[:length]
