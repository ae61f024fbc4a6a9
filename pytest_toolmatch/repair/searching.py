"""How searches try candidates: one draw a case, within their rollouts, and on no case that they show as an example."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pytest_toolmatch.repair.candidate import EXAMPLES, Candidate, example_ids
from pytest_toolmatch.repair.evaluating import mean_score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.repair.evaluating import Job, Scored
    from pytest_toolmatch.repair.phase import Ground


SPENT = "stopped: too few rollouts are left to try anything"


def pool_of(ground: Ground) -> tuple[Case, ...]:
    """Return the training cases that can be shown as examples; none where examples have to stay as they are."""
    if not ground.may_change(EXAMPLES):
        return ()
    return tuple(case for case in ground.train if case.id in ground.components.examples)


def shots_of(ground: Ground) -> int:
    """Return how many examples a search may show: no more than half of those there are, to try them on the others."""
    count = len(pool_of(ground))
    return min(ground.options.shots, (count + 1) // 2)


def affords(ground: Ground, candidates: Sequence[Candidate], cases: Sequence[Case]) -> bool:
    """Say whether the rollouts suffice to try all of these on all of those cases."""
    jobs = [job for candidate in candidates for job in _jobs(candidate, cases)]
    return ground.evaluator.cost(jobs) <= ground.left


def tried(ground: Ground, candidates: Sequence[Candidate], cases: Sequence[Case]) -> list[list[Scored]]:
    """Return what each candidate came to on the cases that it does not show; all rollouts are in flight together."""
    jobs = [_jobs(candidate, cases) for candidate in candidates]
    scored = iter(ground.evaluator.evaluate([job for own in jobs for job in own]))
    return [list(islice(scored, len(own))) for own in jobs]


def means(ground: Ground, candidates: Sequence[Candidate], cases: Sequence[Case]) -> list[float]:
    """Return the mean score of each candidate."""
    return [mean_score(one) if one else 0.0 for one in tried(ground, candidates, cases)]


def _jobs(candidate: Candidate, cases: Sequence[Case]) -> list[Job]:
    # An example would tell its own query's answer.
    shown = example_ids(candidate)
    return [(candidate, case, 1) for case in cases if case.id not in shown]
