from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pytest_toolmatch.core.chain import Call, calls_of
from pytest_toolmatch.core.conversation import Message, user
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.tool import Tool
from tests.suites.importers.writing import Logs

SCHEMA = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
SEARCH = {"name": "search", "description": "Search.", "parameters": SCHEMA, "options": None}
HEAD = {"version": 2, "status": "success", "eval": {"task": "browser", "model": "openai/small", "run_id": "r"}}


def call(key: str, **arguments: Any) -> dict[str, Any]:
    return {"id": key, "function": "search", "arguments": arguments}


def said(text: str = "", *calls: dict[str, Any], source: str = "generate") -> dict[str, Any]:
    return {"role": "assistant", "content": text, "source": source, "tool_calls": list(calls)}


def reply(key: str, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": key, "function": "search", "content": text}


MESSAGES = [
    {"role": "system", "content": "Be exact."},
    {"role": "user", "content": "An example", "source": "input"},
    said("As this.", source="input"),
    {"role": "user", "content": [{"type": "text", "text": "attachment://h1"}], "source": "input"},
    said("", call("a", q="x"), call("b", q="y")),
    reply("b", "Y"),
    reply("a", "attachment://h2"),
    {"role": "user", "content": "Go on."},
    said("", call("c", q="z")),
    reply("c", "Z"),
    said("It is z."),
]


def sample(number: int = 1, **fields: Any) -> dict[str, Any]:
    model = {"event": "model", "tools": [SEARCH], "output": {"choices": [{"message": said("", call("a", q="x"))}]}}
    usage = {"openai/small": {"input_tokens": 30, "output_tokens": 4, "input_tokens_cache_read": 10}}
    return {
        "id": number,
        "epoch": 1,
        "messages": MESSAGES,
        "attachments": {"h1": "Where is z?", "h2": "X at length"},
        "events": [{"event": "tool", "id": "a", "function": "search"}, model, model],
        "model_usage": usage,
        "total_time": 1.5,
    } | fields


def zipped(
    path: Path, samples: list[dict[str, Any]], header: str = "header.json", packing: int = zipfile.ZIP_DEFLATED
) -> None:
    with zipfile.ZipFile(path, "w", packing) as log:
        log.writestr(header, json.dumps(HEAD))
        log.writestr("summaries.json", "[]")
        for one in samples:
            log.writestr(f"samples/{one['id']}_epoch_{one['epoch']}.json", json.dumps(one))


def test_a_sample_is_a_case_and_an_epoch_a_draw(logs: Logs) -> None:
    path = logs.document("log.json", HEAD | {"samples": [sample(), sample(epoch=2, messages=MESSAGES[:5])]})
    first, second = logs.read("inspect-ai", replies=True).runs
    assert first.chain == ((Call("search", {"q": "x"}), Call("search", {"q": "y"})), (Call("search", {"q": "z"}),))
    assert first.replies == (("X at length", "Y"), ("Z",))
    assert first.case.conversation == (
        Message("user", "An example"),
        Message("assistant", "As this."),
        Message("user", "Where is z?"),
    )
    assert first.case.tools == (Tool(name="search", description="Search.", parameters=SCHEMA),)
    assert (first.suite, first.case.id, first.model, first.text) == ("browser", "1", "openai/small", "It is z.")
    assert (first.instructions, first.latency, first.source) == ("Be exact.", 1.5, f"{path}:1 samples[0]")
    assert first.usage == Usage(input=30, cached=10, output=4)
    assert (second.case.id, second.case.conversation) == (first.case.id, first.case.conversation)
    assert second.identity != first.identity


def test_the_zip_says_the_same(logs: Logs) -> None:
    samples = [sample(), sample(2)]
    logs.document("a/log.json", HEAD | {"samples": samples})
    (logs.folder / "b").mkdir()
    zipped(logs.folder / "b" / "log.eval", samples)
    runs = logs.read("inspect-ai").runs
    assert [(run.chain, run.case.conversation, run.identity) for run in runs[:2]] == [
        (run.chain, run.case.conversation, run.identity) for run in runs[2:]
    ]
    assert len(runs) == 4


def test_an_unfinished_zip_is_read_as_far_as_it_goes(logs: Logs) -> None:
    zipped(logs.folder / "log.eval", [sample()], header="_journal/start.json")
    assert len(logs.read("inspect-ai").runs) == 1


@pytest.mark.parametrize(
    ("fields", "outcome", "error"),
    [
        ({"error": {"message": "docker is gone"}}, "infrastructure", "docker is gone"),
        ({"limit": {"type": "message", "limit": 5}}, "truncated", "limit: message"),
        ({"output": {"choices": [{"stop_reason": "max_tokens"}]}}, "truncated", ""),
        ({"output": {"choices": [{"stop_reason": "content_filter"}]}}, "refused", ""),
        ({"output": {"choices": [{"stop_reason": "stop"}]}}, "called", ""),
    ],
)
def test_how_a_sample_ended(logs: Logs, fields: dict[str, Any], outcome: str, error: str) -> None:
    logs.document("log.json", HEAD | {"samples": [sample(**fields)]})
    assert [(run.outcome, run.error) for run in logs.read("inspect-ai").runs] == [(outcome, error)]


def test_only_the_tasks_that_are_wanted(logs: Logs) -> None:
    logs.document("log.json", HEAD | {"samples": [sample()]})
    read = logs.read("inspect-ai", categories=("shop*",))
    assert (read.runs, read.skipped) == ([], {"calls of tasks that are not wanted": 3})


def test_bad_input_is_named_and_the_rest_comes_through(logs: Logs) -> None:
    plain = [{"role": "user", "content": "hi"}, said("Hello.")]
    logs.document("a.json", HEAD | {"samples": [{"id": 1}, sample(3, messages=plain, events=None)]})
    logs.document("b.json", HEAD | {"status": "error", "samples": None})
    logs.document("c.json", {"results": []})
    logs.raw("d.eval", b"no zip")
    zipped(logs.folder / "e.eval", [sample()], header="else.json")
    with zipfile.ZipFile(logs.folder / "f.eval", "w") as log:
        log.writestr("header.json", json.dumps(HEAD))
        log.writestr("samples/1_epoch_1.json", b'{"id": ')
    read = logs.read("inspect-ai")
    assert [(run.case.conversation, run.case.tools, len(calls_of(run.chain))) for run in read.runs] == [
        (user("hi"), None, 0)
    ]
    found = [problem.removeprefix(f"{logs.folder}/").split(": ")[:2] for problem in read.problems]
    assert found == [
        ["a.json:1 samples[0]", "not of the shape expected"],
        ["b.json:1", "an eval without samples"],
        ["c.json:1", "no Inspect log"],
        ["d.eval", "can't be read on"],
        ["e.eval", "no Inspect log"],
        ["f.eval:samples/1_epoch_1.json", "not JSON, or cut off (Expecting value"],
    ]


def test_a_header_that_is_broken_is_named(logs: Logs) -> None:
    with zipfile.ZipFile(logs.folder / "g.eval", "w") as log:
        log.writestr("header.json", b"{")
    [problem] = logs.read("inspect-ai").problems
    assert problem.startswith(f"{logs.folder}/g.eval:header.json: not JSON, or cut off")
