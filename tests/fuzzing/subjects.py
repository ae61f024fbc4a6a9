"""Subjects of the example suites, with the scripted teacher's usual chain and what the tools answer it."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.case import Case, case_of_query
from pytest_toolmatch.core.chain import Chain, chain_of, encode_chain
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.fuzzing.variant import Subject
from pytest_toolmatch.sampling.recordings import read_records
from pytest_toolmatch.sampling.replies import Replies
from suites.scripted.record import RECORDINGS, example_suites

if TYPE_CHECKING:
    from pytest_toolmatch.core.rules import Overrides
    from pytest_toolmatch.core.suite import Suite


@cache
def example_subjects(name: str) -> tuple[Subject, ...]:
    """Return every case of an example suite with what is recorded of it."""
    suite = next(suite for suite in example_suites() if suite.name == name)
    chains = _usual_chains(name)
    return tuple(
        Subject(
            case=case,
            tools=suite.tools,
            chain=chains[case.id],
            replies=asyncio.run(_replies(suite, chains[case.id])),
            overrides=suite.rules.overrides,
        )
        for case in suite.cases
    )


def _usual_chains(name: str) -> dict[str, Chain]:
    found: dict[str, Counter[bytes]] = {}
    for record in read_records(RECORDINGS / name / "scripted-teacher.jsonl"):
        found.setdefault(record.sample.case, Counter())[encode_chain(record.sample.chain)] += 1
    return {case: msgspec.json.decode(counts.most_common(1)[0][0], type=Chain) for case, counts in found.items()}


async def _replies(suite: Suite, chain: Chain) -> tuple[tuple[str, ...], ...]:
    answer = Replies().answerer(suite.tools)
    return tuple([tuple([(await answer(call)).text for call in step]) for step in chain])


def made_up(
    query: str | Case,
    *steps: list[dict[str, Any]],
    tools: tuple[Tool, ...] = (),
    known: bool = True,
    replies: tuple[tuple[str, ...], ...] = (),
    overrides: Overrides | None = None,
) -> Subject:
    """Return a subject; without steps its chain is empty, or not known at all."""
    case = query if isinstance(query, Case) else case_of_query(query)
    chain = chain_of(list(steps)) if known else None
    return Subject(case=case, tools=tools, chain=chain, replies=replies, overrides=overrides or {})


def tool(name: str, required: str = "", description: str = "", /, **properties: Any) -> Tool:
    """Return a tool of these properties; ``required`` names the required ones, separated by spaces."""
    schema = {"type": "object", "properties": properties, "required": required.split(), "additionalProperties": False}
    return Tool(name=name, description=description, parameters=schema)


def call(name: str, /, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}
