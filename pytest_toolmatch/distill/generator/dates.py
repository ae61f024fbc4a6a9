"""Dates and times as people say them, and what they mean."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_toolmatch.distill.generator.world import World

_SUFFIXES = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}
_FULL = (
    "{d} {m} {y}",
    "{d} {m} {y}",
    "{m} {d}, {y}",
    "{m} {d}{s}, {y}",
    "{iso}",
    "the {d}{s} of {m} {y}",
    "{dd}.{mm}.{y}",
)
_SHORT = ("{d} {m}", "{d} {m}", "{m} {d}", "{m} {d}{s}", "the {d}{s} of {m}", "{d}{s} {m}")


def say_date(world: World) -> tuple[str, str]:
    """Return a date as text and in ISO; without a year only where today is known."""
    dice, today = world.dice, world.today
    if today is None or dice.chance(0.2):
        day = (today or dt.date(2026, 1, 1)) + dt.timedelta(days=dice.whole(-20, 700))
        return _written(world, dice.pick(_FULL), day), day.isoformat()
    if dice.chance(0.6):
        day = today + dt.timedelta(days=dice.whole(1, 330))
        return _written(world, dice.pick(_SHORT), day), day.isoformat()
    text, ahead = _relative(world, today)
    return text, (today + dt.timedelta(days=ahead)).isoformat()


def _relative(world: World, today: dt.date) -> tuple[str, int]:
    dice = world.dice
    form = dice.whole(0, 5)
    if form == 0:
        return dice.pick((("today", 0), ("tomorrow", 1), ("tomorrow", 1), ("the day after tomorrow", 2)))
    if form == 1:
        days = dice.whole(2, 12)
        return f"in {days if dice.chance(0.5) else world.words['numbers'][days]} days", days
    if form == 2:  # noqa: PLR2004
        weeks = dice.whole(1, 4)
        return ("in a week" if weeks == 1 else f"in {world.words['numbers'][weeks]} weeks"), 7 * weeks
    if form == 3:  # noqa: PLR2004
        return dice.pick((("a week from today", 7), ("a week from tomorrow", 8), ("two weeks from today", 14)))
    ahead = dice.whole(1, 7)
    return dice.pick(("", "", "this coming ")) + world.words["weekdays"][(today.weekday() + ahead) % 7], ahead


def _written(world: World, pattern: str, day: dt.date) -> str:
    month = world.words["months"][day.month - 1]
    month = month[:3] if world.dice.chance(0.15) else month
    number, iso = day.day, day.isoformat()
    suffix = _SUFFIXES.get(number, "th")
    return pattern.format(d=number, m=month, y=day.year, s=suffix, iso=iso, dd=f"{number:02}", mm=f"{day.month:02}")


def say_month(world: World) -> tuple[str, str]:
    """Return a month as text and as YYYY-MM; without a year it is the next such month, this one included."""
    dice, today = world.dice, world.today
    month = dice.whole(1, 12)
    name = world.words["months"][month - 1]
    if today is None or dice.chance(0.4):
        year = (today.year if today else 2026) + dice.whole(0, 2)
        return f"{name} {year}", f"{year}-{month:02}"
    return name, f"{today.year + (month < today.month)}-{month:02}"


def say_time(world: World) -> tuple[str, str]:
    """Return a time of day as text and as HH:MM."""
    dice = world.dice
    if dice.chance(0.06):
        return dice.pick((("noon", "12:00"), ("midday", "12:00"), ("midnight", "00:00")))
    hour, minute = dice.whole(0, 23), dice.pick((0, 0, 0, 15, 30, 30, 45, 5, 20, 50))
    value = f"{hour:02}:{minute:02}"
    half, clock = ("am" if hour < 12 else "pm"), hour % 12 or 12  # noqa: PLR2004
    if minute == 0:
        texts = (f"{clock} {half}", f"{clock}{half}", value, f"{hour} o'clock" if hour > 12 else value)  # noqa: PLR2004
        return dice.pick(texts), value
    return dice.pick((value, value, f"{clock}:{minute:02} {half}", f"{clock}:{minute:02}{half}")), value


def say_moment(world: World) -> tuple[str, str]:
    """Return a date and time as text and in ISO 8601, with the offset of the place where one is known."""
    date, day = say_date(world)
    time, clock = say_time(world)
    return f"{date} at {time}", f"{day}T{clock}:00{world.offset}"
