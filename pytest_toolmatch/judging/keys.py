"""Values whose ``==`` is argument equality.

A key is made once per call; comparing chains is then comparing keys. Most keys are plain hashable values. Those that
stand for a comparison that is no equivalence (a tolerance, overlapping union branches, a user's function) are *fuzzy*:
their ``==`` is right but not transitive, and their hash is constant, so they must be paired by assignment.
The student's key stands on the left of every ``==``.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from pytest_toolmatch.judging.pairing import pairs_into

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Mark:
    """A value that equals only itself; used where a Python value would collide (``True == 1``)."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


TRUE: Final = Mark("true")
FALSE: Final = Mark("false")
MISSING: Final = Mark("missing")
OBJECT: Final = Mark("object")
ARRAY: Final = Mark("array")
BAG: Final = Mark("bag")
INSTANT: Final = Mark("instant")
IGNORED: Final = Mark("ignored")
UNPARSED: Final = Mark("unparsed")

OWN_KEYS = frozenset({str, int, float, type(None), Mark})
"""Types whose values are their own keys."""

_SAFE_DIGITS = 15  # a float keeps that many decimal digits
_SAFE_INTEGER = 2**53  # from here on, a float may stand for another integer than the one written


def exact_number(text: str) -> float | Decimal:
    """Read a JSON number with a point or an exponent: a float where that says the same, else a decimal.

    ``1e23`` is a decimal, for the nearest float is 99999999999999991611392; Python compares the two kinds exactly.
    """
    number = float(text)
    if len(text) <= _SAFE_DIGITS and "e" not in text and "E" not in text:
        return number
    try:
        exact = Decimal(text)
    except ArithmeticError:  # an exponent of twenty digits
        return number
    return number if abs(number) < _SAFE_INTEGER and Decimal(repr(number)) == exact else exact


def json_key(value: Any) -> Any:
    """Return the key of plain JSON equality: key order ignored, ``5 == 5.0``, a boolean is no number."""
    kind = type(value)
    if kind in OWN_KEYS:
        return value
    if kind is bool:
        return TRUE if value else FALSE
    if kind is dict:
        return (OBJECT, frozenset((name, json_key(item)) for name, item in value.items()))
    if kind is list or kind is tuple:
        return (ARRAY, *map(json_key, value))
    return value


def bag(keys: Iterable[Any]) -> Any:
    """Return the key of a collection whose order does not matter."""
    found = list(keys)
    if any(isinstance(key, Fuzzy) for key in found):
        return FuzzyBag(found)
    return (BAG, frozenset(Counter(found).items()))


class Fuzzy:
    """Base of keys whose equality is not transitive. The constant hash leaves the decision to ``==``."""

    __slots__ = ()

    def __hash__(self) -> int:
        return 0


class Never(Fuzzy):
    """The key of arguments that are no object: equal to nothing, not even to themselves."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = Fuzzy.__hash__


class Either(Fuzzy):
    """A value that is valid in several branches of a union: equal where any branch says so."""

    __slots__ = ("branches",)

    def __init__(self, branches: list[Any]) -> None:
        self.branches = branches

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Either) and any(mine == its for mine in self.branches for its in other.branches)

    __hash__ = Fuzzy.__hash__


class FuzzyBag(Fuzzy):
    """A collection whose order does not matter, of keys that must be paired by assignment."""

    __slots__ = ("keys",)

    def __init__(self, keys: list[Any]) -> None:
        self.keys = keys

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, FuzzyBag)
            and len(self.keys) == len(other.keys)
            and pairs_into(self.keys, other.keys, fuzzy=True, all_of="student")
        )

    __hash__ = Fuzzy.__hash__


class Judged(Fuzzy):
    """A value compared by a function of (student's value, teacher's value)."""

    __slots__ = ("judge", "value")

    def __init__(self, value: Any, judge: Callable[[Any, Any], bool]) -> None:
        self.value = value
        self.judge = judge

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Judged) and bool(self.judge(self.value, other.value))

    __hash__ = Fuzzy.__hash__
