"""Composition: a case, its recorded samples, its result. The only reader of both sampling and judging."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.core.errors import ConfigError, MissingRecording
from pytest_toolmatch.core.model import parse_model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.judging.demands import check_suite
from pytest_toolmatch.judging.gate import parse_gate
from pytest_toolmatch.judging.judge import Judge
from pytest_toolmatch.judging.matching import Matcher
from pytest_toolmatch.sampling.recordings import Record, Recording, read_recording, recording_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.sample import Sample, SampleRole
    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.judging.verdict import CaseResult
    from pytest_toolmatch.settings import Settings


class SuiteRun:
    """One suite in one run: its two recordings, and the judges of its cases.

    Raises ConfigError where no teacher or student is named, MissingRecording where one of them has no recording.
    """

    def __init__(
        self, suite: Suite, settings: Settings, read: Callable[[Path, str], Recording] = read_recording
    ) -> None:
        self.suite = suite
        self.settings = settings
        self.models: dict[SampleRole, str] = {"teacher": settings.teacher, "student": settings.student}
        self.directory = suite.recordings or settings.recordings / suite.name
        self.gates = tuple(dict.fromkeys([*settings.gates, *suite.gates]))
        for gate in settings.gates:
            parse_gate(gate, "toolmatch_gates")
        check_suite(suite)
        self._recordings = {role: self._open(role, read) for role in self.models}
        self._results: dict[int, tuple[Case, CaseResult]] = {}
        self._judges: dict[int, Judge] = {}
        self._plans = {role: Plan(suite, parse_model(name)) for role, name in self.models.items()}

    @property
    def alone(self) -> bool:
        """Whether the student is the teacher's own recording: then every draw is compared with the others."""
        student = self._recordings["student"]
        own = (one.sample.role == "student" for one in student.by_key.values())
        return self._recordings["teacher"].path == student.path and not any(own)

    @property
    def divergence(self) -> str:
        """What a diverging case is: ``fail`` or ``xfail``."""
        return self.suite.divergence or self.settings.divergence

    def result(self, case: Case) -> CaseResult:
        """Judge a case by what is recorded of it; the same case is judged once."""
        if id(case) not in self._results:
            # The case is kept beside its result, so that its identity stays its own.
            self._results[id(case)] = (case, self._judged(case))
        return self._results[id(case)][1]

    def _judged(self, case: Case) -> CaseResult:
        teacher = self.samples(case, "teacher")
        student = teacher if self.alone else self.samples(case, "student")
        return self._judge(case).judge(case, teacher, student)

    def samples(self, case: Case, role: SampleRole) -> list[Sample]:
        """Return the recorded samples of a case; MissingRecording where there are none, too few, or stale ones."""
        recorded = self._recordings[role].by_case.get(case.id, ())
        own = [one for one in recorded if one.sample.role == role]
        found = own or [one for one in recorded if one.sample.role == "recorded"]
        fresh = self._fresh(case, role, found)
        wanted = self.settings.samples
        if not fresh or (wanted is not None and len(fresh) < wanted):
            raise MissingRecording(self._missing(case, role, len(fresh), len(found)))
        return [one.sample for one in fresh[:wanted]]

    def _open(self, role: SampleRole, read: Callable[[Path, str], Recording]) -> Recording:
        model = self.models[role]
        if not model:
            raise ConfigError(f"no {role} is named: say --toolmatch-{role}=MODEL, or toolmatch_{role} in the ini file")
        path = recording_path(self.directory, model)
        if not path.exists():
            raise MissingRecording(
                f"suite {self.suite.name}: no recording of {role} {model!r} at {path}{_recorded_there(self.directory)}"
            )
        return read(path, model)

    def _fresh(self, case: Case, role: SampleRole, found: Sequence[Record]) -> list[Record]:
        plan = self._plans[role]
        asked = {kind: f"{plan.asked(case, kind)}/{kind}/" for kind in {one.sample.role for one in found}}
        return [one for one in found if one.key == f"{asked[one.sample.role]}{one.sample.draw}"]

    def _missing(self, case: Case, role: SampleRole, fresh: int, found: int) -> str:
        who = f"{case.id}: {role} {self.models[role]!r}"
        path = self._recordings[role].path
        if found and not fresh:
            return (
                f"{who}: the recording in {path} is stale: the query, the tools or the instructions have changed "
                "since; restore them, or record this case again"
            )
        wanted = self.settings.samples
        if fresh and wanted is not None:
            return f"{who}: {fresh} of {wanted} samples are recorded in {path}; ask for fewer with --toolmatch-samples"
        return f"{who}: not recorded in {path}; record it, or deselect the case"

    def _judge(self, case: Case) -> Judge:
        tools = self._plans["teacher"].tools(case)
        if id(tools) not in self._judges:
            matcher = Matcher(tools, rules=self.suite.rules)
            wanted = self.settings.chain_match if self.suite.chain_match is None else self.suite.chain_match
            self._judges[id(tools)] = Judge(self.suite.name, matcher, ArgumentValidator(tools), wanted=wanted)
        return self._judges[id(tools)]


def _recorded_there(directory: Path) -> str:
    names = sorted(path.stem for path in directory.glob("*.jsonl"))
    return f" (recorded there: {', '.join(names)})" if names else "; record it first, or import it from a log"
