"""Numbers as people write them: digits, words, dozens, halves, thousands, and amounts with a unit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Found = tuple[int, float]
"""Where a number ends (the index after its last token), and what it is."""

_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SMALL: dict[str, int] = {
    **{word: value for value, word in enumerate(_ONES)},
    **{word: 10 * (place + 2) for place, word in enumerate(_TENS)},
    **{f"{ten}-{one}": 10 * (t + 2) + o for t, ten in enumerate(_TENS) for o, one in enumerate(_ONES[1:10], 1)},
    "a": 1,
    "an": 1,
}
_LARGE = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "k": 1000, "m": 10**6, "bn": 10**9}
_WHOLE = {"dozen": 12, "couple": 2, "half": 0.5, "quarter": 0.25, "once": 1, "twice": 2, "double": 2, "pair": 2}
_WHOLE |= {"nonstop": 0, "nonstops": 0, "non-stop": 0, "direct": 0, "directly": 0}
_NONE = frozenset({"no", "none", "without"})
"""Words that say none of something: ``no stops``, ``without changing planes``."""

_ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
]
ORDINALS: dict[str, int] = {word: value for value, word in enumerate(_ORDINALS, 1)}
_DIGITS = re.compile(r"[-+]?(?:\d+(?:,\d{3})*(?:\.\d+)?|\.\d+)|\d+,\d\d")
_MOST_DIGITS = 40
"""Of a number; a longer row of digits is none."""

_COMMA = re.compile(r",(?=\d\d$)")  # a decimal comma, as in most of Europe
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")

NUMBER_WORDS = frozenset({*SMALL, *_LARGE, *_WHOLE, *ORDINALS} - {"a", "an", "k", "m", "second"})

# Dimension and size of a unit, in the smallest unit of its dimension that people count in.
_UNITS: dict[str, tuple[str, float, str]] = {
    "second": ("time", 1, "s sec secs second seconds"),
    "minute": ("time", 60, "min mins minute minutes"),
    "hour": ("time", 3600, "h hr hrs hour hours"),
    "day": ("time", 86400, "day days"),
    "week": ("time", 604800, "week weeks"),
    "gram": ("mass", 1, "g gram grams gramme grammes"),
    "kilogram": ("mass", 1000, "kg kgs kilo kilos kilogram kilograms"),
    "tonne": ("mass", 1e6, "t tonne tonnes"),
    "pound": ("pounds", 1, "lb lbs pound pounds"),
    "millimetre": ("length", 1, "mm millimetre millimetres millimeter millimeters"),
    "centimetre": ("length", 10, "cm centimetre centimetres centimeter centimeters"),
    "metre": ("length", 1000, "m metre metres meter meters"),
    "kilometre": ("length", 1e6, "km kilometre kilometres kilometer kilometers"),
    "millilitre": ("volume", 1, "ml millilitre millilitres milliliter milliliters"),
    "litre": ("volume", 1000, "l litre litres liter liters"),
    "kilobyte": ("data", 1, "kb kilobyte kilobytes"),
    "megabyte": ("data", 1000, "mb megabyte megabytes"),
    "gigabyte": ("data", 1e6, "gb gigabyte gigabytes"),
    "cent": ("money", 1, "cent cents"),
    "euro": ("money", 100, "eur euro euros"),
    "dollar": ("dollars", 100, "usd dollar dollars"),
}
UNITS: dict[str, tuple[str, float]] = {
    form: (dimension, size) for dimension, size, forms in _UNITS.values() for form in forms.split()
}
_AMBIGUOUS = frozenset({"s", "h", "t", "m", "l", "g", "pound"})


def unit_of(words: Sequence[str]) -> tuple[str, float] | None:
    """Return what a parameter counts in, by the words of its name and description; None where nothing is named."""
    told = [word for word in words if word in UNITS and word not in _AMBIGUOUS]
    plain = [word for word in told if word != "min"]  # ``min_price`` is no time, and ``duration_min`` is
    if plain or words[:1] == ["min"]:
        return UNITS[plain[0]] if plain else None
    return UNITS[told[0]] if told else None


def small_number(word: str) -> int | None:
    """Return a number in a word, or in digits as people write days and hours; None where it is neither."""
    return int(word) if word.isdecimal() and len(word) < 10 else SMALL.get(word)  # noqa: PLR2004


def is_number(word: str) -> bool:
    """Whether a token alone is a number in digits."""
    return _DIGITS.fullmatch(word) is not None


def numbers_at(words: Sequence[str], start: int) -> Iterator[Found]:
    """Yield the numbers that begin at a token, the shortest first; ``words`` are tokens in lower case."""
    word = words[start]
    if len(word) <= _MOST_DIGITS and _DIGITS.fullmatch(word):
        digits = _COMMA.sub(".", word).replace(",", "")
        yield from _scaled(words, start + 1, float(digits) if "." in digits else int(digits))
    elif found := _ORDINAL.fullmatch(word):
        yield start + 1, float(found[1])
    elif word in _WHOLE or word in ORDINALS:
        yield start + 1, float(_WHOLE.get(word, ORDINALS.get(word, 0)))
        if word == "half" and words[start + 1 : start + 3] == ["a", "dozen"]:
            yield start + 3, 6.0
    elif word in _NONE and not is_number_sign(words, start):
        yield start + 1, 0
    elif word in SMALL:
        yield from _spelt(words, start)


def is_number_sign(words: Sequence[str], at: int) -> bool:
    """Whether ``no`` means *number*, as in no. 5, or no 5."""
    following = words[at + 1] if at + 1 < len(words) else ""
    return words[at] == "no" and (following == "." or any(character.isdigit() for character in following))


def _scaled(words: Sequence[str], at: int, value: float) -> Iterator[Found]:
    yield at, value
    if at < len(words) and words[at] in _LARGE:
        yield at + 1, value * _LARGE[words[at]]
    elif at < len(words) and words[at] == "dozen":
        yield at + 1, value * 12


def _spelt(words: Sequence[str], start: int) -> Iterator[Found]:
    """Yield numbers in words: each longer reading that is still a number follows the shorter one."""
    total, current, at = 0.0, 0.0, start
    article = words[start] in ("a", "an")
    while at < len(words):
        word = words[at]
        if word in SMALL and (at == start or word not in ("a", "an")) and _fits(current, SMALL[word]):
            current += SMALL[word]
        elif word in _LARGE and at > start and len(word) > 2:  # noqa: PLR2004 - letters stand behind digits only
            current, total = _multiplied(current, total, _LARGE[word])
        elif word in ("dozen", "couple") and at == start + 1:
            yield at + 1, (current or 1) * _WHOLE[word]
            return
        elif word not in ("and", "-") or at + 1 >= len(words) or words[at + 1] not in SMALL or total + current < 20:  # noqa: PLR2004
            return
        else:
            at += 1
            continue
        at += 1
        if not (article and at == start + 1):
            yield at, total + current


def _fits(current: float, more: int) -> bool:
    """Whether a small number can follow: units after tens, anything after hundreds."""
    below = current % 100
    return below == 0 or (below >= 20 and below % 10 == 0 and 0 < more < 10)  # noqa: PLR2004


def _multiplied(current: float, total: float, factor: int) -> tuple[float, float]:
    if factor == 100:  # noqa: PLR2004
        return (current or 1) * factor, total
    return 0.0, total + (current or 1) * factor


def amounts_at(words: Sequence[str], start: int, unit: tuple[str, float] | None) -> Iterator[Found]:
    """Yield what a number is in another unit, where it is followed by one of the same dimension (``2 hours`` is 120).

    ``an hour``, ``half an hour`` and ``1 hour 30 minutes`` are amounts, too.
    """
    if unit is None:
        return
    for end, value in (*numbers_at(words, start), *_articles(words, start)):
        after = end + (end < len(words) and words[end] == "-")
        if after < len(words) and (found := UNITS.get(words[after])) and found[0] == unit[0]:
            yield after + 1, _round(value * found[1] / unit[1])
            yield from _compound(words, after + 1, value * found[1], unit)


def _articles(words: Sequence[str], start: int) -> Iterator[Found]:
    if words[start] in ("a", "an"):
        yield start + 1, 1.0
    if list(words[start : start + 2]) in (["half", "an"], ["half", "a"]):
        yield start + 2, 0.5


def _compound(words: Sequence[str], at: int, base: float, unit: tuple[str, float]) -> Iterator[Found]:
    joined = at + (at < len(words) and words[at] == "and")
    if list(words[joined : joined + 2]) == ["a", "half"]:
        previous = UNITS[words[at - 1]][1]
        yield joined + 2, _round((base + previous / 2) / unit[1])
    elif joined < len(words):
        for end, value in numbers_at(words, joined):
            if end < len(words) and (found := UNITS.get(words[end])) and found[0] == unit[0]:
                yield end + 1, _round((base + value * found[1]) / unit[1])


def _round(value: float) -> float:
    return round(value, 6)
