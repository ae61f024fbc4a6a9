"""What a user's function may return, as a turn: text, a Turn, the calls of one step, or a whole chain."""

from __future__ import annotations

import reprlib
from typing import Any, NoReturn

import msgspec

from pytest_toolmatch.core.chain import Call, Step
from pytest_toolmatch.core.errors import RequestRejected
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.providers.exchanges import read_arguments

_ACCEPTED = (
    'text (an answer), a list of calls ([{"name": …, "arguments": {…}}], Call objects or OpenAI\'s tool_calls: one '
    "step), a list of such lists (the whole chain of an agent that ran its tools itself), or a Turn"
)


def from_wire(answer: Any) -> Turn:
    """Return the turn that a function's answer is; RequestRejected, which says what came, where it is none.

    An empty list is an answer without calls. Arguments may be JSON text, as OpenAI gives them. Half an emoji, which a
    cut answer may end with, and which no file can hold, becomes a question mark.
    """
    turn = _read(answer)
    try:
        msgspec.json.encode(turn)
    except UnicodeEncodeError:
        return msgspec.convert(_clean(msgspec.to_builtins(turn)), Turn)
    return turn


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_clean(key): _clean(one) for key, one in value.items()}
    return [_clean(one) for one in value] if isinstance(value, list | tuple) else value


def _read(answer: Any) -> Turn:
    if isinstance(answer, str):
        return Turn(text=answer)
    if isinstance(answer, Turn):
        return _turn(answer)
    if not isinstance(answer, list | tuple):
        _reject(answer)
    if any(isinstance(item, list | tuple) for item in answer):
        steps = [_step(item, answer) for item in answer]
        return Turn(chain=tuple(step for step in steps if step))
    return _with_ids(Turn(calls=_step(answer, answer)))


def _turn(turn: Turn) -> Turn:
    try:
        # Round the msgspec's own types, which check nothing when they are made.
        return _with_ids(msgspec.convert(msgspec.to_builtins(turn, str_keys=True), Turn))
    except (msgspec.ValidationError, TypeError, RecursionError) as error:
        raise RequestRejected(f"returned a Turn that is none: {error}") from None


def _with_ids(turn: Turn) -> Turn:
    if len(set(turn.ids)) == len(turn.ids) == len(turn.calls):
        return turn
    return msgspec.structs.replace(turn, ids=tuple(f"call_{index}" for index in range(len(turn.calls))))


def _step(items: Any, answer: Any) -> Step:
    if not isinstance(items, list | tuple):
        _reject(answer, "mixes calls and lists of calls")
    return tuple(_call(item, answer) for item in items)


def _call(item: Any, answer: Any) -> Call:
    data = item.model_dump(mode="json") if hasattr(item, "model_dump") else item
    if isinstance(data, dict) and isinstance(data.get("function"), dict):
        data = {name: value for name, value in data["function"].items() if name in ("name", "arguments")}
    try:
        call: Call = msgspec.convert(msgspec.to_builtins(data, str_keys=True), Call)
    except (msgspec.ValidationError, TypeError, RecursionError) as error:
        _reject(answer, f"{reprlib.repr(item)} is no call: {error}")
    return Call(call.name, read_arguments(call.arguments) if isinstance(call.arguments, str) else call.arguments)


def _reject(answer: Any, why: str = "") -> NoReturn:
    shown = "None" if answer is None else f"{type(answer).__name__}: {reprlib.repr(answer)}"
    raise RequestRejected(f"returned {shown}{f' ({why})' if why else ''}; it may return {_ACCEPTED}")
