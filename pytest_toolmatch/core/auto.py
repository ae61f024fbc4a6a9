"""How many draws a case may have where the gates of its suite decide."""

from __future__ import annotations

import math
import re

import msgspec

from pytest_toolmatch.core.errors import ConfigError

_AUTO = re.compile(r"auto(?::(\d+)-(\d+))?")


class Auto(msgspec.Struct, frozen=True):
    """Draw until the gates are decided: so many draws of each model and case at first, so many at most.

    ``together`` is how many first draws of the student all cases of a suite have together, as far as each has one: a
    gate on many cases may be decided before each has ``least``. The teacher's stay as many, for the reference, and
    whether a case has one, rest on them.
    """

    least: int = 5
    most: int = 40
    together: float = math.inf

    def __str__(self) -> str:
        return f"auto:{self.least}-{self.most}"

    def first(self, cases: int) -> int:
        """Return the student's first draws of each of so many cases."""
        return max(1, int(min(self.least, self.together / max(1, cases))))


PLAIN = Auto(together=100)
"""What ``auto`` means by itself."""


def parse_auto(text: str) -> Auto:
    """Read ``auto`` or ``auto:MIN-MAX``; ConfigError for anything else."""
    found = _AUTO.fullmatch(text)
    if found is None:
        raise ConfigError(f"toolmatch_samples is {text!r}: write a number, auto, or auto:MIN-MAX as in auto:5-40")
    if not found[1]:
        return PLAIN
    auto = Auto(*map(int, found.groups()))
    if not 1 <= auto.least <= auto.most:
        raise ConfigError(f"toolmatch_samples is {text!r}: MIN is at least 1, and MAX no less than MIN")
    return auto
