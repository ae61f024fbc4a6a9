"""The repair of one suite, from its teacher's samples to what the test part says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.errors import ConfigError, SamplingError
from pytest_toolmatch.core.prompt import Prompt
from pytest_toolmatch.core.suite import Split
from pytest_toolmatch.repair.accepting import Looks, Proof, prove
from pytest_toolmatch.repair.candidate import EXAMPLES, Candidate, example_ids
from pytest_toolmatch.repair.course import FAILING
from pytest_toolmatch.repair.evaluating import mean_score
from pytest_toolmatch.repair.phases import best, run_phases
from pytest_toolmatch.repair.pruning import pruned, reserve
from pytest_toolmatch.statistics.measures import Measure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.repair.candidate import Components
    from pytest_toolmatch.repair.evaluating import Scored
    from pytest_toolmatch.repair.flows import Flow
    from pytest_toolmatch.repair.grounds import Given
    from pytest_toolmatch.repair.parts import Parts
    from pytest_toolmatch.repair.phase import Ground, Mended
    from pytest_toolmatch.repair.phases import Named

_KEPT_BACK = 2
"""Changed components for whose pruning rollouts are kept back."""

_PLENTY = 6
"""With fewer rollouts than so many for each training and validation case, no case is drawn twice at first."""

_RACED = 2
"""Rollouts that an iteration takes at least."""

_SURE = 4
"""Draws of each validation case before a prompt is not put to the test."""

_WORSE = 0.05
"""So much worse in validation, a prompt is not put to the test: nothing is left to prove."""


class Row(msgspec.Struct, frozen=True):
    """One prompt in the table: what made it, how many training cases it learnt from, and its match on the test part."""

    name: str
    learnt_from: int
    measures: tuple[Measure, ...]


class Repaired(msgspec.Struct, frozen=True, kw_only=True):
    """What a repair has come to. Without a ``proof``, ``why`` says why nothing was put to the test."""

    suite: str
    prompt: Prompt
    split: Split
    start: Candidate
    new: Candidate
    why: str = ""
    proof: Proof | None = None
    validation: tuple[float, float] = (0.0, 0.0)
    rows: tuple[Row, ...] = ()
    front: tuple[tuple[int, float], ...] = ()
    rollouts: int = 0
    paid: int = 0
    asked: int = 0
    refused: tuple[str, ...] = ()


class Repair:
    """Repairs one suite by some phases, one after the other."""

    def __init__(self, given: Given, phases: Sequence[Named]) -> None:
        self._given, self._phases = given, phases

    def run(self, say: Callable[[str], None]) -> Repaired:
        """Go through the repair; ``say`` is told how far it has come."""
        ground, parts = self._given.ground()
        name, start = self._given.suite.name, ground.components.start
        ground = _within(ground)
        self._check(ground)
        say(f"{name}: {len(self._given.suite.cases)} cases: {parts}")
        before = self._baseline(ground, start)
        failing = [one.case.id for one in before if one.score < FAILING]
        say(f"  {len(failing)} of {len(before)} training and validation cases fail")
        if not failing:
            return self._result(ground, parts, start, why="no case fails: there is nothing to repair")
        # The last of the rollouts are for what comes out of it all.
        own = replace(ground, limit=ground.limit - len(parts.validation))
        made = run_phases(self._phases, own, start, say, min(reserve(_KEPT_BACK), own.left // 8))
        new = pruned(own, start, best(made, start), _helped(made), say)
        return self._judged(ground, parts, new, made)

    def _judged(self, ground: Ground, parts: Parts, new: Candidate, made: Sequence[tuple[str, Mended]]) -> Repaired:
        """Put the new prompt to the test, if there is anything to it."""
        start = ground.components.start
        stopped = tuple(one.stopped for _, one in made if one.stopped.startswith("stopped"))
        if new == start:
            why = stopped[-1] if stopped else "nothing that was tried helps"
            return self._result(ground, parts, start, why=why, made=made)
        seen = self._in_validation(ground, new)
        if seen[1] < seen[0] - _WORSE:
            why = f"what was tried is worse in validation: {seen[1]:.2f} after {seen[0]:.2f}"
            return self._result(ground, parts, start, why=why, made=made)
        options = self._given.options
        looks = Looks(self._given.folder).note(parts.test, new)
        proof, pairs = prove(
            ground.evaluator, parts, start, new, draws=options.test_draws, confidence=options.confidence
        )
        if proof is None:
            raise SamplingError(f"{self._given.student.identity}: no rollout on the test part came to anything")
        proof = msgspec.structs.replace(proof, looks=looks)
        return self._result(
            ground, parts, new, made=made, proof=proof, rows=self._rows(ground, parts, made, pairs), validation=seen
        )

    def _in_validation(self, ground: Ground, new: Candidate) -> tuple[float, float]:
        """Return the mean match in validation before and after.

        By one draw of each, by more of what is new as far as there are rollouts, and by as many of both where it seems
        to be worse: what was kept of many has been lucky, and what was drawn once, unlucky at times.
        """
        start, cases = ground.components.start, ground.validation
        found = _mean(ground, start, cases, 1), _mean(ground, new, cases, ground.options.draws)
        if found[1] < found[0] - _WORSE:
            found = _mean(ground, start, cases, _SURE), _mean(ground, new, cases, _SURE)
        return found

    def _rows(
        self, ground: Ground, parts: Parts, made: Sequence[tuple[str, Mended]], pairs: Sequence[tuple[Scored, Scored]]
    ) -> tuple[Row, ...]:
        """Return the table: every phase's prompt on the test part; that which was gone on with last was pruned."""
        draws = self._given.options.test_draws
        last = max(place for place, (_, one) in enumerate(made) if one.taken)
        columns = [[a for a, _ in pairs]]
        for place, (_, one) in enumerate(made):
            jobs = [(one.candidate, case, draws) for case in parts.test]
            columns.append([b for _, b in pairs] if place == last else ground.evaluator.evaluate(jobs))
        names = [("(as it is)", 0), *((name, one.learnt_from) for name, one in made)]
        return tuple(
            Row(name, learnt, tuple(one.measure for one in column if one.scores))
            for (name, learnt), column in zip(names, columns, strict=True)
        )

    def _check(self, ground: Ground) -> None:
        train, validation, options = len(ground.train), len(ground.validation), ground.options
        first = options.draws * train + validation
        least = first + validation + _RACED
        if options.rollouts < least:
            raise ConfigError(
                f"rollouts {options.rollouts}: up to {first} go to {train + validation} cases as they are; one "
                f"iteration, and what proves it in the end, take {least} in all; give more"
            )

    def _baseline(self, ground: Ground, start: Candidate) -> list[Scored]:
        """Return what the student does today: by one draw, and by as many as asked for where that one fails."""
        draws = ground.options.draws
        train = [_at_first(start, case, draws) for case in ground.train]
        return ground.evaluator.together([*train, *(_at_first(start, case, 1) for case in ground.validation)])

    def _result(
        self, ground: Ground, parts: Parts, new: Candidate, made: Sequence[tuple[str, Mended]] = (), **found: Any
    ) -> Repaired:
        drawn = ground.evaluator.drawn
        return Repaired(
            suite=self._given.suite.name,
            prompt=ground.components.prompt(new),
            split=parts.split,
            start=ground.components.start,
            new=new,
            front=_front(ground.components, [pair for _, one in made for pair in one.pool]),
            rollouts=drawn.asked,
            paid=drawn.paid,
            asked=ground.reflector.asked,
            refused=tuple(ground.reflector.refused),
            **found,
        )


def _within(ground: Ground) -> Ground:
    """Return the ground with one draw a case where its rollouts are few: more of them are better spent on texts."""
    few = ground.options.rollouts < _PLENTY * (len(ground.train) + len(ground.validation))
    return replace(ground, options=msgspec.structs.replace(ground.options, draws=1)) if few else ground


def _at_first(start: Candidate, case: Case, draws: int) -> Flow[Scored]:
    """Return what one draw of a case comes to, or so many where that one fails."""
    (found,) = yield [(start, case, 1)]
    if found.scores and found.score < 1 and draws > 1:
        (found,) = yield [(start, case, draws)]
    return found


def _mean(ground: Ground, candidate: Candidate, cases: Sequence[Case], draws: int) -> float:
    """Return a candidate's mean match by so many draws, or as many as there are rollouts for."""
    known = ground.evaluator.known
    jobs = [[(candidate, case, max(most, known(candidate, case))) for case in cases] for most in range(1, draws + 1)]
    affordable = [some for some in jobs if ground.evaluator.cost(some) <= ground.left] or jobs[:1]
    return mean_score(ground.evaluator.evaluate(affordable[-1]))


def _helped(made: Sequence[tuple[str, Mended]]) -> dict[str, list[str]]:
    """Return for which cases each component was kept, over all phases."""
    found: dict[str, list[str]] = {}
    for _, one in made:
        for component, cases in one.helped.items() if one.taken else ():
            found.setdefault(component, []).extend(cases)
    return found


def _front(components: Components, pool: Sequence[tuple[Candidate, float]]) -> tuple[tuple[int, float], ...]:
    """Return length and match of the prompts than which no shorter one matches as often."""
    points = sorted({(_length(components, candidate), round(match, 4)) for candidate, match in pool})
    front: list[tuple[int, float]] = []
    for length, match in points:
        if not front or match > front[-1][1]:
            front.append((length, match))
    return tuple(front)


def _length(components: Components, candidate: Candidate) -> int:
    """Return the characters of a candidate's texts, and of the examples that it shows, as JSON."""
    shown = [components.examples[name] for name in example_ids(candidate) if name in components.examples]
    texts = sum(len(text) for name, text in candidate.items() if name != EXAMPLES)
    return texts + sum(len(msgspec.json.encode(one.conversation)) for one in shown)
