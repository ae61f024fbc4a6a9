"""Inspect eval logs: JSON, or ``.eval``, which is a zip of JSON files, one per sample.

Every task is a suite, every sample of it a case, every epoch a draw. The case is what stood there before the model
first answered; its chain is all that was called until the end of the sample. What the tools were stands in the
events, which else repeat the messages. Calls are counted by the messages that the sample ended with.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec

from pytest_toolmatch.core.case import Case, slug
from pytest_toolmatch.core.chain import calls_of
from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.errors import at
from pytest_toolmatch.core.sample import Outcome, Usage, outcome_of
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.suites.importers.contents import count, dicts, mapping, string
from pytest_toolmatch.suites.importers.files import SUFFIXES, decode, describe, find, read_file, typed
from pytest_toolmatch.suites.importers.offers import Offers
from pytest_toolmatch.suites.importers.source import Imported, Options, Problem, Record, Skipped, Source
from pytest_toolmatch.suites.importers.transcript import Transcript
from pytest_toolmatch.suites.importers.wire import without_instructions
from pytest_toolmatch.suites.importers.wire_chat import STOPS, message_of

NAME = "inspect-ai"
SUMMARY = "Inspect eval logs, as .json or .eval; the tools stand in them"

_ZIPPED = ".eval"
_HEADERS = ("header.json", "_journal/start.json")
"""Where the facts of an eval stand; the second one where it was not finished."""
_ATTACHED = "attachment://"
_UNREADABLE = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)
"""What ``zipfile`` raises: for what is no zip, or packed in a way that this Python does not know, or encrypted."""


class _Eval(msgspec.Struct, frozen=True):
    task: str = ""
    model: str = ""
    run_id: str = ""


class _Header(msgspec.Struct, frozen=True):
    eval: _Eval
    samples: list[Any] | None = None


class _Sample(msgspec.Struct, frozen=True):
    id: str | int
    messages: list[dict[str, Any]]
    epoch: int = 1
    uuid: str | None = None
    output: Any = None
    error: Any = None
    limit: Any = None
    total_time: float | None = None
    model_usage: dict[str, Any] | None = None
    attachments: dict[str, str] | None = None
    events: Any = None


class _Found(msgspec.Struct, frozen=True):
    """One sample, as it stands in the log."""

    header: _Eval
    data: Any
    where: str


def read(sources: Sequence[Source], options: Options) -> Iterator[Record]:
    """Yield every sample of every log."""
    offers = Offers()
    for source, file in find(sources, (*SUFFIXES, _ZIPPED)):
        for entry in _zipped(file) if file.suffix == _ZIPPED else _plain(file, source):
            if isinstance(entry, Problem):
                yield entry
                continue
            sample = typed(entry.data, _Sample, entry.where)
            if isinstance(sample, Problem):
                yield sample
                continue
            tools = offers.read(_tools(sample.events), entry.where)
            yield from offers.told()
            run = _run(sample, entry, tools, source.label)
            yield _wanted(run, entry.header.task, options)


def _plain(file: Path, source: Source) -> Iterator[_Found | Problem]:
    for item in read_file(file, source):
        header = item if isinstance(item, Problem) else _header(item.data, item.where)
        if isinstance(header, Problem):
            yield header
            continue
        if not header.samples:
            yield Problem(at(file, 1), "an eval without samples", "evals without samples")
        for place, sample in enumerate(header.samples or ()):
            yield _Found(header.eval, sample, f"{at(file, 1)} samples[{place}]")


def _header(data: Any, where: str) -> _Header | Problem:
    if not isinstance(data, dict) or "eval" not in data:
        return Problem(where, "no Inspect log: it has no `eval`")
    return typed(data, _Header, where)


def _zipped(file: Path) -> Iterator[_Found | Problem]:
    try:
        with zipfile.ZipFile(file) as log:
            yield from _members(log, file)
    except _UNREADABLE as error:
        yield Problem(at(file), f"can't be read on: {error}; `inspect log convert --to json` writes it as JSON")


def _members(log: zipfile.ZipFile, file: Path) -> Iterator[_Found | Problem]:
    names = log.namelist()
    name = next((name for name in _HEADERS if name in names), None)
    told = _member(log, name, file) if name else Problem(at(file), "no Inspect log: no header.json")
    header = told if isinstance(told, Problem) else _header(told, f"{file}:{name}")
    if isinstance(header, Problem):
        yield header
        return
    for sample in sorted(name for name in names if name.startswith("samples/") and name.endswith(".json")):
        data = _member(log, sample, file)
        yield data if isinstance(data, Problem) else _Found(header.eval, data, f"{file}:{sample}")


def _member(log: zipfile.ZipFile, name: str, file: Path) -> Any:
    """Return the value in one file of the zip, or the problem with it."""
    data = log.read(name)
    try:
        return decode(data)
    except ValueError as error:
        return Problem(f"{file}:{name}", describe(data, error))


def _wanted(run: Imported, task: str, options: Options) -> Record:
    """Return the run as asked for: of the tasks wanted, with what the tools answered or without."""
    if options.categories and not any(fnmatchcase(task, glob) for glob in options.categories):
        return Skipped(run.source, "calls of tasks that are not wanted", calls=len(calls_of(run.chain)))
    return run if options.replies else msgspec.structs.replace(run, replies=())


def _run(sample: _Sample, found: _Found, tools: tuple[Tool, ...], label: str) -> Imported:
    header, attached = found.header, sample.attachments or {}
    before, after = _parts([_with(entry, attached) for entry in sample.messages])
    instructions, prompt = without_instructions(before)
    responses = Transcript.of(after).responses
    steps = [response for response in responses if response.message.calls]
    chain = tuple(response.message.calls for response in steps)
    stop, error = _stop(sample)
    conversation = Transcript.of(prompt).conversation
    return Imported(
        case=Case(id=slug(str(sample.id)), conversation=conversation, tools=tools or None, where=found.where),
        model=label or header.model or "unknown",
        outcome=stop or outcome_of(chain),
        chain=chain,
        text=responses[-1].message.content if responses else "",
        error=error,
        usage=_usage(mapping(sample.model_usage).get(header.model)),
        latency=sample.total_time,
        source=found.where,
        suite=slug(header.task) if header.task else "",
        instructions=instructions,
        identity=sample.uuid or (f"{header.run_id} {sample.id} {sample.epoch}" if header.run_id else ""),
        replies=tuple(response.texts for response in steps),
    )


def _parts(entries: list[dict[str, Any]]) -> tuple[list[Message], list[Message]]:
    """Return what stood there before the model answered, and what came then; answers of the input are examples."""
    told = [(message, entry.get("source") == "input") for entry in entries if (message := message_of(entry))]
    answers = (place for place, (message, given) in enumerate(told) if message.role == "assistant" and not given)
    first = next(answers, len(told))
    messages = [message for message, _ in told]
    return messages[:first], messages[first:]


def _with(entry: dict[str, Any], attached: dict[str, str]) -> dict[str, Any]:
    """Return a message with the long texts that the log keeps apart."""
    content = entry.get("content")
    if isinstance(content, list):
        return entry | {"content": [part | {"text": _whole(part.get("text"), attached)} for part in dicts(content)]}
    return entry | {"content": _whole(content, attached)}


def _whole(text: Any, attached: dict[str, str]) -> Any:
    kept = isinstance(text, str) and text.startswith(_ATTACHED)
    return attached.get(text.removeprefix(_ATTACHED), text) if kept else text


def _tools(events: Any) -> list[Any]:
    """Return the tools of all calls of the model, each once."""
    asked = (event for event in dicts(events) if event.get("event") == "model")
    found = {string(tool.get("name")): tool for event in asked for tool in dicts(event.get("tools"))}
    shown = ("name", "description", "parameters")
    return [{key: tool[key] for key in shown if key in tool} for tool in found.values()]


def _stop(sample: _Sample) -> tuple[Outcome | None, str]:
    """Return what kept the model from finishing, and in which words."""
    if sample.error:
        return "infrastructure", string(mapping(sample.error).get("message")) or str(sample.error)
    if sample.limit:
        return "truncated", f"limit: {mapping(sample.limit).get('type') or sample.limit}"
    choice = next(iter(dicts(mapping(sample.output).get("choices"))), {})
    return STOPS.get(string(choice.get("stop_reason"))), ""


def _usage(tokens: Any) -> Usage | None:
    if not isinstance(tokens, dict):
        return None
    read, written = count(tokens.get("input_tokens_cache_read")), count(tokens.get("input_tokens_cache_write"))
    return Usage(
        input=count(tokens.get("input_tokens")),
        cached=read,
        cache_write=written,
        output=count(tokens.get("output_tokens")),
        reasoning=count(tokens.get("reasoning_tokens")),
    )
