"""Values of the same kind as a given one: codes of its shape, numbers near it, other names and places."""

from __future__ import annotations

import datetime as dt
import re
import string
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.fuzzing.relations.words import listed, parts

if TYPE_CHECKING:
    from collections.abc import Callable

_EMAILS = ("kim.berg@example.com", "sofia@example.org", "t.okafor@example.net", "lou-petit@example.com")
_PEOPLE = ("Maria Silva", "Tom Becker", "Aiko Tanaka", "Omar Haddad", "Nina Kowalski")
_CITIES = ("Oslo", "Lyon", "Porto", "Graz", "Leeds", "Turin", "Ghent", "Austin")
_COUNTRIES = ("Norway", "Portugal", "Austria", "Japan", "Chile", "Kenya")

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTH = re.compile(r"\d{4}-(?:0\d|1[0-2])")
_OTHER_DATE = re.compile(r"\d{1,4}([/.-])\d{1,2}\1\d{1,4}")
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_CODE = re.compile(r"(?=.*\d)\+?[A-Za-z0-9]+(?:[-_/.# ][A-Za-z0-9]+)*")
_CAPITALISED = re.compile(r"[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?")
PEOPLE = frozenset(listed("name passenger person customer author recipient contact attendee guest user artist"))
PLACES = frozenset(listed("city town location place destination origin departure arrival"))
COUNTRIES = frozenset({"country", "nation"})
"""Words of a parameter's name that say what kind of name stands in it."""


def others(key: str, value: Any) -> list[Any]:
    """Return other values of the kind of this one, the simplest first; none where its kind is not known.

    ``key`` is the name of the parameter, which tells people from places.
    """
    if isinstance(value, int | float):
        return _numbers(value)
    kind = next((kind for shape, kind in _KINDS if shape.fullmatch(value)), None)
    return [] if kind is None else [one for one in dict.fromkeys(kind(key, value)) if one != value]


def _numbers(value: float) -> list[Any]:
    """Return numbers near a number, as precise as it is and of the same sign."""
    digits = len(f"{value:g}".partition(".")[2])
    near = [round(value + steps * 10**-digits, digits) for steps in (*range(1, 10), *range(-1, -10, -1))]
    return [number if digits else int(number) for number in near if number * value > 0]


def _codes(_key: str, value: str) -> list[Any]:
    """Return codes of the same shape, of which only the digits differ; no 0 comes first."""
    turns = [(shift, slope) for slope in (0, 1, 2) for shift in range(1, 10)]
    return [_turned(value, shift, slope) for shift, slope in turns]


def _turned(value: str, shift: int, slope: int) -> str:
    """Return a text with its digits counted up, each by ``slope`` more than the one before."""
    turned = [
        str((int(letter) + shift + slope * at) % 10) if letter in string.digits else letter
        for at, letter in enumerate(value)
    ]
    return "".join("1" if letter == "0" and value[0] != "0" and not at else letter for at, letter in enumerate(turned))


def _dates(_key: str, value: str) -> list[Any]:
    try:
        day = dt.date.fromisoformat(value)
    except ValueError:
        return []
    return [(day + dt.timedelta(days)).isoformat() for days in (1, 2, 7, 13, 30)]


def _months(_key: str, value: str) -> list[Any]:
    return [f"{value[:4]}-{month:02}" for month in range(1, 13)]


def _proper(key: str, value: str) -> list[Any]:
    """Return names of people or places, by what the parameter is called; forenames for a forename."""
    words = words_in(key)
    if words & PEOPLE:
        return [name if " " in value else name.split()[0] for name in _PEOPLE]
    return list(_CITIES if words & PLACES else _COUNTRIES if words & COUNTRIES else ())


def words_in(key: str) -> set[str]:
    """Return the words of a parameter's name, in lower case."""
    return {part.lower() for part in parts(key)}


_KINDS: tuple[tuple[re.Pattern[str], Callable[[str, str], list[Any]]], ...] = (
    (_EMAIL, lambda _key, _value: list(_EMAILS)),
    (_ISO, _dates),
    (_MONTH, _months),
    (_OTHER_DATE, lambda _key, _value: []),
    (_ADDRESS, lambda _key, _value: [f"192.0.2.{last}" for last in (1, 7, 44, 200)]),
    (_TIME, lambda _key, _value: [f"{hour:02}:{minute:02}" for hour in (8, 11, 13, 16) for minute in (0, 15, 45)]),
    (_CODE, _codes),
    (_CAPITALISED, _proper),
)
