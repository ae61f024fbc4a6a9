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
    from pytest_toolmatch.repair.evaluating import Scored
    from pytest_toolmatch.repair.feedback import Lesson
    from pytest_toolmatch.repair.known import Known
    from pytest_toolmatch.repair.phase import Ground

_RACED = 2
"""Cases of a kind that a new text is tried on first."""

_GAIN = 0.1
"""How much nearer to the teacher a text brings its cases on average, to be worth a closer look."""

_CLEAR = 0.6
"""A gain that can't be one draw's luck; a smaller one has to show itself in a second draw, too."""

_BLAMED, _RELIEF = 0.1, 0.2
"""The blame that a text has lost, and what that is worth where a case still fails for another reason."""

_HARM = 0.6
"""What a text may break of what was right, for every case that it mends."""

_SURE = 3
"""Draws by which a case is right, and not by chance, before what goes wrong with it is laid to a text."""

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
        texts = {kind.component: made[kind.component] for kind in helped}
        kept = self._unharmful(candidate, child, texts, helped)
        helped = [kind for kind in helped if kind.component in kept]
        for kind in kinds:
            if kind not in helped:
                text = "" if kind.component in kept else made[kind.component]
                self._course.in_vain(kind.component, text, kind.cases)
        mended = self._made(candidate, child, kept, helped)
        self._targets[key_of(mended)] = frozenset(case.id for kind in helped for case in kind.cases)
        return kept

    def _made(self, parent: Candidate, child: Candidate, texts: Mapping[str, str], helped: Sequence[Kind]) -> Candidate:
        """Return the parent with some of a child's texts; what these do to the cases that they help was seen."""
        mended = parent | dict(texts)
        self._known.descends(mended, parent)
        if mended != child:
            self._known.lend(mended, child, [case for kind in helped for case in kind.cases])
        return mended

    def _judged(self, child: Candidate, cases: Sequence[Case]) -> tuple[Case, ...]:
        """Return the cases that can tell whether a text helps: not those that are shown as examples."""
        shown = set(example_ids(child))
        return tuple(case for case in cases if case.id not in shown) or tuple(cases)

    def _race(self, candidate: Candidate, child: Candidate, kinds: Sequence[Kind]) -> list[Kind]:
        """Draw some cases of each kind, again where one draw may be chance; return the kinds that are helped."""
        raced = [Kind(one.component, one.cases[:_RACED]) for one in kinds]
        # A text that was proposed before is drawn anew: what it did then may have been chance.
        first = {case.id: self._ground.evaluator.known(child, case) for one in raced for case in one.cases}
        self._known.draw([(child, case, first[case.id] + 1) for one in raced for case in one.cases])
        gains = [self._gain(candidate, child, one, first) for one in raced]
        alone = [len(one.cases) == 1 and gain < _GAIN for one, gain in zip(raced, gains, strict=True)]
        unsure = [a or _GAIN <= gain < _CLEAR for a, gain in zip(alone, gains, strict=True)]
        again = {case.id: first[case.id] + 1 for one in raced for case in one.cases}
        doubtful = [case for one, doubt in zip(raced, unsure, strict=True) for case in one.cases if doubt]
        self._known.draw([(child, case, again[case.id] + 1) for case in doubtful])
        return [
            kind
            for kind, one, gain, doubt in zip(kinds, raced, gains, unsure, strict=True)
            if (self._gain(candidate, child, one, again) if doubt else gain) >= _GAIN
        ]

    def _unharmful(
        self, candidate: Candidate, raced: Candidate, texts: dict[str, str], helped: Sequence[Kind]
    ) -> dict[str, str]:
        """Return the texts without those that break more of what was right than they mend.

        One case of each kind stands for those that were right; what goes wrong there is laid to what it blames.
        """
        right = self._right(candidate)
        watched = [max(own, key=lambda case: (self._sureness(candidate, case), case.id)) for own in right.values()]
        if not texts or not watched or self._ground.left < 2 * len(watched):
            return texts
        child = self._made(candidate, raced, texts, helped)
        # Texts that were proposed before are drawn anew: what they did then may have been chance.
        before = {case.id: self._ground.evaluator.known(child, case) for case in watched}
        found = self._known.draw([(child, case, before[case.id] + 1) for case in watched])
        found = self._known.draw([(child, one.case, before[one.case.id] + 2) for one in found if one.score < 1])
        suspect = [one.case for one in found if one.score < _CLEAR][: self._ground.left // (2 * _SURE)]
        self._known.draw([(candidate, case, _SURE) for case in suspect])
        suspect = [case for case in suspect if self._is_right(candidate, case)]
        found = self._known.draw([(child, case, before[case.id] + _SURE) for case in suspect])
        harm = dict.fromkeys(texts, 0.0)
        for one in found:
            was = self._known.scored(candidate, one.case)
            lost = (was.score if was else 1.0) - one.score
            of_kind = next(len(own) for own in right.values() if one.case in own)
            for name, share in self._laid(one, texts).items():
                harm[name] += share * lost * of_kind
        mended = {name: sum(len(kind.cases) for kind in helped if kind.component == name) for name in texts}
        return {name: text for name, text in texts.items() if harm[name] < _HARM * mended[name]}

    def _laid(self, one: Scored, texts: Mapping[str, str]) -> dict[str, float]:
        """Return the shares of new texts in what goes wrong with a case, together 1; none where it blames none."""
        blamed = {name: share for name, share in self._blamer.of_scored(one).items() if name in texts}
        total = sum(blamed.values())
        return {name: share / total for name, share in blamed.items()} if total else {}

    def _sureness(self, candidate: Candidate, case: Case) -> float:
        """Return how sure it is that a case is right: by its draws, as if there had been one more that was not."""
        scored = self._known.scored(candidate, case)
        return sum(scored.scores) / (len(scored.scores) + 1) if scored else 0.0

    def _right(self, candidate: Candidate) -> dict[frozenset[str], list[Case]]:
        """Return the training cases that are right under a candidate, by the tools that the teacher calls."""
        found: dict[frozenset[str], list[Case]] = {}
        for case in self._ground.train:
            reference = self._ground.evaluator.scorer.reference(case)
            if reference and self._is_right(candidate, case):
                found.setdefault(frozenset(names_of(reference.chain)), []).append(case)
        return found

    def _is_right(self, candidate: Candidate, case: Case) -> bool:
        scored = self._known.scored(candidate, case)
        return scored is not None and not self._course.fails(case, scored)

    def _gain(self, parent: Candidate, child: Candidate, kind: Kind, draws: Mapping[str, int]) -> float:
        """Return how much nearer to the teacher one draw of a child is than its parent, over a kind's cases.

        That a draw blames a component no more that its parent's blamed counts, too: it may fail for something else.
        """
        gains = []
        for case in kind.cases:
            before, after = self._known.scored(parent, case), self._known.scored(child, case)
            if before and after and len(after.samples) > draws[case.id]:
                sample, was = after.samples[draws[case.id]], self._blamer.soft(before)
                close = self._blamer.closeness(case, sample)
                blamed = self._blamer.of_scored(before).get(kind.component, 0.0) >= _BLAMED
                relieved = blamed and kind.component not in self._blamer.blamed(case, sample)
                # Beside the draws that fail: where chance mends one fault of two, its own draws look near.
                nearer = close > self._blamer.failing(before)
                gains.append(close - was + (_RELIEF if relieved and nearer else 0.0))
        return sum(gains) / len(gains) if gains else 0.0


def _ids(text: str) -> list[str]:
    return example_ids({EXAMPLES: text}) if text else []
