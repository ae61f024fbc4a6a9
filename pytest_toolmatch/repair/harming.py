"""Whether new texts break what was right: one case of each kind that was stands for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.repair.blame import Blamer
    from pytest_toolmatch.repair.candidate import Candidate
    from pytest_toolmatch.repair.course import Course
    from pytest_toolmatch.repair.evaluating import Scored
    from pytest_toolmatch.repair.flows import Flow
    from pytest_toolmatch.repair.known import Known
    from pytest_toolmatch.repair.phase import Ground

Verdict: TypeAlias = "Callable[[Mapping[str, int]], frozenset[str]]"
"""Takes of how many cases each new text mends, and returns the components whose texts break more that was right.

What goes wrong is laid to what it blames.
"""

_HARM = 0.6
"""What a text may break of what was right, for every case that it mends."""

_CLEAR = 0.6
"""A case that is right so often by two draws is not broken."""

_SURE = 3
"""Draws by which a case is right, and not by chance, before what goes wrong with it is laid to a text."""

_LOOK, _CLOSER = 2, 4
"""Rollouts that a case may take by a look at it, and those that a closer one takes beside."""


class Watch:
    """Draws what was right with new texts, beside whatever else is drawn."""

    def __init__(self, ground: Ground, blamer: Blamer, known: Known, course: Course) -> None:
        self._ground, self._blamer, self._known, self._course = ground, blamer, known, course

    def begin(self, parent: Candidate, child: Candidate) -> Verdict:
        """Begin to look at what was right under a parent; what is returned waits for it, and says what does harm."""
        right = self._right(parent)
        watched = [max(own, key=lambda case: (self._sureness(parent, case), case.id)) for own in right.values()]
        spare = self._ground.left - _LOOK * len(watched)
        if spare < 0:
            right, watched = {}, []
        closer = [_CLOSER * (place + 1) <= spare for place in range(len(watched))]
        flows = [self._looked(parent, child, case, closer=one) for case, one in zip(watched, closer, strict=True)]
        wait = self._known.aside(flows, _LOOK * len(watched) + _CLOSER * sum(closer))

        def harmful(mended: Mapping[str, int]) -> frozenset[str]:
            harm = dict.fromkeys(mended, 0.0)
            for one in filter(None, wait()):
                was = self._known.scored(parent, one.case)
                lost = (was.score if was else 1.0) - one.score
                of_kind = next(len(own) for own in right.values() if one.case in own)
                for name, share in self._laid(one, mended).items():
                    harm[name] += share * lost * of_kind
            return frozenset(name for name, count in mended.items() if harm[name] >= _HARM * count)

        return harmful

    def _looked(self, parent: Candidate, child: Candidate, case: Case, *, closer: bool) -> Flow[Scored | None]:
        """Return what a case comes to that is broken; None for one that is right, or was so by chance."""
        # Texts that were proposed before are drawn anew: what they did then may have been chance.
        before = self._ground.evaluator.known(child, case)
        (found,) = yield [(child, case, before + 1)]
        if found.score < 1:
            (found,) = yield [(child, case, before + 2)]
        if found.score >= _CLEAR or not closer:
            return None
        was, found = yield [(parent, case, _SURE), (child, case, before + _SURE)]
        return None if self._course.fails(case, was) else found

    def _laid(self, one: Scored, texts: Mapping[str, int]) -> dict[str, float]:
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
            if self._is_right(candidate, case):
                found.setdefault(frozenset(self._course.tools(case)), []).append(case)
        return found

    def _is_right(self, candidate: Candidate, case: Case) -> bool:
        scored = self._known.scored(candidate, case)
        return scored is not None and not self._course.fails(case, scored)
