"""A request: everything that is sent to a model for one draw, and the key it is recorded under."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.conversation import Conversation
from pytest_toolmatch.core.sample import SampleRole
from pytest_toolmatch.core.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Iterable

_encoder = msgspec.json.Encoder(order="sorted")


class Request(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One draw, planned. ``settings`` are what the provider is told beside the messages (temperature, …)."""

    role: SampleRole
    model: str
    conversation: Conversation
    tools: tuple[Tool, ...] = ()
    instructions: str = ""
    settings: dict[str, Any] = {}
    draw: int = 0

    @property
    def key(self) -> str:
        """A hash of everything that is sent, the role and the draw; changes with every field."""
        question = question_digest(self.conversation, tools_digest(self.tools), self.instructions)
        return draw_key(question, model=self.model, settings=self.settings, role=self.role, draw=self.draw)


def tools_digest(tools: Iterable[Tool]) -> str:
    """Return a hash of what a model sees of the tools, in their order."""
    return _digest([tool.shown() for tool in tools])


def question_digest(conversation: Conversation, tools: str, instructions: str) -> str:
    """Return a hash of the question itself; ``tools`` is their digest, so that a suite hashes them once."""
    return _digest([conversation, tools, instructions])


def draw_key(question: str, *, model: str, settings: dict[str, Any], role: SampleRole, draw: int) -> str:
    """Return the recording key of one draw of one model on one question."""
    return _digest([question, model, settings, role, draw])


def _digest(value: Any) -> str:
    return hashlib.sha256(_encoder.encode(value)).hexdigest()[:24]
