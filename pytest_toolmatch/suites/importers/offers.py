"""The tools that a log says were on offer, in whatever form its provider has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from pytest_toolmatch.core.errors import SuiteError
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.toolformats import tools_from_json
from pytest_toolmatch.suites.importers.source import Problem

_FREE_TEXT = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
_PLAIN = (None, "function", "custom")
_SCHEMAS = ("parameters", "input_schema", "inputSchema", "function", "functionDeclarations", "function_declarations")


class Offers:
    """Reads lists of tools, each only once: requests of one program repeat them by the thousand.

    ``latest`` is the list that was last read for the first time, as JSON.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Tool, ...]] = {}
        self.problems: list[Problem] = []
        self.latest = b""

    def read(self, entries: Iterable[Any], where: str) -> tuple[Tool, ...]:
        """Return the tools; what is none, or the provider's own, is left out and told in ``problems``."""
        entries = list(entries)
        key = msgspec.json.encode(entries)
        if key not in self._known:
            self.latest = key
            found: dict[str, Tool] = {}
            for entry in entries:
                for tool in self._tools(entry, where):
                    found.setdefault(tool.name, tool)
            self._known[key] = tuple(found.values())
        return self._known[key]

    def told(self) -> list[Problem]:
        """Return the problems since the last time."""
        told, self.problems = self.problems, []
        return told

    def _tools(self, entry: Any, where: str) -> tuple[Tool, ...]:
        told = entry if isinstance(entry, dict) else {}
        if told.get("type") == "custom" and not any(key in told for key in _SCHEMAS):
            custom = told["custom"] if isinstance(told.get("custom"), dict) else told
            told = {"name": custom.get("name"), "description": custom.get("description"), "parameters": _FREE_TEXT}
        if _is_own(told):
            name = told.get("name") or told.get("type") or next(iter(told), "")
            self.problems.append(Problem(where, f"{name!r} is run by the provider: no tool of the suite"))
            return ()
        try:
            return tools_from_json(told)
        except SuiteError as error:
            self.problems.append(Problem(where, f"a tool that can't be read: {error}"))
            return ()


def _is_own(entry: dict[str, Any]) -> bool:
    """Whether a tool has no schema because the provider itself runs it."""
    if any(key in entry for key in _SCHEMAS):
        return False
    return entry.get("type") not in _PLAIN or "name" not in entry
