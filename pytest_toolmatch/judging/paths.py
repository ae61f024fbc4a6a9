"""Argument paths (``date``, ``address.city``, ``items[].price``) held against a tool's schema."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.errors import ToolError, did_you_mean
from pytest_toolmatch.core.schema import resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.core.tool import Tool


def unknown_place(name: str, path: str, tools: Sequence[Tool]) -> str:
    """Say why no tool has the argument that an override is for, or nothing; where there are no tools, any may."""
    called = [tool for tool in tools if tool.name == name]
    if tools and not called:
        return f"overrides: no tool is named {name!r}{did_you_mean(name, [tool.name for tool in tools])}"
    faults = [_unknown_argument(tool.parameters, path) for tool in called]
    return f"overrides: tool {name!r} has {faults[0]}" if faults and all(faults) else ""


def _unknown_argument(parameters: dict[str, Any] | None, path: str) -> str:
    """Say which part of a path no argument has, or nothing where one may.

    Where a schema is open, another name than those declared may be meant, unless it is nearly one of them.
    """
    try:
        return _unknown(parameters or {}, path, parameters or {})
    except ToolError:  # a reference that leads nowhere: the schema's own fault, and told as such
        return ""


def _unknown(schema: Any, path: str, root: dict[str, Any]) -> str:
    part = resolve(schema, root)
    if path.startswith("[]"):
        return _unknown(part.get("items", True), path[2:].removeprefix("."), root)
    known = part.get("properties")
    if not path or not isinstance(known, dict) or "anyOf" in part or "oneOf" in part:
        return ""
    names = [name for name in known if re.match(re.escape(name) + r"(\.|\[|$)", path)]
    if names:
        name = max(names, key=len)
        return _unknown(known[name], path[len(name) :].removeprefix("."), root)
    name = re.split(r"[.\[]", path)[0]
    hint = did_you_mean(name, known)
    closed = part.get("additionalProperties") is False and not part.get("patternProperties")
    if closed and not hint:
        hint = f"; there are {', '.join(known)}" if known else "; it has none"
    return f"no argument {name!r}{hint}" if hint else ""
