"""Suites with all that is recorded of them, and what that says of each case."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from pytest_toolmatch.core.conversation import asked_in
from pytest_toolmatch.core.errors import ConfigError, MissingRecording, did_you_mean
from pytest_toolmatch.core.request import question_digest, tools_digest
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.curation.quality import Known
from pytest_toolmatch.judging.consensus import representative
from pytest_toolmatch.judging.judge import Judge
from pytest_toolmatch.judging.matching import Matcher
from pytest_toolmatch.sampling.listed import list_mcp
from pytest_toolmatch.sampling.recordings import read_records
from pytest_toolmatch.suites.importers.fields import counted
from pytest_toolmatch.suites.named import named_suites
from pytest_toolmatch.suites.yaml_file import read_suite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.chain import Chain
    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.curating.options import CurateOptions
    from pytest_toolmatch.judging.verdict import CaseResult
    from pytest_toolmatch.sampling.recordings import Record

_NAMED = 6
_MEETS = 1.0


class Logged(NamedTuple):
    """One suite and its fresh records, by model and case."""

    suite: Suite
    records: dict[str, dict[str, list[Record]]]


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """One case that the teacher answered: where it is from, what it asks, and what is known of it.

    ``match`` is how often each student matches, ``offered`` are the names of the tools on offer.
    """

    suite: int
    case: Case
    text: str
    known: Known
    match: dict[str, float] = {}
    offered: tuple[str, ...] = ()

    @property
    def chain(self) -> Chain:
        """The teacher's chain with the most support."""
        return self.known.chain

    @property
    def asked(self) -> str:
        """All that the user says, by which cases are near-duplicates or not."""
        return asked_in(self.case.conversation)


class Logs(NamedTuple):
    """All suites, who is the teacher and who are students; ``notes`` say what is not used, and why."""

    suites: list[Logged]
    teacher: str
    students: tuple[str, ...]
    notes: list[str]


def read_logs(paths: Sequence[Path], options: CurateOptions) -> Logs:
    """Read suites and their recordings.

    Raises SuiteError, RecordingError, ConfigError where there is no suite or no one teacher, MissingRecording where
    nothing is recorded.
    """
    left: Counter[str] = Counter()
    suites = []
    for path in named_suites(paths, "cases are chosen from"):
        suite = read_suite(path, list_mcp)
        suites.append(Logged(suite, _fresh(suite, suite.recordings or options.recordings / suite.name, left)))
    known = list(dict.fromkeys(model for logged in suites for model in logged.records))
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
    return Logs(suites, teacher, students, notes)


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


def _fresh(suite: Suite, folder: Path, left: Counter[str]) -> dict[str, dict[str, list[Record]]]:
    """Return the records that answer what the cases ask today; the others are counted."""
    asked: dict[str, str] = {}
    digests: dict[int, str] = {}
    for case in suite.cases:
        tools = tools_of(suite, case)
        digest = digests.setdefault(id(tools), "") or tools_digest(tools)
        digests[id(tools)] = digest
        asked[case.id] = f"{question_digest(case.conversation, digest, suite.instructions)}."
    found: dict[str, dict[str, list[Record]]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for one in read_records(path):
            start = asked.get(one.sample.case)
            if start is None:
                left["of cases that are not in their suite"] += 1
            elif not one.key.startswith(start):
                left["stale: query, tools or instructions have changed since"] += 1
            else:
                found.setdefault(one.model, {}).setdefault(one.sample.case, []).append(one)
    return found


def tools_of(suite: Suite, case: Case) -> tuple[Tool, ...]:
    """Return the tools that are on offer in a case."""
    return suite.tools if case.tools is None else case.tools


def subjects(logs: Logs) -> Iterator[Subject | None]:
    """Yield every case with what is known of it; None for one that the teacher did not answer."""
    for number, logged in enumerate(logs.suites):
        judges: dict[int, Judge] = {}
        for case in logged.suite.cases:
            tools = tools_of(logged.suite, case)
            if id(tools) not in judges:
                matcher = Matcher(tools, rules=logged.suite.rules)
                judges[id(tools)] = Judge(logged.suite.name, matcher, ArgumentValidator(tools), wanted=_MEETS)
            yield _subject(number, case, logged, logs, judges[id(tools)])


def _subject(number: int, case: Case, logged: Logged, logs: Logs, judge: Judge) -> Subject | None:
    drawn = {
        model: [one.sample for one in logged.records.get(model, {}).get(case.id, ()) if one.sample.valid]
        for model in (logs.teacher, *logs.students)
    }
    teacher = drawn.pop(logs.teacher)
    chosen = representative(judge.matcher, teacher)
    if chosen is None:
        return None
    offered = tuple(tool.name for tool in judge.matcher.tools)
    itself = judge.judge(case, teacher, teacher)
    match = {model: _match(judge.judge(case, teacher, samples)) for model, samples in drawn.items() if samples}
    said = {model: value for model, value in match.items() if value is not None}
    known = Known(
        chain=chosen.chain,
        consistency=itself.value("consistency"),
        # Without any schema, no call is known to be valid, nor to be anything else.
        validity=itself.value("argument_validity") if offered else None,
        failure=1 - sum(said.values()) / len(said) if said else None,
        ambiguous=bool(itself.value("ambiguous")),
    )
    return Subject(suite=number, case=case, text=said_in(case), known=known, match=said, offered=offered)


def _match(result: CaseResult) -> float | None:
    match = result.value("chain_match")
    return result.value("agreement") if match is None else match


_SHORT = 4


def said_in(case: Case) -> str:
    """Return what a case asks: its query, after what was said before it where that alone tells little."""
    query = case.query
    if len(query.split()) >= _SHORT:
        return query
    before = [one.content for one in case.conversation if one.content and one.role in ("user", "assistant")]
    return "\n".join(before[-2:]) or query
