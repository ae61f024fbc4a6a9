"""From a stream of records to suites with their recorded samples, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.chain import names_of
from pytest_toolmatch.core.errors import ImportFormatError
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.suites.importers import read_log
from pytest_toolmatch.suites.importers.fields import counted
from pytest_toolmatch.suites.importers.source import (
    Counted,
    Imported,
    Options,
    Problem,
    Question,
    Record,
    Skipped,
    Source,
)

SHOWN = 5
"""Problems that the message of a failed import repeats."""


class ImportedSuite(msgspec.Struct, frozen=True, kw_only=True):
    """A suite as imported; ``samples`` maps each model to its samples, in order of case and draw."""

    name: str
    instructions: str = ""
    tools: tuple[Tool, ...] = ()
    cases: tuple[Case, ...] = ()
    samples: dict[str, tuple[Sample, ...]] = {}


class Assembly(msgspec.Struct, frozen=True, kw_only=True):
    """What an import came to; ``counts`` says what was read, kept and left out, by reason.

    ``problems`` are of single places in the log, ``doubts`` of whole suites.
    """

    suites: tuple[ImportedSuite, ...]
    doubts: tuple[Problem, ...] = ()
    problems: tuple[Problem, ...] = ()
    counts: dict[str, int] = {}


def import_log(form: str, name: str, sources: Sequence[Source], options: Options | None = None) -> Assembly:
    """Read a log of the given format into suites; ImportFormatError where nothing in it could be understood."""
    options = options or Options()
    return assemble(name, read_log(form, sources, options), options.tools)


def assemble(name: str, records: Iterable[Record], tools: tuple[Tool, ...] = ()) -> Assembly:
    """Put records into suites: the parts of a benchmark each into their own, everything else into ``name``.

    Draws are numbered in order of appearance. Raises ImportFormatError where the records hold no case at all.
    """
    parts: dict[str, _Part] = {}
    problems: list[Problem] = []
    counts: Counter[str] = Counter()
    for record in records:
        match record:
            case Problem():
                problems.append(record)
            case Skipped():
                counts[record.reason] += record.calls
            case Counted():
                counts[record.what] += record.count
            case Question() | Imported():
                part = parts.setdefault(record.suite or name, _Part(record.suite or name))
                part.add(record, counts)
    problems += (problem for part in parts.values() for problem in part.problems)
    doubts = tuple(doubt for part in parts.values() for doubt in part.doubts(tools))
    if not parts:
        raise ImportFormatError(_nothing(problems))
    suites = tuple(part.suite(tools) for part in parts.values())
    counts["problems"] = len(doubts) + len(problems)
    return Assembly(suites=suites, doubts=doubts, problems=tuple(problems), counts=dict(counts))


def _nothing(problems: Sequence[Problem]) -> str:
    shown = "".join(f"\n  {problem}" for problem in problems[:SHOWN])
    more = f"\n  and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
    return f"nothing to import: no run of any model was found{':' if shown else ''}{shown}{more}"


class _Part:
    """One suite in the making."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._cases: dict[str, Case] = {}
        self._samples: dict[str, list[Sample]] = {}
        self._draws: Counter[tuple[str, str]] = Counter()
        self._seen: set[tuple[str, str]] = set()
        self._instructions: Counter[str] = Counter()
        self.problems: list[Problem] = []

    def add(self, record: Imported | Question, counts: Counter[str]) -> None:
        """Take in one record."""
        case = self._place(record.case)
        if isinstance(record, Question):
            return
        counts["runs"] += 1
        if record.identity and (record.model, record.identity) in self._seen:
            counts["runs found twice"] += 1
            return
        self._seen.add((record.model, record.identity))
        counts["samples"] += 1
        counts["calls"] += len(names_of(record.chain))
        self._instructions[record.instructions] += 1
        self._samples.setdefault(record.model, []).append(self._sample(record, case))

    def _place(self, case: Case) -> Case:
        """Return the case as it stands in the suite: under its id, or under a new one where that is taken."""
        base, number = case.id, 1
        while known := self._cases.get(case.id):
            if known.conversation == case.conversation and known.tools == case.tools:
                return known
            number += 1
            case = msgspec.structs.replace(case, id=f"{base}-{number}")
        if number > 1:
            what = f"another conversation than {self._cases[base].where} under the id {base!r}: it becomes {case.id!r}"
            self.problems.append(Problem(case.where, what))
        self._cases[case.id] = case
        return case

    def _sample(self, run: Imported, case: Case) -> Sample:
        draw = self._draws[run.model, case.id]
        self._draws[run.model, case.id] += 1
        return Sample(
            case=case.id,
            role="recorded",
            draw=draw,
            outcome=run.outcome,
            chain=run.chain,
            text=run.text,
            usage=run.usage,
            latency=run.latency,
            error=run.error,
            source=run.source,
            alternative=run.alternative,
            replies=run.replies,
        )

    def suite(self, tools: tuple[Tool, ...]) -> ImportedSuite:
        """Return the finished suite."""
        order = {case: place for place, case in enumerate(self._cases)}
        return ImportedSuite(
            name=self.name,
            instructions=self._common_instructions,
            tools=tools,
            cases=tuple(self._cases.values()),
            samples={
                model: tuple(sorted(samples, key=lambda sample: (order[sample.case], sample.draw)))
                for model, samples in self._samples.items()
            },
        )

    @property
    def _common_instructions(self) -> str:
        told = Counter({text: runs for text, runs in self._instructions.items() if text})
        return told.most_common(1)[0][0] if told else ""

    def doubts(self, tools: Sequence[Tool]) -> Iterator[Problem]:
        """Yield what a user should know before trusting the suite."""
        told = sum(self._instructions[text] for text in self._instructions if text)
        others = told - self._instructions[self._common_instructions] if told else 0
        if others:
            yield Problem(
                self.name, f"{others} of {counted(told, 'run')} had other instructions than the suite now has"
            )
        open_cases = {key for key, case in self._cases.items() if case.tools is None}
        drawn = (one for model in self._samples.values() for one in model if one.case in open_cases)
        called = Counter(name for one in drawn for name in names_of(one.chain))
        if open_cases and called and not tools:
            yield Problem(self.name, f"the log declares no tools: give --tools a file with {_listed(called)}")
        declared = {tool.name for tool in tools}
        unknown = Counter({name: calls for name, calls in called.items() if name not in declared})
        if open_cases and tools and unknown:
            yield Problem(self.name, f"calls of undeclared tools: add them to --tools, or --exclude {_listed(unknown)}")


def _listed(called: Counter[str]) -> str:
    shown = ", ".join(f"{name} ({calls})" for name, calls in called.most_common(10))
    return f"{shown}{' and others' if len(called) > 10 else ''}"  # noqa: PLR2004 - as many as are shown
