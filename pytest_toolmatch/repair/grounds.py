"""What a repair of one suite stands on: its teacher's samples, its parts, and what draws and asks."""

from __future__ import annotations

import math
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from pytest_toolmatch.core.errors import ConfigError, MissingRecording
from pytest_toolmatch.core.model import PROVIDERS, Model, parse_model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.repair.candidate import Components
from pytest_toolmatch.repair.evaluating import Evaluator
from pytest_toolmatch.repair.examples import example_of
from pytest_toolmatch.repair.parts import Parts, parts_of
from pytest_toolmatch.repair.phase import Ground
from pytest_toolmatch.repair.reflector import Reflector
from pytest_toolmatch.repair.replies import Queries
from pytest_toolmatch.repair.scoring import Scorer
from pytest_toolmatch.sampling.recordings import Recording, read_recording, recording_path
from pytest_toolmatch.sampling.replayed import Replayed
from pytest_toolmatch.sampling.sampled import Sampled
from pytest_toolmatch.settings import parse_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.prompt import Example
    from pytest_toolmatch.core.sample import Sample, SampleRole
    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.repair.candidate import Candidate
    from pytest_toolmatch.repair.options import RepairOptions
    from pytest_toolmatch.sampling.session import Session
    from pytest_toolmatch.settings import Settings

Source: TypeAlias = "Replayed | Sampled"


class Given:
    """One suite with its models and recordings. What is drawn goes into ``folder``; the suite's own are only read.

    ``models`` are a user's own, by role, instead of those of the settings.
    """

    def __init__(
        self,
        suite: Suite,
        folder: Path,
        options: RepairOptions,
        settings: Settings,
        session: Session,
        *,
        models: Mapping[SampleRole, Model] = MappingProxyType({}),
    ) -> None:
        self.suite, self.folder, self.options = suite, folder, options
        self.teacher = models.get("teacher") or settings.model("teacher")
        self.student = models.get("student") or settings.model("student")
        self.reflecting = reflecting(options, self.teacher)
        self._own = suite.recordings or settings.recordings / suite.name
        self._session = session

    def ground(self) -> tuple[Ground, Parts]:
        """Return the ground of the phases, and all parts; raises ToolmatchError for what is missing."""
        parts_of(self.suite)  # where all cases are too few, nothing is paid for
        teacher = self.samples()
        scorer = Scorer(self.suite, teacher)
        parts = parts_of(self.suite, [case for case in self.suite.cases if scorer.reference(case)])
        components = Components(self.suite, _examples(scorer, parts.train))
        evaluator = Evaluator(components, scorer, self.student, self._recording(self.student), self._session)
        queries = Queries((case.query for case in self.suite.cases), components.own.values())
        recording = self._kept(self.reflecting, self.folder / "reflections")
        ground = Ground(
            train=parts.train,
            validation=parts.validation,
            components=components,
            evaluator=evaluator,
            reflector=Reflector(components, queries, self.reflecting, recording, self._session),
            options=self.options,
            limit=self.options.rollouts,
            affordable=partial(self._affordable, evaluator, len(parts.test)),
            promising=partial(self._ahead, evaluator, components.start, parts.test),
        )
        return ground, parts

    def _affordable(self, evaluator: Evaluator, proving: int) -> float:
        """Return how many more rollouts the budget pays for, beside those that prove a repair."""
        share, paid = self._session.spent_share(), evaluator.drawn.paid
        if not share or not paid:
            return math.inf
        return max(0.0, (1 - share) * paid / share - 2 * proving * self.options.test_draws)

    def _ahead(self, evaluator: Evaluator, start: Candidate, test: Sequence[Case]) -> None:
        """Have the old prompt drawn on the test part where nothing else is: nobody looks at it before the end.

        Not where a budget counts each draw.
        """
        if not self.options.budget:
            jobs = [(start, case, self.options.test_draws) for case in test]
            evaluator.ahead(jobs, self.options.concurrency)

    def samples(self) -> dict[str, list[Sample]]:
        """Return the teacher's samples by case: those that are recorded, or drawn now."""
        source = self._source(self.teacher)
        if isinstance(source, Sampled) and any(map(source.lacks, self.suite.cases)):
            self._session.require(self.student)  # before the teacher's samples are paid for
        source.prefetch(self.suite.cases)
        return {case.id: self._samples(source, case) for case in self.suite.cases}

    def _samples(self, source: Source, case: Case) -> list[Sample]:
        try:
            return source.samples(case)
        except MissingRecording:
            if self._called:
                raise
            return []

    def stop(self) -> None:
        """Have the work come to an end soon."""
        self._session.close(cancel=True)

    @property
    def _called(self) -> bool:
        return self.teacher.provider in PROVIDERS

    def _source(self, model: Model) -> Source:
        """Return whence the teacher's samples come: a log's model is only recorded."""
        if self._called:
            plan = Plan(self.suite, model)
            return self._session.source(Replayed(plan, "teacher", self._recording(model), None, fewer=True))
        path = recording_path(self._own, model.identity)
        if not path.exists():
            raise ConfigError(
                f"--teacher {model.name}: it can't be called, and is not recorded at {path}; name a model that can be "
                "called, as in --teacher anthropic:NAME, or one that is recorded there"
            )
        return Replayed(Plan(self.suite, model), "teacher", read_recording(path, model.identity), None, fewer=True)

    def _recording(self, model: Model) -> Recording:
        """Return what is recorded of a model, by the suite or by this repair; what is drawn is kept with the latter."""
        kept = self._kept(model, self.folder)
        recorded = read_recording(recording_path(self._own, model.identity), model.identity)
        return Recording(kept.path, [*recorded.by_key.values(), *kept.by_key.values()])

    def _kept(self, model: Model, folder: Path) -> Recording:
        path = recording_path(folder, model.identity)
        self._session.recover(path)
        return read_recording(path, model.identity)


def reflecting(options: RepairOptions, teacher: Model) -> Model:
    """Return the model that writes new texts."""
    if not options.reflect_with:
        return teacher
    return parse_model(options.reflect_with, parse_lines(options.reflect_settings, "reflect settings"))


def _examples(scorer: Scorer, train: tuple[Case, ...]) -> dict[str, Example]:
    """Return the training cases that can be examples: those on which the teacher agrees with itself."""
    found: dict[str, Example] = {}
    for case in train:
        reference = scorer.reference(case) if scorer.agreed(case) else None
        tools = {tool.name: tool for tool in scorer.tools(case)}
        if reference and (made := example_of(case, reference, tools)):
            found[case.id] = made
    return found
