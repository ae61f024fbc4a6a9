"""Whole numbers in English words, and back."""

from __future__ import annotations

from pytest_toolmatch.fuzzing.relations.words import listed

_ONES = listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen",
    "eighteen nineteen",
)
_TENS = dict(zip(listed("twenty thirty forty fifty sixty seventy eighty ninety"), range(20, 100, 10), strict=True))
_POWERS = {"million": 1_000_000, "thousand": 1000, "hundred": 100}
LARGEST = 999_999_999

NUMERALS = {**{word: number for number, word in enumerate(_ONES)}, **_TENS, **_POWERS}
"""The words that numbers are made of, with what each is worth."""


def spelled(number: int) -> str:
    """Return a number from 0 to 999,999,999 in words: ``1250`` is *one thousand two hundred and fifty*."""
    for word, power in _POWERS.items():
        if number >= power:
            rest = number % power
            link = " and " if 0 < rest < 100 else " "  # noqa: PLR2004 - as it is said: "and" before tens and ones
            return f"{spelled(number // power)} {word}" + (link + spelled(rest) if rest else "")
    for word, tens in reversed(_TENS.items()):
        if number >= tens:
            return word + (f"-{_ONES[number - tens]}" if number > tens else "")
    return _ONES[number]


def read(text: str) -> int | None:
    """Return the number that words or digits (``1,250``) say, or None where they say none."""
    if text.replace(",", "").isdecimal():
        return int(text.replace(",", ""))
    words = [word for word in text.lower().replace("-", " ").split() if word != "and"]
    if not words or any(word not in NUMERALS for word in words):
        return None
    total = part = 0
    for word in words:
        worth = NUMERALS[word]
        if word not in _POWERS:
            part += worth
        elif word == "hundred":
            part = max(part, 1) * worth
        else:
            total, part = total + max(part, 1) * worth, 0
    return total + part
