"""OpenAI's fine-tuning: chat messages with ``tools``, arguments as JSON text.

What the assistant said before the case was asked has ``weight`` 0: it is shown, and not trained on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.providers.chat_wire import to_wire
from pytest_toolmatch.suites.exporters.row import SILENT, Line, to_the_last_word

if TYPE_CHECKING:
    from pytest_toolmatch.suites.exporters.row import Lines, Row, Unit

NAME = "openai"
SUMMARY = "messages and tools of OpenAI's fine-tuning, arguments as text"
UNIT: Unit = "sample"
REPLIES = True
NEXT = ""


def write(row: Row) -> Lines:
    """Return ``{messages, tools}``; ``tools`` is left out where there are none, as the API demands."""
    if row.is_silent:
        return SILENT
    body = to_wire(row.request)
    messages = to_the_last_word(body["messages"])
    early = [message for message in messages if message["role"] == "assistant"]
    for message in early[: sum(message.role == "assistant" for message in row.conversation)]:
        message["weight"] = 0
    return (Line({"messages": messages, **({"tools": body["tools"]} if row.tools else {})}),)
