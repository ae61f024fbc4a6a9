"""One attempt at mending: new texts for the components to blame, and which of them help the cases that blamed them."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

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

_RACED = 2
"""Cases of a kind that a new text is tried on first."""

_GAIN = 0.15
"""How much nearer to the teacher a text brings its cases on average, to be worth a closer look."""

_LESSONS = 5


class Kind(NamedTuple):
    """Cases of one kind that a component's new text is to help."""

    component: str
    cases: tuple[Case, ...]


class Mender:
    """Makes new texts for clusters, and races them."""

    def __init__(self, ground: Ground, blamer: Blamer, known: Known, course: Course) -> None:
        self._ground, self._blamer, self._known, self._course = ground, blamer, known, course
        self._targets: dict[str, frozenset[str]] = {}

    def lessons(self, cluster: Cluster, candidate: Candidate) -> list[Lesson]:
        """Return what there is to learn from a cluster: one failing sample of some cases of each kind."""
        made = []
        in_turn = [case for some in zip_longest(*cluster.kinds) for case in some if case is not None]
        for case in in_turn[:_LESSONS]:
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
        replies = self._ground.reflector.texts(wishes) if wishes else ()
        made = {one.component: text for one, text in zip(asked, replies, strict=True) if text is not None}
        for one in clusters:
            if one.component != EXAMPLES:
                continue
            if ids := self._with_examples(candidate, one):
                made[EXAMPLES] = ids
            else:
                self._course.in_vain(EXAMPLES, "", one.cases)
        return self._raced(candidate, [one for one in clusters if one.component in made], made) if made else {}

    def targets(self, candidate: Candidate) -> frozenset[str] | None:
        """Return the ids of the cases that a candidate was made for; None for one that was not made here."""
        return self._targets.get(key_of(candidate))

    def _with_examples(self, candidate: Candidate, cluster: Cluster) -> str | None:
        """Return the examples with one more for each kind: a training case whose teacher calls the same tools."""
        ids = example_ids(candidate)
        tried = {one for text in self._course.tried[EXAMPLES] for one in _ids(text)}
        for kind in cluster.kinds:
            # A failing case that becomes an example itself can't show that it helps.
            alone = {kind[0].id} if len(kind) == 1 else set()
            able = [case for case in self._ground.train if case.id in self._ground.components.examples]
            new = [case for case in able if case.id not in {*ids, *tried, *alone} and self._like(case, kind[0])]
            if new and len(ids) < self._ground.options.shots:
                ids.append(max(new, key=lambda case: (self._like(case, kind[0]), case.id)).id)
        return ids_text(ids) if ids != example_ids(candidate) else None

    def _like(self, one: Case, other: Case) -> float:
        """Return how alike the tools are that the teacher calls in two cases."""
        scorer = self._ground.evaluator.scorer
        ours, theirs = ({*names_of(found.chain)} if (found := scorer.reference(c)) else set() for c in (one, other))
        return len(ours & theirs) / len(ours | theirs) if ours | theirs else 1.0

    def _raced(self, candidate: Candidate, clusters: Sequence[Cluster], made: Mapping[str, str]) -> dict[str, str]:
        """Return those of the new texts that help some kind of cases and harm none that were right."""
        child = candidate | dict(made)
        self._known.descends(child, candidate)
        kinds = [Kind(one.component, self._judged(child, some)) for one in clusters for some in one.kinds]
        helped = self._race(candidate, child, kinds)
        kept = self._unharmful(candidate, {kind.component: made[kind.component] for kind in helped}, helped)
        helped = [kind for kind in helped if kind.component in kept]
        for kind in kinds:
            if kind not in helped:
                text = "" if kind.component in kept else made[kind.component]
                self._course.in_vain(kind.component, text, kind.cases)
        mended = candidate | kept
        self._known.descends(mended, candidate)
        self._targets[key_of(mended)] = frozenset(case.id for kind in helped for case in kind.cases)
        return kept

    def _judged(self, child: Candidate, cases: Sequence[Case]) -> tuple[Case, ...]:
        """Return the cases that can tell whether a text helps: not those that are shown as examples."""
        shown = set(example_ids(child))
        return tuple(case for case in cases if case.id not in shown) or tuple(cases)

    def _race(self, candidate: Candidate, child: Candidate, kinds: Sequence[Kind]) -> list[Kind]:
        """Draw some cases of each kind, again where one draw may be chance; return the kinds that are helped."""
        raced = [Kind(one.component, one.cases[:_RACED]) for one in kinds]
        self._known.draw([(child, case, 1) for one in raced for case in one.cases])
        doubtful = [one for one in raced if len(one.cases) == 1 and self._gain(candidate, child, one) < _GAIN]
        self._known.draw([(child, case, 2) for one in doubtful for case in one.cases])
        return [kind for kind in kinds if self._gain(candidate, child, kind) >= _GAIN]

    def _unharmful(self, candidate: Candidate, texts: dict[str, str], helped: Sequence[Kind]) -> dict[str, str]:
        """Return the texts without those that break more cases that were right than they help."""
        child = candidate | texts
        self._known.descends(child, candidate)
        right = [case for case in self._ground.train if self._is_right(candidate, case)]
        if not texts or not right or self._ground.left < 2 * len(right):
            return texts
        found = self._known.draw([(child, case, 1) for case in right])
        broken = [one.case for one in found if one.scores and one.score < 1]
        found = self._known.draw([(child, case, 2) for case in broken])
        harm = dict.fromkeys(texts, 0.0)
        for one in found:
            blamed = self._blamer.of_scored(one) if one.score == 0 else {}
            known = {name: share for name, share in blamed.items() if name in texts}
            for name, share in (known or dict.fromkeys(texts, 1.0)).items() if blamed else ():
                harm[name] += share / sum((known or dict.fromkeys(texts, 1.0)).values())
        count = {name: sum(len(kind.cases) for kind in helped if kind.component == name) for name in texts}
        return {name: text for name, text in texts.items() if harm[name] < count[name]}

    def _is_right(self, candidate: Candidate, case: Case) -> bool:
        scored = self._known.scored(candidate, case)
        return scored is not None and not self._course.fails(case, scored)

    def _gain(self, parent: Candidate, child: Candidate, kind: Kind) -> float:
        drawn = [case for case in kind.cases if self._known.drawn(child, case)]
        return sum(self._soft(child, case) - self._soft(parent, case) for case in drawn) / len(drawn) if drawn else 0.0

    def _soft(self, candidate: Candidate, case: Case) -> float:
        scored = self._known.scored(candidate, case)
        return self._blamer.soft(scored) if scored else 0.0


def _ids(text: str) -> list[str]:
    return example_ids({EXAMPLES: text}) if text else []
