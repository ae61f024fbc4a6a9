"""What to mend next: the failing cases, gathered by the text that is most to blame for each."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.core.chain import names_of
from pytest_toolmatch.repair.candidate import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.repair.blame import Blamer
    from pytest_toolmatch.repair.candidate import Candidate
    from pytest_toolmatch.repair.evaluating import Job, Scored
    from pytest_toolmatch.repair.flows import Flow
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

TOGETHER = 6
"""Components that are mended together in one candidate."""

_AT_ONCE, _IN_VAIN = 5, 2
"""Texts that are tried at once for a kind of cases, at most: one, and one more for every so many in vain."""

_FEW, SURE, SURER = 2, 3, 5
"""Cases of a kind that may fail by chance, and draws of each that rule it out: more where one of them matched."""

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

    def rounds(self, candidate: Candidate) -> list[list[Cluster]]:
        """Return what there is to mend, by what is most to blame; then what else can be tried at the same time.

        The more often a kind of cases was tried in vain, the more is tried at once: each next time as if those before
        had been in vain, too.
        """
        kinds, assumed = self._failing(candidate), Counter[tuple[str, str]]()
        found = [self._gathered(kinds, assumed)]
        for more in range(1, _AT_ONCE):
            assumed.update((one.component, case.id) for one in found[-1] for case in one.cases)
            least = more * _IN_VAIN
            kinds = {name: own for name, own in kinds.items() if max(self._tries(case) for case, _ in own) >= least}
            found.append(self._gathered(kinds, assumed))
        return [one for one in found if one]

    def failing(self, candidate: Candidate, kind: Sequence[Case]) -> list[Case]:
        """Return those of some cases that fail as far as it is known."""
        found = [(case, self._known.scored(candidate, case)) for case in kind]
        return [case for case, scored in found if scored and self.fails(case, scored)]

    def _failing(self, candidate: Candidate) -> dict[tuple[str, ...], list[tuple[Case, Scored]]]:
        """Return the cases that fail and are not given up, by kind."""
        kinds: defaultdict[tuple[str, ...], list[tuple[Case, Scored]]] = defaultdict(list)
        for case in self._ground.train:
            scored = self._known.scored(candidate, case)
            if scored and self.fails(case, scored) and self._tries(case) < _ATTEMPTS:
                kinds[self.tools(case)].append((case, scored))
        return dict(sorted(kinds.items()))

    def _gathered(
        self, kinds: Mapping[tuple[str, ...], list[tuple[Case, Scored]]], assumed: Counter[tuple[str, str]]
    ) -> list[Cluster]:
        """Return clusters, that which loses most first; some texts are ``assumed`` to have been in vain.

        Cases of a kind go together to the component that most of them blame: so that one attempt shows what one text
        does to them.
        """
        gathered: defaultdict[str, list[tuple[float, tuple[Case, ...]]]] = defaultdict(list)
        for own in kinds.values():
            if component := self._first(own, assumed):
                lost = sum(1 - scored.score for _, scored in own)
                gathered[component].append((lost, tuple(case for case, _ in own)))
        found = []
        for component, some in gathered.items():
            ranked = sorted(some, key=lambda one: -one[0])[:_KINDS]
            found.append(Cluster(component, tuple(cases for _, cases in ranked), sum(lost for lost, _ in ranked)))
        return sorted(found, key=lambda one: (-one.lost, one.component))

    def _first(self, own: Sequence[tuple[Case, Scored]], assumed: Counter[tuple[str, str]]) -> str:
        """Return the component that cases blame most, together."""
        blamed: Counter[str] = Counter()
        for case, scored in own:
            worn = self._worn(case, scored, assumed)
            blamed.update({name: round(1e9 * share) for name, share in worn.items()})
        return min(blamed, key=lambda name: (-blamed[name], name), default="")

    def tools(self, case: Case) -> tuple[str, ...]:
        """Return the kind of a case: the tools that its teacher calls."""
        reference = self._ground.evaluator.scorer.reference(case)
        return tuple(names_of(reference.chain)) if reference else ()

    def fails(self, case: Case, scored: Scored) -> bool:
        """Say whether a case fails, as far as its teacher allows it to do better."""
        scorer = self._ground.evaluator.scorer
        most = 1.0 if scorer.agreed(case) else scorer.support(case)
        return bool(scored.scores) and scored.score < FAILING * most

    def doubts(self, candidate: Candidate, kind: Sequence[Case]) -> list[Job]:
        """Return the draws that tell whether so few cases of a kind fail by chance; none for many."""
        wanted = [(case, SURER if self._matched(candidate, case) else SURE) for case in kind]
        known = self._ground.evaluator.known
        jobs = [(candidate, case, draws) for case, draws in wanted if known(candidate, case) < draws]
        return jobs if len(kind) <= _FEW else []

    def settled(self, candidate: Candidate, kind: Sequence[Case]) -> Flow[None]:
        """Draw what few cases of a kind fail until it is sure that they do, or don't."""
        while jobs := self.doubts(candidate, self.failing(candidate, kind)):
            yield jobs

    def _matched(self, candidate: Candidate, case: Case) -> bool:
        scored = self._known.scored(candidate, case)
        return scored is not None and scored.score > 0

    def in_vain(self, component: str, text: str, cases: Iterable[Case]) -> None:
        """Remember a text that did not help; an empty one stands for a reply that was of no use."""
        self.tried[component] += [text] if text and text not in self.tried[component] else []
        self._vain.update((component, case.id) for case in cases)

    def kept(self, component: str, cases: Iterable[Case]) -> None:
        """Remember for which cases a component's text was kept; what was tried before it was of another text."""
        self.tried.pop(component, None)
        self.helped[component] += [case.id for case in cases if case.id not in self.helped[component]]

    def withdrawn(self, component: str, text: str, cases: Sequence[Case]) -> None:
        """Take back that a text was kept."""
        gone = {case.id for case in cases}
        self.helped[component] = [name for name in self.helped[component] if name not in gone]
        self.in_vain(component, text, cases)

    def _tries(self, case: Case) -> int:
        return sum(count for (_, name), count in self._vain.items() if name == case.id)

    def _worn(self, case: Case, scored: Scored, assumed: Counter[tuple[str, str]]) -> dict[str, float]:
        blamed = self._blamer.of_scored(scored)
        total = sum(blamed.values()) or 1.0
        shares = {name: lost / total for name, lost in blamed.items()}
        if self._ground.may_change(EXAMPLES):
            shares[EXAMPLES] = _EXAMPLE
        vain = {name: self._vain[name, case.id] + assumed[name, case.id] for name in shares}
        return {name: share * _WEARING ** vain[name] for name, share in shares.items()}


def affordable(rounds: Sequence[Sequence[Cluster]], most: int, *, cut: bool = False) -> list[list[Cluster]]:
    """Return the clusters of each round that have so many cases together at most; with ``cut``, a part before none."""
    found: list[list[Cluster]] = []
    for clusters in rounds:
        found.append(_affordable(clusters[:TOGETHER], most, cut=cut and not found))
        most -= sum(len(one.cases) for one in found[-1])
    return [one for one in found if one]


def _affordable(clusters: Sequence[Cluster], most: int, *, cut: bool = False) -> list[Cluster]:
    kept: list[Cluster] = []
    for one in clusters:
        if sum(len(other.cases) for other in kept) + len(one.cases) <= most:
            kept.append(one)
    if cut and clusters and most and not kept:
        return [clusters[0]._replace(kinds=(clusters[0].kinds[0][:most],))]
    return kept
