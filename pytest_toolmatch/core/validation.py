"""Calls checked against the schemas of the tools on offer: the three reasons to refuse one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias

import msgspec

from pytest_toolmatch.core.errors import ToolError, did_you_mean
from pytest_toolmatch.core.schema import NEAR_TYPES, TYPES, resolve, subschemas

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jsonschema_rs import ValidationError

    from pytest_toolmatch.core.chain import Call
    from pytest_toolmatch.core.tool import Tool

Reason: TypeAlias = Literal["unknown_tool", "malformed_json", "schema_violation"]

# The validator recurses natively and without a limit: a value nested 20,000 levels deep ends the process.
_DEEPEST = 200
_NESTING = frozenset({dict, list, tuple})
_SHOWN_ERRORS = 3
_SHOWN_CHARACTERS = 200
_SHOWN_NAMES = 8


class Problem(msgspec.Struct, frozen=True):
    """Why a call is refused; ``message`` is what a person, or the model itself, is told."""

    reason: Reason
    message: str


class ArgumentValidator:
    """Checks calls against the tools on offer; each tool's schema is compiled once, at its first call.

    Formats (``date``, ``email``, …) are annotations and refuse nothing, as JSON Schema has it. A tool that declares no
    parameters accepts any object.
    """

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._compiled: dict[str, Any] = {}

    def valid(self, call: Call) -> bool:
        """Say whether nothing is wrong with the call; most calls are flat and of a tool seen before."""
        compiled, arguments = self._compiled.get(call.name), call.arguments
        if compiled is None or _nests(arguments):
            return self.problem(call) is None
        try:
            return bool(compiled.is_valid(arguments))
        except ValueError:
            return False

    def problem(self, call: Call) -> Problem | None:
        """Return what is wrong with the call, or None; ToolError where the tool's own schema is no schema."""
        name, arguments = call.name, {} if call.arguments is None else call.arguments
        if name not in self._tools:
            return Problem("unknown_tool", _unknown(name, list(self._tools)))
        if _nests(arguments) and _nested_deeper_than(_DEEPEST, arguments):
            return Problem("malformed_json", f"{name}: the arguments are nested more than {_DEEPEST} levels deep")
        if not isinstance(arguments, dict):
            return Problem("malformed_json", f"{name}: the arguments are no JSON object but {_short(repr(arguments))}")
        if name not in self._compiled:
            self._compiled[name] = compile_schema(self._tools[name])
        return _violation(name, self._compiled[name], arguments)


def compile_schema(tool: Tool) -> Any:
    """Return the jsonschema-rs validator of a tool's arguments: draft 2020-12 unless ``$schema`` names another.

    Raises ToolError where the schema is no schema, or refers to anything outside itself.
    """
    import jsonschema_rs  # noqa: PLC0415 - start-up stays cheap

    schema = {} if tool.parameters is None else tool.parameters
    try:
        return jsonschema_rs.validator_for(schema, validate_formats=False, retriever=_refuse_remote)
    except jsonschema_rs.ValidationError as error:
        raise ToolError(f"tool {tool.name!r}: {_schema_fault(error)}") from None
    except ValueError as error:
        raise ToolError(f"tool {tool.name!r}: parameters can't be read as JSON: {error}") from None


def check_schema(tool: Tool) -> None:
    """Raise ToolError unless the tool's parameters are a JSON Schema of an object with references that resolve."""
    compile_schema(tool)
    schema = tool.parameters or {}
    try:
        for part in subschemas(schema):
            resolve(part, schema)
        kind = resolve(schema, schema).get("type", "object")
    except ToolError as error:
        raise ToolError(f"tool {tool.name!r}: parameters: {error}") from None
    if "object" not in kind:
        raise ToolError(f'tool {tool.name!r}: parameters.type: {kind!r}, but arguments are an object: write "object"')


def _refuse_remote(uri: str) -> NoReturn:
    raise ToolError(f"{uri} is not local: put it under $defs and write #/$defs/…")


def _violation(name: str, validator: Any, arguments: dict[str, Any]) -> Problem | None:
    try:
        if validator.is_valid(arguments):
            return None
        faults = [_fault(error) for error in validator.iter_errors(arguments)]
    except ValueError as error:  # lone surrogates, keys that are no text, Python objects
        return Problem("malformed_json", f"{name}: the arguments can't be written as JSON: {error}")
    more = f"; and {len(faults) - _SHOWN_ERRORS} more" if len(faults) > _SHOWN_ERRORS else ""
    return Problem("schema_violation", f"{name}: {'; '.join(faults[:_SHOWN_ERRORS])}{more}")


def _fault(error: ValidationError) -> str:
    where = _path(error.instance_path)
    return f"{where}: {_short(error.message)}" if where else _short(error.message)


def _schema_fault(error: ValidationError) -> str:
    where = _path(["parameters", *error.instance_path])
    named = error.instance if isinstance(error.instance, list) else [error.instance]
    foreign = [name for name in named if isinstance(name, str) and name not in TYPES]
    if error.instance_path[-1:] != ["type"] or not foreign:
        return f"{where}: {_short(error.message)}"
    near = NEAR_TYPES.get(foreign[0].lower())
    hint = f"; did you mean {near!r}?" if near else did_you_mean(foreign[0], TYPES)
    return f"{where}: {foreign[0]!r} is no JSON Schema type{hint or '; there are ' + ', '.join(TYPES)}"


def _path(parts: Sequence[str | int]) -> str:
    """Return ``passengers[0].age`` for ``["passengers", 0, "age"]``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")


def _unknown(name: str, known: list[str]) -> str:
    hint = did_you_mean(name, known)
    if hint or not known:
        return f"there is no tool {name!r}{hint}"
    more = ", …" if len(known) > _SHOWN_NAMES else ""
    return f"there is no tool {name!r}; there are {', '.join(known[:_SHOWN_NAMES])}{more}"


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"


def _nests(arguments: Any) -> bool:
    return type(arguments) is not dict or not _NESTING.isdisjoint(map(type, arguments.values()))


def _nested_deeper_than(limit: int, value: Any) -> bool:
    level = [value]
    for _ in range(limit):
        level = [child for parent in level for child in _children(parent) if type(child) in _NESTING]
        if not level:
            return False
    return True


def _children(value: Any) -> Iterable[Any]:
    return value.values() if type(value) is dict else value
