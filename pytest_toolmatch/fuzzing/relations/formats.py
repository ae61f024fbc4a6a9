"""Numbers, units, times and dates in another form that says exactly the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_toolmatch.core.chain import calls_of
from pytest_toolmatch.fuzzing.edits import Edit, Rewrite
from pytest_toolmatch.fuzzing.relation import Relation
from pytest_toolmatch.fuzzing.relations.drawing import changing, few
from pytest_toolmatch.fuzzing.relations.leafschema import schema_of
from pytest_toolmatch.fuzzing.relations.numerals import LARGEST, NUMERALS, read, spelled
from pytest_toolmatch.fuzzing.relations.words import Leaf, Span, clear, leaves, listed, places, query_of, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import SearchStrategy

    from pytest_toolmatch.fuzzing.variant import Subject

_UNITS = (
    ("km", "kilometres", "kilometers"),
    ("metres", "meters"),
    ("cm", "centimetres", "centimeters"),
    ("mm", "millimetres", "millimeters"),
    ("kg", "kilograms", "kilos", "kilogrammes"),
    ("g", "grams", "grammes"),
    ("ml", "millilitres", "milliliters"),
    ("litres", "liters"),
    ("minutes", "mins", "min"),
    ("hours", "hrs"),
    ("km/h", "kilometres per hour", "kilometers per hour"),
    ("mph", "miles per hour"),
    ("%", "percent", "per cent"),
    ("°C", "degrees Celsius"),
    ("°F", "degrees Fahrenheit"),
    ("euros", "EUR"),
    ("GB", "gigabytes"),
    ("MB", "megabytes"),
)
_EQUAL = {unit: units for units in _UNITS for unit in units}
_COUNTED = "euros|dollars|pounds|kroner|kronor|francs|yen|rupees|people|persons|guests|adults|nights|days|weeks|months"
_UNIT = "|".join(re.escape(unit) for unit in sorted(_EQUAL, key=len, reverse=True))
_MONTHS = listed("January February March April May June July August September October November December")
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MONTH = "|".join(_MONTHS)
# A number stands alone: in no code, price, formula, list in brackets or part of another number.
_BEFORE = r"(?<![\w.,:/+#€$£=\[(^*-])(?<!= )"
_AFTER = r"(?![\w:/%€$£\])^*]|[.,-]\w|\s?[=x×]\s)"
_NUMBER = re.compile(rf"{_BEFORE}(?:\d{{1,3}}(?:,\d{{3}})+|\d+){_AFTER}")
_SPELLED = re.compile(rf"\b(?:(?:{'|'.join(NUMERALS)})(?:[\s-]+(?:and\s+)?(?=\w))?)+(?<![\s-])(?![\w-])", re.IGNORECASE)
_MEASURED = re.compile(rf"(?<![\w.,:/-])(\d[\d,]*(?:\.\d+)?)(\s?)({_UNIT})(?![\w/])")
_TWELVE = re.compile(r"(?<![\w:.,/-])(1[01]|[1-9])(?::([0-5]\d))?\s?([ap])(?:m\b|\.m\.)", re.IGNORECASE)
_CLOCK = re.compile(r"(?<=\b(?:at|by|to)\s)(0[1-9]|1[013-9]|2[0-3]):([0-5]\d)(?![:\w]|\s?[ap]\.?m)", re.IGNORECASE)
_TIED_BEFORE = re.compile(r"(?:\d\s*(?:to|and|or|until|&|-|–)|\b(?:past|quarter to))\s*$", re.IGNORECASE)
_TIED_BEHIND = re.compile(r"\s*(?:to|and|or|until|&|-|–)\s*\d", re.IGNORECASE)
_ISO = re.compile(r"(?<![\w-])(\d{4})-(\d{2})-(\d{2})(?![\w-])")
_DAY_FIRST = re.compile(rf"(?<![\w.,/-])(?:the )?([0-3]?\d)(?:st|nd|rd|th)?(?: of)? ({_MONTH})\b(?:,? (\d{{4}})\b)?")
_MONTH_FIRST = re.compile(rf"\b({_MONTH}) ([0-3]?\d)(?:st|nd|rd|th)?\b(?!:|\.\d|/)(?:,? (\d{{4}})\b)?")
_NUMBERED = re.compile(
    r"(?:^|[_-])(?:ids?|no|number|num|code|phone|zip|postcode|year|pin|port|line|version)$", re.IGNORECASE
)
"""Names of values that are written in digits and are no amounts."""
_LONGEST = 9999


def _formats(subject: Subject) -> SearchStrategy[tuple[Edit, ...]]:
    query = query_of(subject)
    kept = _kept(subject)
    edits = [*_dates(query), *_clocks(query)]
    edits += _numbers(subject, [*kept, *(Span(one.start, one.end, "") for one in edits)])
    edits += _units(subject)
    left = [one for one in changing(query, edits) if clear((one.start, one.end), kept)]
    return few(left, "no number, unit, time or date that is sure to have an equal form")


def _kept(subject: Subject) -> list[Span]:
    """Return what is quoted, and where the chain copies texts; not dates and times whose form their schema settles."""
    texts = [leaf.value for leaf in leaves(subject) if isinstance(leaf.value, str) and not _settled(subject, leaf)]
    return [*(span for text in texts for span in places(text, subject.query)), *quoted(subject.query)]


def _settled(subject: Subject, leaf: Leaf) -> bool:
    return schema_of(subject.tools, leaf).get("format") in ("date", "time", "date-time")


def _numbers(subject: Subject, kept: list[Span]) -> Iterator[Rewrite]:
    """Yield whole numbers written otherwise: those that the chain has as numbers, and those of a unit."""
    known = {leaf.value for leaf in leaves(subject) if _is_amount(leaf)}
    for found in (*_NUMBER.finditer(subject.query), *_SPELLED.finditer(subject.query)):
        number = read(found.group())
        if number is None or not clear(found.span(), kept) or found.group().lower() in ("one", "hundred", "thousand"):
            continue
        if number in known or _counts(subject, found):
            yield from _rewritten(found, number)


def _is_amount(leaf: Leaf) -> bool:
    """Say whether a value is a number of something, and no name that happens to be one."""
    is_number = isinstance(leaf.value, int | float) and not isinstance(leaf.value, bool)
    return is_number and not _NUMBERED.search(leaf.name)


def _counts(subject: Subject, found: re.Match[str]) -> bool:
    """Say whether a number is surely one of something: behind it is a unit; in it, where no call is known, a comma."""
    texts = [leaf.value for leaf in leaves(subject) if isinstance(leaf.value, str)]
    if any(places(found.group(), text) for text in texts):
        return False
    grouped = "," in found.group() and not calls_of(subject.chain or ())
    return grouped or re.match(rf"\s(?:{_COUNTED}|{_UNIT})(?!\w)", subject.query[found.end() :]) is not None


def _rewritten(found: re.Match[str], number: int) -> Iterator[Rewrite]:
    return (Rewrite(*found.span(), text) for text in _forms(number) if text != found.group().lower())


def _forms(number: int) -> Iterator[str]:
    yield str(number)
    if number > _LONGEST // 10:
        yield f"{number:,}"
    if number <= _LONGEST or (number <= LARGEST and number % 1000 == 0):
        yield spelled(number)


def _units(subject: Subject) -> Iterator[Rewrite]:
    """Yield units behind a number, other than 1, under another name; not those that the chain names."""
    for found in _MEASURED.finditer(subject.query):
        number, _, unit = found.groups()
        if number != "1" and not _named(subject, unit):
            yield from (Rewrite(found.start(2), found.end(3), f" {other}") for other in _EQUAL[unit] if other != unit)


def _named(subject: Subject, unit: str) -> bool:
    """Say whether a text of the chain has the unit, alone or behind a number."""
    texts = [leaf.value for leaf in leaves(subject) if isinstance(leaf.value, str)]
    return any(re.search(rf"(?:^|\d\s?|\s){re.escape(unit)}(?!\w)", text, re.IGNORECASE) for text in texts)


def _clocks(query: str) -> Iterator[Rewrite]:
    """Yield times of the day, on a clock of 12 hours and on one of 24; noon and midnight are left."""
    for found in filter(_alone, _TWELVE.finditer(query)):
        hour, minute, half = found.groups()
        yield Rewrite(*found.span(), f"{int(hour) + 12 * (half.lower() == 'p'):02}:{minute or '00'}")
    for found in _CLOCK.finditer(query):
        hour, minute = map(int, found.groups())
        shown = f"{(hour - 1) % 12 + 1}" + (f":{minute:02}" if minute else "")
        yield from (Rewrite(*found.span(), f"{shown}{gap}{'ap'[hour >= 12]}m") for gap in (" ", ""))  # noqa: PLR2004


def _dates(query: str) -> Iterator[Rewrite]:
    """Yield dates whose month has a name, or that are written as ISO 8601 has it, in another order."""
    for found in _ISO.finditer(query):
        year, month, day = found.groups()
        yield from _dated(found, int(day), int(month), year)
    for found in filter(_alone, _DAY_FIRST.finditer(query)):
        yield from _dated(found, int(found[1]), _MONTHS.index(found[2]) + 1, found[3])
    for found in filter(_alone, _MONTH_FIRST.finditer(query)):
        yield from _dated(found, int(found[2]), _MONTHS.index(found[1]) + 1, found[3])


def _alone(found: re.Match[str]) -> bool:
    """Say whether something is no end of a range, which shares what is said of the other end."""
    before, behind = found.string[: found.start()], found.string[found.end() :]
    return not _TIED_BEFORE.search(before) and not _TIED_BEHIND.match(behind)


def _dated(found: re.Match[str], day: int, month: int, year: str | None) -> Iterator[Rewrite]:
    if not 1 <= month <= len(_MONTHS) or not 1 <= day <= _DAYS[month - 1]:
        return
    name = _MONTHS[month - 1]
    forms = [f"{day} {name}", f"{name} {day}", f"the {day}{_ordinal(day)} of {name}"]
    if year:
        forms = [f"{year}-{month:02}-{day:02}", f"{day} {name} {year}", f"{name} {day}, {year}"]
    yield from (Rewrite(*found.span(), form) for form in forms)


def _ordinal(day: int) -> str:
    return "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")  # noqa: PLR2004 - 11th to 13th


FORMATS = Relation(
    name="formats", must="same", says="the same amount in another form calls for the same", edits=_formats
)
