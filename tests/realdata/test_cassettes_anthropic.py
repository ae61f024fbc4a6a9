"""Answers of the real Messages API, as other projects recorded them, through ``from_wire`` and back."""

from __future__ import annotations

import ast
import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.providers.anthropic_messages import from_wire, to_wire
from tests.servers.anthropic import check_params

CASSETTES = Path(__file__).resolve().parents[3] / "shared" / "realdata" / "http_cassettes"
pytestmark = pytest.mark.skipif(not CASSETTES.is_dir(), reason=f"no recorded answers: {CASSETTES} is absent")
FILES = [*CASSETTES.glob("pydantic-ai/anthropic/*.yaml"), *CASSETTES.glob("openllmetry/test_anthropic_tools_*.yaml")]


@cache
def answers() -> list[dict[str, Any]]:
    """Return the body of every 2xx answer that was not streamed."""
    rows = gzip.decompress((CASSETTES / "pydantic-ai_requests_responses.jsonl.gz").read_bytes()).splitlines()
    flat = [json.loads(row) for row in rows]
    found = [body(row["response"]) for row in flat if row["provider"] == "anthropic"]
    for path in FILES:
        for one in yaml.safe_load(path.read_text())["interactions"]:
            response = one["response"]
            if 200 <= response["status"]["code"] < 300:
                found.append(body(response.get("parsed_body") or response["body"]["string"]))
    return [one for one in found if one is not None]


def body(value: Any) -> dict[str, Any] | None:
    if isinstance(value, dict):
        return value
    raw = value.encode() if isinstance(value, str) else value
    text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()
    if text.startswith("event:"):
        return None
    return dict(json.loads(text) if text.startswith('{"') else ast.literal_eval(text))


def test_there_are_answers_of_many_kinds() -> None:
    kinds = {block["type"] for answer in answers() for block in answer["content"]}
    assert kinds >= {"text", "tool_use"}
    assert len(answers()) >= 25


def test_every_answer_is_understood() -> None:
    for answer in answers():
        turn = from_wire(answer)
        uses = [block for block in answer["content"] if block["type"] == "tool_use"]
        assert [(call.name, call.arguments) for call in turn.calls] == [(use["name"], use["input"]) for use in uses]
        assert list(turn.ids) == [use["id"] for use in uses]
        assert turn.stop == "done"
        assert bool(turn.calls) is (answer["stop_reason"] == "tool_use")
        assert turn.calls or turn.text


def test_every_usage_adds_up() -> None:
    for answer in answers():
        said, usage = answer["usage"], from_wire(answer).usage
        assert usage is not None
        cache = [said.get(f"cache_{kind}_input_tokens") or 0 for kind in ("read", "creation")]
        assert (usage.input, usage.output) == (said["input_tokens"] + sum(cache), said["output_tokens"])
        assert [usage.cached, usage.cache_write] == cache
        assert usage.input > 0


def test_every_answer_can_go_back() -> None:
    for answer in answers():
        turn = from_wire(answer)
        said = Message("assistant", turn.text, calls=turn.calls, ids=turn.ids, native=turn.native)
        replies = [Message("tool", "ok", reply_to=one) for one in turn.ids]
        conversation = (Message("user", "q"), said, *replies)
        wire = to_wire(Request(role="teacher", model="anthropic:m", conversation=conversation))
        check_params(wire)
        if turn.calls:
            assert wire["messages"][1]["content"] == answer["content"]
            assert [block["tool_use_id"] for block in wire["messages"][2]["content"]] == list(turn.ids)
