"""From a stream of records to suites with their recorded samples; what is read is kept on disk, not in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.chain import names_of
from pytest_toolmatch.core.errors import ImportFormatError
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.suites.importers.fields import amount, counted
from pytest_toolmatch.suites.importers.redact import Redactor
from pytest_toolmatch.suites.importers.source import (
    Counted,
    Ignored,
    Imported,
    Offered,
    Problem,
    Question,
    Record,
    Skipped,
)
from pytest_toolmatch.suites.importers.spool import Drawn, Spool, Spooled, digest_of

SHOWN = 5
"""Problems that the message of a failed import repeats."""


class ImportedSuite(msgspec.Struct, frozen=True, kw_only=True):
    """A suite as imported; ``samples`` maps each model to its samples, in order of case and draw.

    ``usual`` are the tools that most cases list for themselves, where the suite has none for all of them.
    """

    name: str
    instructions: str
    tools: tuple[Tool, ...]
    cases: Spooled[Case]
    samples: dict[str, Drawn]
    usual: tuple[Tool, ...] = ()


class Assembly(msgspec.Struct, frozen=True, kw_only=True):
    """What an import came to; ``counts`` says what was read, kept and left out, by reason.

    ``problems`` are of single places in the log, ``doubts`` of whole suites. ``redacted`` counts the values that were
    taken out, by kind.
    """

    suites: tuple[ImportedSuite, ...]
    doubts: tuple[Problem, ...] = ()
    problems: tuple[Problem, ...] = ()
    counts: dict[str, int] = {}
    redacted: dict[str, int] = {}


def assemble(
    name: str, records: Iterable[Record], tools: tuple[Tool, ...] = (), redactor: Redactor | None = None
) -> Assembly:
    """Put records into suites: the parts of a benchmark each into their own, everything else into ``name``.

    Draws are numbered in order of appearance. Raises ImportFormatError where the records hold no case at all.
    """
    redactor = redactor or Redactor(())
    spool = Spool(redactor.late)
    parts: dict[str, _Part] = {}
    problems: list[Problem] = []
    counts: Counter[str] = Counter()
    for record in map(redactor.record, records):
        match record:
            case Problem():
                problems.append(record)
            case Skipped():
                counts[record.reason] += record.calls
            case Ignored():
                counts[record.reason] += 1
            case Counted():
                counts[record.what] += record.count
            case Question(case=case) | Imported(case=case) if not case.conversation:
                left = "without a message: left out"
                problems.append(Problem(case.where, f"a case {left}", f"cases {left}"))
            case Offered() | Question() | Imported():
                part = parts.setdefault(record.suite or name, _Part(record.suite or name, len(parts), spool))
                part.add(record, counts)
    parts = {name: part for name, part in parts.items() if part.holds_cases}
    if not parts:
        raise _nothing(problems, counts)
    problems += (problem for part in parts.values() for problem in part.problems)
    doubts = tuple(doubt for part in parts.values() for doubt in part.doubts(tools))
    suites = tuple(part.suite(tools) for part in parts.values())
    counts["problems"] = len(doubts) + len(problems)
    return Assembly(
        suites=suites, doubts=doubts, problems=tuple(problems), counts=dict(counts), redacted=dict(redactor.counts)
    )


def _nothing(problems: Sequence[Problem], counts: Counter[str]) -> ImportFormatError:
    """Return the error, with the problems as notes: a line each, whatever stands in them."""
    left = ", ".join(amount(count, what) for what, count in counts.items() if count)
    colon = ":" if problems else ""
    error = ImportFormatError(f"nothing to import: no run of any model was found{f' ({left})' if left else ''}{colon}")
    for problem in problems[:SHOWN]:
        error.add_note(f"  {problem}")
    if len(problems) > SHOWN:
        error.add_note(f"  and {len(problems) - SHOWN} more")
    return error


class _Part:
    """One suite in the making."""

    def __init__(self, name: str, number: int, spool: Spool) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self.holds_cases = False
        self._number = number
        self._spool = spool
        self._series: dict[str, int] = {}
        self._called: Counter[str] = Counter()
        self._offered: dict[str, Tool] = {}
        self._open = False

    def add(self, record: Imported | Question | Offered, counts: Counter[str]) -> None:
        """Take in one record."""
        if isinstance(record, Offered):
            named = (tool for tool in record.tools if self._offered.get(tool.name, Tool(name="")).parameters is None)
            self._offered.update({tool.name: tool for tool in named})
            return
        self.holds_cases = True
        self._open = self._open or record.case.tools is None
        if isinstance(record, Question):
            self._place(record.case)
            return
        counts["runs"] += 1
        series = self._series.setdefault(record.model, (self._number << 32) + len(self._series))
        copied = self._spool.find_run(series, record.identity)
        if copied is None:
            self._draw(record, series, counts)
        else:
            self._keep_longer(record, copied, counts)

    def _place(self, case: Case) -> tuple[int, Case]:
        """Return the case as it stands in the suite: under its id, or under a new one where that is taken."""
        base, number, first = case.id, 1, ""
        digest = digest_of(case.conversation, case.tools)
        look = "SELECT number, digest, data FROM cases WHERE suite = ? AND id = ?"
        while known := self._spool.one(look, self._number, case.id):
            if known[1] == digest:
                return known[0], case
            first = first or self._spool.read_case(known[2]).where
            number += 1
            case = msgspec.structs.replace(case, id=f"{base}-{number}")
        if number > 1:
            what = f"another conversation than {first} under the id {base!r}: it becomes {case.id!r}"
            self.problems.append(Problem(case.where, what))
        return self._spool.put_case(self._number, case, digest), case

    def _draw(self, run: Imported, series: int, counts: Counter[str]) -> None:
        """Keep a run as the next draw of its case."""
        place, case = self._place(run.case)
        drawn = self._spool.one("SELECT count(*) FROM samples WHERE series = ? AND place = ?", series, place)
        number = self._spool.put_sample(series, place, _sample(run, case.id, drawn[0]))
        self._spool.note_run(series, run.identity, number)
        self._note_instructions(run.instructions)
        counts["samples"] += 1
        counts["calls"] += len(names_of(run.chain))
        if case.tools is None:
            self._called.update(names_of(run.chain))

    def _keep_longer(self, run: Imported, number: int, counts: Counter[str]) -> None:
        """Keep the longer of two copies of one run: that of a session that was resumed or forked is often cut short."""
        kept = self._spool.sample(number)
        names, before = names_of(run.chain), names_of(kept.chain)
        counts["runs found twice"] += 1
        counts["calls of runs found twice"] += min(len(names), len(before))
        if len(names) > len(before):
            self._spool.swap_sample(number, _sample(run, kept.case, kept.draw))
            counts["calls"] += len(names) - len(before)
            if run.case.tools is None:
                self._called.update(names)
                self._called.subtract(before)

    def _note_instructions(self, text: str) -> None:
        self._spool.ask(
            "INSERT INTO instructions VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET runs = runs + 1",
            self._number,
            digest_of(text),
            text,
        )

    def suite(self, tools: tuple[Tool, ...]) -> ImportedSuite:
        """Return the finished suite."""
        rows = "SELECT data FROM cases WHERE suite = ? ORDER BY number"
        return ImportedSuite(
            name=self.name,
            instructions=self._spool.read_text(self._common_instructions[0]),
            tools=self._tools(tools),
            cases=Spooled(self._spool, rows, (self._number,), self._spool.read_case),
            samples={model: Drawn(self._spool, series) for model, series in self._series.items()},
            usual=() if self._open or tools or self._offered else self._spool.usual_tools(self._number),
        )

    def _tools(self, given: tuple[Tool, ...]) -> tuple[Tool, ...]:
        """Return the tools that were given, then those that only the log knows of."""
        names = {tool.name for tool in given}
        return (*given, *self._spool.read_tools(tool for name, tool in self._offered.items() if name not in names))

    @property
    def _common_instructions(self) -> tuple[str, int]:
        told = "SELECT text, runs FROM instructions WHERE suite = ? AND text != '' ORDER BY runs DESC, rowid LIMIT 1"
        return self._spool.one(told, self._number) or ("", 0)

    def doubts(self, given: tuple[Tool, ...]) -> Iterator[Problem]:
        """Yield what a user should know before trusting the suite."""
        total = "SELECT coalesce(sum(runs), 0) FROM instructions WHERE suite = ? AND text != ''"
        told = self._spool.one(total, self._number)[0]
        if others := told - self._common_instructions[1]:
            yield Problem(
                self.name, f"{others} of {counted(told, 'run')} had other instructions than the suite now has"
            )
        if not self._open:
            return
        known = {tool.name for tool in (*given, *self._offered.values()) if tool in given or tool.parameters}
        unknown = Counter({name: calls for name, calls in self._called.items() if name not in known})
        if unknown and not given and not self._offered:
            yield Problem(self.name, f"the log declares no tools: give --tools a file with {_listed(unknown)}")
        elif unknown:
            yield Problem(self.name, f"calls of undeclared tools: add them to --tools, or --exclude {_listed(unknown)}")


def _sample(run: Imported, case: str, draw: int) -> Sample:
    return Sample(
        case=case,
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


def _listed(called: Counter[str]) -> str:
    shown = ", ".join(f"{name} ({calls})" for name, calls in called.most_common(10))
    return f"{shown}{' and others' if len(called) > 10 else ''}"  # noqa: PLR2004 - as many as are shown
