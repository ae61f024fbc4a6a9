from __future__ import annotations

from pytest_toolmatch.core.conversation import Message, user
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.providers.needle import tools_to_wire
from pytest_toolmatch.suites.exporters.needle import write
from pytest_toolmatch.suites.exporters.row import Omitted
from tests.suites.exporters.making import BOOK, FIND, TOOLS, row, written


def test_a_line_is_query_tools_and_answers() -> None:
    assert written("needle", row((FIND, BOOK), tools=(Tool(name="find"),))) == {
        "system": "Today is Friday.",
        "query": "A flight to Rome.",
        "tools": [{"name": "find", "description": "", "parameters": {"type": "object", "properties": {}}}],
        "answers": [
            {"name": "find", "arguments": FIND.arguments},
            {"name": "book", "arguments": BOOK.arguments},
        ],
    }


def test_it_is_trained_on_the_tools_that_it_is_asked_with() -> None:
    assert written("needle", row((FIND,)))["tools"] == tools_to_wire(TOOLS)


def test_of_a_chain_it_is_the_first_step() -> None:
    assert [call["name"] for call in written("needle", row((FIND,), (BOOK,)))["answers"]] == ["find"]


def test_nothing_to_call_is_an_empty_list() -> None:
    line = written("needle", row(conversation=(Message("system", "room: hall"), *user("Hello.")), instructions=""))
    assert (line["answers"], line["query"], line["system"]) == ([], "Hello.", "room: hall")
    assert "system" not in written("needle", row(instructions=""))


def test_later_turns_are_left_out() -> None:
    later = (*user("Lights on."), Message("assistant", "Which?"), *user("All."))
    assert isinstance(write(row((FIND,), conversation=later)), Omitted)
