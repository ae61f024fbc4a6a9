from __future__ import annotations

import json

from hypothesis import given

from pytest_toolmatch.core.conversation import Message, user
from pytest_toolmatch.suites.exporters.row import Row
from tests.suites.exporters.making import BOOK, FIND, TOOLS, objects, row, rows, written


def test_a_sample() -> None:
    line = written("inspect", row((FIND,), (BOOK,), text="Booked.", instructions="", support=3, draws=4))
    chain = objects(((FIND,), (BOOK,)))
    assert (line["id"], line["input"], json.loads(line["target"])) == ("trips/one", "A flight to Rome.", chain)
    assert line["metadata"] == {
        "suite": "trips",
        "case": "one",
        "part": "train",
        "tools": [tool.shown() for tool in TOOLS],
        "chain": chain,
        "answer": "Booked.",
        "support": 3,
        "samples": 4,
    }


def test_calls_so_far_are_in_inspects_own_form() -> None:
    before = (*user("Hi."), Message("assistant", calls=(FIND,)), Message("tool", "7", name="find"), *user("Book it."))
    system, hi, called, answered, last = written("inspect", row((BOOK,), conversation=before))["input"]
    assert (system["role"], hi["role"], last["content"]) == ("system", "user", "Book it.")
    (call,) = called["tool_calls"]
    assert (call["function"], call["arguments"]) == ("find", FIND.arguments)
    assert answered == {"role": "tool", "content": "7", "tool_call_id": call["id"], "function": "find"}


@given(rows)
def test_every_sample_has_an_input_and_the_chain_as_target(one: Row) -> None:
    line = written("inspect", one)
    assert line["input"]
    assert json.loads(line["target"]) == line["metadata"]["chain"] == json.loads(json.dumps(objects(one.chain)))
    if isinstance(line["input"], list):
        assert all(isinstance(c["arguments"], dict) for m in line["input"] for c in m.get("tool_calls", ()))
