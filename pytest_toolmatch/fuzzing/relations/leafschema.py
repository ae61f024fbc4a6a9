"""What a tool's schema says of one value that a chain holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.schema import resolve
from pytest_toolmatch.core.tool import find_tool

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.fuzzing.relations.words import Leaf


def schema_of(tools: Iterable[Tool], leaf: Leaf) -> dict[str, Any]:
    """Return the schema of a value, references resolved; empty where nothing is said of it."""
    tool = find_tool(tools, leaf.call.name)
    root = (tool.parameters if tool else None) or {}
    schema = resolve(root, root)
    for part in leaf.path:
        below = schema.get("items", {}) if part == "[]" else schema.get("properties", {}).get(part, {})
        schema = resolve(_not_null(below), root)
    return schema


def is_required(tools: Iterable[Tool], leaf: Leaf) -> bool:
    """Say whether a call is refused without the value's parameter, and nothing stands in for it."""
    tool = find_tool(tools, leaf.call.name)
    root = (tool.parameters if tool else None) or {}
    schema = resolve(root, root)
    own = resolve(schema.get("properties", {}).get(leaf.key, {}), root)
    return leaf.key in schema.get("required", ()) and "default" not in own


def _not_null(schema: Any) -> Any:
    """Return the one schema of an optional value, which is united with null."""
    members = [part for part in schema.get("anyOf", ()) if part != {"type": "null"}] if isinstance(schema, dict) else []
    return members[0] if len(members) == 1 else schema
