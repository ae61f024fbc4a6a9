"""What a reader sees at a glance in a reply: which row has the least or the most of something, what is below a limit.

A network that reads digits as letters can't compare numbers; so the comparison comes as features of the tokens.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PAIR = re.compile(r'(\{)|"(\w+)":\s*(?:(-?\d+(?:\.\d+)?)(?![\w.])|"(\d{4}-\d\d-\d\d[^"]*|\d\d:\d\d[^"]*)")')
_BOUNDS = frozenset({"under", "below", "than", "most", "maximum", "max", "beneath"})
_SIGNS = frozenset("€$£")
_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


class Cell(NamedTuple):
    """A number, a date or a time of one row; ``start`` is where it stands in the text."""

    row: int
    value: float | str
    start: int


def is_json(text: str) -> bool:
    """Say whether a reply is an object or a list."""
    return text[:1] in ("{", "[")


def ranks(text: str) -> dict[int, tuple[float, float]]:
    """Return by the place in a JSON text whether a value is the least and whether it is the most among the rows."""
    columns: dict[str, list[Cell]] = defaultdict(list)
    for key, cell in _cells(text):
        columns[key].append(cell)
    return {
        cell.start: (float(cell.value == low), float(cell.value == high))
        for cells in columns.values()
        if len({cell.row for cell in cells}) > 1 and len({type(cell.value) for cell in cells}) == 1
        for low, high in [(min(cell.value for cell in cells), max(cell.value for cell in cells))]  # type: ignore[type-var]
        for cell in cells
    }


def _cells(text: str) -> Iterator[tuple[str, Cell]]:
    row = 0
    for found in _PAIR.finditer(text):
        if found[1]:
            row += 1
        elif found[3]:
            yield found[2], Cell(row, float(found[3]), found.start(3))
        else:
            yield found[2], Cell(row, found[4], found.start(4))


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
