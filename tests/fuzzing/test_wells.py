"""What a subject's variants are does not depend on the process that makes them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from itertools import islice

import msgspec
import pytest

from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.fuzzing.relations import RELATIONS, phrased
from pytest_toolmatch.fuzzing.variant import Subject
from pytest_toolmatch.fuzzing.wells import Well
from tests.fuzzing.subjects import example_subjects

SUBJECT = example_subjects("support")[0]
SOME = [RELATIONS[name] for name in ("typos", "tool_order", "casing", "no_tool")]


@pytest.fixture
def executor() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield pool


def come(well: Well, most: int = 40) -> dict[str, list[bytes]]:
    """Return a well's edits by relation, until there are no more."""
    return {
        name: [msgspec.json.encode(one) for one in islice(iter(partial(well.next, name), ()), most)]
        for name in well.relations
    }


def test_another_process_makes_the_same_variants(executor: Executor) -> None:
    here = come(Well(SUBJECT, SOME, "seed", None))
    assert come(Well(SUBJECT, SOME, "seed", executor)) == here
    assert all(len(set(ids)) == len(ids) > 0 for ids in here.values())
    assert come(Well(SUBJECT, SOME, "another", None)) != here


def test_a_well_goes_on_where_its_process_has_ended(executor: ProcessPoolExecutor) -> None:
    well = Well(SUBJECT, SOME, "seed", executor)
    first = well.next("typos")
    for process in list(executor._processes.values()):
        process.kill()
    assert first
    assert [msgspec.json.encode(first), *come(well)["typos"]] == come(Well(SUBJECT, SOME, "seed", None), 41)["typos"]


def test_what_can_not_be_sent_is_made_here(executor: Executor) -> None:
    def local() -> str:
        return "a function of this test"

    tools = (*SUBJECT.tools, Tool(name="local_tool", implementation=local))
    subject: Subject = msgspec.structs.replace(SUBJECT, tools=tools)
    assert come(Well(subject, SOME, "seed", executor), 5) == come(Well(subject, SOME, "seed", None), 5)


def test_phrasings_of_a_model_can_be_sent(executor: Executor) -> None:
    relation = phrased({SUBJECT.case.id: [f"{SUBJECT.query} Now."]})
    sent = come(Well(SUBJECT, [relation], "seed", executor))
    assert sent == come(Well(SUBJECT, [relation], "seed", None))


def test_a_relation_that_does_not_apply_says_why() -> None:
    alone = msgspec.structs.replace(SUBJECT, tools=SUBJECT.tools[:1])
    assert Well(alone, SOME, "seed", None).reasons["tool_order"] == "fewer than two tools"
