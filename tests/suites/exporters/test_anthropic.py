from __future__ import annotations

import itertools
import json
from typing import Any

import anthropic
from hypothesis import given

from pytest_toolmatch.suites.exporters.anthropic import write
from pytest_toolmatch.suites.exporters.row import SILENT, Row
from tests.servers.anthropic import check_params, message, text
from tests.servers.loopback import Answer, Loopback
from tests.suites.exporters.making import BOOK, FIND, objects, row, rows, written

REST: dict[str, Any] = {"model": "claude-opus-4-7", "max_tokens": 1}


def test_a_line() -> None:
    line = written("anthropic", row((FIND, BOOK), text="Booked."))
    assert list(line) == ["system", "messages", "tools"]
    asked, called, answered, last = line["messages"]
    assert (asked["role"], last["content"]) == ("user", [{"type": "text", "text": "Booked."}])
    assert [block["name"] for block in called["content"]] == ["find", "book"]
    assert [block["tool_use_id"] for block in answered["content"]] == [block["id"] for block in called["content"]]


def test_a_line_is_a_request_that_the_sdk_sends() -> None:
    line = written("anthropic", row((FIND,), (BOOK,), text="Booked."))
    with (
        Loopback([Answer(message(text("You're welcome.")))]) as server,
        anthropic.Anthropic(api_key="test", base_url=server.url, max_retries=0) as client,
    ):
        asked = {**line, "messages": [*line["messages"], {"role": "user", "content": "Thanks!"}]}
        assert client.messages.create(**REST, **asked).stop_reason == "end_turn"
        (received,) = server.requests
    assert received.json == {**REST, **asked}


def test_silence_is_nothing_to_train_on() -> None:
    assert write(row()) == SILENT


@given(rows.filter(lambda one: not one.is_silent))
def test_every_line_is_what_the_sdk_may_send_and_ends_with_the_teacher(one: Row) -> None:
    line = json.loads(json.dumps(written("anthropic", one)))
    check_params(line | REST)
    roles = [message["role"] for message in line["messages"]]
    assert all(first != second for first, second in itertools.pairwise(roles))
    assert (roles[0], roles[-1]) == ("user", "assistant")
    uses = [block for message in line["messages"] for block in message["content"] if block["type"] == "tool_use"]
    steps = [call for step in objects(one.chain) for call in step]
    ends = uses[len(uses) - len(steps) :]
    assert [{"name": use["name"], "arguments": use["input"]} for use in ends] == json.loads(json.dumps(steps))
