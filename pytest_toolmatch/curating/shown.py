"""What ``toolmatch curate`` says while it works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.curating.pools import largest_family
from pytest_toolmatch.curation.evaluation import LARGE
from pytest_toolmatch.statistics.effective import rate_intervals
from pytest_toolmatch.statistics.measures import Measure, ratio
from pytest_toolmatch.suites.importers.fields import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.curating.judged import Subject
    from pytest_toolmatch.curating.logged import Logs
    from pytest_toolmatch.curating.options import CurateOptions
    from pytest_toolmatch.curating.pools import Pools
    from pytest_toolmatch.curating.stages import Found

_NAMED = 6
_NO_MORE = "there are no more cases on its side; it has all of them"
_NO_MORE_DRAWN = "half of the cases are drawn at most, and of large families every second one is spared"
_CONFIDENCE = 0.95


def account(logs: Logs, cases: Sequence[Subject], total: int) -> Iterator[str]:
    """Yield what was read, and what is left out."""
    students = f"; students {', '.join(logs.students)}" if logs.students else ""
    yield f"{counted(total, 'case')} of {counted(len(logs.suites), 'suite')}; teacher {logs.teacher}{students}"
    yield from (f"  ! {note}" for note in logs.notes)
    if total > len(cases):
        yield f"  ! {counted(total - len(cases), 'case')} left out: the teacher has no usable sample"


def curve_lines(found: Found, embedder: str) -> Iterator[str]:
    """Yield how many duplicates there are at each ε."""
    cases = len(found.stands)
    strata = len(set(found.strata))
    yield f"duplicates, by {embedder}, within {strata:,} strata of the teacher's chains:"
    for epsilon, count in sorted(found.curve.items()):
        mark = " ← taken" if epsilon == found.epsilon else ""
        yield f"  ε {epsilon:<5g} {count:>9,} dropped  {count / cases:>6.1%}  {cases - count:>9,} kept{mark}"


def pool_lines(pools: Pools, cases: Sequence[Subject], options: CurateOptions) -> Iterator[str]:
    """Yield how large the pools are, and what they lack."""
    families, largest = len(set(pools.families)), largest_family(pools)
    yield f"{families:,} families of near-duplicates and sessions, which stay together"
    if largest > LARGE and len(cases) > 1:
        yield f"  ! one of them has {largest:.0%} of the cases: one pool can't have any of it"
    yield from _size("optimisation", "--size", options.size, len(pools.optimise), _NO_MORE)
    if pools.lacking:
        more = ", …" if len(pools.lacking) > _NAMED else ""
        yield f"  ! no room for {', '.join(pools.lacking[:_NAMED])}{more}; raise --size"
    yield from _size("evaluation", "--evaluate", options.evaluate, len(pools.evaluate), _NO_MORE_DRAWN)


def _size(pool: str, option: str, wanted: int, there: int, why: str) -> Iterator[str]:
    yield f"{pool} pool: {counted(there, 'case')}"
    if there < wanted:
        yield f"  ! {option} {wanted}: {why}"


def estimate_lines(pools: Pools, cases: Sequence[Subject], logs: Logs) -> Iterator[str]:
    """Yield, for each student, what the evaluation pool says beside what all cases say."""
    for student in logs.students:
        whole = [one.match[student] for one in cases if student in one.match]
        pool = [
            # Its blocks were cut by what this very student is recorded to have done: they would say too much of it.
            Measure(cases[place].match[student]).times(one.weight)
            for place, one in pools.evaluate.items()
            if student in cases[place].match
        ]
        if pool and whole:
            value, (suite, queries) = ratio(pool), rate_intervals(pool, _CONFIDENCE)
            low, high = queries or suite
            said = f"all {counted(len(whole), 'case')}: {sum(whole) / len(whole):.3f}"
            yield f"  {student}: chain_match of {said}; of the evaluation pool: {value:.3f} [{low:.3f}, {high:.3f}]"
