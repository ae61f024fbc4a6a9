"""The tool-calling benchmark of small models: per model one file of runs, and one file of prompts and tools.

``{model_name, runs: [run][prompt]{tool_called, all_tool_calls, raw_content, error}}``; the prompts and tools stand in a
file ``{prompts, tools}`` of the same sources. All calls of a prompt are one step: the models were asked once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from pytest_toolmatch.core.case import Case, slug
from pytest_toolmatch.core.chain import Call, Chain
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.sample import outcome_of
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.suites.importers.fields import parsed
from pytest_toolmatch.suites.importers.files import Document, documents, typed
from pytest_toolmatch.suites.importers.offers import Offers
from pytest_toolmatch.suites.importers.source import Imported, Options, Problem, Record, Source

NAME = "tool-calling-benchmark"
SUMMARY = "tool-calling-benchmark runs: {model_name, runs[run][prompt]}, with a file of {prompts, tools} beside them"


class _Called(msgspec.Struct, frozen=True):
    name: str
    arguments: Any = None


class _Answer(msgspec.Struct, frozen=True):
    tool_called: bool
    tool_name: str | None = None
    all_tool_calls: list[_Called] | None = None
    latency_ms: float | None = None
    error: str | None = None
    raw_content: str | None = None

    @property
    def chain(self) -> Chain:
        """Return the one step; old versions name the tool and not its arguments."""
        called = tuple(Call(one.name, parsed(one.arguments)) for one in self.all_tool_calls or ())
        if not called and self.tool_called and self.tool_name:
            called = (Call(self.tool_name, None),)
        return (called,) if called else ()


class _Questions(msgspec.Struct, frozen=True):
    prompts: list[str]
    tools: list[Any] = []


class _File(msgspec.Struct, frozen=True):
    model_name: str
    runs: list[list[Any]]


def read(sources: Sequence[Source], options: Options) -> Iterator[Record]:
    """Yield every answer of every run; files are read twice, as the prompts may come last."""
    del options
    cases: list[Case] = []
    for item in documents(sources):
        if isinstance(item, Problem):
            yield item
        elif isinstance(item.data, dict) and "prompts" in item.data:
            offers = Offers()
            asked = typed(item.data, _Questions, item.where)
            cases = cases if isinstance(asked, Problem) else _cases(asked, offers.read(asked.tools, item.where), item)
            yield from (asked,) if isinstance(asked, Problem) else offers.told()
    for item in documents(sources):
        if not isinstance(item, Problem) and not (isinstance(item.data, dict) and "prompts" in item.data):
            yield from _runs(item, cases)


def _cases(asked: _Questions, tools: tuple[Tool, ...], item: Document) -> list[Case]:
    return [Case(id=slug(text), conversation=user(text), tools=tools, where=item.where) for text in asked.prompts]


def _runs(item: Document, cases: Sequence[Case]) -> Iterator[Record]:
    file = typed(item.data, _File, item.where)
    if isinstance(file, Problem):
        yield file
        return
    for number, run in enumerate(file.runs):
        for place, entry in enumerate(run):
            where = f"{item.where} runs[{number}][{place}]"
            answer = typed(entry, _Answer, where)
            if isinstance(answer, Problem):
                yield answer
            elif place >= len(cases):
                yield Problem(where, "no prompt of that number: name the file with {prompts, tools}, too")
            else:
                yield _imported(answer, cases[place], file, item)


def _imported(answer: _Answer, case: Case, file: _File, item: Document) -> Imported:
    chain = answer.chain
    lost = answer.tool_called and not chain
    return Imported(
        case=case,
        model=item.source.label or file.model_name,
        outcome="infrastructure" if answer.error else "invalid" if lost else outcome_of(chain),
        chain=chain,
        text=answer.raw_content or "",
        error=answer.error or ("a call that names no tool" if lost else ""),
        latency=None if answer.latency_ms is None else answer.latency_ms / 1000,
        source=item.where,
    )
