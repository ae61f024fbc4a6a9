"""The Berkeley Function-Calling Leaderboard: questions, and beside them the possible answers.

A suite is a category: ``PART/BFCL_v4_SUITE.json`` and ``PART/possible_answer/BFCL_v4_SUITE.json``. One step is said as
its allowed values; several steps as the call strings of a conversation, a string each, so names that are no Python get
underscores. ``toolmatch import bfcl`` reads them back.
"""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from pytest_toolmatch.core.schema import change_subschemas
from pytest_toolmatch.suites.exporters.row import Line, Omitted

if TYPE_CHECKING:
    from pytest_toolmatch.core.chain import Call, Chain, Step
    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.suites.exporters.row import Lines, Row, Unit

NAME = "bfcl"
SUMMARY = "questions and possible answers of BFCL: the teacher's consensus"
UNIT: Unit = "case"
REPLIES = False
NEXT = "toolmatch import bfcl {out} -o suites/bfcl"

_TYPES = {"object": "dict", "number": "float"}
"""JSON Schema's names of types → BFCL's, where they differ."""

_CALLED = Omitted("a conversation with calls so far, which BFCL's questions can't say")
_NAMES = Omitted("tools with names that are the same in Python, as BFCL writes them")
_EMPTY = Omitted("an empty text as argument, which BFCL's answers read as one left out")


def write(row: Row) -> Lines:
    """Return the question and its possible answer; a teacher that calls nothing has an empty one."""
    if any(message.calls or message.role == "tool" for message in row.conversation):
        return _CALLED
    names = {_python_name(tool.name).replace(".", "_") for tool in row.tools}
    if len(names) < len(row.tools):
        return _NAMES
    truth = _turns(row.chain) if len(row.chain) > 1 else _allowed(row.chain[0] if row.chain else ())
    if isinstance(truth, Omitted):
        return truth
    name, file = f"{row.suite}_{row.number}", f"BFCL_v4_{row.suite}.json"
    told = [{"role": "system", "content": row.instructions}] if row.instructions else []
    said = [{"role": message.role, "content": message.content} for message in row.conversation]
    question = {"id": name, "question": [[*told, *said]], "function": [_function(tool) for tool in row.tools]}
    return (Line(question, file), Line({"id": name, "ground_truth": truth}, f"possible_answer/{file}"))


def _function(tool: Tool) -> dict[str, Any]:
    schema = {"type": "object", "properties": {}} | (tool.parameters or {})
    near = _near(schema) if schema["type"] == "object" else schema
    return {"name": _python_name(tool.name), "description": tool.description, "parameters": near}


def _near(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with BFCL's names of types; the name at its root says that all of it is in this dialect."""
    changed = change_subschemas(schema, _near)
    kind = changed.get("type")
    if isinstance(kind, list):
        return {**changed, "type": [_TYPES.get(one, one) for one in kind]}
    return {**changed, "type": _TYPES.get(kind, kind)} if isinstance(kind, str) else changed


def _allowed(step: Step) -> list[Any] | Omitted:
    """Return calls that are issued at once as their allowed values, one each."""
    if any(_has_empty(call.arguments or {}) for call in step):
        return _EMPTY
    return [
        {_python_name(call.name): {key: [_choice(value)] for key, value in (call.arguments or {}).items()}}
        for call in step
    ]


def _choice(value: Any) -> Any:
    """Return a value as the only choice: objects hold choices themselves, alone and in lists of nothing else."""
    if isinstance(value, dict):
        return {key: [_choice(item)] for key, item in value.items()}
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return [_choice(item) for item in value]
    return value


def _has_empty(value: dict[str, Any]) -> bool:
    for item in value.values():
        below = item if isinstance(item, list) and all(isinstance(one, dict) for one in item) else [item]
        if item == "" or any(isinstance(one, dict) and _has_empty(one) for one in below):
            return True
    return False


def _turns(chain: Chain) -> list[Any]:
    """Return steps as the call strings of one turn, a string each."""
    return [[", ".join(map(_written, step)) for step in chain]]


def _written(call: Call) -> str:
    """Return a call as Python; names of arguments that are none in Python go into an object."""
    given = call.arguments or {}
    plain = all(map(_is_python, given))
    inside = ", ".join(f"{key}={value!r}" for key, value in given.items()) if plain else repr(given)
    return f"{_python_name(call.name)}({inside})"


def _python_name(name: str) -> str:
    """Return a name that Python can call, parts with dots between them; one that it can stays as it is."""
    parts = [part if _is_python(part) else re.sub(r"^(?=\d)|[^A-Za-z0-9_]", "_", part) for part in name.split(".")]
    return ".".join(f"{part}_" if keyword.iskeyword(part) else part or "_" for part in parts)


def _is_python(name: str) -> bool:
    plain = normalize("NFKC", name) == name  # as Python's parser reads it
    return plain and name.isidentifier() and not keyword.iskeyword(name)
