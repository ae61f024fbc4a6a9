"""Inspect datasets: one ``Sample`` a line, for ``inspect_ai.dataset.json_dataset``.

``target`` is the teacher's chain as JSON: a list of steps, each a list of ``{name, arguments}``. ``metadata`` has it,
too, with the tools on offer: a solver gives them to the model, a scorer compares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.suites.exporters.messages import messages_of
from pytest_toolmatch.suites.exporters.row import Line

if TYPE_CHECKING:
    from pytest_toolmatch.suites.exporters.row import Lines, Row, Unit

NAME = "inspect"
SUMMARY = "Samples of Inspect: a case, and the teacher's consensus as its target"
UNIT: Unit = "case"
REPLIES = False
NEXT = ""


def write(row: Row) -> Lines:
    """Return ``{id, input, target, metadata}``; ``input`` is text where there is nothing but one query."""
    messages = [_message(one) for one in messages_of(row.conversation, row.instructions)]
    alone = len(messages) == 1 and messages[0]["role"] == "user" and messages[0]["content"]
    metadata = {
        "suite": row.suite,
        "case": row.case,
        "part": row.part,
        "tools": [tool.shown() for tool in row.tools],
        "chain": row.steps,
        "answer": row.text,
        "support": row.support,
        "samples": row.draws,
    }
    data = {
        "id": f"{row.suite}/{row.case}",
        "input": alone or messages,
        "target": msgspec.json.encode(row.steps).decode(),
        "metadata": metadata,
    }
    return (Line(data),)


def _message(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message in Inspect's own form: ``function`` is a name, and arguments stand beside it."""
    if message["role"] == "tool":
        return {**{key: message[key] for key in ("role", "content", "tool_call_id")}, "function": message["name"]}
    if "tool_calls" not in message:
        return message
    return {**message, "tool_calls": [_call(call["id"], call["function"]) for call in message["tool_calls"]]}


def _call(call_id: str, function: dict[str, Any]) -> dict[str, Any]:
    return {"id": call_id, "function": function["name"], "arguments": function["arguments"], "type": "function"}
