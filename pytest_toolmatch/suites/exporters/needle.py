"""What Needle is trained on: ``{query, tools, answers}``, for ``needle finetune FILE``.

``tools`` are ``{name, description, parameters}`` without an envelope, ``answers`` ``{name, arguments}``, an empty list
where nothing is to be called; ``system`` is there where there are instructions. A line is one request of a user and
what is called at once: of a chain its first step, and later turns of a conversation can't be said in this form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.providers.needle import tools_to_wire
from pytest_toolmatch.suites.exporters.row import Line, Omitted

if TYPE_CHECKING:
    from pytest_toolmatch.suites.exporters.row import Lines, Row, Unit

NAME = "needle"
SUMMARY = "request, tools, and what is called at once, for needle finetune"
UNIT: Unit = "sample"
REPLIES = False
NEXT = "needle finetune {train}"

_LATER = Omitted("later turns of a conversation, which Needle's form can't say")


def write(row: Row) -> Lines:
    """Return ``{system, query, tools, answers}``."""
    spoken = [message for message in row.conversation if message.role != "system"]
    if [message.role for message in spoken] != ["user"]:
        return _LATER
    told = [row.instructions, *(message.content for message in row.conversation if message.role == "system")]
    system = "\n".join(filter(None, told))
    data = {
        **({"system": system} if system else {}),
        "query": spoken[0].content,
        "tools": tools_to_wire(row.tools),
        "answers": row.steps[0] if row.steps else [],
    }
    return (Line(data),)
