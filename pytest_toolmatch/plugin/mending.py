"""The repair of one suite of a run: by its own models and settings, with all of its cases, handed back beside it.

Nothing that is there is written over, but for what an earlier repair has left.
"""

from __future__ import annotations

import re
import shlex
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.live import open_session
from pytest_toolmatch.repair.grounds import Given, reflecting
from pytest_toolmatch.repair.lines import report_lines
from pytest_toolmatch.repair.one import check_called, keep, mend
from pytest_toolmatch.repair.options import INI, options_of_lines
from pytest_toolmatch.repair.patching import suite_diff, write_diff
from pytest_toolmatch.repair.phases import phases_of
from pytest_toolmatch.repair.result import repair_report
from pytest_toolmatch.sampling.budget import left_of
from pytest_toolmatch.sampling.listed import list_mcp
from pytest_toolmatch.suites.student_file import SUFFIX as STUDENT
from pytest_toolmatch.suites.student_file import write_student
from pytest_toolmatch.suites.yaml_file import SUFFIX, read_suite

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.sample import SampleRole
    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.plugin.run import Run
    from pytest_toolmatch.plugin.teller import Teller
    from pytest_toolmatch.repair.options import RepairOptions
    from pytest_toolmatch.repair.work import Repaired
    from pytest_toolmatch.reports.repairs import RepairReport
    from pytest_toolmatch.sampling.session import Session
    from pytest_toolmatch.settings import Settings

_SHOWN = 80
"""Lines of a diff on the terminal."""


class Patient(NamedTuple):
    """A suite that is to be repaired, where it is declared, and its models."""

    suite: Suite
    place: Path
    models: Mapping[SampleRole, Model]

    @property
    def in_yaml(self) -> bool:
        """Whether it is a suite file, and no test module."""
        return self.place.name.endswith(SUFFIX)


class Mending:
    """Repairs suites of a run; all repairs share one budget: that of ``toolmatch_repair``, or what the run has left."""

    def __init__(self, run: Run, teller: Teller) -> None:
        self._run, self._teller = run, teller
        self._options: RepairOptions = options_of_lines(run.settings.repair, INI, run.settings.confidence)
        self._left = self._options.budget or run.settings.budget
        if run.session and not self._options.budget:
            self._left = left_of(self._left, run.session.spent())

    def repaired(self, name: str) -> Generator[str, None, RepairReport]:
        """Yield how far the repair of a suite has come, and return what became of it.

        Raises ToolmatchError for whatever is wrong or missing.
        """
        phases, patient = phases_of(self._options.phases), self._patient(name)
        self._check(patient)
        settings = self._settings()
        session = open_session(settings, self._teller.tick)
        self._teller.watch(session)
        try:
            folder = patient.place.parent / ".repair" / _file_name(name)
            given = Given(patient.suite, folder, self._options, settings, session, models=patient.models)
            done = yield from mend(given, phases)
            written = yield from self._told(patient, done, session, folder)
            return repair_report(done, session.spent(), settings.confidence, written)
        finally:
            session.close(cancel=True, complete=True)
            self._left = left_of(self._left, session.spent())

    def _patient(self, name: str) -> Patient:
        """Return a suite with all cases that are known of it."""
        runs = [run for run in self._run.runs(name) if run.judged]
        place = Path(self._run.places[name])
        if not runs and not place.name.endswith(SUFFIX):
            raise ConfigError(f"{place}: its tools are known where its tests run; leave pytest-xdist out with -n 0")
        if not runs:
            return Patient(read_suite(place, list_mcp), place, {})
        if len(runs) > 1:
            raise ConfigError(f"{place}: its tests have different toolmatch marks; give each set a suite=… of its own")
        (run,) = runs
        models: dict[SampleRole, Model] = {"teacher": run.model("teacher"), "student": run.model("student")}
        cases = self._run.cases.get(name, {}) | {case.id: case for case in run.judged}
        every = run.suite.cases or tuple(cases.values())
        return Patient(msgspec.structs.replace(run.suite, cases=every), place, models)

    def _check(self, patient: Patient) -> None:
        student = patient.models.get("student") or self._run.settings.model("student")
        teacher = patient.models.get("teacher") or self._run.settings.model("teacher")
        writer = reflecting(self._options, teacher)
        check_called("student", student, f"student {student.identity}")
        said = "reflect_with" if self._options.reflect_with else "teacher"
        how = f"name one that can be called under {INI}: reflect_with = MODEL"
        check_called("writer", writer, f"{said} {writer.identity}", how)

    def _settings(self) -> Settings:
        """Return the settings of a repair: those of the run, but that models are called, for what is left to spend."""
        changes = {"mode": "record", "samples": "", "batch": False, "budget": self._left}
        return msgspec.structs.replace(self._run.settings, **changes)

    def _told(self, patient: Patient, done: Repaired, session: Session, folder: Path) -> Generator[str, None, str]:
        """Yield the report, keep it, and hand back what was accepted; return the file that was written."""
        confidence = self._options.confidence
        yield from report_lines(done, session.spent(), confidence, changes=not patient.in_yaml)
        diff = suite_diff(patient.place, done.prompt, done.split) if patient.in_yaml else []
        keep(folder, done, session.spent(), confidence, diff)
        if not (done.proof and done.proof.accepted):
            if done.proof:
                yield f"what was tried: {_shown(folder / 'report.md')}"
            return ""
        return (yield from (self._patch if patient.in_yaml else self._student_file)(patient, done))

    def _patch(self, patient: Patient, done: Repaired) -> Generator[str, None, str]:
        place = patient.place
        patch = place.with_name(f"{patient.suite.name}.repair.patch")
        lines = write_diff(place, patch, done.prompt, done.split)
        yield ""
        yield from lines[:_SHOWN]
        if len(lines) > _SHOWN:
            yield f"… {len(lines) - _SHOWN} more lines"
        yield ""
        yield f"written: {_shown(patch)}"
        here = place.parent.resolve() == Path.cwd()
        yield f"apply it:    git {'' if here else f'-C {_quoted(place.parent)} '}apply {shlex.quote(patch.name)}"
        yield self._recording(place)
        return str(patch)

    def _student_file(self, patient: Patient, done: Repaired) -> Generator[str, None, str]:
        place, name = patient.place, _file_name(patient.suite.name)
        path = place.with_name(f"{name}{STUDENT}")
        if path.exists():
            path = place.with_name(f"{name}.repaired{STUDENT}")
        write_student(path, done.prompt, done.split)
        yield ""
        yield f"written: {_shown(path)}"
        yield f'use it:      pytestmark = pytest.mark.toolmatch(student="{path.name}")  in {_shown(place)}'
        yield self._recording(place)
        return str(path)

    def _recording(self, place: Path) -> str:
        """Return the command that records the student anew, by the models that this run was told of."""
        given = self._run.config.option
        named = {role: getattr(given, f"toolmatch_{role}", None) for role in ("teacher", "student")}
        flags = [f" --toolmatch-{role}={shlex.quote(model)}" for role, model in named.items() if model]
        return f"then record: pytest {_quoted(place)} --toolmatch-mode=record{''.join(flags)}"


def _shown(path: Path) -> str:
    return relpath(path)


def _quoted(path: Path) -> str:
    return shlex.quote(relpath(path))


def _file_name(suite: str) -> str:
    return re.sub(r"[^\w.-]", "-", suite)
