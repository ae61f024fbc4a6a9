"""The draws of one suite in one run: from where each model's samples come, and what judges them."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeAlias

from pytest_toolmatch.core.errors import ConfigError, MissingRecording, did_you_mean
from pytest_toolmatch.core.model import PROVIDERS
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.judging.consensus import representative
from pytest_toolmatch.judging.judge import Judge
from pytest_toolmatch.judging.looks import Wanted
from pytest_toolmatch.judging.matching import Matcher
from pytest_toolmatch.sampling.recordings import Recording, recorded_model, recording_path
from pytest_toolmatch.sampling.replayed import Replayed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
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


class Draws:
    """The samples of a suite's cases, by model and number, and the verdicts on them.

    Numbers of draws count from the first one; None means as many as the settings say. ``session`` draws samples where
    the run does so at all; ``models`` are a user's own, by role, instead of those of the settings. ``share`` is the
    part of a budget that the suite may spend. Raises ConfigError where no teacher or student is named,
    MissingRecording where a model that is not called has no recording.
    """

    def __init__(
        self,
        suite: Suite,
        settings: Settings,
        read: Callable[[Path, str], Recording],
        session: Session | None,
        models: Mapping[SampleRole, Model],
    ) -> None:
        self.suite = suite
        self.share = 1.0
        self._settings, self._read, self._session, self._models = settings, read, session, models
        self._directory = suite.recordings or settings.recordings / suite.name
        self._sources: dict[SampleRole, Source] = {role: self._source(role) for role in ("teacher", "student")}
        self._judges: dict[int, Judge] = {}

    @cached_property
    def alone(self) -> bool:
        """Whether the student is the teacher's own: then every draw is compared with the others."""
        student = self._sources["student"]
        if self._sources["teacher"].plan.model != student.plan.model or self.suite.student:
            return False
        recorded = student.recording if isinstance(student, Replayed) else student.replayed.recording
        return not any(one.sample.role == "student" for one in recorded.by_key.values())

    def model(self, role: SampleRole) -> Model:
        """Return the model in a role."""
        return self._sources[role].plan.model

    def begin(self, case: Case, wanted: Wanted | None = None) -> None:
        """Have draws of both models made, where they are made at all; returns at once."""
        teacher, student = self._sources["teacher"], self._sources["student"]
        if self._unopened(case, wanted):
            return
        if self.alone:
            teacher.prefetch((case,), None, max(wanted) if wanted else None)
            return
        teacher.prefetch((case,), None, wanted.teacher if wanted else None)
        if self.suite.rollout.mode != "next_step":
            student.prefetch((case,), None, wanted.student if wanted else None)
            return
        teacher.then(case, partial(self._begin_forced, case, wanted), self._followed_draws)

    def ready(self, case: Case, wanted: Wanted) -> bool:
        """Say whether these draws are there, or have failed."""
        if self.alone:
            return self._sources["teacher"].ready(case, max(wanted))
        ready = self._sources["teacher"].ready(case, wanted.teacher)
        return ready and self._sources["student"].ready(case, wanted.student)

    def judged(self, case: Case, wanted: Wanted | None = None) -> CaseResult:
        """Judge a case by these draws, as soon as they are there; raises what keeps them from being made."""
        if self._session:
            if error := self._unopened(case, wanted):
                raise type(error)(str(error))  # each its own: it collects the tracebacks of where it is raised
            self.begin(case, wanted)
        if self.alone:
            teacher = student = self._samples(case, "teacher", max(wanted) if wanted else None)
        else:
            teacher = self._samples(case, "teacher", wanted.teacher if wanted else None)
            student = self._samples(case, "student", wanted.student if wanted else None)
        return self._judge(case).judge(case, teacher, student)

    def _unopened(self, case: Case, wanted: Wanted | None) -> Exception | None:
        """Return why a case can't be judged whatever is drawn: a model with draws to come could not be opened."""
        draws = Wanted(max(wanted), 0) if wanted and self.alone else wanted
        for role, source in self._sources.items():
            if isinstance(source, Replayed) or (self.alone and role == "student"):
                continue
            if error := source.unopened(case, getattr(draws, role) if draws else None):
                return error
        return None

    def scores(self, case: Case, first: int, drawn: int, wanted: int) -> Mapping[str, list[float]]:
        """Return the scores of the student's draws from one number on to another, against the first teacher draws."""
        new = [one for one in self._samples(case, self._owner("student"), wanted) if one.draw >= drawn]
        return self._judge(case).scores(self._samples(case, "teacher", first), new)

    def prefetch(self, case: Case, role: SampleRole, draws: int) -> None:
        """Have draws of one model made, where they are made at all; returns at once."""
        if not self._in_vain(case, role, draws):
            self._own(role).prefetch((case,), None, draws)

    def there(self, case: Case, role: SampleRole, draws: int) -> bool:
        """Say whether draws of one model are there, or have failed."""
        return bool(self._in_vain(case, role, draws)) or self._own(role).ready(case, draws)

    def samples(self, case: Case, role: SampleRole, draws: int) -> list[Sample]:
        """Return the first draws of one model, as soon as they are there; raises what keeps them from being made."""
        if error := self._in_vain(case, role, draws):
            raise type(error)(str(error))
        return self._own(role).samples(case, None, draws)

    def _in_vain(self, case: Case, role: SampleRole, draws: int) -> Exception | None:
        """Return why new draws of the teacher are for nothing: the student, for whom they are, can't be opened."""
        teacher, student = self._sources["teacher"], self._sources["student"]
        if role == "student" or isinstance(teacher, Replayed) or isinstance(student, Replayed):
            return None
        error = self._session.unopened(student.plan.model) if self._session else None
        return error if error and teacher.lacks(case, draws) else None

    def _own(self, role: SampleRole) -> Source:
        """Return whence a model's whole rollouts come; those of a student that is the teacher's own are its."""
        return self._sources[self._owner(role)]

    def _owner(self, role: SampleRole) -> SampleRole:
        """Return the role that a model's whole rollouts are drawn in."""
        return "teacher" if self.alone else role

    def exhausted(self, case: Case, drawn: Wanted, more: Wanted) -> str:
        """Say why a case can't have more draws than it has, or nothing where it can."""
        roles: tuple[SampleRole, ...] = ("teacher", "student")
        for role in roles:
            source = self._own(role)
            if not getattr(more, role):
                continue
            if isinstance(source, Replayed) and source.end(case) <= getattr(drawn, role):
                return f"no more samples of {source.plan.model.identity} are recorded"
        if self._session and self._session.over_share(self.share, self.submitted):
            return "this suite's share of the budget is spent"
        return ""

    @property
    def submitted(self) -> int:
        """How many draws a model was asked for in this run."""
        return sum(source.submitted for source in self._sources.values() if not isinstance(source, Replayed))

    def _samples(self, case: Case, role: SampleRole, draws: int | None) -> list[Sample]:
        """Return the first draws of a case; a student that is to follow its teacher has none where that is invalid."""
        source = self._sources[role]
        if role == "teacher" or self.suite.rollout.mode != "next_step":
            return source.samples(case, None, draws)
        followed = self._followed(case, self._samples(case, "teacher", self._followed_draws))
        return source.samples(case, followed, draws) if followed else []

    @property
    def _followed_draws(self) -> int | None:
        """The teacher's draws among which the one is that teacher-forced draws follow: further ones don't change it."""
        return self._settings.auto.least if self._settings.auto else None

    def _begin_forced(self, case: Case, wanted: Wanted | None, drawn: list[Sample]) -> None:
        if followed := self._followed(case, drawn):
            self._sources["student"].prefetch((case,), followed, wanted.student if wanted else None)

    def _followed(self, case: Case, drawn: list[Sample]) -> Sample | None:
        """Return the teacher's sample that teacher-forced draws of a case follow: the one with the most support."""
        return representative(self._judge(case).matcher, [one for one in drawn if one.valid])

    def _judge(self, case: Case) -> Judge:
        tools = self._sources["teacher"].plan.tools(case)
        if id(tools) not in self._judges:
            matcher = Matcher(tools, rules=self.suite.rules)
            wanted = self._settings.chain_match if self.suite.chain_match is None else self.suite.chain_match
            self._judges[id(tools)] = Judge(self.suite.name, matcher, ArgumentValidator(tools), wanted=wanted)
        return self._judges[id(tools)]

    def _source(self, role: SampleRole) -> Source:
        model = self._models.get(role) or self._settings.model("teacher" if role == "teacher" else "student")
        if not model.name:
            raise ConfigError(f"no {role} is named: say --toolmatch-{role}=MODEL, or toolmatch_{role} in the ini file")
        path, called = recording_path(self._directory, model.identity), model.provider in PROVIDERS and self._session
        if not called and not path.exists():
            raise MissingRecording(self._unrecorded(role, model, path))
        if called:
            called.recover(path)
        recording = self._read(path, model.identity)
        prompt = self.suite.student if role == "student" else None
        # A run that calls models says how many samples it wants of those; of others it takes what there is.
        fewer = self._session is not None
        replayed = Replayed(Plan(self.suite, model, prompt), role, recording, self._settings.count, fewer=fewer)
        return called.source(replayed) if called else replayed

    def _unrecorded(self, role: SampleRole, model: Model, path: Path) -> str:
        names = sorted(recorded_model(path) or path.stem for path in self._directory.glob("*.jsonl"))
        there = f" (recorded there: {', '.join(names)})" if names else "; record it first, or import it from a log"
        how = "; make one with pytest --toolmatch-mode=record" if model.provider else there + _mistyped(model)
        return f"suite {self.suite.name}: no recording of {role} {model.identity!r} at {path}{how}"


def _mistyped(model: Model) -> str:
    """Return a hint where the name of a recording begins almost like a model that can be called."""
    prefix, colon, rest = model.name.partition(":")
    near = did_you_mean(prefix, PROVIDERS) if colon else ""
    return near.removesuffix("'?") + f":{rest}'?" if near else ""
