"""The same cases in two reports, and what makes their match rates mean different things."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pytest_toolmatch.reports.figures import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_toolmatch.judging.verdict import CaseResult
    from pytest_toolmatch.reports.report import Report, Terms

Key: TypeAlias = tuple[str, str]
"""A suite and a case of it."""

_RULE = ("match", "arguments", "reference", "effect")


class Pairs(NamedTuple):
    """Cases of both reports, before and after; ``new``, ``gone``, and those of one name that ask something else."""

    both: list[tuple[CaseResult, CaseResult]]
    new: tuple[Key, ...]
    gone: tuple[Key, ...]
    asked: tuple[Key, ...]


def pair(a: Report, b: Report) -> Pairs:
    """Pair the cases of two reports by suite, name and query, in the order of their names."""
    before, after = _by_key(a), _by_key(b)
    named = sorted(before.keys() & after.keys())
    return Pairs(
        [(before[key], after[key]) for key in named if before[key].query == after[key].query],
        tuple(sorted(after.keys() - before.keys())),
        tuple(sorted(before.keys() - after.keys())),
        tuple(key for key in named if before[key].query != after[key].query),
    )


def other_rule(then: Terms, now: Terms) -> str:
    """Say how the rule of a suite has changed: ``match names, then ordered``; nothing where it has not."""
    changed = (field for field in _RULE if getattr(then, field) != getattr(now, field))
    return "; ".join(f"{field} {getattr(then, field)}, then {getattr(now, field)}" for field in changed)


def other_chains(both: Sequence[tuple[CaseResult, CaseResult]]) -> int:
    """Count the cases whose teacher was sampled anew and has another commonest chain: they are matched with that."""
    return sum(
        then.consensus is not None
        and now.consensus is not None
        and then.consensus.chain != now.consensus.chain
        and then.ceilings != now.ceilings
        for then, now in both
    )


def unlike(a: Report, b: Report, pairs: Pairs) -> Iterable[str]:
    """Yield everything for which match rates of two reports can't be compared, or not without a thought."""
    if a.teacher != b.teacher:
        yield f"the teachers differ: {a.teacher}, then {b.teacher}; each match rate is against its own"
    for name in sorted(a.suites.keys() & b.suites.keys()):
        if changed := other_rule(a.suites[name].terms, b.suites[name].terms):
            yield f"{name} was matched by another rule: {changed}"
    if pairs.asked:
        yield f"not compared, because they ask something else: {', '.join('::'.join(key) for key in pairs.asked)}"
    if others := sum(old.weight != new.weight for old, new in pairs.both):
        yield f"{plural(others, 'case')} had another weight before; all count what they do in the second report"
    if a.teacher == b.teacher and (others := other_chains(pairs.both)):
        yield f"the teacher's commonest chain is another in {plural(others, 'case')}: it changed, too"


def _by_key(report: Report) -> dict[Key, CaseResult]:
    return {(case.suite, case.case): case for suite in report.suites.values() for case in suite.cases}
