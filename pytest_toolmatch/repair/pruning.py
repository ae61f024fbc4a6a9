"""What of a repair is needed: every changed component is reverted that costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.repair.candidate import Candidate, changed_components
from pytest_toolmatch.repair.evaluating import mean_score

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_toolmatch.core.case import Case
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
    kept, useless = mended, list[str]()
    # One after the other, for two of them may mend the same: what is left is what the next one is judged beside.
    doubtful = [name for name in changed if len(own[name]) < _PLENTY]
    for name in sorted(doubtful, key=lambda name: (len(own[name]), name)):
        if judged[name] and not _missed(ground, start, kept, name, judged[name]):
            kept = kept | {name: start[name]}
            useless.append(name)
    if not useless or not _holds(ground, mended, kept):
        return mended
    say(f"  reverted, for it helps nothing: {', '.join(useless)}")
    return kept


def _missed(ground: Ground, start: Candidate, mended: Candidate, component: str, cases: Sequence[Case]) -> bool:
    """Say whether a component's cases get worse without its change; yes where there are no rollouts to tell."""
    without = mended | {component: start[component]}
    jobs = [(candidate, case, _DRAWS) for candidate in (mended, without) for case in cases]
    if ground.evaluator.cost(jobs) > ground.left:
        return True
    scored = ground.evaluator.evaluate(jobs)
    return mean_score(scored[: len(cases)]) - mean_score(scored[len(cases) :]) >= _COSTS


def _holds(ground: Ground, mended: Candidate, without: Candidate) -> bool:
    """Say whether validation, too, misses nothing of what each for itself is not missed."""
    jobs = [(candidate, case, 1) for candidate in (mended, without) for case in ground.validation]
    if ground.evaluator.cost(jobs) > ground.left:
        return False
    scored = ground.evaluator.evaluate(jobs)
    count = len(ground.validation)
    return mean_score(scored[count:]) >= mean_score(scored[:count]) - _COSTS


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
