"""Tool-calling agreement in pytest.

The names below are imported when they are first used: pytest loads this package in every run of everyone who has it
installed, and most of those runs are none of its business.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_toolmatch.core.case import Case as Case
    from pytest_toolmatch.core.chain import Call as Call
    from pytest_toolmatch.core.errors import ToolmatchError as ToolmatchError
    from pytest_toolmatch.core.errors import ToolmatchWarning as ToolmatchWarning
    from pytest_toolmatch.core.model import Model as Model
    from pytest_toolmatch.core.request import Request as Request
    from pytest_toolmatch.core.signature import tool as tool
    from pytest_toolmatch.core.tool import Tool as Tool
    from pytest_toolmatch.core.turn import Turn as Turn
    from pytest_toolmatch.judging.matching import Matcher as Matcher
    from pytest_toolmatch.judging.matching import matches as matches
    from pytest_toolmatch.judging.verdict import Verdict as Verdict
    from pytest_toolmatch.plugin.queries import queries as queries

__all__ = [
    "Call",
    "Case",
    "Matcher",
    "Model",
    "Request",
    "Tool",
    "ToolmatchError",
    "ToolmatchWarning",
    "Turn",
    "Verdict",
    "matches",
    "queries",
    "tool",
]

_HOMES = {
    "Call": "core.chain",
    "Case": "core.case",
    "Matcher": "judging.matching",
    "Model": "core.model",
    "Request": "core.request",
    "Tool": "core.tool",
    "ToolmatchError": "core.errors",
    "ToolmatchWarning": "core.errors",
    "Turn": "core.turn",
    "Verdict": "judging.verdict",
    "matches": "judging.matching",
    "queries": "plugin.queries",
    "tool": "core.signature",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
