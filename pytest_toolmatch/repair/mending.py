"""One attempt at mending: new texts for the components to blame, and which of them help the cases that blamed them."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from pytest_toolmatch.core.chain import names_of
from pytest_toolmatch.repair.candidate import EXAMPLES, example_ids, ids_text
from pytest_toolmatch.repair.course import SURER
from pytest_toolmatch.repair.feedback import lesson
from pytest_toolmatch.repair.harming import Watch
from pytest_toolmatch.repair.racing import Race, Tried, best
from pytest_toolmatch.repair.reflector import Wish

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.repair.blame import Blamer
    from pytest_toolmatch.repair.candidate import Candidate
    from pytest_toolmatch.repair.course import Cluster, Course
    from pytest_toolmatch.repair.feedback import Lesson
    from pytest_toolmatch.repair.flows import Flow
    from pytest_toolmatch.repair.harming import Verdict
    from pytest_toolmatch.repair.known import Known
    from pytest_toolmatch.repair.phase import Ground

_LESSONS = 5


class Mender:
    """Makes new texts for clusters, and races them."""

    def __init__(self, ground: Ground, blamer: Blamer, known: Known, course: Course) -> None:
        self._ground, self._known, self._course = ground, known, course
        self._race = Race(ground, blamer, known)
        self._watch = Watch(ground, blamer, known, course)
        self.kept: list[Tried] = []

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
        self,
        candidate: Candidate,
        rounds: Sequence[Sequence[Cluster]],
        next_rounds: Callable[[Candidate], Sequence[Sequence[Cluster]]],
    ) -> dict[str, str]:
        """Return new texts that help, by component, and harm nothing that was right.

        As long as some help, the next ones are asked for and raced on top of them, while it is looked whether those
        before do harm. ``next_rounds`` says what is left to mend of a candidate.
        """
        self.kept = []
        base, fresh = candidate, list[Tried]()
        verdict: Verdict = _harmless
        while rounds:
            helped = self._tried(base, rounds)
            harmful, verdict = verdict(_counts(fresh)), _harmless
            base = self._without(candidate, base, harmful)
            fresh = [one for one in helped if one.component not in harmful]
            if not fresh:
                break
            self._keep(fresh)
            child = self._made(base, fresh)
            verdict = self._watch.begin(base, child)
            self._known.together(self._next_draws(child, fresh))
            base, rounds = child, next_rounds(child)
        self._without(candidate, base, verdict(_counts(fresh)))
        return {one.component: one.text for one in self.kept}

    def _keep(self, fresh: Sequence[Tried]) -> None:
        replaced = {one.component for one in fresh}
        self.kept = [*(one for one in self.kept if one.component not in replaced), *fresh]
        for one in fresh:
            self._course.kept(one.component, one.cases)

    def withdraw(self, harmful: Collection[Tried]) -> None:
        """Take note that texts were kept, and were better not."""
        for one in harmful:
            self._course.withdrawn(one.component, one.text, one.cases)

    def _without(self, candidate: Candidate, base: Candidate, harmful: frozenset[str]) -> Candidate:
        """Return what was mended so far without texts that do harm, which are kept no longer."""
        gone = [one for one in self.kept if one.component in harmful]
        if not gone:
            return base
        self.withdraw(gone)
        self.kept = [one for one in self.kept if one.component not in harmful]
        made, lost = self._made(candidate, self.kept), {case.id for one in gone for case in one.cases}
        self._known.lend(made, base, [case for case in self._ground.train if case.id not in lost])
        return made

    def _tried(self, candidate: Candidate, rounds: Sequence[Sequence[Cluster]]) -> list[Tried]:
        """Return what new texts come to, which were asked for, and are raced, all together; each round is one child."""
        tried: list[Tried] = []
        for clusters, made in zip(rounds, self._written(candidate, rounds), strict=True):
            child = candidate | made
            self._known.descends(child, candidate)
            tried += [
                Tried(one.component, made[one.component], child, self._course.tools(some[0]), self._judged(child, some))
                for one in clusters
                if one.component in made
                for some in one.kinds
            ]
        raced = self._race.run(candidate, tried)
        helped = best(raced)
        kept, mended = {(one.component, one.text) for one in helped}, {one.kind for one in helped}
        for one in raced:
            if one.kind not in mended:
                self._course.in_vain(one.component, "" if (one.component, one.text) in kept else one.text, one.cases)
        return helped

    def _written(self, candidate: Candidate, rounds: Sequence[Sequence[Cluster]]) -> list[dict[str, str]]:
        """Return the new texts of each round; none that an earlier one has."""
        asked = [(place, one) for place, own in enumerate(rounds) for one in own if one.component != EXAMPLES]
        before = self._course.tried
        replies = self._ground.reflector.texts(
            [Wish(one.component, candidate, self.lessons(one, candidate), before[one.component]) for _, one in asked]
        )
        made: list[dict[str, str]] = [{} for _ in rounds]
        for (place, one), text in zip(asked, replies, strict=True):
            if text is not None and all(text != other.get(one.component) for other in made):
                made[place][one.component] = text
        for place, one in (
            (place, one) for place, own in enumerate(rounds) for one in own if one.component == EXAMPLES
        ):
            beside = [text for other in made if (text := other.get(EXAMPLES))]
            if ids := self._with_examples(candidate, one, beside):
                made[place][EXAMPLES] = ids
            else:
                self._course.in_vain(EXAMPLES, "", one.cases)
        return made

    def _with_examples(self, candidate: Candidate, cluster: Cluster, beside: Sequence[str]) -> str | None:
        """Return the examples with one more for each kind: a training case whose teacher calls the same tools.

        None is shown that was tried before, or is ``beside``.
        """
        ids = example_ids(candidate)
        tried = {one for text in (*self._course.tried[EXAMPLES], *beside) for one in _ids(text)}
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

    def _made(self, parent: Candidate, tried: Sequence[Tried]) -> Candidate:
        """Return the parent with what was tried; what each does to the cases that it helps was seen."""
        mended = parent | {one.component: one.text for one in tried}
        self._known.descends(mended, parent)
        for one in tried:
            if one.child != mended:
                self._known.lend(mended, one.child, one.cases)
        return mended

    def _next_draws(self, child: Candidate, helped: Sequence[Tried]) -> list[Flow[None]]:
        """Return flows that draw a child on what it was made for, and on what may fail by chance, kind by kind."""
        mended = {one.kind: one.cases for one in helped}
        first = [kind for clusters in self._course.rounds(child)[:1] for one in clusters for kind in one.kinds]
        failing = {self._course.tools(kind[0]): kind for kind in first}
        kinds = failing | mended
        most = sum(SURER * len(kind) for kind in kinds.values())
        doubted = 2 * most <= self._ground.left
        return [self._settled(child, kind, mended.get(name, ()), doubted=doubted) for name, kind in kinds.items()]

    def _settled(self, child: Candidate, kind: Sequence[Case], mended: Sequence[Case], *, doubted: bool) -> Flow[None]:
        """Draw the cases of a kind that a child was made for, and what of it may fail by chance."""
        yield [(child, case, 1) for case in mended if not self._known.lent(child, case)]
        if doubted:
            yield from self._course.settled(child, kind)

    def _judged(self, child: Candidate, cases: Sequence[Case]) -> tuple[Case, ...]:
        """Return the cases that can tell whether a text helps: not those that are shown as examples."""
        shown = set(example_ids(child))
        return tuple(case for case in cases if case.id not in shown) or tuple(cases)


def _counts(kept: Sequence[Tried]) -> dict[str, int]:
    """Return of how many cases each text mends."""
    found: dict[str, int] = {}
    for one in kept:
        found[one.component] = found.get(one.component, 0) + len(one.cases)
    return found


def _harmless(_: Mapping[str, int]) -> frozenset[str]:
    """Return what nothing does: harm."""
    return frozenset()


def _ids(text: str) -> list[str]:
    return example_ids({EXAMPLES: text}) if text else []
