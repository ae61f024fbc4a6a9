"""What of a repair is needed: every changed component is reverted that costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.repair.candidate import Candidate, changed_components
from pytest_toolmatch.repair.evaluating import mean_score
from pytest_toolmatch.repair.flows import once

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.repair.evaluating import Job, Scored
    from pytest_toolmatch.repair.phase import Ground

_DRAWS, _CASES = 2, 4
"""Draws of each case that a component is judged by, and cases at most."""

_PLENTY = 4
"""A component that was seen to help so many cases is needed, and not looked at again."""

_COSTS = 0.1
"""What a component has to add to the mean over its cases, to stay."""


def reserve(components: int) -> int:
    """Return how many rollouts pruning so many changed components may take."""
    return components * 2 * _DRAWS * _CASES


def pruned(
    ground: Ground,
    start: Candidate,
    mended: Candidate,
    helped: Mapping[str, Sequence[str]],
    say: Callable[[str], None],
) -> Candidate:
    """Return a candidate without the changes that help nothing, as far as the rollouts that are left can tell.

    A component is judged by cases that it has ``helped``, or by those that have got better where that is not known:
    once with its change and once without, by the same number of draws. One that has helped many stays.
    """
    by_id = {case.id: case for case in ground.train}
    changed = changed_components(start, mended)
    own = {name: [by_id[one] for one in helped.get(name, ()) if one in by_id] for name in changed}
    better = [] if all(own.values()) else _better(ground, start, mended)
    judged = {name: (cases or better)[:_CASES] for name, cases in own.items()}
    doubtful = sorted((len(own[name]), name) for name in changed if judged[name] and len(own[name]) < _PLENTY)
    jobs = {name: _compared(start, mended, [name], judged[name]) for _, name in doubtful}
    while jobs and ground.evaluator.cost([job for some in jobs.values() for job in some]) > ground.left:
        jobs.popitem()
    found = ground.evaluator.together([once(some) for some in jobs.values()])
    useless = [name for name, scored in zip(jobs, found, strict=True) if not _missed(scored)]
    while useless and not _holds(ground, start, mended, useless, judged):
        # Two of them may mend the same: then one of them stays, that which has helped the most.
        useless.remove(max(useless, key=lambda name: (len(own[name]), name)))
    if not useless:
        return mended
    say(f"  reverted, for it helps nothing: {', '.join(useless)}")
    return mended | {name: start[name] for name in useless}


def _compared(
    start: Candidate, mended: Candidate, without: Sequence[str], cases: Sequence[Case], draws: int = _DRAWS
) -> list[Job]:
    reverted = mended | {name: start[name] for name in without}
    return [(candidate, case, draws) for candidate in (mended, reverted) for case in cases]


def _missed(scored: Sequence[Scored]) -> bool:
    """Say whether cases are worse without changes than with them, which come first."""
    count = len(scored) // 2
    return mean_score(scored[:count]) - mean_score(scored[count:]) >= _COSTS


def _holds(
    ground: Ground, start: Candidate, mended: Candidate, useless: Sequence[str], judged: Mapping[str, Sequence[Case]]
) -> bool:
    """Say whether their cases and those of validation miss nothing, together, of what each for itself is not missed."""
    cases = list({case.id: case for name in useless for case in judged[name]}.values())
    both = [
        _compared(start, mended, useless, cases),
        _compared(start, mended, useless, ground.validation, draws=1),
    ]
    if ground.evaluator.cost([job for jobs in both for job in jobs]) > ground.left:
        return False
    return not any(_missed(scored) for scored in ground.evaluator.together([once(jobs) for jobs in both]))


def _better(ground: Ground, start: Candidate, mended: Candidate) -> list[Case]:
    """Return the training cases that have got better, those that gained most first."""
    jobs = [(candidate, case, 1) for candidate in (start, mended) for case in ground.train]
    if ground.evaluator.cost(jobs) > ground.left:
        return []
    scored = ground.evaluator.evaluate(jobs)
    count = len(ground.train)
    gains = [
        (after.score - before.score, before.case) for before, after in zip(scored[:count], scored[count:], strict=True)
    ]
    return [case for gain, case in sorted(gains, key=lambda one: (-one[0], one[1].id)) if gain > 0]
