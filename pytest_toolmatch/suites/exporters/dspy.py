"""DSPy examples: rows for ``dspy.Example(**row).with_inputs("instructions", "conversation", "tools")``.

``calls`` is what is called at once, as ``dspy.ToolCalls`` takes it; ``steps`` the whole chain, ``answer`` the last
words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.suites.exporters.messages import messages_of
from pytest_toolmatch.suites.exporters.row import Line

if TYPE_CHECKING:
    from pytest_toolmatch.suites.exporters.row import Lines, Row, Unit

NAME = "dspy"
SUMMARY = "rows for dspy.Example"
UNIT: Unit = "sample"
REPLIES = False
NEXT = ""


def write(row: Row) -> Lines:
    """Return ``{case, instructions, conversation, tools, calls, steps, answer}``."""
    first = row.chain[0] if row.chain else ()
    data = {
        "case": f"{row.suite}/{row.case}",
        "instructions": row.instructions,
        "conversation": messages_of(row.conversation),
        "tools": [tool.shown() for tool in row.tools],
        "calls": {"tool_calls": [{"name": call.name, "args": call.arguments or {}} for call in first]},
        "steps": row.steps,
        "answer": row.text,
    }
    return (Line(data),)
