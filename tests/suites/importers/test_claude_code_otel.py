from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.suites.importers.source import Skipped
from tests.suites.importers.writing import Logs


def event(second: int, name: str, prompt: str = "p1", **held: Any) -> dict[str, Any]:
    attrs = {"event.name": name, "session.id": "s", "prompt.id": prompt} | held
    return {"_type": "log", "ts": f"2026-01-05T10:00:{second:02}Z", "name": name, "attrs": attrs}


def called(second: int, tool: str, prompt: str = "p1", **arguments: Any) -> dict[str, Any]:
    return event(second, "tool_result", prompt, tool_name=tool, tool_input=json.dumps(arguments))


REQUEST = {"model": "made-up-1", "input_tokens": 3, "cache_read_tokens": 4, "output_tokens": 2}
WHOLE = [
    event(0, "user_prompt", prompt="Tidy up."),
    event(1, "api_request", **REQUEST),
    called(2, "Read", file="a"),
    called(3, "Read", file="b"),
    event(4, "api_request", **REQUEST),
    called(5, "Edit", file="a"),
    event(6, "api_request", **REQUEST),
]
WHOLE[0]["attrs"] |= {"prompt": "Tidy up.", "prompt.id": "p1"}


def as_otlp(record: dict[str, Any]) -> dict[str, Any]:
    held = [{"key": key, "value": {"stringValue": str(value)}} for key, value in record["attrs"].items()]
    seconds = int(record["ts"][17:19])
    body = {"stringValue": f"claude_code.{record['name']}"}
    log = {"timeUnixNano": str(seconds * 10**9), "body": body, "attributes": held}
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [log]}]}]}


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_calls_between_two_requests_are_one_step(logs: Logs, *, wrapped: bool, backwards: bool) -> None:
    records = [as_otlp(one) if wrapped else one for one in WHOLE]
    logs.lines("a.jsonl", *(reversed(records) if backwards else records))
    [run] = logs.read("claude-code-otel").runs
    assert run.chain == ((Call("Read", {"file": "a"}), Call("Read", {"file": "b"})), (Call("Edit", {"file": "a"}),))
    assert (run.case.query, run.model, run.outcome) == ("Tidy up.", "made-up-1", "called")
    assert run.usage == Usage(input=21, cached=12, output=6)


def test_what_does_not_tell_enough_is_counted_and_the_reason_said(logs: Logs) -> None:
    silent = event(1, "user_prompt", "p2")
    silent["attrs"]["prompt"] = "<REDACTED>"
    bare = event(2, "tool_result", "p3", tool_name="Read")
    asked = event(1, "user_prompt", "p3")
    asked["attrs"]["prompt"] = "Look."
    logs.lines(
        "a.jsonl", *WHOLE, silent, called(3, "Read", "p2"), asked, bare, {"_type": "metric", "attrs": {}}, {"x": 1}
    )
    found = logs.read("claude-code-otel")
    assert len(found.runs) == 1
    left_out = [record.calls for record in found.records if isinstance(record, Skipped)]
    assert left_out == [1, 1]
    assert [
        what
        for problem in found.problems
        for what in ("USER_PROMPTS", "TOOL_DETAILS", "no log event")
        if what in problem
    ] == [
        "no log event",
        "USER_PROMPTS",
        "TOOL_DETAILS",
    ]


def test_without_ids_of_prompts_a_prompt_goes_to_the_next_one(logs: Logs) -> None:
    second = [event(10, "user_prompt"), called(12, "Write", file="c"), called(13, "Read", file="c")]
    second[0]["attrs"]["prompt"] = "And now c."
    records = [{**one, "attrs": {k: v for k, v in one["attrs"].items() if k != "prompt.id"}} for one in WHOLE + second]
    logs.lines("a.jsonl", *records)
    first, other = logs.read("claude-code-otel").runs
    assert (len(first.chain), first.case.query) == (2, "Tidy up.")
    assert ([len(step) for step in other.chain], other.case.query) == ([2], "And now c.")


def test_calls_after_the_request_of_a_subagent_are_left_out_and_counted(logs: Logs) -> None:
    below = event(7, "api_request", query_source="agent:searcher", **REQUEST)
    logs.lines("a.jsonl", *WHOLE, below, called(8, "Grep", pattern="x"))
    found = logs.read("claude-code-otel")
    assert [len(step) for step in found.runs[0].chain] == [2, 1]
    assert found.skipped == {"calls of subagents": 1}


def test_the_model_is_that_of_the_main_requests_where_a_title_is_asked_for_first(logs: Logs) -> None:
    title = event(1, "api_request", query_source="generate_session_title", **REQUEST | {"model": "small-1"})
    own = event(2, "api_request", query_source="repl_main_thread:outputStyle:Terse", **REQUEST)
    logs.lines("a.jsonl", WHOLE[0], title, own, *WHOLE[2:4])
    assert [run.model for run in logs.read("claude-code-otel").runs] == ["made-up-1"]
    logs.lines("a.jsonl", WHOLE[0], title, *WHOLE[2:4])
    assert [run.model for run in logs.read("claude-code-otel").runs] == ["small-1"]
