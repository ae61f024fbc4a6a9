"""Tools from JSON: the OpenAI, Anthropic, Gemini, MCP and BFCL forms, and our own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import msgspec

from pytest_toolmatch.core.errors import SuiteError, ToolError, did_you_mean
from pytest_toolmatch.core.schema import NEAR_TYPES, normalise_near_schema
from pytest_toolmatch.core.tool import Effect, Tool
from pytest_toolmatch.core.validation import check_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_SCHEMA_KEYS = ("parameters", "input_schema", "inputSchema", "parametersJsonSchema", "parameters_json_schema")
_GEMINI_LISTS = ("functionDeclarations", "function_declarations")
_WRAPPERS = ("tools", "functions", "result", *_GEMINI_LISTS)  # ``result``: the raw answer to MCP's tools/list
_READ_KEYS = ("name", "description", "effect", "execute", "reply", "annotations", "outputSchema")
_OTHER_KEYS = (
    *("type", "execution", "execution_mode", "output", "output_schema"),
    *("response", "responseJsonSchema", "response_json_schema"),
)
_EFFECTS: dict[str, Effect] = {"read": "read", "write": "write"}
_FORMS = "OpenAI, Anthropic, Gemini, MCP or {name, description, parameters}"


class _Entry(NamedTuple):
    """One tool object as found: its path in the data, and whether it stood in a Gemini wrapper."""

    path: str
    data: Any
    gemini: bool


def tools_from_json(data: Any, *, where: str = "") -> tuple[Tool, ...]:
    """Return the tools in parsed JSON: one tool, a list, or a ``{"tools": …}`` wrapper, in any mix of the known forms.

    Forms: OpenAI Chat (``{"type": "function", "function": {…}}``) and Responses, Anthropic (``input_schema``), Gemini
    (``functionDeclarations``), MCP (``inputSchema``; ``annotations`` give the effect, ``outputSchema`` what is
    returned), BFCL (``"type": "dict"``), and our own ``{name, description, parameters, effect, execute, reply}``. Only
    the schemas of Gemini and BFCL are normalised.
    ``where`` (``path`` or ``path:line``) opens every message. Raises ToolError for what is no tool or no schema, and
    for two tools of one name.
    """
    entries = list(_entries(data, "", gemini=False))
    found: dict[str, _Entry] = {}
    tools = []
    for entry in entries:
        tool = _tool(entry, where)
        if tool.name in found:
            first = found[tool.name].path
            _fail(where, entry.path, f"a second tool named {tool.name!r}, after {first}: rename or remove one of them")
        found[tool.name] = entry
        tools.append(tool)
    return tuple(tools)


def _entries(data: Any, path: str, *, gemini: bool) -> Iterator[_Entry]:
    if isinstance(data, list):
        for index, item in enumerate(data):
            yield from _entries(item, f"{path}[{index}]", gemini=gemini)
        return
    wrapped = [key for key in _WRAPPERS if isinstance(data, dict) and "name" not in data and key in data]
    for key in wrapped:
        yield from _entries(data[key], f"{path}.{key}".removeprefix("."), gemini=gemini or key in _GEMINI_LISTS)
    if not wrapped:
        yield _Entry(path or "top level", data, gemini)


def _tool(entry: _Entry, where: str) -> Tool:
    data = _function(entry, where)
    name, description = data.get("name"), data.get("description") or ""
    if not isinstance(name, str) or not name:
        kind = f" of type {data['type']!r}" if isinstance(data.get("type"), str) else ""
        _fail(where, entry.path, f"a tool{kind} without a name: write it as {_FORMS}, or remove it")
    place = f"{entry.path} ({name})"
    if not isinstance(description, str):
        _fail(where, place, f"description is {description!r}: write text")
    _refuse_typos(data, where, place)
    tool = Tool(
        name=name,
        description=description,
        parameters=_parameters(data, where, place, gemini=entry.gemini),
        effect=_effect(data, where, place),
        reply=data.get("reply"),
        execute=_execute(data, where, place),
        returns=data["outputSchema"] if isinstance(data.get("outputSchema"), dict) else None,
    )
    try:
        check_schema(tool)
    except ToolError as error:
        _fail(where, entry.path, str(error))
    return tool


def _function(entry: _Entry, where: str) -> dict[str, Any]:
    """Return the tool's own object, with what stands beside OpenAI's ``function`` merged into it."""
    outer = entry.data if isinstance(entry.data, dict) else {"function": entry.data}
    inner = outer.get("function", {})
    if not isinstance(inner, dict):
        _fail(where, entry.path, f"{_kind(inner)} where a tool was expected: write it as {_FORMS}")
    return {**{key: value for key, value in outer.items() if key != "function"}, **inner}


def _refuse_typos(data: dict[str, Any], where: str, place: str) -> None:
    """Refuse an unknown key that is nearly a known one; other keys (``strict``, ``cache_control``, …) are ignored."""
    has_schema = any(key in data for key in _SCHEMA_KEYS)
    missing = [key for key in (*_READ_KEYS, *(() if has_schema else _SCHEMA_KEYS)) if key not in data]
    for key in data.keys() - {*_READ_KEYS, *_SCHEMA_KEYS, *_OTHER_KEYS}:
        if hint := did_you_mean(key, missing):
            _fail(where, place, f"unknown key {key!r}{hint}")


def _parameters(data: dict[str, Any], where: str, place: str, *, gemini: bool) -> dict[str, Any] | None:
    key = next((key for key in _SCHEMA_KEYS if data.get(key) is not None), None)
    if key is None:
        return None
    schema = data[key]
    if not isinstance(schema, dict):
        _fail(where, place, f"{key} is {_kind(schema)}: write a JSON Schema of type object")
    near = (gemini and key == "parameters") or _is_near(schema.get("type"))
    return normalise_near_schema(schema) if near else schema


def _is_near(kind: Any) -> bool:
    """Whether the type at a schema's root is a foreign word for an object: then all of it is in that dialect."""
    return isinstance(kind, str) and kind != "object" and NEAR_TYPES.get(kind.lower()) == "object"


def _kind(value: Any) -> str:
    return {list: "a list", str: "text", type(None): "null", dict: "an object"}.get(type(value), repr(value))


def _effect(data: dict[str, Any], where: str, place: str) -> Effect | None:
    given = data.get("effect")
    if given is None:
        return _hinted_effect(data.get("annotations"))
    if not isinstance(given, str) or given not in _EFFECTS:
        _fail(where, place, f"effect is {given!r}: write 'read' or 'write'")
    return _EFFECTS[given]


def _execute(data: dict[str, Any], where: str, place: str) -> bool:
    given = data.get("execute", False)
    if not isinstance(given, bool):
        _fail(where, place, f"execute is {given!r}: write true or false")
    return given


def _hinted_effect(annotations: Any) -> Effect | None:
    """Return the effect by MCP's hints; a tool that is not read-only changes the world, destructively or not."""
    hints = annotations if isinstance(annotations, dict) else {}
    if hints.get("readOnlyHint") is True:
        return "read"
    return "write" if "readOnlyHint" in hints or "destructiveHint" in hints else None


def with_effects(tools: Iterable[Tool], effects: Mapping[str, str], *, where: str = "") -> tuple[Tool, ...]:
    """Return the tools with the effects of a table: tool name, or the part of it after the last ``__``, → effect.

    Values are read leniently: ``read``, ``WRITE``, ``ToolType.READ``; ``GENERIC`` leaves a tool as it is, and so does a
    table that lacks it. Names of no tool are ignored, because such tables are shared. Raises SuiteError for any other
    value.
    """
    read = {name: _lenient_effect(name, value, where) for name, value in effects.items()}
    return tuple(_with_effect(tool, read.get(tool.name, read.get(tool.name.rpartition("__")[2]))) for tool in tools)


def _with_effect(tool: Tool, effect: Effect | None) -> Tool:
    return msgspec.structs.replace(tool, effect=effect) if effect else tool


def _lenient_effect(name: str, value: str, where: str) -> Effect | None:
    word = value.rpartition(".")[2].lower() if isinstance(value, str) else value
    if word not in ("generic", *_EFFECTS):
        _fail(where, name, f"effect is {value!r}: write 'read', 'write' or 'generic'", SuiteError)
    return _EFFECTS.get(word)


def _fail(where: str, path: str, message: str, error: Callable[[str], SuiteError] = ToolError) -> NoReturn:
    raise error(f"{where}: {path}: {message}" if where else f"{path}: {message}") from None
