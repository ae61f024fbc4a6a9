from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from pydantic import TypeAdapter

from pytest_toolmatch.core.conversation import Message, user
from pytest_toolmatch.suites.exporters.openai import write
from pytest_toolmatch.suites.exporters.row import SILENT, Row
from tests.suites.exporters.making import BOOK, FIND, objects, row, rows, written

PARAMS = TypeAdapter(CompletionCreateParamsNonStreaming)


def check_types(line: dict[str, Any]) -> None:
    """Hold a line against the SDK's own types; ``weight`` is known to fine-tuning alone."""
    plain = [{key: value for key, value in one.items() if key != "weight"} for one in line["messages"]]
    checked = PARAMS.validate_python({**line, "messages": plain, "model": "m"}, strict=True, extra="forbid")
    for entry in (*checked["messages"], *checked.get("tools", ())):
        list(entry.get("tool_calls", ()))


def test_a_line() -> None:
    line = written("openai", row((FIND,), (BOOK,), text="Booked."))
    check_types(line)
    assert [message["role"] for message in line["messages"]] == [
        *("system", "user"),
        *("assistant", "tool", "assistant", "tool", "assistant"),
    ]
    call = line["messages"][2]["tool_calls"][0]
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == ("find", FIND.arguments)
    assert line["messages"][3]["tool_call_id"] == call["id"]
    assert line["messages"][-1] == {"role": "assistant", "content": "Booked."}
    assert [tool["function"]["name"] for tool in line["tools"]] == ["find", "book"]


def test_what_the_assistant_said_before_is_not_trained_on() -> None:
    before = (*user("Hi."), Message("assistant", "Hello!"), *user("To Rome."))
    line = written("openai", row((FIND,), conversation=before))
    assert [message.get("weight") for message in line["messages"] if message["role"] == "assistant"] == [0, None]


def test_silence_is_nothing_to_train_on() -> None:
    assert write(row()) == SILENT


def test_without_tools_there_is_no_key() -> None:
    assert "tools" not in written("openai", row(text="No.", tools=()))


@given(rows.filter(lambda one: not one.is_silent))
def test_every_line_is_what_the_sdk_may_send_and_holds_the_chain(one: Row) -> None:
    line = json.loads(json.dumps(written("openai", one)))
    check_types(line)
    told = [message for message in line["messages"] if message["role"] == "assistant" and "weight" not in message]
    steps = [[read(call) for call in message["tool_calls"]] for message in told if message.get("tool_calls")]
    assert steps == json.loads(json.dumps(objects(one.chain)))
    assert line["messages"][-1] == told[-1]
    assert (told[-1]["content"] == one.text) or not one.text
    ids = [call["id"] for message in line["messages"] for call in message.get("tool_calls", ())]
    replies = [message["tool_call_id"] for message in line["messages"] if message["role"] == "tool"]
    assert len({*ids}) == len(ids)
    assert set(replies) <= {*ids}
    assert {*ids} - {*replies} <= {call["id"] for call in told[-1].get("tool_calls", ())}


def read(call: dict[str, Any]) -> dict[str, Any]:
    return {"name": call["function"]["name"], "arguments": json.loads(call["function"]["arguments"])}
