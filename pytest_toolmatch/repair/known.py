"""What is known of candidates: scores that were drawn, and those that a candidate has from the one it was made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.repair.candidate import key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.repair.candidate import Candidate
    from pytest_toolmatch.repair.evaluating import Evaluator, Scored


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
        wanted = [(one, case, max(draws, self._evaluator.known(one, case))) for one, case, draws in jobs]
        found = self._evaluator.evaluate(wanted)
        for (candidate, case, _), scored in zip(wanted, found, strict=True):
            own = self._scored.setdefault(key_of(candidate), {})
            if case.id not in own or len(scored.samples) >= len(own[case.id].samples):
                own[case.id] = scored
        return found

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
