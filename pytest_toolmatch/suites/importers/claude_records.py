"""One record of a Claude Code session, as it stands in a line of its file; versions 1.0 to 2.1."""

from __future__ import annotations

from typing import Any

import msgspec

from pytest_toolmatch.core.errors import at

SYNTHETIC = "<synthetic>"
"""The model of records that no model wrote: API errors, notes of the harness."""

CALLS = ("tool_use", "server_tool_use", "mcp_tool_use")
"""Types of content blocks that are calls."""

_SHOWN = ("text", "image", "document")
"""Types of content blocks that are a part of what was said."""


class Body(msgspec.Struct):
    """The ``message`` of a user or assistant record."""

    content: str | list[dict[str, Any]] | None = None
    id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    usage: dict[str, Any] | None = None

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """Return the content as blocks."""
        return [{"type": "text", "text": self.content}] if isinstance(self.content, str) else self.content or []


class Line(msgspec.Struct, rename="camel", kw_only=True):
    """One record of a session; unknown types and fields are ignored."""

    type: str | None = None
    uuid: str | None = None
    parent_uuid: str | None = None
    logical_parent_uuid: str | None = None
    request_id: str | None = None
    is_sidechain: bool | None = False
    is_meta: bool | None = False
    is_api_error_message: bool | None = False
    is_compact_summary: bool | None = False
    message: Body | None = None
    attachment: Any = None
    number: int = 0

    @property
    def parents(self) -> tuple[str | None, str | None]:
        """Return what the record hangs off; after a compaction only the logical parent is left."""
        return self.parent_uuid, self.logical_parent_uuid

    @property
    def text(self) -> str:
        """Return the text of the record; a picture or a document is only named."""
        blocks = self.message.blocks if self.message else []
        return "\n".join(text_of(block) for block in blocks if block.get("type") in _SHOWN)

    @property
    def announced(self) -> list[str]:
        """Return the names of the tools that the record says can be searched for from here on."""
        names = self.attachment.get("addedNames") if isinstance(self.attachment, dict) else None
        return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def text_of(block: Any) -> str:
    """Return what a text-only model is shown of a block: its text, or what it is."""
    if not isinstance(block, dict):
        return str(block)
    kind = block.get("type")
    # What a search for tools found is the names of tools.
    key = {"text": "text", "tool_reference": "tool_name"}.get(str(kind))
    return str(block.get(key) or "") if key else f"[{kind}]"


def call_ids(line: Line) -> set[str]:
    """Return the ids of the calls in a record."""
    blocks = line.message.blocks if line.message and line.type == "assistant" else []
    return {str(block.get("id") or at("", line.number)) for block in blocks if block.get("type") in CALLS}
