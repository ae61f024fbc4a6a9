"""The match metrics of one case, at every level, each beside its ceiling."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from pytest_toolmatch.judging.consensus import Consensus, consensus, leaders, leave_one_out, support
from pytest_toolmatch.judging.levels import LEVELS
from pytest_toolmatch.statistics.measures import Measure
from pytest_toolmatch.statistics.ustatistics import by_itself, mean_of_draws, paired

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.core.rules import Rules
    from pytest_toolmatch.judging.levels import Classes, Level
    from pytest_toolmatch.statistics.ustatistics import Paired


Measured: TypeAlias = tuple[dict[str, Measure], dict[str, Measure]]
"""Measures by name, and their ceilings."""


class Agreement(NamedTuple):
    """All match metrics of one case; ``ceilings`` are the same with the teacher in the student's place.

    ``leading`` is the teacher's chain with the largest support, ``consensus`` the same where that is enough.
    ``parted`` are the student's classes that do not match the reference (``draws``: the leading chain).
    """

    consensus: Consensus | None
    leading: Consensus | None
    parted: frozenset[int]
    measures: dict[str, Measure]
    ceilings: dict[str, Measure]

    def against_answers(self) -> Agreement:
        """Return only what holds against alternatives: whether one is matched, not how they agree with each other."""
        kept = {level.match for level in LEVELS}
        measures = {name: measure for name, measure in self.measures.items() if name in kept}
        return self._replace(measures=measures, ceilings={})


def agreement(
    classes: Classes, rules: Rules, *, alone: bool = False, known: dict[Any, Measured] | None = None
) -> Agreement:
    """Measure one case at every level; needs at least one teacher and one student sample.

    ``alone`` says that the student's samples are the teacher's own: then each is compared with the others only.
    ``known``, shared by cases under the same rules, keeps what levels come to by their shape: how many samples are of
    which class, and which classes match. Most cases have one of a few.
    """
    known = {} if known is None else known
    top = _Level(classes, LEVELS[0], rules)
    if len(top.matrix) > 1:
        measures, ceilings = _measured(top, known, alone=alone)
    else:  # all samples are the same, and so on every level
        shape = (alone, top.shape)
        known[shape] = known.get(shape) or _measured(top, known, alone=alone)
        measures, ceilings = known[shape]
    return Agreement(top.reached(), top.leading, top.parted(), dict(measures), dict(ceilings))


def scores(classes: Classes, rules: Rules) -> dict[str, list[float]]:
    """Return how each of the student's draws fares against the reference, by match metric; none without one."""
    levels = ((level, classes if level is LEVELS[0] else classes.merged(level)) for level in LEVELS)
    return {level.match: _Level(of, level, rules).scores() for level, of in levels}


def _measured(top: _Level, known: dict[Any, Measured], *, alone: bool) -> Measured:
    """Measure all levels; ``top``, the first of them, is already made."""
    measures, ceilings = dict[str, Measure](), dict[str, Measure]()
    for level in LEVELS:
        at = top if level is top.level else _Level(top.classes.merged(level), level, top.rules)
        shape = (alone, level.match, at.shape)
        if shape not in known:
            known[shape] = at.measured(alone=alone)
        measures |= known[shape][0]
        ceilings |= known[shape][1]
    return measures, ceilings


class _Level:
    """One level of one case."""

    def __init__(self, classes: Classes, level: Level, rules: Rules) -> None:
        self.classes = classes
        self.level = level
        self.rules = rules
        self.matrix = classes.matrix(level)
        self.leading = consensus(classes, classes.teacher, self.matrix)

    @property
    def shape(self) -> Any:
        """All that the measures depend on: the samples by class, in the order that breaks ties, and what matches."""
        teacher, student, matrix = self.classes.teacher, self.classes.student, self.matrix
        if len(matrix) == 1:
            ((index, row),) = matrix.items()
            return len(teacher), len(student), row[index], self.classes.chains[index] is None
        order = sorted(matrix, key=self.classes.rank)
        usable = tuple([self.classes.chains[index] is not None for index in order])
        matches = tuple(
            [tuple([row[other] for other in order if other in row]) for row in map(matrix.get, order) if row]
        )
        return usable, matches, tuple(map(teacher.count, order)), tuple(map(student.count, order))

    def reached(self) -> Consensus | None:
        """Return the consensus, if it has the support that the rules ask for."""
        return self.leading if self.leading and self.leading.share >= self.rules.min_consensus else None

    def parted(self) -> frozenset[int]:
        """Return the student's matchable classes that do not match the reference; none without one."""
        usable = {index for index in self.classes.student if self.classes.chains[index] is not None}
        if self.rules.reference == "any":
            return frozenset(index for index in usable if not self._score(index, self.classes.teacher))
        found = self.reached() if self.rules.reference == "consensus" else self.leading
        return frozenset(index for index in usable if found and not self.matrix[index][found.chosen])

    def measured(self, *, alone: bool) -> Measured:
        """Return the measures and their ceilings; ``alone`` says that the student's samples are the teacher's own."""
        teacher, student = self.classes.teacher, self.classes.student
        itself = by_itself(teacher, self.matrix)
        ceilings = {} if itself is None else self.ceilings(itself)
        if alone:
            return ceilings | self.beside(itself), ceilings
        beside = paired(student, teacher, self.matrix)
        return self.beside(beside) | self.matched(beside), ceilings

    def beside(self, found: Paired | None) -> dict[str, Measure]:
        """Name the measures of both models beside each other; the margin is that of full chains."""
        if found is None:
            return {}
        names = (self.level.agreement, self.level.consistency, "margin" if self.level is LEVELS[0] else "")
        return {name: measure for name, measure in zip(names, found, strict=True) if name and measure}

    def matched(self, beside: Paired) -> dict[str, Measure]:
        if self.rules.reference == "draws":
            return {self.level.match: beside.agreement}
        scores = self.scores()
        return {self.level.match: mean_of_draws(scores)} if scores else {}

    def scores(self) -> list[float]:
        """Return how each of the student's draws fares against the reference; none without one."""
        if self.rules.reference == "consensus" and not self.reached():
            return []
        scored = {index: self._score(index, self.classes.teacher) for index in set(self.classes.student)}
        return [score for index in self.classes.student if (score := scored[index]) is not None]

    def ceilings(self, itself: Paired) -> dict[str, Measure]:
        made = {self.level.agreement: itself.agreement}
        scores = leave_one_out(self.classes.teacher, self._score)
        if scores and (self.rules.reference != "consensus" or self.reached()):
            made[self.level.match] = mean_of_draws(scores)
        return made

    def _score(self, index: int, teacher: Sequence[int]) -> float | None:
        """Return how one draw fares against the reference that the teacher's draws make; None without one."""
        return _REFERENCES[self.rules.reference](self, index, teacher)

    def _against_consensus(self, index: int, teacher: Sequence[int]) -> float | None:
        if teacher is self.classes.teacher:
            return None if self.leading is None else float(self.matrix[index][self.leading.chosen])
        # Of a part of the draws several chains may lead: each is the consensus in its share of the cases.
        leading, _ = leaders(self.classes, teacher, self.matrix)
        return sum(self.matrix[index][other] for other in leading) / len(leading) if leading else None

    def _against_any(self, index: int, teacher: Sequence[int]) -> float | None:
        counts = Counter(teacher)
        return float(
            any(
                self.matrix[index][other] and support(counts, self.matrix, other) >= self.rules.min_support
                for other in counts
            )
        )

    def _against_draws(self, index: int, teacher: Sequence[int]) -> float | None:
        return sum(self.matrix[index][other] for other in teacher) / len(teacher)


_REFERENCES = {
    "consensus": _Level._against_consensus,  # noqa: SLF001 - a table of this class's own methods
    "any": _Level._against_any,  # noqa: SLF001
    "draws": _Level._against_draws,  # noqa: SLF001
}
