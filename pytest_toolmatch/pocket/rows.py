"""What a reader sees at a glance in a reply: which row has the least or the most of something, what is below a limit.

A network that reads digits as letters can't compare numbers; so the comparison comes as features of the tokens.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PAIR = re.compile(
    r'(\{)|"(\w+)":\s*(?:(-?\d+(?:\.\d+)?)(?![\w.])|"(\d{4}-\d\d-\d\d[^"]*|\d\d:\d\d[^"]*)"|"([^"\\]+)")'
)
_BY_NAME = re.compile(r'"(\w+)":\s*\{((?:\s*"[A-Z\d][^"\\]*":\s*-?\d+(?:\.\d+)?\s*,?)+)\}')
"""Rows as in ``"price": {"Oak Hall": 12, "Elm House": 9}``; names of fields begin with a small letter."""

_YES_OR_NO = re.compile(r'"(?:is_|has_)?(\w+)":\s*(?:(true)|false)\b')
_NAMED_NUMBER = re.compile(r'"([^"\\]+)":\s*(-?\d+(?:\.\d+)?)')
_BOUNDS = frozenset({"under", "below", "than", "most", "maximum", "max", "beneath"})
_SIGNS = frozenset("€$£")
_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_PRICES = ("price", "cost", "fare", "amount", "total", "fee", "rate", "rent")
_SPANS = ("minute", "duration", "hour", "length", "second", "day")
_RATINGS = ("rating", "score", "star", "review")
_LEAST, _MOST = False, True
_ASKED: dict[str, tuple[bool, tuple[str, ...]]] = {
    **dict.fromkeys(("cheapest", "cheaper"), (_LEAST, _PRICES)),
    **dict.fromkeys(("dearest", "priciest", "dearer"), (_MOST, _PRICES)),
    **dict.fromkeys(("nearest", "closest", "nearer", "closer"), (_LEAST, ("distance", "km", "meter", "mile"))),
    **dict.fromkeys(("farthest", "furthest"), (_MOST, ("distance", "km", "meter", "mile"))),
    **dict.fromkeys(("lightest", "lighter"), (_LEAST, ("weight", "kg", "gram"))),
    **dict.fromkeys(("heaviest", "heavier"), (_MOST, ("weight", "kg", "gram"))),
    **dict.fromkeys(("shortest", "quickest", "fastest", "quicker", "faster"), (_LEAST, _SPANS)),
    **dict.fromkeys(("longest", "slowest", "longer", "slower"), (_MOST, _SPANS)),
    "scarcest": (_LEAST, ("stock", "left", "piece", "quantity")),
    **dict.fromkeys(("best", "top"), (_MOST, _RATINGS)),
    "worst": (_LEAST, _RATINGS),
}
"""Words that say of which column a request means the row with the least or the most."""

_GENERAL: dict[str, bool] = {
    **dict.fromkeys(("least", "lowest", "fewest", "smallest", "minimum"), _LEAST),
    **dict.fromkeys(("most", "highest", "largest", "biggest", "maximum", "greatest"), _MOST),
}
"""Words that say the same of the column that the words behind them name."""

_NAMED = {
    **dict.fromkeys(("expensive", "cost", "costs", "price", "prices", "fare", "fares"), _PRICES),
    "rated": _RATINGS,
    "left": ("stock", "piece"),
}
_MOMENTS: dict[str, bool] = {
    **dict.fromkeys(("earliest", "oldest", "soonest", "first", "morning", "earlier", "older"), _LEAST),
    **dict.fromkeys(("latest", "newest", "recent", "last", "evening", "night", "later", "newer"), _MOST),
}
"""Words that mean a column of dates or times; they may mean something else, so they count where no other does."""


class Cell(NamedTuple):
    """A number, a date or a time of one row; ``start`` is where it stands in the text."""

    row: int
    value: float | str
    start: int


def is_json(text: str) -> bool:
    """Say whether a reply is an object or a list."""
    return text[:1] in ("{", "[")


def asked_for(words: Sequence[str], text: str) -> dict[int, float]:
    """Return by the place in a JSON text: 1 for all values of the row that a request means, -1 for its rivals'."""
    found = next(((most, cells) for most, cells in _meant(words, _columns(text))), None)
    if found is None:
        chosen = _said_in(words, text)
    else:
        best = (max if found[0] else min)(cell.value for cell in found[1])  # type: ignore[type-var]
        chosen = {cell.row: 1.0 if cell.value == best else -1.0 for cell in found[1]}
    marks = {cell.start: chosen[cell.row] for _, cell in _cells(text, every=True) if cell.row in chosen}
    return marks or _repeated(words, text)


def _repeated(words: Sequence[str], text: str) -> dict[int, float]:
    """Return by the place in a record: 1 for what a request says, as in ``if it is open``, -1 where that is false."""
    said = f" {' '.join(words)} "
    marks = {
        found.start(2) if found[2] else found.end() - len("false"): 1.0 if found[2] else -1.0
        for found in _YES_OR_NO.finditer(text)
        if f" {_plainly(found[1])} " in said
    }
    return marks | {
        cell.start: 1.0
        for _, cell in _cells(text, every=True)
        if isinstance(cell.value, str) and f" {_plainly(cell.value)} " in said
    }


def _plainly(name: str) -> str:
    return name.lower().replace("_", " ")


def _said_in(words: Sequence[str], text: str) -> dict[int, float]:
    """Return by its number whether a request says a text of a row: 1 if so, -1 where it says another row's."""
    said = f" {' '.join(words)} "
    columns: dict[str, dict[int, float]] = defaultdict(dict)
    for key, cell in _cells(text, every=True):
        if isinstance(cell.value, str):
            columns[key][cell.row] = 1.0 if f" {cell.value.lower()} " in said else -1.0
    return next((rows for rows in columns.values() if len(set(rows.values())) > 1), {})


def _meant(words: Sequence[str], columns: dict[str, list[Cell]]) -> Iterator[tuple[bool, list[Cell]]]:
    """Yield what a request compares by, the surest first: whether the most is meant, and the column."""
    for word in words:
        if word in _ASKED:
            most, names = _ASKED[word]
            yield from ((most, cells) for key, cells in columns.items() if any(name in key.lower() for name in names))
    for place, word in enumerate(words):
        if word in _GENERAL:
            for said in (*words[place + 1 : place + 4], *words[max(place - 1, 0) : place]):
                names = _NAMED.get(said, (said.rstrip("s"),))
                yield from (
                    (_GENERAL[word], cells)
                    for key, cells in columns.items()
                    if any(len(name) > 2 and name in key.lower() for name in names)  # noqa: PLR2004 - no small words
                )
    yield from _by_the_only_one(words, columns)
    for word in words:
        if word in _MOMENTS:
            yield from ((_MOMENTS[word], cells) for cells in columns.values() if isinstance(cells[0].value, str))


def _by_the_only_one(words: Sequence[str], columns: dict[str, list[Cell]]) -> Iterator[tuple[bool, list[Cell]]]:
    """Yield the same where there is one column of numbers: whatever it is called, it is meant."""
    numbers = [cells for cells in columns.values() if not isinstance(cells[0].value, str)]
    if len(numbers) == 1:
        for word in words:
            if word in _ASKED or word in _GENERAL:
                yield _ASKED[word][0] if word in _ASKED else _GENERAL[word], numbers[0]


def ranks(text: str) -> dict[int, tuple[float, float]]:
    """Return by the place in a JSON text whether a value is the least and whether it is the most among the rows."""
    return {
        cell.start: (float(cell.value == low), float(cell.value == high))
        for cells in _columns(text).values()
        for low, high in [(min(cell.value for cell in cells), max(cell.value for cell in cells))]  # type: ignore[type-var]
        for cell in cells
    }


def _columns(text: str) -> dict[str, list[Cell]]:
    """Return the columns that several rows have, each of one type, by their keys."""
    columns: dict[str, list[Cell]] = defaultdict(list)
    for key, cell in _cells(text):
        columns[key].append(cell)
    return {
        key: cells
        for key, cells in columns.items()
        if len({cell.row for cell in cells}) > 1 and len({type(cell.value) for cell in cells}) == 1
    }


def _cells(text: str, *, every: bool = False) -> Iterator[tuple[str, Cell]]:
    """Yield what stands in the rows with its key: numbers, dates and times, or ``every`` value."""
    by_name = list(_BY_NAME.finditer(text))
    if by_name:
        yield from (cell for table in by_name for cell in _cells_by_name(table, every=every))
        return
    row = 0
    for found in _PAIR.finditer(text):
        key, number, moment, other = found.group(2, 3, 4, 5)
        if found[1]:
            row += 1
        elif number:
            yield key, Cell(row, float(number), found.start(3))
        elif moment:
            yield key, Cell(row, moment, found.start(4))
        elif every and other:
            yield key, Cell(row, other, found.start(5))


def _cells_by_name(table: re.Match[str], *, every: bool) -> Iterator[tuple[str, Cell]]:
    """Yield the numbers of rows that have a name each, with the key above them, and the names if ``every`` value."""
    for row, found in enumerate(_NAMED_NUMBER.finditer(table[2])):
        yield table[1], Cell(row, float(found[2]), table.start(2) + found.start(2))
        if every:
            yield "name", Cell(row, found[1], table.start(2) + found.start(1))


def limit_in(words: Sequence[str]) -> float | None:
    """Return the number that a request sets as a bound (``under 200 euros``), or None."""
    for place, word in enumerate(words):
        if word in _BOUNDS:
            behind = words[place + 1 : place + 3]
            number = next((one for one in behind if one not in _SIGNS), "")
            if _NUMBER.fullmatch(number):
                return float(number.replace(",", ""))
    return None


def against(limit: float | None, word: str) -> float:
    """Return 1 for a number below the limit, -1 for one that is not, 0 for what is no number or where none is set."""
    if limit is None or not _NUMBER.fullmatch(word):
        return 0.0
    return 1.0 if float(word.replace(",", "")) < limit else -1.0
