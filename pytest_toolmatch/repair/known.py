"""What is known of candidates: scores that were drawn, and those that a candidate has from the one it was made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pytest_toolmatch.repair.candidate import key_of
from pytest_toolmatch.repair.flows import once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.repair.candidate import Candidate
    from pytest_toolmatch.repair.evaluating import Evaluator, Scored
    from pytest_toolmatch.repair.flows import Flow

T = TypeVar("T")


class Known:
    """The latest scores of each candidate by case.

    A child differs from its parent by what was mended for some cases; until it is drawn on the others, it is taken to
    do there what its parent does.
    """

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._scored: dict[str, dict[str, Scored]] = {}
        self._parents: dict[str, str] = {}
        self._lent: dict[str, dict[str, Scored]] = {}

    def draw(self, jobs: Sequence[tuple[Candidate, Case, int]]) -> list[Scored]:
        """Have at least so many draws of each candidate and case made, and remember what all of them come to."""
        return self.together([once(jobs)])[0]

    def together(self, flows: Sequence[Flow[T]]) -> list[T]:
        """Return what flows return, and remember what all of their draws come to."""
        return self._evaluator.together([self._telling(one, self._remember) for one in flows])

    def aside(self, flows: Sequence[Flow[T]], most: int) -> Callable[[], list[T]]:
        """Begin flows that go on beside all others; what they draw is remembered once they are waited for."""
        drawn: list[tuple[Sequence[Candidate], Sequence[Scored]]] = []
        ended = self._evaluator.aside([self._telling(one, lambda *both: drawn.append(both)) for one in flows], most)

        def wait() -> list[T]:
            found = ended()
            for candidates, scored in drawn:
                self._remember(candidates, scored)
            return found

        return wait

    def _telling(self, flow: Flow[T], tell: Callable[[Sequence[Candidate], Sequence[Scored]], None]) -> Flow[T]:
        """Return a flow that draws no less than is known, and tells what its draws come to."""
        try:
            jobs = next(flow)
            while True:
                wanted = [(one, case, max(draws, self._evaluator.known(one, case))) for one, case, draws in jobs]
                found = yield wanted
                tell([candidate for candidate, _, _ in wanted], found)
                jobs = flow.send(found)
        except StopIteration as end:
            returned: T = end.value
            return returned

    def _remember(self, candidates: Sequence[Candidate], found: Sequence[Scored]) -> None:
        for candidate, scored in zip(candidates, found, strict=True):
            own = self._scored.setdefault(key_of(candidate), {})
            if scored.case.id not in own or len(scored.samples) >= len(own[scored.case.id].samples):
                own[scored.case.id] = scored

    def descends(self, child: Candidate, parent: Candidate) -> None:
        """Remember what a candidate was made of."""
        if key_of(child) != key_of(parent):
            self._parents.setdefault(key_of(child), key_of(parent))

    def lend(self, candidate: Candidate, other: Candidate, cases: Iterable[Case]) -> None:
        """Take a candidate to do on some cases what another one was seen to do, which has all that matters there."""
        seen, own = self._scored.get(key_of(other), {}), self._lent.setdefault(key_of(candidate), {})
        own |= {case.id: seen[case.id] for case in cases if case.id in seen}

    def lent(self, candidate: Candidate, case: Case) -> bool:
        """Say whether a candidate is taken to do on a case what another one does."""
        return case.id in self._lent.get(key_of(candidate), {})

    def drawn(self, candidate: Candidate, case: Case) -> bool:
        """Say whether a candidate was drawn on a case itself."""
        return case.id in self._scored.get(key_of(candidate), {})

    def scored(self, candidate: Candidate, case: Case) -> Scored | None:
        """Return what a candidate's draws on a case came to, or else its nearest ancestor's."""
        key: str | None = key_of(candidate)
        while key is not None:
            if found := self._scored.get(key, {}).get(case.id) or self._lent.get(key, {}).get(case.id):
                return found
            key = self._parents.get(key)
        return None

    def mean(self, candidate: Candidate, cases: Iterable[Case]) -> float:
        """Return the mean score over cases, by what is known."""
        scores = [found.score for case in cases if (found := self.scored(candidate, case)) and found.scores]
        return sum(scores) / len(scores) if scores else 0.0
