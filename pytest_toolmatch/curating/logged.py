"""Suites with all that is recorded of them, and who is the teacher."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pytest_toolmatch.core.errors import ConfigError, MissingRecording, did_you_mean
from pytest_toolmatch.core.request import question_digest, tools_digest
from pytest_toolmatch.curating.recorded import Recorded
from pytest_toolmatch.sampling.listed import list_mcp
from pytest_toolmatch.sampling.recordings import placed_records
from pytest_toolmatch.suites.importers.fields import counted
from pytest_toolmatch.suites.named import named_suites
from pytest_toolmatch.suites.yaml_file import read_suite
from pytest_toolmatch.ticking import Ticker

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.curating.options import CurateOptions

_NAMED = 6


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...


class Logged(NamedTuple):
    """One suite and its fresh records."""

    suite: Suite
    records: Recorded


class Logs(NamedTuple):
    """All suites, who is the teacher and who are students; ``notes`` say what is not used, and why.

    ``told`` is a hash of all that has a say in what comes of them: questions, rules, and which recordings there are.
    """

    suites: list[Logged]
    teacher: str
    students: tuple[str, ...]
    notes: list[str]
    told: str


def read_logs(paths: Sequence[Path], options: CurateOptions) -> Logs:
    """Read suites and their recordings.

    Raises SuiteError, RecordingError, ConfigError where there is no suite or no one teacher, MissingRecording where
    nothing is recorded.
    """
    left: Counter[str] = Counter()
    suites, told = [], hashlib.sha256()
    for path in named_suites(paths, "cases are chosen from"):
        suite = read_suite(path, list_mcp)
        folder = suite.recordings or options.recordings / suite.name
        with Ticker(f"reading {suite.name}") as ticker:
            suites.append(Logged(suite, _fresh(suite, folder, left, ticker, told)))
    known = list(dict.fromkeys(model for logged in suites for model in logged.records.models))
    if not known:
        where = ", ".join(str(one.suite.recordings or options.recordings / one.suite.name) for one in suites[:_NAMED])
        raise MissingRecording(
            f"nothing is recorded in {where}: import logs with toolmatch import, record a teacher with toolmatch "
            "record, or say where recordings are with --recordings DIR"
        )
    teacher = _teacher(options.teacher, known)
    students = options.students or tuple(model for model in known if model != teacher)
    if unknown := [name for name in students if name not in known]:
        raise ConfigError(f"no recording of the student {unknown[0]!r}{_there(unknown[0], known)}")
    notes = [f"{counted(count, 'sample')} {why}" for why, count in left.items() if count]
    return Logs(suites, teacher, students, notes, told.hexdigest())


def _teacher(asked: str, known: Sequence[str]) -> str:
    if asked in known:
        return asked
    if asked:
        raise MissingRecording(f"no recording of the teacher {asked!r}{_there(asked, known)}")
    if len(known) > 1:
        raise ConfigError(
            f"{len(known)} models are recorded: say which is the teacher, as in --teacher {known[0]}; "
            f"there are {', '.join(known)}"
        )
    return known[0]


def _there(name: str, known: Sequence[str]) -> str:
    return did_you_mean(name, known) or f"; recorded are {', '.join(known)}"


def _fresh(suite: Suite, folder: Path, left: Counter[str], ticker: Ticker, told: _Hash) -> Recorded:
    """Return the records that answer what the cases ask today; the others are counted. ``told`` hears of it all."""
    told.update(f"{suite.name}\n{suite.rules!r}\n".encode("utf-8", "replace"))
    asked: dict[str, tuple[int, str]] = {}
    digests: dict[int, str] = {}
    for number, case in enumerate(suite.cases):
        tools = tools_of(suite, case)
        digest = digests.setdefault(id(tools), "") or tools_digest(tools)
        digests[id(tools)] = digest
        asked[case.id] = number, f"{question_digest(case.conversation, digest, suite.instructions)}."
        told.update(f"{case.id}\n{asked[case.id][1]}\n".encode("utf-8", "replace"))
    found = Recorded(len(suite.cases))
    for path in sorted(folder.glob("*.jsonl")):
        told.update(f"{path}\n{path.stat().st_size}\n{path.stat().st_mtime_ns}\n".encode("utf-8", "replace"))
        for one, start, end in ticker.follow(placed_records(path), "samples"):
            number, question = asked.get(one.sample.case, (-1, ""))
            if number < 0:
                left["of cases that are not in their suite"] += 1
            elif not one.key.startswith(question):
                left["stale: query, tools or instructions have changed since"] += 1
            else:
                found.add(one.model, number, path, start, end)
    return found


def tools_of(suite: Suite, case: Case) -> tuple[Tool, ...]:
    """Return the tools that are on offer in a case."""
    return suite.tools if case.tools is None else case.tools
