"""The importers of Bashkit's evaluations and of the tool-calling benchmark."""

from __future__ import annotations

from typing import Any

from pytest_toolmatch.core.chain import Call, calls_of
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.tool import Tool
from tests.suites.importers.writing import Logs


def use(key: str, commands: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": key, "name": "bash", "input": {"commands": commands}}


def result(key: str, text: str) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": key, "content": text, "is_error": False}


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


TRACE = {
    "messages": [
        {"role": "user", "content": [text("List all.")]},
        {"role": "assistant", "content": [text("I list."), use("a", "ls"), use("b", "pwd")]},
        {"role": "tool_result", "content": [result("b", "home"), result("a", "x")]},
        {"role": "assistant", "content": [use("c", "cat x")]},
        {"role": "tool_result", "content": [result("c", "deep")]},
        {"role": "assistant", "content": [text("That is all.")]},
    ],
    "natural_stop": True,
    "total_input_tokens": 20,
    "total_output_tokens": 5,
    "duration_ms": 1500,
}
TASK = {"id": "list_all", "category": "files", "prompt": "List all.", "system": None}


def bash(command: str) -> Call:
    return Call("bash", {"commands": command})


def test_bashkit(logs: Logs) -> None:
    cut = TRACE | {"messages": TRACE["messages"][:2], "natural_stop": False}  # type: ignore[index]
    results = [{"task": TASK, "trace": TRACE}, {"task": TASK, "trace": cut}, {"task": 3}]
    path = logs.document("eval-1.json", {"model": "big", "results": results})
    logs.document("other.json", {"results": 3})
    read = logs.read("bashkit", replies=True)
    first, second = read.runs
    assert first.chain == ((bash("ls"), bash("pwd")), (bash("cat x"),))
    assert first.replies == (("x", "home"), ("deep",))
    assert (first.case.id, first.case.query, first.case.tags) == ("list-all-f037", "List all.", ("files",))
    assert (first.model, first.text, first.latency) == ("big", "That is all.", 1.5)
    assert (first.usage, first.source) == (Usage(input=20, output=5), f"{path}:1")
    assert (second.outcome, second.chain, second.case) == ("truncated", first.chain[:1], first.case)
    assert [problem.removeprefix(f"{logs.folder}/").split(": ")[0] for problem in read.problems] == [
        "eval-1.json:1 results[2]",
        "other.json:1",
    ]


def answer(*calls: dict[str, Any], **fields: Any) -> dict[str, Any]:
    first = calls[0]["name"] if calls else None
    told = {"tool_called": bool(calls), "tool_name": first, "all_tool_calls": list(calls) or None}
    return told | {"latency_ms": 250, "error": None, "raw_content": "said"} | fields


def test_tool_calling_benchmark(logs: Logs) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    function = {"name": "weather", "description": "Weather.", "parameters": schema}
    prompts = {"prompts": ["Rain in Rome?", "Hello"], "tools": [{"type": "function", "function": function}]}
    rome = {"name": "weather", "arguments": {"city": "Rome"}, "valid": True}
    old = {"tool_called": True, "tool_name": "weather", "all_tool_calls": None}
    runs = [
        [answer(rome, rome), answer()],
        [answer(error="timeout"), answer(**old)],
        [answer(), answer(tool_called=True), answer(rome)],
    ]
    path = logs.document("a.json", {"model_name": "small", "runs": runs})
    logs.document("prompts.json", prompts)
    read = logs.read("tool-calling-benchmark")
    assert read.runs[0].chain == ((Call("weather", {"city": "Rome"}),) * 2,)
    assert [len(calls_of(run.chain)) for run in read.runs] == [2, 0, 0, 1, 0, 0]
    outcomes = ["called", "answered", "infrastructure", "called", "answered", "invalid"]
    assert [run.outcome for run in read.runs] == outcomes
    assert read.runs[0].case.tools == (Tool(name="weather", description="Weather.", parameters=schema),)
    assert (read.runs[0].case.query, read.runs[0].latency, read.runs[0].text) == ("Rain in Rome?", 0.25, "said")
    what = "no prompt of that number: name the file with {prompts, tools}, too"
    assert read.problems == [f"{path}:1 runs[2][2]: {what}"]
    assert len(logs.read("tool-calling-benchmark", path).problems) == 7
