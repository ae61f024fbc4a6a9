"""What is exported as BFCL is what ``toolmatch import bfcl`` reads."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pytest_toolmatch.core.chain import Call, Chain
from pytest_toolmatch.core.conversation import Message, user
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.suites.exporters.bfcl import write
from pytest_toolmatch.suites.exporters.output import Output
from pytest_toolmatch.suites.exporters.row import Omitted, Row
from tests.suites.exporters.making import BOOK, FIND, TOOLS, chains, objects, row
from tests.suites.importers.writing import Logs, Read


def exported(folder: Path, rows: list[Row]) -> Read:
    """Return what the importer reads of the rows that can be said."""
    (folder / "out").mkdir()
    with Output(folder / "out") as output:
        for one in rows:
            if not isinstance(lines := write(one), Omitted):
                output.write(lines, one.part)
    return Logs(folder / "out").read("bfcl")


def test_a_question_and_its_possible_answer() -> None:
    lines = write(row((FIND, BOOK), number=7))
    assert isinstance(lines, tuple)
    question, answer = lines
    assert (question.file, answer.file) == ("BFCL_v4_trips.json", "possible_answer/BFCL_v4_trips.json")
    assert question.data["id"] == answer.data["id"] == "trips_7"
    assert [one["role"] for one in question.data["question"][0]] == ["system", "user"]
    schema = question.data["function"][0]["parameters"]
    assert (schema["type"], schema["properties"]["cost"]["type"]) == ("dict", ["float", "null"])
    assert answer.data["ground_truth"] == [
        {"find": {"to": ["Rome"], "via": [["Oslo", "Bari"]]}},
        {"book": {"id": [7], "who": [{"name": ["Ada"], "age": [None]}]}},
    ]


def test_several_steps_are_call_strings(tmp_path: Path) -> None:
    odd = Call("find", {"a-b": "it's", "class": None})
    lines = write(row((FIND,), (odd, Call("find", {"to": ""})), (Call("book"),)))
    assert isinstance(lines, tuple)
    assert lines[1].data["ground_truth"] == [
        ["find(to='Rome', via=['Oslo', 'Bari'])", "find({'a-b': \"it's\", 'class': None}), find(to='')", "book()"]
    ]
    (run,) = exported(tmp_path, [row((FIND,), (odd, BOOK))]).runs
    assert run.chain == ((FIND,), (odd, BOOK))


def test_tools_instructions_and_conversation_come_back(tmp_path: Path) -> None:
    (asked,) = exported(tmp_path, [row((FIND,), conversation=(*user("Hi."), *user("To Rome.")))]).questions
    assert [(one.role, one.content) for one in asked.case.conversation] == [
        ("system", "Today is Friday."),
        ("user", "Hi."),
        ("user", "To Rome."),
    ]
    find, book = asked.case.tools or ()
    assert find == replace(TOOLS[0])
    assert book.parameters == {"type": "object", "properties": {}}


NAMES = [("mcp__my-shop__find", "mcp__my_shop__find"), ("class", "class_"), ("2nd", "_2nd"), ("a.b", "a_b"),
         ("größe", "größe"), ("né-e", "n__e")]  # fmt: skip


@pytest.mark.parametrize(("name", "written"), NAMES)
def test_names_are_python(name: str, written: str, tmp_path: Path) -> None:
    call, tools = Call(name, {"id": 7}), (Tool(name=name), Tool(name="book"))
    rows = [row((call,), tools=tools, number=1), row((call, BOOK), (call,), tools=tools, number=2)]
    read = exported(tmp_path, rows)
    same_call = Call(written, {"id": 7})
    assert [run.chain for run in read.runs] == [((same_call,),), ((same_call, BOOK), (same_call,))]
    assert all([tool.name for tool in run.case.tools or ()] == [written, "book"] for run in read.runs)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (row((FIND,), conversation=(Message("assistant", calls=(FIND,)), *user("?"))), "calls so far"),
        (row((FIND,), tools=(Tool(name="a-b"), Tool(name="a_b"))), "the same in Python"),
        (row((Call("find", {"to": ""}),)), "empty text"),
        (row((Call("find", {"to": [{"a": {"b": ""}}]}),)), "empty text"),
    ],
)
def test_what_it_cannot_say_is_left_out(one: Row, why: str) -> None:
    lines = write(one)
    assert isinstance(lines, Omitted)
    assert why in lines.why


def same(chain: Chain) -> Any:
    return json.loads(json.dumps(objects(chain)))


@given(st.lists(chains, min_size=1, max_size=4))
def test_the_importer_reads_the_same_calls(found: list[Chain]) -> None:
    rows = [row(*chain, number=place) for place, chain in enumerate(found)]
    said = {f"trips_{one.number}": same(one.chain) for one in rows if not isinstance(write(one), Omitted)}
    with tempfile.TemporaryDirectory() as folder:
        read = exported(Path(folder), rows)
        assert {run.case.id: same(run.chain) for run in read.runs} == said
        assert read.problems == []
    assert all(_must_be_said(one.chain) <= (f"trips_{one.number}" in said) for one in rows)


def _must_be_said(chain: Chain) -> bool:
    """Whether nothing keeps a chain from being said: several steps, or one without empty texts."""
    return len(chain) > 1 or '""' not in json.dumps(objects(chain)).replace('"": ', "")
