"""Composition: a case, its samples, its result. The only reader of both sampling and judging."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeAlias

from pytest_toolmatch.core.errors import (
    BudgetSpent,
    ConfigError,
    MissingRecording,
    ModelUnavailable,
    RecordingError,
    did_you_mean,
)
from pytest_toolmatch.core.model import PROVIDERS
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.judging.consensus import representative
from pytest_toolmatch.judging.demands import check_suite
from pytest_toolmatch.judging.gate import parse_gate
from pytest_toolmatch.judging.judge import Judge
from pytest_toolmatch.judging.matching import Matcher
from pytest_toolmatch.sampling.recordings import Recording, read_recording, recording_path
from pytest_toolmatch.sampling.replayed import Replayed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.sample import Sample, SampleRole
    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.judging.verdict import CaseResult
    from pytest_toolmatch.sampling.sampled import Sampled
    from pytest_toolmatch.sampling.session import Session
    from pytest_toolmatch.settings import Settings

Source: TypeAlias = "Replayed | Sampled"


class SuiteRun:
    """One suite in one run: where the samples of its two models come from, and the judges of its cases.

    ``session`` draws samples where the run does so at all; ``models`` are a user's own, by role, instead of those of
    the settings. Raises ConfigError where no teacher or student is named, MissingRecording where a model that is not
    called has no recording.
    """

    def __init__(
        self,
        suite: Suite,
        settings: Settings,
        read: Callable[[Path, str], Recording] = read_recording,
        session: Session | None = None,
        models: Mapping[SampleRole, Model] | None = None,
    ) -> None:
        self.suite = suite
        self.settings = settings
        self.directory = suite.recordings or settings.recordings / suite.name
        self.gates = tuple(dict.fromkeys([*settings.gates, *suite.gates]))
        for gate in settings.gates:
            parse_gate(gate, "toolmatch_gates")
        check_suite(suite)
        self._read, self._session, self._models = read, session, models or {}
        self._sources: dict[SampleRole, Source] = {role: self._source(role) for role in ("teacher", "student")}
        self._results: dict[int, tuple[Case, CaseResult]] = {}
        self._judges: dict[int, Judge] = {}
        self.unsampled: Exception | None = None

    @cached_property
    def alone(self) -> bool:
        """Whether the student is the teacher's own: then every draw is compared with the others."""
        student = self._sources["student"]
        if self._sources["teacher"].plan.model != student.plan.model:
            return False
        recorded = student.recording if isinstance(student, Replayed) else student.replayed.recording
        return not any(one.sample.role == "student" for one in recorded.by_key.values())

    def model(self, role: SampleRole) -> Model:
        """Return the model in a role."""
        return self._sources[role].plan.model

    @property
    def divergence(self) -> str:
        """What a diverging case is: ``fail`` or ``xfail``."""
        return self.suite.divergence or self.settings.divergence

    def prefetch(self, cases: Iterable[Case]) -> None:
        """Have the samples of the cases drawn, where they are drawn at all; returns at once."""
        teacher, student = self._sources["teacher"], self._sources["student"]
        cases = list(cases)
        teacher.prefetch(cases)
        if self.alone:
            return
        if self.suite.rollout.mode != "next_step":
            student.prefetch(cases)
            return
        for case in cases:
            teacher.then(case, partial(self._prefetch_forced, case))

    def _prefetch_forced(self, case: Case, drawn: list[Sample]) -> None:
        if followed := self._followed(case, drawn):
            self._sources["student"].prefetch((case,), followed)

    def result(self, case: Case) -> CaseResult:
        """Judge a case by its samples; the same case is judged once."""
        if id(case) not in self._results:
            # The case is kept beside its result, so that its identity stays its own.
            self._results[id(case)] = (case, self._judged(case))
        return self._results[id(case)][1]

    def _judged(self, case: Case) -> CaseResult:
        if self._session:
            self.prefetch((case,))
        try:
            teacher = self.samples(case, "teacher")
            student = teacher if self.alone else self.samples(case, "student")
        except MissingRecording:
            raise
        except (ModelUnavailable, BudgetSpent, RecordingError) as error:
            self.unsampled = self.unsampled or error
            raise
        return self._judge(case).judge(case, teacher, student)

    def samples(self, case: Case, role: SampleRole) -> list[Sample]:
        """Return the samples of a case; raises what keeps them from being there.

        A student that is to follow its teacher's steps has none where the teacher has no valid sample.
        """
        source = self._sources[role]
        if role == "teacher" or self.suite.rollout.mode != "next_step":
            return source.samples(case)
        followed = self._followed(case, self.samples(case, "teacher"))
        return source.samples(case, followed) if followed else []

    def _followed(self, case: Case, drawn: list[Sample]) -> Sample | None:
        """Return the teacher's sample that teacher-forced draws of a case follow: the one with the most support."""
        return representative(self._judge(case).matcher, [one for one in drawn if one.valid])

    def _source(self, role: SampleRole) -> Source:
        model = self._models.get(role) or self.settings.model("teacher" if role == "teacher" else "student")
        if not model.name:
            raise ConfigError(f"no {role} is named: say --toolmatch-{role}=MODEL, or toolmatch_{role} in the ini file")
        path, called = recording_path(self.directory, model.identity), model.provider in PROVIDERS and self._session
        if not called and not path.exists():
            raise MissingRecording(self._unrecorded(role, model, path))
        if called:
            called.recover(path)
        recording = self._read(path, model.identity)
        # A run that calls models says how many samples it wants of those; of others it takes what there is.
        fewer = self._session is not None
        replayed = Replayed(Plan(self.suite, model), role, recording, self.settings.samples, fewer=fewer)
        return called.source(replayed) if called else replayed

    def _unrecorded(self, role: SampleRole, model: Model, path: Path) -> str:
        names = sorted(path.stem for path in self.directory.glob("*.jsonl"))
        there = f" (recorded there: {', '.join(names)})" if names else "; record it first, or import it from a log"
        how = "; make one with pytest --toolmatch-mode=record" if model.provider else there + _mistyped(model)
        return f"suite {self.suite.name}: no recording of {role} {model.identity!r} at {path}{how}"

    def _judge(self, case: Case) -> Judge:
        tools = self._sources["teacher"].plan.tools(case)
        if id(tools) not in self._judges:
            matcher = Matcher(tools, rules=self.suite.rules)
            wanted = self.settings.chain_match if self.suite.chain_match is None else self.suite.chain_match
            self._judges[id(tools)] = Judge(self.suite.name, matcher, ArgumentValidator(tools), wanted=wanted)
        return self._judges[id(tools)]


def _mistyped(model: Model) -> str:
    """Return a hint where the name of a recording begins almost like a model that can be called."""
    prefix, colon, rest = model.name.partition(":")
    near = did_you_mean(prefix, PROVIDERS) if colon else ""
    return near.removesuffix("'?") + f":{rest}'?" if near else ""
