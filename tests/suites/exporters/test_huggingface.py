from __future__ import annotations

import json

from hypothesis import given

from pytest_toolmatch.core.conversation import Message, user
from pytest_toolmatch.suites.exporters.huggingface import write
from pytest_toolmatch.suites.exporters.row import SILENT, Row
from tests.suites.exporters.making import BOOK, FIND, objects, row, rows, written


def test_arguments_are_objects_and_replies_have_the_name_of_their_tool() -> None:
    line = written("huggingface", row((FIND, BOOK), text="Done."))
    asked, *replies, last = line["messages"][2:]
    assert [call["function"] for call in asked["tool_calls"]] == objects(((FIND, BOOK),))[0]
    assert [reply["name"] for reply in replies] == ["find", "book"]
    assert last == {"role": "assistant", "content": "Done."}
    assert line["tools"][0]["function"]["parameters"]["properties"]["to"] == {"type": "string"}


def test_every_line_has_both_columns() -> None:
    assert written("huggingface", row(text="No.", tools=()))["tools"] == []
    assert write(row()) == SILENT


def test_what_was_no_object_still_is_one_for_templates() -> None:
    before = (*user("Hi."), Message("assistant", calls=(FIND.__class__("find", "{to"),)), *user("Again."))
    called = written("huggingface", row((FIND,), conversation=before))["messages"][2]["tool_calls"][0]
    assert called["function"]["arguments"] == {"INVALID_JSON": "{to"}


@given(rows.filter(lambda one: not one.is_silent))
def test_it_says_what_the_other_chat_format_says(one: Row) -> None:
    ours, theirs = written("huggingface", one), written("openai", one)
    for message, other in zip(ours["messages"], theirs["messages"], strict=True):
        assert (message["role"], message["content"]) == (other["role"], other["content"])
        for call, same in zip(message.get("tool_calls", ()), other.get("tool_calls", ()), strict=True):
            given, text = call["function"]["arguments"], same["function"]["arguments"]
            assert isinstance(given, dict)
            assert given == {"INVALID_JSON": text} or given == json.loads(text)
    assert ours["tools"] == theirs["tools"]
