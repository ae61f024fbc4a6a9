from __future__ import annotations

from hypothesis import given

from pytest_toolmatch.suites.exporters.row import Row
from tests.suites.exporters.making import BOOK, FIND, TOOLS, objects, row, rows, written


def test_an_example() -> None:
    line = written("dspy", row((FIND,), (BOOK,), text="Booked."))
    assert line == {
        "case": "trips/one",
        "instructions": "Today is Friday.",
        "conversation": [{"role": "user", "content": "A flight to Rome."}],
        "tools": [tool.shown() for tool in TOOLS],
        "calls": {"tool_calls": [{"name": "find", "args": FIND.arguments}]},
        "steps": objects(((FIND,), (BOOK,))),
        "answer": "Booked.",
    }


@given(rows)
def test_all_examples_have_the_same_fields(one: Row) -> None:
    line = written("dspy", one)
    assert list(line) == list(written("dspy", row()))
    assert line["steps"] == objects(one.chain)
    first = [{"name": call["name"], "arguments": call["args"]} for call in line["calls"]["tool_calls"]]
    assert first == (line["steps"] or [[]])[0]
