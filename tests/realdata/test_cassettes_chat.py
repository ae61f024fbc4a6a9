"""Real answers of a dozen services that speak Chat Completions, each in its own dialect."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import yaml

from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.providers.chat_wire import from_wire, read_answer, to_wire
from pytest_toolmatch.providers.leaks import lost_in_error

CASSETTES = Path(__file__).resolve().parents[3] / "shared" / "realdata" / "http_cassettes"
pytestmark = pytest.mark.skipif(not CASSETTES.is_dir(), reason=f"no real answers: {CASSETTES} is absent")

LONGEST_ID = 40
"""Of those that OpenAI takes, whoever gave them."""

FEWEST = 25
"""Answers that there are at the least: fewer, and they were not read."""


class Exchange(NamedTuple):
    name: str
    sent: dict[str, Any]
    status: int
    answer: dict[str, Any]


def exchanges() -> Iterator[Exchange]:
    """Yield every exchange that is a chat completion, or the error instead of one."""
    for path in sorted(CASSETTES.glob("**/*.yaml")):
        for number, one in enumerate(yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)["interactions"]):
            if one["request"]["uri"].endswith("/chat/completions"):
                sent, answer = body(one["request"]), body(one["response"])
                yield Exchange(f"{path.stem}-{number}", sent, status(one["response"]), answer)
    for path in CASSETTES.glob("*.jsonl.gz"):
        for number, line in enumerate(gzip.decompress(path.read_bytes()).splitlines()):
            row = json.loads(line)
            if row["url"].endswith("/chat/completions"):
                answered = 400 if "error" in row["response"] else 200
                yield Exchange(f"flat-{number}", row["request"], answered, row["response"])


def status(response: dict[str, Any]) -> int:
    found = response["status"]
    return int(found["code"] if isinstance(found, dict) else found)


def body(message: dict[str, Any]) -> dict[str, Any]:
    """Return a body that is parsed, text, or bytes as they were on the wire."""
    found = message.get("parsed_body") or message["body"]
    if isinstance(found, dict) and found.keys() == {"string"}:
        found = found["string"]
    if isinstance(found, bytes) and found[:2] == b"\x1f\x8b":
        found = zlib.decompressobj(wbits=31).decompress(found)
    parsed: dict[str, Any] = found if isinstance(found, dict) else json.loads(found)
    return parsed


ALL = list(exchanges()) if CASSETTES.is_dir() else []
COMPLETED = [one for one in ALL if one.status == 200]
CALLED = [one for one in COMPLETED if one.answer["choices"][0]["message"].get("tool_calls")]


def offered(sent: dict[str, Any]) -> list[str]:
    return [tool["function"]["name"] for tool in sent.get("tools") or ()]


def test_the_recorded_answers_are_found() -> None:
    assert len(COMPLETED) >= FEWEST


@pytest.mark.parametrize("one", COMPLETED, ids=lambda one: one.name)
def test_a_real_answer_is_read(one: Exchange) -> None:
    turn = from_wire(one.answer, offered(one.sent))
    assert turn == read_answer(msgspec.json.encode(one.answer), offered(one.sent))
    said = one.answer["choices"][0]["message"]
    calls = said.get("tool_calls") or []
    assert turn.stop == "done"
    assert turn.text == (said.get("content") or "")
    assert [call.name for call in turn.calls] == [call["function"]["name"] for call in calls]
    assert list(turn.ids) == [call["id"] for call in calls]
    written = [call["function"].get("arguments") or "{}" for call in calls]
    assert [call.arguments for call in turn.calls] == [json.loads(text) for text in written]
    assert turn.usage is not None
    assert turn.usage.input == one.answer["usage"]["prompt_tokens"]
    assert turn.usage.output == one.answer["usage"]["completion_tokens"]


@pytest.mark.parametrize("one", CALLED, ids=lambda one: one.name)
def test_a_real_call_goes_back_as_it_came(one: Exchange) -> None:
    turn = from_wire(one.answer)
    replies = [Message("tool", "ok", reply_to=name) for name in turn.ids]
    talk = (Message("assistant", turn.text, turn.calls, ids=turn.ids, native=turn.native), *replies)
    said, *answered = to_wire(Request(role="student", model="local:m", conversation=talk))["messages"]
    for sent, came in zip(said["tool_calls"], one.answer["choices"][0]["message"]["tool_calls"], strict=True):
        assert sent["id"] == came["id"] or len(came["id"]) > LONGEST_ID
        assert sent["function"]["name"] == came["function"]["name"]
        assert json.loads(sent["function"]["arguments"]) == json.loads(came["function"].get("arguments") or "{}")
    assert [reply["tool_call_id"] for reply in answered] == [call["id"] for call in said["tool_calls"]]


def test_a_real_error_that_tells_of_a_lost_call() -> None:
    told = [json.dumps(one.answer) for one in ALL if one.status == 400]
    assert told
    assert all(map(lost_in_error, told))
