"""A student whose candidates DSPy makes of instructions and demonstrations; nothing here is DSPy's."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.repair.candidate import EXAMPLES, INSTRUCTIONS, Candidate, example_ids, key_of, with_examples
from pytest_toolmatch.repair.evaluating import mean_score
from pytest_toolmatch.repair.replies import Queries, Unusable, checked
from pytest_toolmatch.repair.searching import affords, tried
from pytest_toolmatch.repair.templates import longest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.repair.evaluating import Scored
    from pytest_toolmatch.repair.phase import Ground

_NOTHING = "(no instructions)"
"""What stands for empty instructions: DSPy would put its own there."""

AS_THEY_ARE = "(the instructions as they are)"
"""A proposal to change nothing, which DSPy leaves as it is: of others it takes what looks like a heading."""


class Stopped(BaseException):
    """Ends an optimiser from within: DSPy swallows every Exception. ``error`` is why, None where all is well."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(error)
        self.error = error


class Student:
    """Candidates by instructions and demonstrations, and what they score.

    A candidate is tried at its first call on the first ``few`` cases that it does not show, so that all of its rollouts
    are in flight at once; on all others, too, where it looks like the best. ``best`` is the best that was tried,
    ``pool`` all that were, with their mean scores. ``refused`` are proposed instructions that may not be used, and why:
    they count as those of the start.
    """

    def __init__(
        self, ground: Ground, start: Candidate, cases: Sequence[Case], *, few: int, say: Callable[[str], None]
    ) -> None:
        self._ground, self._start, self._say = ground, start, say
        self._cases, self._few = tuple(cases), few
        self._scores: dict[str, dict[str, float]] = {}
        self._mean = -1.0
        self.pool: list[tuple[Candidate, float]] = []
        self._queries = Queries(
            (case.query for case in ground.evaluator.cases.values()), ground.components.own.values()
        )
        self.refused: dict[str, str] = {}
        self.best = start
        # As DSPy hands them back: it cleans them like a docstring.
        self.instructions = inspect.cleandoc(start[INSTRUCTIONS]).strip() or _NOTHING

    def candidate(self, instructions: str, shown: Sequence[str]) -> Candidate:
        """Return the start with these instructions and examples, as far as they may be touched."""
        made = self._start | {INSTRUCTIONS: self._usable(instructions.strip())}
        return with_examples(made, list(dict.fromkeys(shown))) if self._ground.may_change(EXAMPLES) else made

    def score(self, candidate: Candidate, case: str) -> float:
        """Return how a candidate does on a case; raises Stopped where the rollouts don't allow to try it."""
        key = key_of(candidate)
        if key not in self._scores:
            self._scores[key] = self._tried(candidate)
        return self._scores[key][case]

    def _usable(self, instructions: str) -> str:
        """Return instructions, or those of the start where these may not take their place."""
        current = self._start[INSTRUCTIONS]
        if instructions in {self.instructions, AS_THEY_ARE} or not self._ground.may_change(INSTRUCTIONS):
            return current
        try:
            return checked(
                instructions, current, longest(INSTRUCTIONS, self._ground.components, current), self._queries
            )
        except Unusable as error:
            self.refused[instructions] = str(error)
            return current

    def _tried(self, candidate: Candidate) -> dict[str, float]:
        shown = set(example_ids(candidate))
        cases = [case for case in self._cases if case.id not in shown]
        scored = self._scored(candidate, cases[: self._few])
        if mean_score(scored) > self._mean and affords(self._ground, [candidate], cases):
            scored = self._scored(candidate, cases)
        mean = mean_score(scored)
        self.pool.append((candidate, mean))
        if mean > self._mean:
            self._mean, self.best = mean, candidate
        count, spent = len(self._scores) + 1, self._ground.evaluator.rollouts
        self._say(f"  {spent} rollouts · programs tried: {count} · match {self._mean:.2f} in training")
        # What was not tried says nothing of it.
        return dict.fromkeys((case.id for case in self._cases), mean) | {one.case.id: one.score for one in scored}

    def _scored(self, candidate: Candidate, cases: Sequence[Case]) -> list[Scored]:
        if self._mean >= 1 or not affords(self._ground, [candidate], cases):
            raise Stopped  # nothing can be better, or nothing more can be paid for
        try:
            (scored,) = tried(self._ground, [candidate], cases)
        except Exception as error:
            raise Stopped(error) from error
        return scored

    def __deepcopy__(self, memo: dict[int, Any]) -> Student:
        """Return itself: programs are copied again and again, and all of them ask the same student."""
        return self
