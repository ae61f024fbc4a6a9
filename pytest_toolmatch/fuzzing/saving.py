"""Findings as cases: a suite with recordings beside the fuzzed one, which replays without hypothesis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.errors import ConfigError, SuiteError
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.fuzzing.comparing import AGREED
from pytest_toolmatch.fuzzing.trial import Ask
from pytest_toolmatch.sampling.listed import list_mcp
from pytest_toolmatch.sampling.recordings import Record, append_records, recording_path
from pytest_toolmatch.suites.cases import form_of, read_cases
from pytest_toolmatch.suites.writer import suite_files
from pytest_toolmatch.suites.yaml_file import SUFFIX, read_suite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pytest_toolmatch.core.sample import Sample, SampleRole
    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.fuzzing.campaign import Finding
    from pytest_toolmatch.fuzzing.trial import Trial
    from pytest_toolmatch.fuzzing.variant import Variant


class Saver:
    """Writes the findings of one suite to ``NAME.fuzzed.toolmatch.yaml``; those of an earlier run stay.

    ``folder`` keeps every draw of a campaign, for one that goes on; it may be deleted. Raises ConfigError for a suite
    whose tools run code that the directory can't name, and where those of an earlier run were asked otherwise.
    """

    def __init__(self, suite: Suite, source: Path, directory: Path) -> None:
        self.suite = msgspec.structs.replace(suite, name=f"{suite.name}.fuzzed", gates=())
        self.folder = directory / ".fuzzing" / suite.name
        self._directory = directory
        self._cases = directory / f"{self.suite.name}.cases.jsonl"
        self._tools = self._named_tools(source)
        if self._goes_on and _asked(read_suite(self.path, list_mcp)) != _asked(self.suite):
            raise ConfigError(
                f"{self.path} was written for another version of the suite: choose another directory with -o, or "
                "remove it"
            )

    @property
    def path(self) -> Path:
        """The suite file."""
        return self._directory / f"{self.suite.name}{SUFFIX}"

    @property
    def _goes_on(self) -> bool:
        """Whether there are cases of an earlier run."""
        return self.path.exists() and self._cases.exists() and bool(self._cases.read_bytes().strip())

    def save(
        self,
        findings: Sequence[Finding],
        told: Sequence[tuple[list[Sample], ...]],
        model_of: Callable[[SampleRole], Model],
    ) -> None:
        """Write cases and recordings; ``told`` are the draws that ``kept`` returned, finding by finding."""
        recordings = self._directory / "recordings" / self.suite.name
        for role in ("teacher", "student"):
            plan = Plan(self.suite, model_of(role), self.suite.student if role == "student" else None)
            records = [
                Record(key=plan.key(one.case, role, sample.draw), model=plan.model.identity, sample=sample)
                for finding, samples in zip(findings, told, strict=True)
                for one, own in zip(asked_of(finding), samples, strict=True)
                for sample in own
                if one.role == role and sample.valid
            ]
            append_records(recording_path(recordings, plan.model.identity), records)
        self._write([_case_of(finding.smallest.variant) for finding in findings])

    def _write(self, cases: Sequence[Case]) -> None:
        earlier = read_cases(self._cases, str(self.path)) if self._goes_on else ()
        new = [case for case in cases if case.id not in {one.id for one in earlier}]
        try:
            if earlier:
                lines = b"".join(msgspec.json.encode(form_of(case)) + b"\n" for case in (*earlier, *new))
                self._cases.write_bytes(lines)
                return
            files = suite_files(msgspec.structs.replace(self.suite, cases=tuple(new)), self._directory)
            self._directory.mkdir(parents=True, exist_ok=True)
            for path, content in files.items():
                if path.suffix == ".yaml" and self._tools:
                    content = _with_tools(content, self._tools)  # noqa: PLW2901 - the same file, with other tools
                path.write_bytes(content)
        except OSError as error:
            raise SuiteError(f"can't write to {self._directory}: {error.strerror}; choose another -o") from None

    def _named_tools(self, source: Path) -> dict[str, Any]:
        """Return how the fuzzed suite names tools that can't be written down, and what it says of their answers."""
        if not any(tool.implementation is not None or callable(tool.reply) for tool in self.suite.tools):
            return {}
        if self._directory.resolve() != source.parent.resolve():
            raise ConfigError(
                f"{source}: its tools are code beside it, so that what is found has to be written there, too: leave "
                "-o out"
            )
        form = yaml.safe_load(source.read_text())
        return {key: form[key] for key in ("tools", "replies", "execute") if key in form}


def _asked(suite: Suite) -> list[str]:
    """Return what teacher and student are asked in every case of a suite, as keys have it."""
    case, model = Case(id="", conversation=()), Model(name="")
    return [Plan(suite, model, prompt).asked(case, "teacher") for prompt in (None, suite.student)]


def asked_of(finding: Finding) -> tuple[Ask, ...]:
    """Return the draws that a saved case has: those that were made of it."""
    found = finding.smallest
    return (Ask(found.variant, "teacher", AGREED), Ask(found.variant, "student", found.skipped + found.after.draws))


def kept(finding: Finding) -> Trial[tuple[list[Sample], ...]]:
    """Return the draws of a finding that are recorded with it."""
    return (yield asked_of(finding))


def _case_of(variant: Variant) -> Case:
    return Case(id=variant.id, conversation=variant.conversation, tags=variant.tags, tools=variant.tools)


def _with_tools(text: bytes, tools: dict[str, Any]) -> bytes:
    form = yaml.safe_load(text) | tools
    return yaml.safe_dump(form, sort_keys=False, allow_unicode=True, width=110).encode()
