"""What gepa asks of a system to optimise, answered by this one's evaluator, blame and reflector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from gepa.core.adapter import EvaluationBatch, GEPAAdapter

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.repair.evaluating import Scored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_toolmatch.repair.blame import Blamer
    from pytest_toolmatch.repair.candidate import Candidate
    from pytest_toolmatch.repair.course import Cluster, Course
    from pytest_toolmatch.repair.known import Known
    from pytest_toolmatch.repair.mending import Mender
    from pytest_toolmatch.repair.phase import Ground


class Item(NamedTuple):
    """A case as gepa is given it."""

    case: Case
    part: Literal["train", "validation"]


class ToolMatchAdapter(GEPAAdapter[Item, Scored, Scored]):
    """Evaluates candidates, and proposes texts for the ``rounds`` of clusters that were chosen.

    gepa swallows what ``make_reflective_dataset`` and ``propose_new_texts`` raise: ``error`` keeps it, for whoever
    called gepa to raise it.
    """

    def __init__(self, ground: Ground, blamer: Blamer, known: Known, course: Course, mender: Mender) -> None:
        self._ground, self._blamer, self._known = ground, blamer, known
        self._course, self._mender = course, mender
        self.rounds: Sequence[Sequence[Cluster]] = ()
        self.proposed: dict[str, str] = {}
        self.next_rounds: Callable[[Candidate], Sequence[Sequence[Cluster]]] = lambda _: ()
        self.error: Exception | None = None

    @property
    def clusters(self) -> list[Cluster]:
        """The clusters of all rounds, those of the first one first."""
        return [one for clusters in self.rounds for one in clusters]

    def evaluate(
        self,
        batch: list[Item],
        candidate: Candidate,
        capture_traces: bool = False,  # noqa: ARG002 - samples are traces
    ) -> EvaluationBatch[Scored, Scored]:
        """Return what a candidate came to on a batch: closeness on training cases, matches on validation cases."""
        train = [item.case for item in batch if item.part == "train"]
        validation = [item.case for item in batch if item.part == "validation"]
        found = self._on_train(candidate, train) | self._on_validation(candidate, validation)
        scored = [found[item.case.id] for item in batch]
        scores = [
            self._blamer.soft(one) if item.part == "train" else one.score
            for item, one in zip(batch, scored, strict=True)
        ]
        # Never 0: what is found recorded counts too, or gepa would go on for ever.
        return EvaluationBatch(outputs=scored, scores=scores, trajectories=scored, num_metric_calls=len(batch))

    def batch_evaluate(
        self,
        items: list[tuple[Candidate, list[Item]]],
        *,
        capture_traces: bool = True,
    ) -> list[EvaluationBatch[Scored, Scored]]:
        """Evaluate several candidates."""
        return [self.evaluate(batch, candidate, capture_traces) for candidate, batch in items]

    def make_reflective_dataset(
        self,
        candidate: Candidate,
        eval_batch: EvaluationBatch[Scored, Scored],  # noqa: ARG002 - what is known of a candidate is more than a batch
        components_to_update: list[str],
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Return what there is to learn, by component."""
        lessons = {one.component: self._mender.lessons(one, candidate) for one in self.clusters}
        return {name: lessons[name] for name in components_to_update}

    def propose_new_texts(
        self,
        candidate: Candidate,
        reflective_dataset: Mapping[str, Sequence[Mapping[str, Any]]],  # noqa: ARG002 - it has one lesson a component
        components_to_update: list[str],  # noqa: ARG002 - those of the rounds
        *,
        metadata: Any = None,  # noqa: ARG002 - what later versions of gepa hand over
    ) -> dict[str, str]:
        """Return new texts that help the cases that blamed the old ones."""
        try:
            self.proposed = self._mender.texts(candidate, self.rounds, self.next_rounds)
        except Exception as error:  # noqa: BLE001 - gepa would go on without a word
            self.error = error
        return dict(self.proposed)

    def _on_train(self, candidate: Candidate, cases: list[Case]) -> dict[str, Scored]:
        """Return what a candidate does: what was mended was drawn, and does on all else what it was made of does."""
        self._known.draw([(candidate, case, 1) for case in cases if self._known.scored(candidate, case) is None])
        found = {case.id: self._known.scored(candidate, case) for case in cases}
        return {name: one for name, one in found.items() if one is not None}

    def _on_validation(self, candidate: Candidate, cases: list[Case]) -> dict[str, Scored]:
        """Return what a candidate does in validation: what it was made of does there, until it is drawn at the end.

        Whether a text helps or harms was seen on training cases. A draw of each validation case tells less of one more
        text than chance makes of it, and takes as many rollouts as ten texts that are tried.
        """
        found = {case.id: self._known.scored(candidate, case) for case in cases}
        if None in found.values():
            return {one.case.id: one for one in self._known.draw([(candidate, case, 1) for case in cases])}
        return {name: one for name, one in found.items() if one is not None}
