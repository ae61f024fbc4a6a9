"""The phase ``gepa``: reflective mutation of the texts that failing cases blame.

All of gepa's traps that were measured are kept out: integer ids that tell both parts apart, no merging and no run
directory (neither is deterministic), a logger of our own, and stop conditions that look at rollouts rather than at
gepa's own count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from gepa.api import optimize
from gepa.strategies.proposal_sampling import ProposalTask

from pytest_toolmatch.repair.adapter import Item, ToolMatchAdapter
from pytest_toolmatch.repair.blame import Blamer
from pytest_toolmatch.repair.course import SURE, SURER, TOGETHER, Course, affordable
from pytest_toolmatch.repair.known import Known
from pytest_toolmatch.repair.mending import Mender
from pytest_toolmatch.repair.phase import Ground, Mended

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.repair.candidate import Candidate
    from pytest_toolmatch.repair.course import Cluster
    from pytest_toolmatch.repair.flows import Flow

_VALIDATION_IDS = 1_000_000
_PATIENCE = 45
"""Attempts in a row of which nothing was kept, after which there are no more."""


def optimise(ground: Ground, start: Candidate, say: Callable[[str], None]) -> Mended:
    """Return the best candidate that reflective mutation finds within the rollouts that are left.

    Raises what keeps a model from being sampled; what was drawn until then is kept.
    """
    steering = Steering(ground, say)
    adapter = steering.adapter
    result = optimize(
        seed_candidate=dict(start),
        trainset=_Loader(ground.train, "train", 0),
        valset=_Loader(ground.validation, "validation", _VALIDATION_IDS),
        adapter=adapter,
        module_selector=steering.components,
        sampling_strategy=steering,
        stop_callbacks=[steering.is_over],
        logger=steering,
        use_merge=False,
        run_dir=None,
        track_best_outputs=False,
        display_progress_bar=False,
        cache_evaluation=False,
        seed=ground.options.seed,
    )
    if adapter.error:
        raise adapter.error
    cases = (*ground.train, *ground.validation)
    return Mended(
        candidate=dict(result.candidates[steering.place]),
        learnt_from=len(ground.train),
        stopped=steering.over,
        helped=dict(steering.course.helped),
        pool=[(dict(one), steering.known.mean(one, cases)) for one in result.candidates],
    )


class Steering:
    """Says, iteration by iteration, which candidate is mended, on which cases, in which components; and when to stop.

    It is gepa's sampling strategy, module selector, stopper and logger.
    """

    def __init__(self, ground: Ground, say: Callable[[str], None]) -> None:
        self._ground, self._say = ground, say
        blamer = Blamer(ground.evaluator.scorer, ground.components, ground.may_change)
        self.known = Known(ground.evaluator)
        self.course = Course(ground, blamer, self.known)
        self._mender = Mender(ground, blamer, self.known, self.course)
        self.adapter = ToolMatchAdapter(ground, blamer, self.known, self.course, self._mender)
        self.adapter.next_rounds = self._further
        self.over = ""
        self.place = 0
        """The candidate that is being mended."""
        self._pool = 1
        self._idle = 0

    def log(self, message: str) -> None:
        """Take what gepa logs, which repeats whole texts, and keep it to ourselves."""

    def is_over(self, gepa_state: Any) -> bool:  # noqa: ARG002 - it is about rollouts, and not about gepa's count
        """Say whether there is nothing more to do, or nothing to do it with."""
        return bool(self.over)

    def components(
        self,
        state: Any,  # noqa: ARG002 - the clusters were chosen with the cases
        trajectories: Any,  # noqa: ARG002
        subsample_scores: Any,  # noqa: ARG002
        candidate_idx: int,  # noqa: ARG002
        candidate: Candidate,  # noqa: ARG002
    ) -> list[str]:
        """Return the components of the clusters that are being mended."""
        return list(dict.fromkeys(one.component for one in self.adapter.clusters))

    def sample_tasks(
        self,
        state: Any,
        candidate_selector: Any,  # noqa: ARG002 - the best candidate, on the cases that fail
        batch_sampler: Any,  # noqa: ARG002
        trainset: Any,
    ) -> list[ProposalTask[Any, Any]]:
        """Return what to mend now: one candidate, and the failing cases of some clusters."""
        pool = state.program_candidates
        self._settle(pool)
        candidate = pool[self.place]
        self.adapter.rounds = self._next(candidate)
        self._say(self._line(candidate))
        if self.over or not self.adapter.rounds:
            self.over = self.over or self._why_not(candidate)
            return []
        failing = {case.id for one in self.adapter.clusters for case in one.cases}
        ids = [number for number, item in trainset.items.items() if item.case.id in failing]
        return [ProposalTask(self.place, candidate, ids, trainset.fetch(ids))]

    def _settle(self, pool: Sequence[Candidate]) -> None:
        """Take note of what became of the attempt before."""
        kept = len(pool) > self._pool
        self.place = len(pool) - 1 if kept else self.place
        if not kept:
            self._mender.withdraw(self._mender.kept)
        self._mender.kept = []
        if kept:
            self._ground.promising()
        self._idle = 0 if kept else self._idle + len(self.adapter.rounds)
        self._pool, self.adapter.proposed = len(pool), {}
        if self.adapter.error:
            self.over = str(self.adapter.error)
        elif self._ground.reflector.broken:
            self.over = f"stopped: {self._ground.reflector.broken}"
        elif self._idle >= _PATIENCE:
            self.over = f"nothing helped in {self._idle} attempts in a row"

    def _next(self, candidate: Candidate) -> list[list[Cluster]]:
        if self.over:
            return []
        self._recall(candidate)
        rounds = self.course.rounds(candidate)
        # What was mended holds as far as it is known: so look whether it does on the other cases, too, and again.
        while self._doubt(candidate, rounds[0]) if rounds else self._once_more(candidate):
            rounds = self.course.rounds(candidate)
        untried = self._pool == 1 and not self._idle
        return affordable(rounds, self._affordable(), cut=untried)

    def _further(self, candidate: Candidate) -> list[list[Cluster]]:
        """Return what else to mend of a candidate that has just been mended: nothing where that can't be sure now."""
        if self._ground.reflector.broken:
            return []
        self._ground.promising()
        rounds = self.course.rounds(candidate)
        first = [kind for one in rounds[0][:TOGETHER] for kind in one.kinds] if rounds else []
        sure = not any(self.course.doubts(candidate, kind) for kind in first)
        rounds = affordable(rounds, self._affordable()) if sure else []
        if rounds:
            self.adapter.rounds = rounds
            self._say(self._line(candidate))
        return rounds

    def _recall(self, candidate: Candidate) -> None:
        """Take note of draws that were made before, of cases that nothing is known of here; draw those without any."""
        known = self._ground.evaluator.known
        unknown = [case for case in self._ground.train if self.known.scored(candidate, case) is None]
        jobs = [(candidate, case, max(1, known(candidate, case))) for case in unknown]
        if self._ground.evaluator.cost(jobs) <= self._ground.left:
            self.known.draw(jobs)

    def _doubt(self, candidate: Candidate, clusters: Sequence[Cluster]) -> bool:
        """Draw once more what so few cases say that it may be chance; say whether there was anything to draw."""
        kinds = [kind for one in clusters[:TOGETHER] for kind in one.kinds]
        jobs = [job for kind in kinds for job in self.course.doubts(candidate, kind)]
        if not jobs or self._ground.evaluator.cost(jobs) > self._affordable():
            return False
        if 2 * SURER * sum(map(len, kinds)) <= self._ground.left:
            self.known.together([self.course.settled(candidate, kind) for kind in kinds])
        else:
            self.known.draw(jobs)
        return True

    def _once_more(self, candidate: Candidate) -> bool:
        """Draw what does not fail, where rollouts are left over; say whether there was anything to draw.

        First what was not drawn since it was mended, then all once more, and again: a fault that does not always
        strike, or a case that was right by chance, shows in the second draw or the third.
        """
        known = self._ground.evaluator.known
        failing = {case.id for case in self.course.failing(candidate, self._ground.train)}
        matched = [case for case in self._ground.train if case.id not in failing]
        least = min((known(candidate, case) for case in matched), default=SURE)
        fewest = [case for case in matched if known(candidate, case) == least]
        if least >= SURE or len(fewest) > self._affordable():
            return False
        self._look(candidate, fewest)
        return True

    def _look(self, candidate: Candidate, cases: Sequence[Case]) -> None:
        """Draw a candidate on cases once more, and again where that may be chance."""
        spare = self._ground.left - len(cases)
        if spare >= 0:
            more = [min(SURER, spare - SURER * place) for place in range(len(cases))]
            self.known.together([self._looked(candidate, one, most) for one, most in zip(cases, more, strict=True)])

    def _looked(self, candidate: Candidate, case: Case, more: int) -> Flow[None]:
        """Draw a case once; then again, and until it is sure, as far as there are so many rollouts more."""
        draws = self._ground.evaluator.known(candidate, case) + 1
        (one,) = yield [(candidate, case, draws)]
        if more > 0 and one.scores and one.score < 1 and (len(one.scores) == 1 or one.score > 0):
            yield [(candidate, case, draws + 1)]
        if more >= SURER:
            yield from self.course.settled(candidate, [case])

    def _affordable(self) -> int:
        """Return how many failing cases an iteration may have: each may be raced, and drawn again."""
        return self._ground.left // 2

    def _why_not(self, candidate: Candidate) -> str:
        if self.course.rounds(candidate):
            return "the rollouts are spent"
        failing = self.course.failing(candidate, self._ground.train)
        return "no text helps what still fails" if failing else "no training case fails any more"

    def _line(self, candidate: Candidate) -> str:
        train, validation = (self.known.mean(candidate, own) for own in (self._ground.train, self._ground.validation))
        mended = ", ".join(dict.fromkeys(one.component for one in self.adapter.clusters))
        doing = f" · mending {mended}" if mended else ""
        spent = self._ground.evaluator.rollouts
        return f"  {spent} rollouts · match {train:.2f} in training, {validation:.2f} in validation{doing}"


class _Loader:
    """Cases as gepa takes them: under whole numbers, those of validation far from those of training."""

    def __init__(self, cases: Sequence[Case], part: Literal["train", "validation"], first: int) -> None:
        self.items = {first + place: Item(case, part) for place, case in enumerate(cases)}

    def all_ids(self) -> list[int]:
        return list(self.items)

    def fetch(self, ids: Sequence[int]) -> list[Item]:
        return [self.items[number] for number in ids]

    def __len__(self) -> int:
        return len(self.items)
