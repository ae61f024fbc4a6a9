"""The cases that are not plain agreement, worst first, one line each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_toolmatch.reports.figures import fate, number
from pytest_toolmatch.reports.lines import Line, clean, columns, cut, cut_end, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.judging.verdict import CaseResult, State
    from pytest_toolmatch.reports.lines import Style

_LIMIT = 10
_METRICS = {"chain": "chain_match", "names": "name_match", "args": "argument_validity", "retry": "retries"}
_METRICS |= {"teacher": "consistency"}
_ORDER: dict[State, int] = {"diverges": 0, "error": 1, "undecided": 2, "ambiguous": 3, "agrees": 4}
_STYLES: dict[State, tuple[Style, ...]] = {"diverges": ("red",), "error": ("red", "bold"), "agrees": ()}


def worst_lines(results: Sequence[CaseResult], *, width: int, verbose: bool) -> list[Line]:
    """Return the table of cases, and how many are not in it."""
    ranked = sorted(results, key=_badness)
    listed = ranked if verbose else [result for result in ranked if result.state != "agrees"][:_LIMIT]
    more = Counter(result.state for result in ranked) - Counter(result.state for result in listed)
    lines = _table(listed, width, several=len({result.suite for result in results}) > 1) if listed else []
    if more:
        word = "more " if listed else ""
        counts = ", ".join(fate(state, more[state], word) for state in _ORDER if more[state])
        lines.append(Line(cut_end(f"{counts} (-v to list)", width).rjust(width), ("light",)))
    return lines


def _badness(result: CaseResult) -> tuple[int, float, str, str]:
    return _ORDER[result.state], result.value("chain_match") or 0.0, result.suite, result.case


def _table(results: Sequence[CaseResult], width: int, *, several: bool) -> list[Line]:
    names = [clean(f"{result.suite}::{result.case}" if several else result.case) for result in results]
    whats = [clean(what(result)) for result in results]
    numbers = _numbers(results)
    room = width - len(numbers[0]) - 4
    for_names = max(min(max(map(columns, names)), max(room * 3 // 5, room - max(map(columns, whats)))), 4)
    rows = [
        (cut(name, for_names), values, cut_end(text, room - for_names))
        for name, values, text in zip(names, numbers[1:], whats, strict=True)
    ]
    styles: list[tuple[Style, ...]] = [("bold",), *(_STYLES.get(result.state, ("yellow",)) for result in results)]
    texts = table([("case", numbers[0], ""), *rows], "<><")
    return [Line(cut_end(text, width), style) for text, style in zip(texts, styles, strict=True)]


def _numbers(results: Sequence[CaseResult]) -> list[str]:
    """Return the heads and every case's numbers, close together: names need the room."""
    rows = [list(_METRICS), *([number(name, result.value(name)) for name in _METRICS.values()] for result in results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [" ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def what(result: CaseResult) -> str:
    """Say in a few words what is to be known about a case; nothing about one that agrees."""
    if result.state == "diverges":
        return f"✗ {result.reason}"
    if result.state == "error":
        return f"! {result.reason.removeprefix(f'{result.case}: ')}"
    if result.state == "undecided":
        return f"~ {result.reason.rpartition('; ')[2] or 'undecided'}"  # what is seen stands in the columns
    if result.state == "agrees":
        return ""
    support = f" ({result.consensus.count} of {result.consensus.of} alike)" if result.consensus else ""
    return f"? no consensus{support}"
