"""Dates and times as people write them, as ISO 8601 text.

A day without a year or a relative one (``tomorrow``, ``on Friday``) is only a date where it is known what day it is.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

from pytest_toolmatch.pocket.numbers import ORDINALS, small_number

Found = tuple[int, str]
"""Where a moment ends (the index after its last token), and its ISO form."""

_MONTH_NAMES = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
MONTHS: dict[str, int] = {
    **{name: place for place, name in enumerate(_MONTH_NAMES, 1)},
    **{name[:3]: place for place, name in enumerate(_MONTH_NAMES, 1)},
    "sept": 9,
}
_WEEKDAY_NAMES = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: dict[str, int] = {name: place for place, name in enumerate(_WEEKDAY_NAMES)}
_NEAR = {"today": 0, "tonight": 0, "tomorrow": 1, "yesterday": -1}
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[Zz]|[-+]\d{2}:?\d{2})?")
_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?")
_CLOCK = re.compile(r"(\d{1,2})[:.h](\d{2})(?::(\d{2}))?")
_ZONE = re.compile(r"UTC\s?([-+]\d\d:\d\d)")
_LAST_HOUR = 23
_NEAR_TODAY = 6
"""Words between ``today`` and its date at most."""


class Now(NamedTuple):
    """What is known of the present: the day, and the offset from UTC as ISO 8601 writes it."""

    today: dt.date | None = None
    zone: str = ""


def now_in(text: str) -> Now:
    """Return what a text says of the present: ``It is Monday, 2 March 2026, UTC+02:00``."""
    found = _ZONE.search(text)
    return Now(today_in(text), found[1] if found else "")


def today_in(text: str) -> dt.date | None:
    """Return the full date that a text says is today (``Today is Monday, 2 March 2026``), else its first, or None."""
    from pytest_toolmatch.pocket.text import tokenise  # noqa: PLC0415 - numbers and moments are below text

    words = [token.text.lower() for token in tokenise(text)]
    found = [(start, iso) for start in range(len(words)) for _, iso in dates_at(words, start, None)]
    said = (iso for start, iso in found if "today" in words[max(0, start - _NEAR_TODAY) : start])
    iso = next(said, found[0][1] if found else None)
    return dt.date.fromisoformat(iso) if iso else None


def dates_at(words: Sequence[str], start: int, today: dt.date | None) -> Iterator[Found]:
    """Yield the dates that begin at a token as ``YYYY-MM-DD``; ``words`` are tokens in lower case."""
    for end, day in _days(words, start, today):
        yield end, day.isoformat()


def _days(words: Sequence[str], start: int, today: dt.date | None) -> Iterator[tuple[int, dt.date]]:
    word = words[start]
    if found := _ISO.fullmatch(word) or (_ISO.match(word) if _INSTANT.fullmatch(word.upper()) else None):
        yield from _valid(start + 1, int(found[1]), int(found[2]), int(found[3]))
    elif found := _DAY_FIRST.fullmatch(word):
        yield from _valid(start + 1, int(found[3]), int(found[2]), int(found[1]))
    elif found := _SLASHED.fullmatch(word):
        yield from _slashed(start + 1, int(found[1]), int(found[2]), int(found[3]))
    elif word in MONTHS:
        yield from _month_first(words, start, today)
    elif (day := _day_number(word)) is not None:
        yield from _day_first(words, start, day, today)
    elif word == "the" and start + 1 < len(words) and (day := _day_number(words[start + 1])) is not None:
        yield from _day_first(words, start + 1, day, today)
    if today is not None:
        yield from _relative(words, start, today)


def _slashed(end: int, first: int, second: int, year: int) -> Iterator[tuple[int, dt.date]]:
    """Yield a date with slashes where only one reading is a date."""
    if first > 12 or first == second:  # noqa: PLR2004 - months
        yield from _valid(end, year, second, first)
    elif second > 12:  # noqa: PLR2004
        yield from _valid(end, year, first, second)


def _month_first(words: Sequence[str], start: int, today: dt.date | None) -> Iterator[tuple[int, dt.date]]:
    at = start + 1 + (words[start + 1 : start + 2] == ["the"])
    if at < len(words) and (day := _day_number(words[at])) is not None:
        yield from _with_year(words, at + 1, MONTHS[words[start]], day, today)


def _day_first(words: Sequence[str], start: int, day: int, today: dt.date | None) -> Iterator[tuple[int, dt.date]]:
    at = start + 1 + (words[start + 1 : start + 2] == ["of"])
    if at < len(words) and words[at] in MONTHS:
        yield from _with_year(words, at + 1, MONTHS[words[at]], day, today)


def _with_year(
    words: Sequence[str], at: int, month: int, day: int, today: dt.date | None
) -> Iterator[tuple[int, dt.date]]:
    after = at + (words[at : at + 1] in ([","], ["."]))
    if after < len(words) and re.fullmatch(r"(?:19|20)\d\d", words[after]):
        yield from _valid(after + 1, int(words[after]), month, day)
    elif today is not None:
        for end, this_year in _valid(at, today.year, month, day):
            if this_year >= today:
                yield end, this_year
            else:
                yield from _valid(at, today.year + 1, month, day)


def _relative(words: Sequence[str], start: int, today: dt.date) -> Iterator[tuple[int, dt.date]]:
    word = words[start]
    if word in _NEAR:
        yield from _later(start + 1, today, _NEAR[word])
    elif word in WEEKDAYS:
        yield from _later(start + 1, today, (WEEKDAYS[word] - today.weekday() - 1) % 7 + 1)
    elif list(words[start : start + 4]) == ["the", "day", "after", "tomorrow"]:
        yield from _later(start + 4, today, 2)
    elif word == "in" and (days := _span(words, start + 1)):
        yield from _later(start + 3, today, days)
    elif words[start + 2 : start + 3] == ["from"] and (days := _span(words, start)) and start + 3 < len(words):
        later = _NEAR.get(words[start + 3], 0 if words[start + 3] == "now" else None)
        if later is not None:
            yield from _later(start + 4, today, days + later)


def _later(end: int, today: dt.date, days: int) -> Iterator[tuple[int, dt.date]]:
    try:
        yield end, today + dt.timedelta(days=days)
    except OverflowError:  # after the last day that there is
        return


def _span(words: Sequence[str], start: int) -> int:
    """Return how many days ``3 days`` or ``a week`` are; 0 where it is no such thing."""
    if words[start + 1 : start + 2] not in (["days"], ["day"], ["weeks"], ["week"]):
        return 0
    count = small_number(words[start]) or 0
    return count * (7 if "week" in words[start + 1] else 1) if count < 1000 else 0  # noqa: PLR2004 - dates end


def _day_number(word: str) -> int | None:
    if found := _DAY.fullmatch(word):
        return int(found[1])
    return ORDINALS.get(word)


def _valid(end: int, year: int, month: int, day: int) -> Iterator[tuple[int, dt.date]]:
    try:
        yield end, dt.date(year, month, day)
    except ValueError:
        return


def months_at(words: Sequence[str], start: int, today: dt.date | None) -> Iterator[Found]:
    """Yield the months that begin at a token as ``YYYY-MM``."""
    word = words[start]
    if (found := _MONTH.fullmatch(word)) and 1 <= int(found[2]) <= 12:  # noqa: PLR2004 - months
        yield start + 1, word
    elif word in MONTHS:
        after = start + 1
        if after < len(words) and re.fullmatch(r"(?:19|20)\d\d", words[after]):
            yield after + 1, f"{words[after]}-{MONTHS[word]:02}"
        elif today is not None:
            yield after, f"{today.year + (MONTHS[word] < today.month)}-{MONTHS[word]:02}"


def times_at(words: Sequence[str], start: int) -> Iterator[Found]:
    """Yield the times of day that begin at a token as ``HH:MM``."""
    word = words[start]
    if word in ("noon", "midday", "midnight"):
        yield start + 1, "00:00" if word == "midnight" else "12:00"
    elif found := _CLOCK.fullmatch(word):
        yield from _on_the_clock(words, start + 1, int(found[1]), int(found[2]))
    elif _INSTANT.fullmatch(word.upper()):
        yield from _on_the_clock((), start + 1, int(word[11:13]), int(word[14:16]))
    elif (hour := small_number(word)) is not None and word not in ("a", "an"):
        yield from _on_the_hour(words, start + 1, hour)
    elif word in ("half", "quarter"):
        yield from _past(words, start)


def _on_the_clock(words: Sequence[str], at: int, hour: int, minute: int) -> Iterator[Found]:
    half = _half(words, at)
    if half is None:
        if hour <= _LAST_HOUR and minute < 60:  # noqa: PLR2004
            yield at, f"{hour:02}:{minute:02}"
    elif 1 <= hour <= 12 and minute < 60:  # noqa: PLR2004
        yield half[0], f"{hour % 12 + half[1]:02}:{minute:02}"


def _on_the_hour(words: Sequence[str], at: int, hour: int) -> Iterator[Found]:
    half = _half(words, at)
    if half is not None and 1 <= hour <= 12:  # noqa: PLR2004
        yield half[0], f"{hour % 12 + half[1]:02}:00"
    elif words[at : at + 1] in (["o'clock"], ["o’clock"]) and hour <= _LAST_HOUR:
        yield at + 1, f"{hour:02}:00"


def _past(words: Sequence[str], start: int) -> Iterator[Found]:
    if start + 2 < len(words) and words[start + 1] in ("past", "to"):
        hour = small_number(words[start + 2]) or 0
        minute = {"half": 30, "quarter": 15}[words[start]] * (1 if words[start + 1] == "past" else -1)
        half = _half(words, start + 3)
        if 1 <= hour <= 12:  # noqa: PLR2004
            total = ((hour % 12 + half[1] if half else hour) * 60 + minute) % 1440
            yield half[0] if half else start + 3, f"{total // 60:02}:{total % 60:02}"


def _half(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """Return where ``am`` or ``pm`` ends and the hours it adds, or None."""
    near = [word.replace(".", "") for word in words[at : at + 4]]
    if near[:1] in (["am"], ["pm"]):
        return at + 1, 12 if near[0] == "pm" else 0
    if near[:3] == ["in", "the", "morning"]:
        return at + 3, 0
    if near[:3] in (["in", "the", "afternoon"], ["in", "the", "evening"]):
        return at + 3, 12
    return (at + 2, 12) if near[:2] == ["at", "night"] else None


def instants_at(words: Sequence[str], start: int, now: Now) -> Iterator[Found]:
    """Yield the moments that begin at a token, as ``YYYY-MM-DDTHH:MM:SS``; one in full as it stands."""
    if _INSTANT.fullmatch(words[start]):
        if any(dates_at(words, start, None)) and any(times_at(words, start)):
            yield start + 1, words[start].upper()
        return
    for end, day in dates_at(words, start, now.today):
        yield end, f"{day}T00:00:00{now.zone}"
        at = end + (words[end : end + 1] in (["at"], [","], ["t"]))
        at += words[at : at + 1] == ["at"]
        if at < len(words):
            yield from ((after, f"{day}T{time}:00{now.zone}") for after, time in times_at(words, at))
    for end, time in times_at(words, start):
        at = end + (words[end : end + 1] == ["on"])
        if at < len(words):
            yield from ((after, f"{day}T{time}:00{now.zone}") for after, day in dates_at(words, at, now.today))
