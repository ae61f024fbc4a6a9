"""Tools that are run under other names: what is behind them is still called by the old ones."""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.core.tool import Tool


def adapted(
    tool: Tool, schema: dict[str, Any], names: dict[str, str], values: dict[str, dict[str, Any]] | None = None
) -> Tool:
    """Return a tool with another schema, whose calls reach its function under the names that this one knows.

    ``names`` maps its parameters to their new names, ``values`` a parameter's values to theirs.
    """
    reply = _called_back(tool.reply, names, values or {}) if callable(tool.reply) else tool.reply
    implementation = tool.implementation
    if callable(implementation):
        implementation = _called_back(implementation, names, values or {})
    return msgspec.structs.replace(tool, parameters=schema, reply=reply, implementation=implementation)


def _called_back(function: Callable[..., Any], names: dict[str, str], values: dict[str, dict[str, Any]]) -> Any:
    """Return a function that takes the new names and calls the one that has the old ones, coroutine or not."""
    old = {new: name for name, new in names.items()}
    meant = {key: {new: value for value, new in renamed.items()} for key, renamed in values.items()}

    def call(**arguments: Any) -> Any:
        return function(**{old.get(key, key): _meant(value, meant.get(key, {})) for key, value in arguments.items()})

    # What converts arguments reads the hints; those of renamed values would refuse the new ones.
    hints = {names.get(key, key): hint for key, hint in _hints(function).items() if key not in values}
    call.__annotations__ = hints
    return call


def _meant(value: Any, known: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_meant(one, known) for one in value]
    return known.get(value, value) if isinstance(value, str) else value


def _hints(function: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function if inspect.isroutine(function) else type(function).__call__)
    except Exception:  # noqa: BLE001 - hints may be any expression
        return {}
