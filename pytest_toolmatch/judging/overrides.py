"""Overrides of the schema's rule for one argument, as makers of keys."""

from __future__ import annotations

import importlib
import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.errors import SuiteError
from pytest_toolmatch.judging.keys import IGNORED, Judged, json_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.core.rules import Override

_FUZZY = ("tolerance", "relative", "tokens", "function")


def override_key(override: Override, where: str) -> Callable[[Any], Any]:
    """Return the maker of keys that an override asks for; ``where`` (tool and path) is for messages."""
    names = override.__struct_fields__
    # By identity: a tolerance of 0 equals False, but is set.
    chosen = [name for name in names if not any(getattr(override, name) is unset for unset in (None, False))]
    if len(chosen) != 1:
        raise SuiteError(
            f"override of {where}: {' and '.join(chosen) or 'nothing'} set: set exactly one of {', '.join(names)}"
        )
    return _MAKERS[chosen[0]](getattr(override, chosen[0]), where)


def is_fuzzy(override: Override) -> bool:
    """Say whether the override's equality may fail to be transitive."""
    return any(getattr(override, name) is not None for name in _FUZZY)


def _ignore(_: bool, __: str) -> Callable[[Any], Any]:
    return lambda _: IGNORED


def _casefold(_: bool, __: str) -> Callable[[Any], Any]:
    return lambda value: value.strip().casefold() if isinstance(value, str) else json_key(value)


def _regex(pattern: str, where: str) -> Callable[[Any], Any]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise SuiteError(f"override of {where}: {pattern!r} is no regular expression: {error}") from None
    if compiled.search(""):
        raise SuiteError(f"override of {where}: {pattern!r} matches the empty text, so any two texts; ask for more")
    return lambda value: (tuple(compiled.findall(value)) if isinstance(value, str) else ()) or json_key(value)


def _tolerance(limit: float, where: str) -> Callable[[Any], Any]:
    allowed = _exact(_within("tolerance", limit, math.inf, where))
    return lambda value: Judged(value, lambda student, teacher: _near(student, teacher, lambda _: allowed))


def _within(kind: str, number: float, most: float, where: str) -> float:
    if not 0 <= number <= most or math.isnan(number):
        limits = "0 or more" if most == math.inf else f"between 0 and {most:g}"
        raise SuiteError(f"override of {where}: {kind} is {number:g}: it must be {limits}")
    return number


def _relative(share: float, where: str) -> Callable[[Any], Any]:
    allowed = _exact(_within("relative", share, math.inf, where))
    return lambda value: Judged(
        value, lambda student, teacher: _near(student, teacher, lambda larger: allowed * larger)
    )


def _near(student: Any, teacher: Any, limit: Callable[[Decimal], Decimal]) -> bool:
    if isinstance(student, list) and isinstance(teacher, list):
        return len(student) == len(teacher) and all(
            _near(ours, theirs, limit) for ours, theirs in zip(student, teacher, strict=True)
        )
    if _is_number(student) and _is_number(teacher):
        ours, theirs = _exact(student), _exact(teacher)
        return abs(ours - theirs) <= limit(max(abs(ours), abs(theirs)))
    return bool(json_key(student) == json_key(teacher))


def _is_number(value: Any) -> bool:
    kind = type(value)
    return kind is int or kind is Decimal or (kind is float and math.isfinite(value))


def _exact(number: float | Decimal) -> Decimal:
    """Return the number as it is written, so that 1.1 is 0.1 from 1 and no integer is too large."""
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)


def _tokens(share: float, where: str) -> Callable[[Any], Any]:
    _within("tokens", share, 1, where)

    def judge(student: Any, teacher: Any) -> bool:
        if not (isinstance(student, str) and isinstance(teacher, str)):
            return bool(json_key(student) == json_key(teacher))
        ours, theirs = _words(student), _words(teacher)
        return len(ours & theirs) >= share * len(ours | theirs)

    return lambda value: Judged(value, judge)


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.casefold()))


def _function(function: Any, where: str) -> Callable[[Any], Any]:
    users = function if callable(function) else _import(str(function), where)
    name = getattr(users, "__qualname__", repr(users))

    def judge(student: Any, teacher: Any) -> bool:
        try:
            return bool(users(student, teacher))
        except Exception as error:  # noqa: BLE001 - the user's function may raise anything
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise SuiteError(f"override of {where}: {name} failed on {student!r} and {teacher!r}: {reason}") from None

    return lambda value: Judged(value, judge)


def _import(name: str, where: str) -> Callable[[Any, Any], bool]:
    module, _, attribute = name.partition(":")
    try:
        found: Callable[[Any, Any], bool] = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # noqa: BLE001 - the user's module may raise anything
        reason = " ".join(str(error).split())
        raise SuiteError(f"override of {where}: can't import {name!r} (module:function): {reason}") from None
    if not callable(found):
        raise SuiteError(f"override of {where}: {name!r} is no function")
    return found


_MAKERS: dict[str, Callable[[Any, str], Callable[[Any], Any]]] = {
    "ignore": _ignore,
    "casefold": _casefold,
    "regex": _regex,
    "tolerance": _tolerance,
    "relative": _relative,
    "tokens": _tokens,
    "function": _function,
}
