"""Hugging Face chat messages with ``tools``, as chat templates and TRL's trainers take them: arguments are objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.providers.chat_wire import to_wire
from pytest_toolmatch.suites.exporters.messages import messages_of
from pytest_toolmatch.suites.exporters.row import SILENT, Line, to_the_last_word

if TYPE_CHECKING:
    from pytest_toolmatch.suites.exporters.row import Lines, Row, Unit

NAME = "huggingface"
SUMMARY = "messages and tools for chat templates and TRL, arguments as objects"
UNIT: Unit = "sample"
REPLIES = True
NEXT = "trl sft --dataset_name {out} --model_name_or_path MODEL"


def write(row: Row) -> Lines:
    """Return ``{messages, tools}``."""
    if row.is_silent:
        return SILENT
    messages = to_the_last_word(messages_of((*row.conversation, *row.said), row.instructions))
    return (Line({"messages": messages, "tools": to_wire(row.request).get("tools", [])}),)
