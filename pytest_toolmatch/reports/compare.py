"""Two reports compared case by case: what changed, and whether it is more than chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from pytest_toolmatch.judging.verdict import CaseResult, State
from pytest_toolmatch.reports.figures import number, percent, plural
from pytest_toolmatch.reports.lines import Line, clean, cut, cut_end, in_ascii, joined, table, wrap
from pytest_toolmatch.reports.paired import PairedTest, paired_test

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_toolmatch.reports.lines import Style
    from pytest_toolmatch.reports.report import Report

Key: TypeAlias = tuple[str, str]
"""A suite and a case of it."""

_LIMIT = 20
_ORDER = ("agrees", "undecided", "ambiguous", "diverges", "error")


class Change(msgspec.Struct, frozen=True):
    """A case of both reports whose state or chain_match differs."""

    suite: str
    case: str
    before: State
    after: State
    before_match: float | None
    after_match: float | None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between two reports; ``new`` and ``gone`` cases are in one of them only.

    ``suites`` and ``all`` hold the paired tests of chain_match over the cases that have it in both. ``warnings`` say
    what else differs, so that the match rates do not mean the same.
    """

    before: str
    after: str
    confidence: float
    changes: tuple[Change, ...] = ()
    new: tuple[Key, ...] = ()
    gone: tuple[Key, ...] = ()
    suites: dict[str, PairedTest] = {}
    all: PairedTest | None = None
    warnings: tuple[str, ...] = ()

    @property
    def nothing_changed(self) -> bool:
        """Whether both reports have the same cases with the same states and match rates."""
        return not (self.changes or self.new or self.gone)


def compare(a: Report, b: Report) -> Comparison:
    """Compare report ``b`` (after) with report ``a`` (before)."""
    before, after = _by_key(a), _by_key(b)
    both = [(before[key], after[key]) for key in sorted(before.keys() & after.keys())]
    by_suite = {
        name: [pair for pair in both if pair[0].suite == name] for name in sorted({old.suite for old, _ in both})
    }
    tests = {name: _test(pairs, a.confidence) for name, pairs in by_suite.items()}
    return Comparison(
        before=a.student,
        after=b.student,
        confidence=a.confidence,
        changes=tuple(change for old, new in both if (change := _change(old, new))),
        new=tuple(sorted(after.keys() - before.keys())),
        gone=tuple(sorted(before.keys() - after.keys())),
        suites={name: test for name, test in tests.items() if test},
        all=_test(both, a.confidence),
        warnings=tuple(_warnings(a, b)),
    )


def _by_key(report: Report) -> dict[Key, CaseResult]:
    return {(case.suite, case.case): case for suite in report.suites.values() for case in suite.cases}


def _change(old: CaseResult, new: CaseResult) -> Change | None:
    matches = old.value("chain_match"), new.value("chain_match")
    if old.state == new.state and matches[0] == matches[1]:
        return None
    return Change(old.suite, old.case, old.state, new.state, *matches)


def _test(pairs: Iterable[tuple[CaseResult, CaseResult]], confidence: float) -> PairedTest | None:
    values = [(old.value("chain_match"), new.value("chain_match")) for old, new in pairs]
    known = [(a, b) for a, b in values if a is not None and b is not None]
    return paired_test([a for a, _ in known], [b for _, b in known], confidence)


def _warnings(a: Report, b: Report) -> Iterable[str]:
    if a.teacher != b.teacher:
        yield f"the teachers differ: {a.teacher}, then {b.teacher}; each match rate is against its own"
    for name in sorted(a.suites.keys() & b.suites.keys()):
        old, new = a.suites[name].terms, b.suites[name].terms
        changed = [
            f"{field} {getattr(old, field)}, then {getattr(new, field)}"
            for field in ("match", "arguments", "reference", "effect")
            if getattr(old, field) != getattr(new, field)
        ]
        if changed:
            yield f"{name} was matched by another rule: {'; '.join(changed)}"


def comparison_lines(
    comparison: Comparison,
    width: int = 80,
    *,
    verbose: bool = False,
    ascii: bool = False,  # noqa: A002 - what it means
) -> list[Line]:
    """Return the comparison, no line wider than ``width`` (at least 60); ``verbose`` lists every change."""
    width = max(width, 60)
    same = comparison.before == comparison.after
    head = comparison.before if same else f"{comparison.before} → {comparison.after}"
    blocks = [
        [Line(cut(clean(head), width), ("bold",)), *_wrapped(comparison.warnings, width, "yellow")],
        _changes(comparison.changes, width, verbose=verbose),
        [
            *_wrapped(_named(comparison.new, "new", verbose=verbose), width),
            *_wrapped(_named(comparison.gone, "gone", verbose=verbose), width),
        ],
        _tests(comparison, width),
        _wrapped([_verdict(comparison)], width, "bold"),
    ]
    lines = joined(blocks)
    return in_ascii(lines) if ascii else lines


def _wrapped(texts: Iterable[str], width: int, *style: Style) -> list[Line]:
    return [Line(line, style) for text in texts for line in wrap(clean(text), width, "  ")]


def _changes(changes: Sequence[Change], width: int, *, verbose: bool) -> list[Line]:
    """Return the changed cases, those that got worst first."""
    ranked = sorted(changes, key=_gain)
    listed = ranked if verbose else ranked[:_LIMIT]
    if not listed:
        return []
    rows = [
        [
            cut(clean(f"{change.suite}::{change.case}"), width - 40),
            f"{number('chain_match', change.before_match)} → {number('chain_match', change.after_match)}",
            change.after if change.before == change.after else f"{change.before} → {change.after}",
        ]
        for change in listed
    ]
    texts = table([["case", "chain_match", "state"], *rows], "<<<")
    lines = [Line(texts[0], ("bold",))]
    for text, change in zip(texts[1:], listed, strict=True):
        gain = _gain(change)
        lines.append(Line(cut_end(text, width), ("red",) if gain < 0 else ("green",) if gain > 0 else ()))
    if len(ranked) > len(listed):
        lines.append(Line(f"… {len(ranked) - len(listed)} more changed", ("light",)))
    return lines


def _gain(change: Change) -> float:
    if change.before_match is not None and change.after_match is not None:
        return change.after_match - change.before_match
    return float(_ORDER.index(change.before) - _ORDER.index(change.after))


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
    rows = [["chain_match", "before", "after", "points", percent(comparison.confidence), "p", "n"]]
    for name, test in tests.items():
        means = number("chain_match", test.before), number("chain_match", test.after)
        rows.append(
            [cut(clean(name), width - 50), *means, _points(test.difference), _bounds(test), _p(test.p), str(test.n)]
        )
    head, *lines = table(rows, "<>>>>>>")
    return [Line(cut_end(head, width), ("bold",)), *(Line(cut_end(line, width)) for line in lines)]


def _verdict(comparison: Comparison) -> str:
    test = comparison.all
    if comparison.nothing_changed:
        return "nothing changed"
    if test is None:
        return "no case has a match rate in both reports"
    if not test.difference and not any(change.before_match != change.after_match for change in comparison.changes):
        return "chain_match is the same in every case that both reports have"
    interval = f", {percent(comparison.confidence)} interval {_bounds(test)}" if test.interval else ""
    facts = f"{_points(test.difference)} points{interval}, p = {_p(test.p)}, {plural(test.n, 'case')}"
    if not test.can_tell(comparison.confidence):
        return f"can't tell which matches more often: {facts}"
    word = "more" if test.difference > 0 else "less"
    if comparison.before == comparison.after:
        return f"{comparison.after} matches {word} often than before: {facts}"
    return f"{comparison.after} matches {word} often than {comparison.before}: {facts}"


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"


def _bounds(test: PairedTest) -> str:
    return f"[{_points(test.interval[0])}, {_points(test.interval[1])}]" if test.interval else "–"


def _p(p: float) -> str:
    return f"{p:.2g}" if p >= 0.001 else f"{p:.0e}"  # noqa: PLR2004 - as is usual
