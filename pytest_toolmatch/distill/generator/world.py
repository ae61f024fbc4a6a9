"""What one example is set in: its random source, its half of the words, its today."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pytest_toolmatch.distill.generator.dice import Dice
from pytest_toolmatch.distill.generator.vocabulary import Vocabulary

_FIRST = dt.date(2024, 1, 1).toordinal()
_DAYS = 3000
_OFFSETS = ("", "", "+01:00", "+02:00", "-05:00", "+05:30", "+00:00")


class World:
    """The setting of one scene; ``today`` may be unknown, ``offset`` (from UTC) may be empty."""

    def __init__(self, dice: Dice, words: Vocabulary) -> None:
        self.dice = dice
        self.vocabulary = words
        self.words: dict[str, Any] = words.words
        self.nouns = words.nouns
        self.phrases = words.phrases
        self.today = dt.date.fromordinal(_FIRST + dice.whole(0, _DAYS)) if dice.chance(0.7) else None
        self.offset = dice.pick(_OFFSETS) if self.today else ""
        self.camel = dice.chance(0.3)
        self.naming = dice.pick(("snake", "snake", "snake", "camel", "dotted", "kebab"))

    def made_up(self) -> str:
        """Return a made-up word of this half."""
        return self.vocabulary.made_up(self.dice)

    def system(self) -> str:
        """Return what a system message says: always today, where it is known."""
        persona = self.dice.pick(self.phrases["systems"]) if self.dice.chance(0.7) else ""
        if self.today is None:
            return persona if self.dice.chance(0.5) else ""
        place = f" The time zone is UTC{self.offset}." if self.offset else ""
        weekday, month = self.words["weekdays"][self.today.weekday()], self.words["months"][self.today.month - 1]
        parts = {"w": weekday, "m": month, "d": self.today.day, "y": self.today.year, "iso": self.today.isoformat()}
        return f"{persona} {self.dice.pick(self.phrases['todays']).format(**parts)}{place}".strip()
