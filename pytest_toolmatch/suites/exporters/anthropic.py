"""Anthropic's Messages: ``system``, ``messages`` of blocks, and ``tools``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.providers.anthropic_wire import to_wire
from pytest_toolmatch.suites.exporters.row import SILENT, Line, to_the_last_word

if TYPE_CHECKING:
    from pytest_toolmatch.suites.exporters.row import Lines, Row, Unit

NAME = "anthropic"
SUMMARY = "system, messages and tools, as Anthropic's Messages API takes them"
UNIT: Unit = "sample"
REPLIES = True
NEXT = ""

_KEPT = ("system", "messages", "tools")


def write(row: Row) -> Lines:
    """Return ``{system, messages, tools}``, without what is empty; ``messages`` ends with the teacher's."""
    if row.is_silent:
        return SILENT
    request = msgspec.structs.replace(row.request, settings={"cache": False})
    wire = to_wire(request)
    wire["messages"] = to_the_last_word(wire["messages"])
    return (Line({name: wire[name] for name in _KEPT if name in wire}),)
