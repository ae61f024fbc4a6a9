"""The cases that are not plain agreement, worst first, one line each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_toolmatch.reports.figures import number
from pytest_toolmatch.reports.lines import Line, clean, columns, cut, cut_end, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.judging.verdict import CaseResult, State
    from pytest_toolmatch.reports.lines import Style

_LIMIT = 10
_METRICS = {"chain": "chain_match", "names": "name_match", "args": "argument_validity", "retry": "retries"}
_METRICS |= {"teacher": "consistency"}
_ORDER: dict[State, int] = {"diverges": 0, "error": 1, "undecided": 2, "ambiguous": 3, "agrees": 4}
_MORE = {
    "diverges": "diverge",
    "error": "in error",
    "undecided": "undecided",
    "ambiguous": "ambiguous",
    "agrees": "agree",
}
_STYLES: dict[State, tuple[Style, ...]] = {"diverges": ("red",), "error": ("red", "bold"), "agrees": ()}


def worst_lines(results: Sequence[CaseResult], *, width: int, verbose: bool) -> list[Line]:
    """Return the table of cases, and how many are not in it."""
    ranked = sorted(results, key=_badness)
    listed = ranked if verbose else [result for result in ranked if result.state != "agrees"][:_LIMIT]
    more = Counter(result.state for result in ranked) - Counter(result.state for result in listed)
    lines = _table(listed, width, several=len({result.suite for result in results}) > 1) if listed else []
    if more:
        word = "more " if listed else ""
        counts = ", ".join(f"{more[state]} {word}{_MORE[state]}" for state in _ORDER if more[state])
        lines.append(Line(cut_end(f"{counts} (-v to list)", width).rjust(width), ("light",)))
    return lines


def _badness(result: CaseResult) -> tuple[int, float, str, str]:
    return _ORDER[result.state], result.value("chain_match") or 0.0, result.suite, result.case


def _table(results: Sequence[CaseResult], width: int, *, several: bool) -> list[Line]:
    names = [clean(f"{result.suite}::{result.case}" if several else result.case) for result in results]
    whats = [clean(what(result)) for result in results]
    numbers = [[number(name, result.value(name)) for name in _METRICS.values()] for result in results]
    room = width - sum(max(len(head), 5) + 2 for head in _METRICS) - 2
    for_names = min(max(map(columns, names)), max(room // 2, room - max(map(columns, whats))))
    rows = [["case", *_METRICS, ""]]
    for name, values, text in zip(names, numbers, whats, strict=True):
        rows.append([cut(name, for_names), *values, cut_end(text, room - max(for_names, 4))])
    head, *lines = table(rows, "<" + ">" * len(_METRICS) + "<")
    return [
        Line(cut_end(head, width), ("bold",)),
        *(
            Line(cut_end(line, width), _STYLES.get(result.state, ("yellow",)))
            for line, result in zip(lines, results, strict=True)
        ),
    ]


def what(result: CaseResult) -> str:
    """Say in a few words what is to be known about a case; nothing about one that agrees."""
    if result.state == "diverges":
        return f"✗ {result.reason}"
    if result.state == "error":
        return f"! {result.reason.removeprefix(f'{result.case}: ')}"
    if result.state == "agrees":
        return ""
    support = f" ({result.consensus.count} of {result.consensus.of} alike)" if result.consensus else ""
    return f"? teacher undecided{support}" if result.state == "ambiguous" else f"? {result.reason or 'undecided'}"
