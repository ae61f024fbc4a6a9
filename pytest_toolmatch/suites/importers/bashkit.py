"""Evaluations of Bashkit: one JSON file per model and run, ``{model, results: [{task, trace: {messages}}]}``.

Every task is a case, every file a draw of its model. The one tool is ``bash``, whose schema the log does not hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from pytest_toolmatch.core.case import Case, slug
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.sample import Usage, outcome_of
from pytest_toolmatch.suites.importers.files import Document, documents, typed
from pytest_toolmatch.suites.importers.source import Imported, Options, Problem, Record, Source
from pytest_toolmatch.suites.importers.transcript import Transcript
from pytest_toolmatch.suites.importers.wire_messages import messages_of

NAME = "bashkit"
SUMMARY = (
    "Bashkit evaluations: {model, results: [{task: {id, prompt}, trace: {messages}}]}; the tool comes from --tools"
)


class _Task(msgspec.Struct, frozen=True):
    id: str
    prompt: str
    category: str | None = None
    system: str | None = None


class _Trace(msgspec.Struct, frozen=True):
    messages: list[dict[str, Any]]
    natural_stop: bool = True
    total_input_tokens: int = 0
    total_output_tokens: int = 0
    duration_ms: float | None = None


class _Result(msgspec.Struct, frozen=True):
    task: _Task
    trace: _Trace


class _File(msgspec.Struct, frozen=True):
    model: str
    results: list[Any]


def read(sources: Sequence[Source], options: Options) -> Iterator[Record]:
    """Yield every run of every task."""
    for item in documents(sources):
        yield from (item,) if isinstance(item, Problem) else _runs(item, options)


def _runs(item: Document, options: Options) -> Iterator[Record]:
    file = typed(item.data, _File, item.where)
    if isinstance(file, Problem):
        yield file
        return
    for place, entry in enumerate(file.results):
        result = typed(entry, _Result, f"{item.where} results[{place}]")
        yield result if isinstance(result, Problem) else _run(result, file, item, options)


def _run(result: _Result, file: _File, item: Document, options: Options) -> Imported:
    task, trace = result.task, result.trace
    transcript = Transcript.of(messages_of(trace.messages))
    steps = [response for response in transcript.responses if response.message.calls]
    chain = tuple(response.message.calls for response in steps)
    tags = (task.category,) if task.category else ()
    return Imported(
        case=Case(id=slug(task.id), conversation=user(task.prompt), tags=tags, where=item.where),
        model=item.source.label or file.model,
        outcome=outcome_of(chain) if trace.natural_stop else "truncated",
        chain=chain,
        text=next((response.message.content for response in reversed(transcript.responses)), ""),
        error="" if trace.natural_stop else "stopped at the limit of turns",
        usage=Usage(input=trace.total_input_tokens, output=trace.total_output_tokens),
        latency=None if trace.duration_ms is None else trace.duration_ms / 1000,
        source=item.where,
        instructions=task.system or "",
        replies=tuple(response.texts for response in steps) if options.replies else (),
    )
