"""One attempt at mending: new texts for the components to blame, and which of them help the cases that blamed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.core.chain import names_of
from pytest_toolmatch.repair.candidate import EXAMPLES, example_ids, ids_text, key_of
from pytest_toolmatch.repair.feedback import lesson
from pytest_toolmatch.repair.reflector import Wish

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.repair.blame import Blamer
    from pytest_toolmatch.repair.candidate import Candidate
    from pytest_toolmatch.repair.course import Cluster, Course
    from pytest_toolmatch.repair.feedback import Lesson
    from pytest_toolmatch.repair.known import Known
    from pytest_toolmatch.repair.phase import Ground

_RACED = 3
"""Cases of a cluster that a new text is tried on first."""

_GAIN = 0.15
"""How much nearer to the teacher a text brings its cases on average, to be worth a closer look."""

_LESSONS, _EXAMPLES = 4, 8


class Mender:
    """Makes new texts for clusters, and races them."""

    def __init__(self, ground: Ground, blamer: Blamer, known: Known, course: Course) -> None:
        self._ground, self._blamer, self._known, self._course = ground, blamer, known, course
        self._targets: dict[str, frozenset[str]] = {}

    def lessons(self, cluster: Cluster, candidate: Candidate) -> list[Lesson]:
        """Return what there is to learn from a cluster: one failing sample of each of some cases."""
        made = []
        for case in cluster.cases[:_LESSONS]:
            scored = self._known.scored(candidate, case)
            valid = [one for one in scored.samples if one.valid] if scored else []
            worst = [one for one, score in zip(valid, scored.scores if scored else (), strict=True) if score < 1]
            made += [lesson(case, one, self._ground.evaluator.scorer) for one in worst[:1]]
        return made

    def texts(
        self, candidate: Candidate, clusters: Sequence[Cluster], lessons: Mapping[str, Sequence[Lesson]]
    ) -> dict[str, str]:
        """Return new texts that help, by component; they were asked for, and raced, all together."""
        asked = [one for one in clusters if one.component != EXAMPLES]
        wishes = [
            Wish(one.component, candidate, lessons[one.component], self._course.tried[one.component][-2:])
            for one in asked
        ]
        made: dict[str, str] = {}
        for one, text in zip(asked, self._ground.reflector.texts(wishes) if wishes else (), strict=True):
            if text is None:
                self._course.in_vain(one.component, "", one.cases)
            else:
                made[one.component] = text
        for one in clusters:
            if one.component == EXAMPLES and (ids := self._with_example(candidate, one)):
                made[EXAMPLES] = ids
            elif one.component == EXAMPLES:
                self._course.in_vain(EXAMPLES, "", one.cases)
        return self._raced(candidate, [one for one in clusters if one.component in made], made) if made else {}

    def targets(self, candidate: Candidate) -> frozenset[str] | None:
        """Return the ids of the cases that a candidate was made for; None for one that was not made here."""
        return self._targets.get(key_of(candidate))

    def _with_example(self, candidate: Candidate, cluster: Cluster) -> str | None:
        """Return the examples with one more: the training case whose tools are most like those of the failing ones."""
        ids = example_ids(candidate)
        tried = {one for text in self._course.tried[EXAMPLES] for one in _ids(text)}
        wanted = set.union(*(self._tools(case) for case in cluster.cases))
        able = [case for case in self._ground.train if case.id in self._ground.components.examples]
        # A failing case that becomes an example itself can't show that it helps.
        alone = {cluster.cases[0].id} if len(cluster.cases) == 1 else set()
        new = [case for case in able if case.id not in {*ids, *tried, *alone} and self._tools(case) & wanted]
        if not new or len(ids) >= _EXAMPLES:
            return None
        return ids_text([*ids, min(new, key=lambda case: (-_likeness(self._tools(case), wanted), case.id)).id])

    def _tools(self, case: Case) -> set[str]:
        reference = self._ground.evaluator.scorer.reference(case)
        return set(names_of(reference.chain)) if reference else set()

    def _raced(self, candidate: Candidate, clusters: Sequence[Cluster], made: Mapping[str, str]) -> dict[str, str]:
        child = candidate | dict(made)
        self._known.descends(child, candidate)
        shown = set(example_ids(child))
        judged = {one.component: [case for case in one.cases if case.id not in shown] or one.cases for one in clusters}
        raced = {name: cases[:_RACED] for name, cases in judged.items()}
        self._known.draw([(child, case, 1) for cases in raced.values() for case in cases])
        gains = {name: self._gain(candidate, child, cases) for name, cases in raced.items()}
        doubtful = [name for name, cases in raced.items() if len(cases) == 1 and gains[name] < _GAIN]
        self._known.draw([(child, case, 2) for name in doubtful for case in raced[name]])
        helpful = [name for name, cases in raced.items() if self._gain(candidate, child, cases) >= _GAIN]
        for one in clusters:
            if one.component not in helpful:
                self._course.in_vain(one.component, made[one.component], one.cases)
        mended = candidate | {name: made[name] for name in helpful}
        self._known.descends(mended, candidate)
        self._targets[key_of(mended)] = frozenset(case.id for name in helpful for case in judged[name])
        return {name: made[name] for name in helpful}

    def _gain(self, parent: Candidate, child: Candidate, cases: Sequence[Case]) -> float:
        return sum(self._soft(child, case) - self._soft(parent, case) for case in cases) / len(cases)

    def _soft(self, candidate: Candidate, case: Case) -> float:
        scored = self._known.scored(candidate, case)
        return self._blamer.soft(scored) if scored else 0.0


def _likeness(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)


def _ids(text: str) -> list[str]:
    return example_ids({EXAMPLES: text}) if text else []
