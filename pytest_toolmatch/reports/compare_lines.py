"""A comparison of two reports as lines: the cases that really changed first, what it comes to last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.reports.figures import NOTHING, number, percent, plural
from pytest_toolmatch.reports.lines import Line, clean, cut, cut_end, in_ascii, joined, table, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_toolmatch.reports.compare import Change, Comparison
    from pytest_toolmatch.reports.lines import Style
    from pytest_toolmatch.reports.paired import PairedTest
    from pytest_toolmatch.reports.pairs import Key
    from pytest_toolmatch.statistics.intervals import Interval

_LIMIT = 20
_BESIDE_NAME = 48
_WIDE = 76
"""From this width on, both means are shown beside their difference."""

_ORDER = ("agrees", "undecided", "ambiguous", "diverges", "error")


def comparison_lines(
    comparison: Comparison,
    width: int = 80,
    *,
    verbose: bool = False,
    ascii: bool = False,  # noqa: A002 - what it means
) -> list[Line]:
    """Return the comparison, no line wider than ``width`` (at least 60); ``verbose`` lists every difference."""
    width = max(width, 60)
    same = comparison.before == comparison.after
    head = comparison.before if same else f"{comparison.before} → {comparison.after}"
    blocks = [
        [Line(cut(clean(head), width), ("bold",)), *_wrapped(comparison.warnings, width, "yellow")],
        *_changes(comparison, width, verbose=verbose),
        [
            *_wrapped(_named(comparison.new, "new", verbose=verbose), width),
            *_wrapped(_named(comparison.gone, "gone", verbose=verbose), width),
        ],
        _tests(comparison, width),
        _wrapped(_verdict(comparison), width, "bold"),
    ]
    lines = joined(blocks)
    return in_ascii(lines) if ascii else lines


def _wrapped(texts: Iterable[str], width: int, *style: Style) -> list[Line]:
    return [Line(line, style) for text in texts for line in wrap(clean(text), width, "  ")]


def _changes(comparison: Comparison, width: int, *, verbose: bool) -> list[list[Line]]:
    """Return the changed cases, those that got worst first: really, perhaps, and with a match rate in one report."""
    ranked = sorted(comparison.changes, key=_gain)
    real = [change for change in ranked if change.real]
    perhaps = [change for change in ranked if change.p is not None and not change.real]
    apart = [change for change in ranked if change.p is None]
    return [
        _listed(real, "really changed", width, verbose=verbose),
        _listed(perhaps, "may be chance", width, verbose=verbose) if verbose else [],
        _wrapped(_unshown(comparison, len(real), len(perhaps), verbose=verbose), width),
        _listed(apart, "can't be compared", width, verbose=verbose),
    ]


def _listed(changes: Sequence[Change], title: str, width: int, *, verbose: bool) -> list[Line]:
    listed = changes if verbose else changes[:_LIMIT]
    if not listed:
        return []
    texts = table([[title, "chain_match", "p", "state"], *(_row(change, width) for change in listed)], "<<<<")
    lines = [Line(texts[0], ("bold",))]
    lines += [Line(cut_end(text, width), _colour(one)) for text, one in zip(texts[1:], listed, strict=True)]
    more = len(changes) - len(listed)
    return lines + ([Line(f"… {more} more {title} (-v lists them)", ("light",))] if more else [])


def _row(change: Change, width: int) -> list[str]:
    return [
        cut(clean(f"{change.suite}::{change.case}"), width - _BESIDE_NAME),
        f"{number('chain_match', change.before_match)} → {number('chain_match', change.after_match)}",
        NOTHING if change.p is None else _p(change.p),
        change.after if change.before == change.after else f"{change.before} → {change.after}",
    ]


def _colour(change: Change) -> tuple[Style, ...]:
    return (("red",) if _gain(change) < 0 else ("green",)) if change.real else ()


def _gain(change: Change) -> float:
    if change.before_match is not None and change.after_match is not None:
        return change.after_match - change.before_match
    return float(_ORDER.index(change.before) - _ORDER.index(change.after))


def _unshown(comparison: Comparison, real: int, perhaps: int, *, verbose: bool) -> Iterable[str]:
    """Say what is not shown to have changed, and why."""
    how = "" if verbose else " (-v lists them)" if perhaps > 1 else " (-v lists it)"
    differ, each = ("differs", "") if perhaps == 1 else ("differ", "each ")
    if perhaps and real:
        yield f"{plural(perhaps, 'more case')} {differ}, {each}no more than draws do by chance{how}"
    elif perhaps:
        yield f"no case is shown to have changed: {perhaps} {differ}, {each}no more than draws do by chance{how}"
    if comparison.lacking:
        yield (
            "so few samples of a case can't show that it changed: "
            f"that takes at least {comparison.lacking} in each report"
        )


def _named(keys: Sequence[Key], word: str, *, verbose: bool) -> list[str]:
    if not keys:
        return []
    listed = keys if verbose else keys[:_LIMIT]
    more = f" and {len(keys) - len(listed)} more" if len(keys) > len(listed) else ""
    return [f"{word}: {plural(len(keys), 'case')}: {', '.join('::'.join(key) for key in listed)}{more}"]


def _tests(comparison: Comparison, width: int) -> list[Line]:
    tests = dict(comparison.suites)
    if len(tests) > 1 and comparison.all:
        tests["all"] = comparison.all
    if not tests or comparison.nothing_changed:
        return []
    means = ["before", "after"] if width >= _WIDE else []
    rows = [["chain_match", *means, "points", "this suite", "like these", "n"]]
    rows += [_test_row(cut(clean(name), max(8, width - _WIDE + 12)), test, bool(means)) for name, test in tests.items()]
    head, *lines = table(rows, "<" + ">" * (len(rows[0]) - 1))
    return [Line(cut_end(head, width), ("bold",)), *(Line(cut_end(line, width)) for line in lines)]


def _test_row(name: str, test: PairedTest, means: bool) -> list[str]:
    shown = [number("chain_match", rate) for rate in (test.before, test.after)] if means else []
    return [name, *shown, _points(test.difference), _bounds(test.suite), _bounds(test.cases), str(test.n)]


def _verdict(comparison: Comparison) -> list[str]:
    """Answer both questions: on these very cases, and on others like them."""
    test = comparison.all
    if comparison.nothing_changed:
        return ["nothing changed"]
    if test is None:
        return ["no case has a match rate in both reports"]
    if not test.difference and not any(change.before_match != change.after_match for change in comparison.changes):
        return ["chain_match is the same in every case that both reports have"]
    suites = "these suites" if len(comparison.suites) > 1 else "this suite"
    level = f"{percent(comparison.confidence)} interval"
    shown = f"{level} {_bounds(test.suite)}"
    lines = [f"{suites}: {_outcome(comparison, test, told=test.tells_of_suite())}, {shown}"]
    if test.cases is None:
        return [*lines, "queries like these: one case says nothing about others"]
    told = _outcome(comparison, test, told=test.tells_of_cases(comparison.confidence))
    shown = f"{level} {_bounds(test.cases)}, p = {_p(test.p)}, {plural(test.n, 'case')}"
    return [*lines, f"queries like these: {told}, {shown}"]


def _outcome(comparison: Comparison, test: PairedTest, *, told: bool) -> str:
    points = f"{_points(test.difference)} points"
    if not told:
        return f"can't tell which matches more often: {points}"
    word = "more" if test.difference > 0 else "less"
    other = "before" if comparison.before == comparison.after else comparison.before
    return f"{comparison.after} matches {word} often than {other}: {points}"


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"


def _bounds(interval: Interval | None) -> str:
    return NOTHING if interval is None else f"{_points(interval[0])} to {_points(interval[1])}"


def _p(p: float) -> str:
    return f"{p:.2g}" if p >= 0.001 else f"{p:.0e}"  # noqa: PLR2004 - as is usual
