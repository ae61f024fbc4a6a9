"""What candidates are worth: rollouts of the student, all of a call in flight at once, none of them paid for twice."""

from __future__ import annotations

from collections import deque
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

import msgspec

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.errors import SamplingError
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.repair.candidate import Candidate, Components, key_of
from pytest_toolmatch.repair.flows import Flows, noting, once
from pytest_toolmatch.sampling.replayed import Replayed
from pytest_toolmatch.statistics.measures import Measure, ratio
from pytest_toolmatch.statistics.ustatistics import mean_of_draws

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.repair.flows import Flow
    from pytest_toolmatch.repair.scoring import Scorer
    from pytest_toolmatch.sampling.recordings import Recording
    from pytest_toolmatch.sampling.sampled import Sampled
    from pytest_toolmatch.sampling.session import Session

T = TypeVar("T")

_STORM, _FEW = 0.3, 8
"""The share of a call's rollouts that may fail for infrastructure, and rollouts below which no share says anything."""

Job: TypeAlias = tuple[Candidate, Case, int]
"""A candidate, a case, and how many draws of the student: the first so many."""


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """What a candidate's draws on one case came to.

    ``scores`` are those of the valid samples, in their order: whether each matches the teacher; ``parts`` are the means
    of the match metrics of other levels (``name_match``, …), ``lost`` counts draws that failed for infrastructure.
    """

    case: Case
    samples: tuple[Sample, ...]
    scores: tuple[float, ...]
    parts: dict[str, float] = {}
    lost: int = 0

    @property
    def score(self) -> float:
        """The mean over the valid draws; 0 without any."""
        return sum(self.scores) / len(self.scores) if self.scores else 0.0

    @property
    def measure(self) -> Measure:
        """The mean as what the case contributes to a rate."""
        return mean_of_draws(self.scores) if self.scores else Measure(0.0, 0.0)


def mean_score(scored: Sequence[Scored]) -> float:
    """Return the mean over cases; those of which no draw is valid have no say."""
    return ratio([one.measure for one in scored])


class Drawn(NamedTuple):
    """Rollouts so far: ``asked`` for, those found recorded among them, and ``paid`` for."""

    asked: int
    paid: int


class Evaluator:
    """Draws and scores candidates of one suite for one student.

    What is drawn goes into ``recording``'s file, and what is there is not drawn again. ``rollouts`` counts every draw
    that was asked for, found or made: so a run that goes on decides as one that was never stopped. Raises
    SamplingError where too many rollouts of a call fail for infrastructure, and whatever keeps the student from being
    sampled at all.
    """

    def __init__(
        self,
        components: Components,
        scorer: Scorer,
        model: Model,
        recording: Recording,
        session: Session,
    ) -> None:
        self.components, self.scorer, self.model, self.session = components, scorer, model, session
        self._recording = recording
        self._sources: dict[str, Sampled] = {}
        self._drawn: dict[tuple[str, str], int] = {}
        self._ahead: deque[Job] = deque()
        self._flying: set[Future[Sample]] = set()
        self._flows = Flows(self)
        self._slots = self._set_aside = 0

    @property
    def rollouts(self) -> int:
        """How many different draws were asked for."""
        return sum(self._drawn.values()) + self._set_aside

    @property
    def drawn(self) -> Drawn:
        """What was asked for, and what was paid for."""
        return Drawn(self.rollouts, sum(source.submitted for source in self._sources.values()))

    @cached_property
    def cases(self) -> dict[str, Case]:
        """The suite's cases by id."""
        return {case.id: case for case in self.scorer.suite.cases}

    def known(self, candidate: Candidate, case: Case) -> int:
        """Return how many draws of a candidate on a case were asked for already."""
        return self._drawn.get((key_of(candidate), case.id), 0)

    def cost(self, jobs: Sequence[Job]) -> int:
        """Return how many rollouts jobs would add to those asked for."""
        wanted: dict[tuple[str, str], int] = {}
        for candidate, case, draws in jobs:
            key = (key_of(candidate), case.id)
            wanted[key] = max(draws, wanted.get(key, 0))
        return sum(max(0, draws - self._drawn.get(key, 0)) for key, draws in wanted.items())

    def evaluate(self, jobs: Sequence[Job]) -> list[Scored]:
        """Return what each job came to, in their order; all rollouts are in flight together."""
        return self.together([once(jobs)])[0]

    def together(self, flows: Sequence[Flow[T]]) -> list[T]:
        """Return what each flow returns; all rollouts are in flight as early as can be."""
        return self._flows.finish([self._flows.start(noting(one, self._count)) for one in flows])

    def aside(self, flows: Sequence[Flow[T]], most: int) -> Callable[[], list[T]]:
        """Begin flows that go on beside all that is drawn from now on; call what is returned to wait for their end.

        Until then they count as ``most`` rollouts, whatever they have drawn: so that what is decided meanwhile does not
        depend on how fast they are.
        """
        drawn: list[Job] = []
        self._set_aside += most
        numbers = [self._flows.start(noting(one, drawn.extend)) for one in flows]

        def wait() -> list[T]:
            found: list[T] = self._flows.finish(numbers)
            self._set_aside -= most
            self._count(drawn)
            return found

        return wait

    def _count(self, jobs: Sequence[Job]) -> None:
        for candidate, case, draws in jobs:
            key = (key_of(candidate), case.id)
            self._drawn[key] = max(draws, self._drawn.get(key, 0))

    def begin(self, jobs: Sequence[Job]) -> list[Future[Sample]]:
        """Have draws made, and return those that are still to come."""
        found = [one for job in jobs for one in self._begun(job)]
        self._flying.update(one for one in found if not one.done())
        return found

    def ahead(self, jobs: Sequence[Job], slots: int) -> None:
        """Have draws made beside whatever else is, as long as fewer than so many are in flight; only once.

        They will be asked for in the end, and until then don't count as rollouts.
        """
        if not self._slots:
            self._slots = slots
            wanted = [(candidate, case, draw) for candidate, case, draws in jobs for draw in range(1, draws + 1)]
            self._ahead.extend(sorted(wanted, key=lambda job: job[2]))

    def fill(self) -> None:
        """Begin what may be drawn ahead, as far as there are slots that nothing else needs."""
        if not self._ahead:
            return
        self._flying = {one for one in self._flying if not one.done()}
        while self._ahead and len(self._flying) < self._slots:
            self._flying.update(self._begun(self._ahead.popleft())[-1:])

    def _begun(self, job: Job) -> Sequence[Future[Sample]]:
        candidate, case, draws = job
        source = self._source(candidate)
        source.prefetch((case,), self.scorer.followed(case), draws)
        return source.coming(case, draws)

    def finished(self, job: Job) -> Scored:
        """Return what a job came to that was begun; waits for it."""
        candidate, case, draws = job
        return self._scored(candidate, case, draws)

    def _scored(self, candidate: Candidate, case: Case, draws: int) -> Scored:
        samples = self._source(candidate).samples(case, self.scorer.followed(case), draws)
        found = self.scorer.scores(case, samples)
        return Scored(
            case=case,
            samples=tuple(samples),
            scores=tuple(found.pop("chain_match", ())),
            parts={name: sum(values) / len(values) for name, values in found.items() if values},
            lost=sum(not one.valid for one in samples),
        )

    def check(self, scored: Sequence[Scored]) -> None:
        """Stop where the student's service fails too often: what follows would be decided by nothing."""
        lost, total = sum(one.lost for one in scored), sum(len(one.samples) for one in scored)
        if total >= _FEW and lost > _STORM * total:
            errors = [sample.error for one in scored for sample in one.samples if not sample.valid]
            raise SamplingError(
                f"{self.model.identity}: {lost} of {total} rollouts failed ({errors[0] or 'no reason given'}): "
                "stopped; what was drawn is kept, and the same command goes on from there"
            )

    def _source(self, candidate: Candidate) -> Sampled:
        key = key_of(candidate)
        if key not in self._sources:
            plan = Plan(self.scorer.suite, self.model, self.components.prompt(candidate))
            self._sources[key] = self.session.source(Replayed(plan, "student", self._recording, None, fewer=True))
        return self._sources[key]
