"""Importers: one module per log format, with the same three names in each (``NAME``, ``SUMMARY``, ``read``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from importlib import import_module
from types import MappingProxyType
from typing import Protocol, cast

import msgspec

from pytest_toolmatch.core.chain import Call, calls_of, select_calls
from pytest_toolmatch.core.conversation import Conversation, Message
from pytest_toolmatch.core.errors import ConfigError, did_you_mean
from pytest_toolmatch.core.sample import outcome_of
from pytest_toolmatch.suites.importers.fields import counted
from pytest_toolmatch.suites.importers.parts import Each, here
from pytest_toolmatch.suites.importers.source import Imported, Offered, Options, Problem, Record, Skipped, Source

FORMATS = MappingProxyType(
    {
        name: f"{__name__}.{name.replace('-', '_')}"
        for name in (
            "bashkit",
            "bfcl",
            "claude-code",
            "claude-code-otel",
            "codex",
            "gemini-cli",
            "inspect-ai",
            "langfuse",
            "otel",
            "react",
            "requests",
            "tau-bench",
            "tau2",
            "tool-calling-benchmark",
            "auto",
        )
    }
)
"""Format name → module; a module is imported when its format is asked for."""


MAX_REPORTS = 20
"""Problems reported one by one per file."""


class Format(Protocol):
    """What a format module exports.

    One whose sources can be read in parts has ``read_parts``, too, which is told how they are read.
    """

    NAME: str
    SUMMARY: str

    def read(self, sources: Sequence[Source], options: Options) -> Iterator[Record]:
        """Yield what the sources hold, in an order that depends on them alone.

        One file, or better one record of it, at a time: memory is not to grow with the log.
        """
        ...


def find_format(name: str) -> Format:
    """Return the module of a format; ConfigError names the known ones."""
    if name not in FORMATS:
        raise ConfigError(f"no log format {name!r}{did_you_mean(name, FORMATS)}; known: {', '.join(FORMATS)}")
    return cast("Format", import_module(FORMATS[name]))


def read_log(
    name: str, sources: Sequence[Source], options: Options | None = None, each: Each = here
) -> Iterator[Record]:
    """Yield the records of a log, with only the calls that the options let through; ``each`` reads its parts."""
    options = options or Options()
    for record in _capped(read_format(name, sources, options, each)):
        match record:
            case Imported():
                yield from _filtered(record, options)
            case Offered():
                yield Offered(tuple(tool for tool in record.tools if keeps(options, tool.name)), record.suite)
            case _:
                yield record


def read_format(name: str, sources: Sequence[Source], options: Options, each: Each) -> Iterator[Record]:
    """Yield what a format finds; one that can't be read in parts is read here."""
    form = find_format(name)
    in_parts = getattr(form, "read_parts", None)
    return in_parts(sources, options, each) if in_parts else form.read(sources, options)


def _capped(records: Iterable[Record]) -> Iterator[Record]:
    """Pass on the first problems of every file and count the others."""
    reported: Counter[str] = Counter()
    for record in records:
        if isinstance(record, Problem):
            file = record.where.rpartition(":")[0] or record.where
            reported[file] += 1
            if reported[file] > MAX_REPORTS:
                continue
        yield record
    for file, count in reported.items():
        if count > MAX_REPORTS:
            yield Problem(file, f"{counted(count - MAX_REPORTS, 'more problem')} of this kind")


def keeps(options: Options, tool: str) -> bool:
    """Return whether calls of a tool are wanted."""
    wanted = not options.include or any(fnmatchcase(tool, glob) for glob in options.include)
    return wanted and not any(fnmatchcase(tool, glob) for glob in options.exclude)


def _filtered(run: Imported, options: Options) -> Iterator[Record]:
    """Drop unwanted calls from the chain and from the conversation so far, and account for them."""
    calls = calls_of(run.chain)
    unwanted = sum(not keeps(options, call.name) for call in calls)
    if unwanted:
        yield Skipped(run.source, "calls of tools that are not wanted", calls=unwanted)
    if not options.include and not options.exclude:
        yield run
        return
    chain = select_calls(run.chain, lambda call: keeps(options, call.name))
    replies = tuple(
        tuple(text for call, text in zip(step, texts, strict=False) if keeps(options, call.name))
        for step, texts in zip(run.chain, run.replies, strict=False)
        if any(keeps(options, call.name) for call in step)
    )
    case = msgspec.structs.replace(run.case, conversation=_trimmed(run.case.conversation, options))
    outcome = outcome_of(chain) if run.outcome == "called" else run.outcome
    yield msgspec.structs.replace(run, case=case, chain=chain, outcome=outcome, replies=replies)


def _trimmed(conversation: Conversation, options: Options) -> Conversation:
    def keep(call: Call) -> bool:
        return keeps(options, call.name)

    trimmed = []
    for message in conversation:
        if message.role == "tool" and not keeps(options, message.name):
            continue
        calls = tuple(filter(keep, message.calls))
        if calls or message.content or not message.calls:
            trimmed.append(Message(message.role, message.content, calls, message.name, message.reply_to))
    return tuple(trimmed)
