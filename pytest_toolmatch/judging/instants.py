"""RFC 3339 date-times as instants, exact to every digit that is written."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from pytest_toolmatch.judging.keys import INSTANT

_RFC3339 = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d+))?"
    r"(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)


def instant_key(text: str) -> Any:
    """Return the key of the instant that a date-time with an offset denotes; of other text, the text.

    Two keys are equal when the instants are, whatever the offsets and however many fractional zeros are written.
    """
    found = _RFC3339.fullmatch(text)
    if found is None:
        return text
    year, month, day, hour, minute, second, fraction, sign, off_hour, off_minute = found.groups()
    try:
        days = date(int(year), int(month), int(day)).toordinal()
    except ValueError:
        return text
    offset = (int(off_hour) * 60 + int(off_minute)) * (-1 if sign == "-" else 1) if sign else 0
    minutes = days * 1440 + int(hour) * 60 + int(minute) - offset
    return (INSTANT, minutes, int(second), (fraction or "").rstrip("0"))
