"""What a student has learned, as the table that ends ``toolmatch distill``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.reports.figures import NOTHING, interval, number, plural
from pytest_toolmatch.reports.lines import table
from pytest_toolmatch.statistics.effective import margin_intervals, quantile, rate_intervals
from pytest_toolmatch.statistics.measures import ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.distill.held_out import Drawing
    from pytest_toolmatch.judging.verdict import CaseResult
    from pytest_toolmatch.recorded.reading import Recorded
    from pytest_toolmatch.statistics.intervals import Interval
    from pytest_toolmatch.statistics.measures import Measure

METRIC = "chain_match"
CONFIDENCE = 0.95
_HEADER = ("", "examples", "match", "this suite", "queries like these", "latency", "size")


class Row(NamedTuple):
    """One student: how many examples it learned from, what the held-out cases came to, and its bytes."""

    name: str
    examples: int
    results: Sequence[CaseResult]
    size: int


def table_lines(rows: Sequence[Row], cases: Sequence[Recorded], drawing: Drawing) -> list[str]:
    """Return the table, what its match is, and what the last student has gained on the first."""
    results = rows[0].results
    ceilings = [one.ceilings[METRIC] for one in results if METRIC in one.ceilings and METRIC in one.measures]
    laid = [_HEADER, *map(_cells, rows)]
    if ceilings:
        laid.append(("teacher again", "", *_rate(ceilings), "", ""))
    told = [*_told(results, cases, drawing), *_gained(rows[0], rows[-1]), *_agreement(rows[0], rows[-1])]
    return [*table(laid, "<>>>>>>"), "", *told]


def _cells(row: Row) -> tuple[str, ...]:
    matched = [one.measures[METRIC] for one in row.results if METRIC in one.measures]
    seconds = sorted(second for one in row.results for second in one.latencies)
    latency = f"{1000 * quantile(seconds, 0.5):.1f} ms" if seconds else NOTHING
    return (row.name, f"{row.examples:,}", *_rate(matched), latency, f"{row.size / 1e6:.1f} MB")


def _rate(measures: Sequence[Measure]) -> tuple[str, str, str]:
    if not measures:
        return NOTHING, NOTHING, NOTHING
    suite, cases = rate_intervals(measures, CONFIDENCE)
    return number(METRIC, ratio(measures)), interval(METRIC, suite), interval(METRIC, cases)


def _told(results: Sequence[CaseResult], cases: Sequence[Recorded], drawing: Drawing) -> list[str]:
    rules = " or ".join(dict.fromkeys(f"{one.suite.rules.match}, {one.suite.rules.reference}" for one in cases))
    without = sum(METRIC not in one.measures for one in results)
    ambiguous = f"; {plural(without, 'ambiguous case')} left out" if without else ""
    drawn = f"{plural(drawing.draws, 'draw')} each at temperature {drawing.temperature:g}"
    return [f"match: {METRIC} ({rules}) on {plural(len(results), 'held-out case')}, {drawn}{ambiguous}"]


def _gained(before: Row, after: Row) -> list[str]:
    pairs = [
        (new.measures[METRIC], old.measures[METRIC])
        for new, old in zip(after.results, before.results, strict=True)
        if METRIC in new.measures and METRIC in old.measures
    ]
    if not pairs:
        return []
    gain = ratio([new for new, _ in pairs]) - ratio([old for _, old in pairs])
    suite, cases = margin_intervals(pairs, CONFIDENCE)
    of_cases = f", {_points(cases)} for queries like these" if cases else ""
    return [f"gain: {100 * gain:+.1f} points ({_points(suite)} for this suite{of_cases}), paired by case"]


def _agreement(before: Row, after: Row) -> list[str]:
    """Say how often a draw of the student matches a fresh one of the teacher: of ambiguous cases, too."""
    found = [
        [one.measures["agreement"] for one in row.results if "agreement" in one.measures] for row in (before, after)
    ]
    own = [one.ceilings["agreement"] for one in after.results if "agreement" in one.ceilings]
    if not all(found):
        return []
    old, new = (number("agreement", ratio(measures)) for measures in found)
    itself = f"; the teacher's own: {number('agreement', ratio(own))}" if own else ""
    return [
        f"agreement with a single draw of the teacher, ambiguous cases among them: {old} before, {new} after{itself}"
    ]


def _points(bounds: Interval) -> str:
    return f"{100 * bounds[0]:+.1f} to {100 * bounds[1]:+.1f}"
