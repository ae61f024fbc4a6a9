"""DSPy's ``BootstrapFewShot`` and ``MIPROv2`` as phases; import it where it is used."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import dspy
from dspy.teleprompt import BootstrapFewShot, MIPROv2

from pytest_toolmatch.repair.candidate import INSTRUCTIONS, Candidate, with_examples
from pytest_toolmatch.repair.dspy_alone import alone, aloud
from pytest_toolmatch.repair.dspy_programs import Recorded, Rollout, chain_text, examples_of
from pytest_toolmatch.repair.dspy_reflection import Reflection
from pytest_toolmatch.repair.dspy_student import Stopped, Student
from pytest_toolmatch.repair.phase import Mended
from pytest_toolmatch.repair.searching import SPENT, shots_of
from pytest_toolmatch.reports.figures import plural
from pytest_toolmatch.reports.lines import cut

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.repair.phase import Ground

_FEWEST_CASES, _TRIALS = 4, 12
"""Cases that programs are tried on at least, and programs that the rollouts are to pay for."""

_SETS = (4, 12)
"""Sets of demonstrations, from and to; the first is the empty one."""

_AGAIN = 2
"""How many times the trials that rollouts pay for may be made: those of a program that was tried cost nothing."""

_SHOWN = 60
"""Columns of refused instructions that are shown."""


def bootstrap(ground: Ground, start: Candidate, say: Callable[[str], None]) -> Mended:
    """Return the start with the examples that ``BootstrapFewShot`` takes; a ``Phase`` that asks for no rollouts.

    The teacher's recorded chains are right by definition, so it takes the first so many cases, in an order by the seed.
    """
    search = _Search(ground, start, say)
    if not search.shots:
        return Mended(start, len(ground.train), "no example may be shown")
    with alone(search.model):
        optimizer = BootstrapFewShot(metric=_score, max_bootstrapped_demos=search.shots, max_labeled_demos=0)
        made = optimizer.compile(Rollout(search.student), teacher=search.teacher, trainset=search.trainset)
    return Mended(with_examples(start, [one["case"] for one in made.demos]), len(ground.train))


def mipro(ground: Ground, start: Candidate, say: Callable[[str], None]) -> Mended:
    """Return the best candidate that ``MIPROv2`` tries: sets of ``BootstrapFewShot`` and proposed instructions."""
    search = _Search(ground, start, say)
    if not search.shots and not ground.may_change(INSTRUCTIONS):
        return Mended(start, len(ground.train), "neither the instructions nor the examples may change")
    if search.trials < 1:
        return Mended(start, len(ground.train), SPENT)
    try:
        with alone(search.model):
            search.optimise()
    except Stopped as stopped:
        if stopped.error:
            raise stopped.error from None
    search.complain()
    return Mended(search.student.best, len(ground.train), pool=search.student.pool)


class _Search:
    """The parts of one search; ``trials`` is how many programs its rollouts pay for beside the first two."""

    def __init__(self, ground: Ground, start: Candidate, say: Callable[[str], None]) -> None:
        chance = random.Random(ground.options.seed)  # noqa: S311 - chance that is to be repeated
        few = min(len(ground.train), max(_FEWEST_CASES, ground.left // (_TRIALS + 2)))
        self._ground, self._start, self._say = ground, start, aloud(say)
        self.cases = chance.sample(ground.train, len(ground.train))
        known = ground.components.examples
        pool = [case for case in ground.train if case.id in known]
        self._pool = chance.sample(pool, len(pool))
        self._chains = {case.id: chain_text(known[case.id]) for case in pool}
        self.shots = shots_of(ground)
        self.trials = ground.left // few - 2
        self.student = Student(ground, start, self.cases, few=few, say=self._say)
        self.teacher = Recorded(self.student.instructions, self._chains)
        tools = tuple(ground.components.tools.values())
        asked = ground.reflector if ground.may_change(INSTRUCTIONS) else None
        self.reflection = Reflection(asked, tools)
        self.model = dspy.LM("reflection", engine=self.reflection, cache=False, num_retries=0)

    @property
    def trainset(self) -> list[Any]:
        """The cases that can be shown."""
        return examples_of(self._pool, self._chains)

    def complain(self) -> None:
        """Say what of the proposals was of no use."""
        if failed := self.reflection.failed:
            self._say(f"  {self._ground.reflector.model.identity} gave no reply to {plural(failed, 'question')}")
        for text, why in self.student.refused.items():
            self._say(f"  refused {cut(text, _SHOWN)!r}: {why}")

    def optimise(self) -> None:
        """Try the start, so that nothing is better by being equal, and let ``MIPROv2`` try programs beside it."""
        self.student.score(self._start, self.cases[0].id)
        fewest, most = _SETS
        sets = max(fewest, min(most, round(self.trials / 1.5)))
        optimizer = MIPROv2(
            metric=_score,
            prompt_model=self.model,
            task_model=self.model,
            auto=None,
            num_candidates=sets,
            max_bootstrapped_demos=self.shots,
            max_labeled_demos=0,
            num_threads=1,
            seed=self._ground.options.seed,
            track_stats=False,
        )
        optimizer.num_instruct_candidates = sets // 2 if self._ground.may_change(INSTRUCTIONS) else 1
        optimizer.compile(
            Rollout(self.student),
            teacher=self.teacher,
            trainset=self.trainset or examples_of(self.cases, {}),
            valset=examples_of(self.cases, {}),
            num_trials=_AGAIN * self.trials,
            minibatch=False,
            program_aware_proposer=False,
        )


def _score(_example: Any, told: Any, _trace: Any = None) -> float:
    """Return what a program scored."""
    return float(told.score)
