"""Calls as text: a name, and one line for every argument."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.reports.lines import clean, columns, cut, cut_start

if TYPE_CHECKING:
    from pytest_toolmatch.core.chain import Call

RAW = "arguments"
"""What arguments that are no object go by, here and in a row's ``differing``."""

_LONGEST = 20_000


def arguments_of(call: Call) -> dict[str, str]:
    """Return a text for every argument; for arguments that are no object, one for the whole."""
    arguments = {} if call.arguments is None else call.arguments
    if isinstance(arguments, dict):
        return {str(name): f"{clean(str(name))}={value_text(value)}" for name, value in arguments.items()}
    kind = "not JSON" if isinstance(arguments, str) else "not an object"
    return {RAW: f"{kind}: {value_text(arguments)}"}


def is_raw(call: Call) -> bool:
    """Say whether a call's arguments are no object."""
    return call.arguments is not None and not isinstance(call.arguments, dict)


def value_text(value: Any) -> str:
    """Return a value as JSON on one line that can do nothing to a terminal."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=repr)
    except RecursionError:
        return "(nested too deeply to show)"
    over = len(text) - _LONGEST
    return clean(text if over <= 0 else f"{text[:_LONGEST]}… ({over} more characters)")


def compact(call: Call) -> str:
    """Return a call on one line."""
    return clean(call.name) + _bracketed(call)


def fitted(call: Call, width: int) -> str:
    """Return a call on one line that fits the width: its arguments are cut, its name only where it has no room."""
    name, arguments = clean(call.name), _bracketed(call)
    name = cut_start(name, width - min(columns(arguments), len("(…)")))
    return name + cut(arguments, width - columns(name))


def _bracketed(call: Call) -> str:
    return f"({', '.join(arguments_of(call).values())})"


def beside(text: str, other: str, width: int) -> str:
    """Return a text that fits the width and still shows where it begins to differ from the other."""
    pairs = enumerate(zip(text, other, strict=False))
    shared = next((place for place, (mine, its) in pairs if mine != its), min(len(text), len(other)))
    if columns(text) <= width or shared <= width // 2 or text == other:
        return cut(text, width)
    return cut(f"…{text[shared - width // 4 :]}", width)
