"""What to mend next: the failing cases, gathered by the text that is most to blame for each."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.core.chain import names_of
from pytest_toolmatch.repair.candidate import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.repair.blame import Blamer
    from pytest_toolmatch.repair.candidate import Candidate
    from pytest_toolmatch.repair.evaluating import Scored
    from pytest_toolmatch.repair.known import Known
    from pytest_toolmatch.repair.phase import Ground

FAILING = 0.6
"""A case fails below this share of what it can reach: two draws of a noisy student that agree are enough to tell."""

_WEARING = 0.45
"""What is left of a component's blame for a case after each text that did not help."""

_EXAMPLE = 0.3
"""The blame that every failing case lays on the lack of an example."""

_ATTEMPTS = 36
"""Texts that are tried for a case before it is given up."""

_KINDS = 3
"""Kinds of cases that one text is to help at once: a model that is shown too much takes up little of it."""


class Cluster(NamedTuple):
    """Failing cases that blame one component first, what they lose together, and of them those of a kind.

    Of a kind are cases whose teacher calls the same tools: a text may help one kind and not another.
    """

    component: str
    kinds: tuple[tuple[Case, ...], ...]
    lost: float

    @property
    def cases(self) -> tuple[Case, ...]:
        """All of its cases."""
        return tuple(chain.from_iterable(self.kinds))


class Course:
    """Decides what to mend, and remembers what was tried in vain."""

    def __init__(self, ground: Ground, blamer: Blamer, known: Known) -> None:
        self._ground, self._blamer, self._known = ground, blamer, known
        self._vain: Counter[tuple[str, str]] = Counter()
        self.tried: defaultdict[str, list[str]] = defaultdict(list)
        self.helped: defaultdict[str, list[str]] = defaultdict(list)

    def clusters(self, candidate: Candidate) -> list[Cluster]:
        """Return what there is to mend, that which loses most first.

        Cases of a kind go together to the component that most of them blame: so that one attempt shows what one text
        does to them.
        """
        kinds: defaultdict[tuple[str, ...], list[tuple[Case, Scored]]] = defaultdict(list)
        for case in self._ground.train:
            scored = self._known.scored(candidate, case)
            if scored and self.fails(case, scored) and not self._given_up(case):
                kinds[self._tools(case)].append((case, scored))
        gathered: defaultdict[str, list[tuple[float, tuple[Case, ...]]]] = defaultdict(list)
        for _, own in sorted(kinds.items()):
            if component := self._first(own):
                lost = sum(1 - scored.score for _, scored in own)
                gathered[component].append((lost, tuple(case for case, _ in own)))
        found = []
        for component, some in gathered.items():
            ranked = sorted(some, key=lambda one: -one[0])[:_KINDS]
            found.append(Cluster(component, tuple(cases for _, cases in ranked), sum(lost for lost, _ in ranked)))
        return sorted(found, key=lambda one: (-one.lost, one.component))

    def _first(self, own: Sequence[tuple[Case, Scored]]) -> str:
        """Return the component that cases blame most, together."""
        blamed: Counter[str] = Counter()
        for case, scored in own:
            blamed.update({name: round(1e9 * share) for name, share in self._worn(case, scored).items()})
        return min(blamed, key=lambda name: (-blamed[name], name), default="")

    def _tools(self, case: Case) -> tuple[str, ...]:
        reference = self._ground.evaluator.scorer.reference(case)
        return tuple(names_of(reference.chain)) if reference else ()

    def fails(self, case: Case, scored: Scored) -> bool:
        """Say whether a case fails, as far as its teacher allows it to do better."""
        scorer = self._ground.evaluator.scorer
        most = 1.0 if scorer.agreed(case) else scorer.support(case)
        return bool(scored.scores) and scored.score < FAILING * most

    def in_vain(self, component: str, text: str, cases: Iterable[Case]) -> None:
        """Remember a text that did not help; an empty one stands for a reply that was of no use."""
        self.tried[component] += [text] if text else []
        self._vain.update((component, case.id) for case in cases)

    def kept(self, component: str, cases: Iterable[Case]) -> None:
        """Remember for which cases a component's text was kept; what was tried before it was of another text."""
        self.tried.pop(component, None)
        self.helped[component] += [case.id for case in cases if case.id not in self.helped[component]]

    def _given_up(self, case: Case) -> bool:
        return sum(count for (_, name), count in self._vain.items() if name == case.id) >= _ATTEMPTS

    def _worn(self, case: Case, scored: Scored) -> dict[str, float]:
        blamed = self._blamer.of_scored(scored)
        total = sum(blamed.values()) or 1.0
        shares = {name: lost / total for name, lost in blamed.items()}
        if self._ground.may_change(EXAMPLES):
            shares[EXAMPLES] = _EXAMPLE
        return {name: share * _WEARING ** self._vain[name, case.id] for name, share in shares.items()}


def only_affordable(clusters: Sequence[Cluster], most: int, *, cut: bool = False) -> list[Cluster]:
    """Return the first clusters that have so many cases together at most; with ``cut``, a part of one before none."""
    kept: list[Cluster] = []
    for one in clusters:
        if sum(len(other.cases) for other in kept) + len(one.cases) <= most:
            kept.append(one)
    if cut and clusters and most and not kept:
        return [clusters[0]._replace(kinds=(clusters[0].kinds[0][:most],))]
    return kept
