"""Suites with what their teacher is recorded to have done."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.core.conversation import asked_in
from pytest_toolmatch.core.errors import ConfigError, MissingRecording, did_you_mean
from pytest_toolmatch.core.request import question_digest, tools_digest
from pytest_toolmatch.sampling.listed import list_mcp
from pytest_toolmatch.sampling.recordings import read_recording, read_records, recording_path
from pytest_toolmatch.suites.importers.fields import counted
from pytest_toolmatch.suites.named import named_suites
from pytest_toolmatch.suites.yaml_file import read_suite

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.sampling.recordings import Record

USABLE = ("called", "answered")
"""Outcomes of samples to learn from: the others broke off, or hold what no student should do."""

NOT_RECORDED = ("case", "not recorded")
STALE = ("sample", "stale, their query, tools or instructions have changed since")

_NAMED = 6


class Recorded(NamedTuple):
    """One case with the tools on offer and the teacher's valid samples of it."""

    suite: Suite
    case: Case
    tools: tuple[Tool, ...]
    samples: tuple[Sample, ...]

    @property
    def asked(self) -> str:
        """All that the user says, by which cases are near-duplicates or not."""
        return asked_in(self.case.conversation)


class Found(NamedTuple):
    """What is recorded of a teacher; ``notes`` say what is not used, and why.

    ``incomplete`` says that recording again would bring more.
    """

    teacher: str
    cases: list[Recorded]
    notes: list[str]
    incomplete: bool


def read_recorded(
    paths: Sequence[Path], recordings: Path, teacher: str = "", *, use: str = "a student learns from"
) -> Found:
    """Read suites and the recordings of their teacher; without a name, it is the one model that is recorded.

    ``recordings`` holds those of suites that name no directory of their own, below their names. ``use`` says, in
    messages, what is done with them. Raises SuiteError,
    RecordingError, ConfigError where there is no suite or no one teacher, MissingRecording where nothing is recorded.
    """
    suites = [read_suite(path, list_mcp) for path in named_suites(paths, use)]
    folders = {id(suite): suite.recordings or recordings / suite.name for suite in suites}
    teacher = teacher or _only(_known(folders.values()), folders.values())
    cases: list[Recorded] = []
    lacking: list[str] = []
    left: Counter[tuple[str, str]] = Counter()
    for suite in suites:
        path = recording_path(folders[id(suite)], teacher)
        if not path.exists():
            lacking.append(suite.name)
            continue
        by_case = read_recording(path, teacher).by_case
        cases += [_recorded(suite, case, by_case.get(case.id, []), left) for case in suite.cases]
    if len(lacking) == len(suites):
        raise MissingRecording(
            f"no recording of {teacher} for {_first(lacking)}{_hint(teacher, _known(folders.values()))}"
        )
    notes = [f"{len(lacking)} of {len(suites)} suites lack its recordings: {_first(lacking)}"] if lacking else []
    notes += [f"{counted(count, noun)}: {why}" for (noun, why), count in left.items() if count]
    incomplete = bool(lacking or left[NOT_RECORDED] or left[STALE])
    return Found(teacher, [case for case in cases if usable(case.samples)], notes, incomplete)


def usable(samples: Iterable[Sample]) -> list[Sample]:
    """Return the samples to learn from."""
    return [sample for sample in samples if sample.outcome in USABLE]


def _recorded(suite: Suite, case: Case, records: Sequence[Record], left: Counter[tuple[str, str]]) -> Recorded:
    """Return the samples that answer what the case asks today; all others are counted."""
    tools = suite.tools if case.tools is None else case.tools
    asked = question_digest(case.conversation, tools_digest(tools), suite.instructions)
    own = [one for one in records if one.sample.role != "student"] or records
    fresh = [one.sample for one in own if one.key.startswith(f"{asked}.")]
    valid = tuple(sample for sample in fresh if sample.valid)
    left[NOT_RECORDED] += not records
    left[STALE] += len(own) - len(fresh)
    left["sample", "nothing to learn from, since they broke off"] += len(fresh) - len(usable(valid))
    return Recorded(suite, case, tools, valid)


def _known(folders: Iterable[Path]) -> list[str]:
    """Return the models that are recorded."""
    files = [path for folder in dict.fromkeys(folders) for path in sorted(folder.glob("*.jsonl"))]
    return list(dict.fromkeys(records[0].model for path in files if (records := read_records(path))))


def _only(known: Sequence[str], folders: Iterable[Path]) -> str:
    if len(known) == 1:
        return known[0]
    if known:
        raise ConfigError(
            f"{len(known)} models are recorded: say which is the teacher, as in --teacher {known[0]}; "
            f"there are {', '.join(known)}"
        )
    where = ", ".join(dict.fromkeys(map(str, folders)))
    raise MissingRecording(
        f"nothing is recorded in {where}: record a teacher with toolmatch record, or say where with --recordings DIR"
    )


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")


def _hint(teacher: str, known: Sequence[str]) -> str:
    there = f"; recorded are {', '.join(known)}" if known else "; record it with toolmatch record"
    return did_you_mean(teacher, known) or there
