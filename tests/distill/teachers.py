"""Suites with recordings to learn from, made on the spot; and a network small enough to learn within seconds."""

from __future__ import annotations

import random
from itertools import islice
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.request import draw_key
from pytest_toolmatch.core.sample import Sample, outcome_of
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.distill.generator import generate
from pytest_toolmatch.pocket.config import Shape
from pytest_toolmatch.sampling.recordings import Record, append_records, recording_path
from pytest_toolmatch.suites.writer import write_suite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_toolmatch.core.chain import Chain

TEACHER = "scripted:teacher"
TINY = Shape(buckets=512, letters=16, width=32, heads=4, layers=1, steps=1, inner=32)
CITIES = ("Oslo", "Rome", "Lima", "Cairo", "Tokyo", "Berne", "Accra", "Quito", "Riga", "Seoul")
FILLERS = ("now", "please", "soon", "today", "again", "later", "tonight", "quickly", "kindly", "at once", "for Ada")
TOOLS = (
    Tool(name="get_weather", description="The weather of a city", parameters={
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}),
    Tool(name="play_music", description="Play some music"),
    Tool(name="lock_door", description="Lock the front door"),
)  # fmt: skip


def asked(count: int, seed: int = 0) -> Iterator[tuple[str, Chain]]:
    """Yield queries, no two of them near, and what the teacher does: what it calls does not follow from the tools."""
    dice, given = random.Random(seed), set[str]()  # noqa: S311 - queries are no secret
    while len(given) < count:
        words = " ".join(dice.sample([f"{a}{b}" for a in "bdfgklmnprst" for b in ("ax", "ero", "ilu", "omp")], 5))
        said, chain = dice.choice((
            (f"weather of {dice.choice(CITIES)} {words}", None),
            (f"music {words}", ((Call("play_music", {}),),)),
            (f"sesame {words}", ((Call("lock_door", {}),),)),
            (f"thanks {words}", ()),
        ))  # fmt: skip
        if said not in given:
            given.add(said)
            yield said, ((Call("get_weather", {"city": said.split()[2]}),),) if chain is None else chain


def record(
    folder: Path, told: Sequence[tuple[str, Chain]], tools: Sequence[Tool] = TOOLS, *, draws: int = 2, **more: Any
) -> Path:
    """Write a suite of queries with a teacher's recordings, and return its file."""
    cases = tuple(Case(id=f"case-{place}", conversation=user(query)) for place, (query, _) in enumerate(told))
    suite = Suite(name="house", cases=cases, tools=tuple(tools), **more)
    return record_suite(folder, suite, [chain for _, chain in told], draws=draws)


def made_up(count: int, seed: int = 0) -> tuple[Suite, list[Chain]]:
    """Return a suite of the generator's requests, each with tools of its own, and what is right for each."""
    right = (one for one in generate(seed) if one.conversation[-1].role == "user")
    told = list(islice(right, count))
    cases = [Case(id=f"made-{place}", conversation=one.conversation, tools=one.tools) for place, one in enumerate(told)]
    return Suite(name="made", cases=tuple(cases)), [(one.calls,) if one.calls else () for one in told]


def record_suite(folder: Path, suite: Suite, chains: Sequence[Chain], *, draws: int = 2) -> Path:
    """Write a suite and draws that do always the same."""
    cases, plan = suite.cases, Plan(suite, Model(name=TEACHER))
    rows = [
        Record(
            key=draw_key(plan.asked(case, "teacher"), "teacher", draw), model=TEACHER, sample=sample(case, chain, draw)
        )
        for case, chain in zip(cases, chains, strict=True)
        for draw in range(draws)
    ]
    append_records(recording_path(folder / "recordings" / suite.name, TEACHER), rows)
    return write_suite(suite, folder)


def sample(case: Case, chain: Chain, draw: int) -> Sample:
    return Sample(case=case.id, role="teacher", draw=draw, outcome=outcome_of(chain), chain=chain)
