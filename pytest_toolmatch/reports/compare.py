"""Two reports compared case by case: what really changed, and whether one of them matches more often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.judging.changed import Finding, draws_lacking, findings
from pytest_toolmatch.judging.verdict import CaseResult, State
from pytest_toolmatch.reports.paired import PairedTest, paired_test
from pytest_toolmatch.reports.pairs import Key, pair, unlike

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.reports.report import Report
    from pytest_toolmatch.statistics.measures import Measure


class Change(msgspec.Struct, frozen=True):
    """A case of both reports whose state or chain_match differs.

    ``real`` says that its samples show more than chance; ``p`` is its own p-value, and None where it has a match rate
    in one report at most.
    """

    suite: str
    case: str
    before: State
    after: State
    before_match: float | None
    after_match: float | None
    p: float | None = None
    real: bool = False


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between two reports; ``new`` and ``gone`` cases are in one of them only.

    ``suites`` and ``all`` hold the paired tests of chain_match over the cases that have it in both. ``warnings`` say
    what else differs, so that the match rates do not mean the same. ``lacking`` is how many samples a case takes in
    each report before it can be shown to have changed, where no case has as many; else 0.
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
    lacking: int = 0

    @property
    def nothing_changed(self) -> bool:
        """Whether both reports have the same cases with the same states and match rates."""
        return not (self.changes or self.new or self.gone)


def compare(a: Report, b: Report) -> Comparison:
    """Compare report ``b`` (after) with report ``a`` (before)."""
    pairs = pair(a, b)
    rates = {
        (new.suite, new.case): (_rate(old, new.weight), _rate(new, new.weight))
        for old, new in pairs.both
        if old.value("chain_match") is not None and new.value("chain_match") is not None
    }
    by_suite = {name: [rates[key] for key in rates if key[0] == name] for name in sorted({suite for suite, _ in rates})}
    found = dict(zip(rates, findings(list(rates.values()), a.confidence), strict=True))
    changes = (_change(old, new, found.get((new.suite, new.case))) for old, new in pairs.both)
    return Comparison(
        before=a.student,
        after=b.student,
        confidence=a.confidence,
        changes=tuple(change for change in changes if change),
        new=pairs.new,
        gone=pairs.gone,
        suites={name: test for name, some in by_suite.items() if (test := _test(some, a.confidence))},
        all=_test(list(rates.values()), a.confidence),
        warnings=tuple(unlike(a, b, pairs)),
        lacking=draws_lacking(list(rates.values()), a.confidence),
    )


def _rate(one: CaseResult, weight: float) -> Measure:
    return one.measures["chain_match"].times(weight)


def _change(old: CaseResult, new: CaseResult, found: Finding | None) -> Change | None:
    matches = old.value("chain_match"), new.value("chain_match")
    if old.state == new.state and matches[0] == matches[1]:
        return None
    p, real = found or (None, False)
    return Change(old.suite, old.case, old.state, new.state, *matches, p, real)


def _test(rates: Sequence[tuple[Measure, Measure]], confidence: float) -> PairedTest | None:
    return paired_test([then for then, _ in rates], [now for _, now in rates], confidence)
