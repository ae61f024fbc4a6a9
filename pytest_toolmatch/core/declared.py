"""Tools as people declare them: ``Tool`` objects, plain functions, or JSON of any known form, in any mix."""

from __future__ import annotations

from typing import Any

from pytest_toolmatch.core.errors import ToolError
from pytest_toolmatch.core.tool import EFFECTS, Tool
from pytest_toolmatch.core.toolformats import tools_from_json


def declared_tools(tools: Any, where: str = "") -> tuple[Tool, ...]:
    """Return declared tools as ``Tool`` objects; ``where`` opens every message. ToolError for two of one name."""
    place = f"{where}: " if where else ""
    if isinstance(tools, str | bytes | dict | Tool):
        raise ToolError(f"{place}tools are a list, not {type(tools).__name__}; write [tool, …]")
    try:
        given = list(tools)
    except TypeError:
        raise ToolError(f"{place}tools are a list, not {type(tools).__name__}") from None
    made = tuple(tool for one in given for tool in _tools(one, where))
    names = [tool.name for tool in made]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ToolError(f"{place}two tools are named {twice!r}; rename one")
    return made


def _tools(one: Any, where: str) -> tuple[Tool, ...]:
    if isinstance(one, Tool):
        if one.effect not in EFFECTS:
            raise ToolError(f"{where and f'{where}: '}{one.name}: effect is {one.effect!r}: write 'read' or 'write'")
        return (one,)
    if not callable(one):
        return tools_from_json(one, where=where)
    from pytest_toolmatch.core.signature import tool_of_function  # noqa: PLC0415 - most suites declare JSON

    return (tool_of_function(one),)
