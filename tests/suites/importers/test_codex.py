from __future__ import annotations

import json
from typing import Any

from pytest_toolmatch.core.chain import Call, calls_of
from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.tool import Tool
from tests.suites.importers.writing import Logs


def line(kind: str, **payload: Any) -> dict[str, Any]:
    return {"timestamp": "2026-03-01T10:00:00Z", "type": kind, "payload": payload}


def item(kind: str, **fields: Any) -> dict[str, Any]:
    return line("response_item", type=kind, **fields)


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return line("event_msg", type=kind, **fields)


def said(role: str, text: str) -> dict[str, Any]:
    part = "output_text" if role == "assistant" else "input_text"
    return item("message", role=role, content=[{"type": part, "text": text}])


def prompt(text: str) -> list[dict[str, Any]]:
    """A prompt as it went to the model, and as it stood on the screen."""
    return [said("user", text), event("user_message", message=text, images=[])]


def call(key: str, name: str, **arguments: Any) -> dict[str, Any]:
    return item("function_call", name=name, arguments=json.dumps(arguments), call_id=key)


def output(key: str, text: Any) -> dict[str, Any]:
    return item("function_call_output", call_id=key, output=text)


def tokens(total: int, fresh: int = 100, out: int = 10) -> dict[str, Any]:
    last = {"input_tokens": fresh, "cached_input_tokens": 40, "output_tokens": out, "reasoning_output_tokens": 3}
    return event("token_count", info={"total_token_usage": {"total_tokens": total}, "last_token_usage": last})


META = line("session_meta", id="s1", cli_version="0.125.0", base_instructions={"text": "Be a coder."})
CONTEXT = line("turn_context", model="gpt-x")
PATCH = "*** Begin Patch\n*** End Patch"
SESSION = [
    META,
    said("developer", "Ask before you delete."),
    said("user", "<environment_context>here</environment_context>"),
    CONTEXT,
    *prompt("list the files"),
    item("reasoning", summary=[], encrypted_content="xx"),
    said("assistant", "I look."),
    event("agent_message", message="I look."),
    call("c1", "shell", cmd="ls"),
    call("c2", "shell", cmd="pwd"),
    tokens(110),
    event("exec_command_end", call_id="c2", stdout="home"),
    output("c2", "home"),
    output("c1", '{"output": "a.py", "metadata": {"exit_code": 0}}'),
    tokens(110),
    said("assistant", "Only a.py."),
    tokens(230, 110, 20),
    event("task_complete"),
    *prompt("empty it"),
    item("web_search_call", status="completed", action={"type": "search", "query": "how to"}),
    event("web_search_end", call_id="w1", query="how to"),
    tokens(300),
    item("custom_tool_call", name="apply_patch", call_id="c3", input=PATCH),
    item("custom_tool_call_output", call_id="c3", output="Success."),
    said("assistant", "Done."),
]


def test_a_session_becomes_a_case_per_prompt(logs: Logs) -> None:
    path = logs.packed("rollout-1.jsonl.gz", *SESSION)
    first, second = logs.read("codex", replies=True).runs
    assert first.chain == ((Call("shell", {"cmd": "ls"}), Call("shell", {"cmd": "pwd"})),)
    assert first.replies == (("a.py", "home"),)
    assert first.case.conversation == (
        Message("system", "Ask before you delete."),
        Message("user", "<environment_context>here</environment_context>"),
        Message("user", "list the files"),
    )
    assert (first.model, first.outcome, first.text) == ("gpt-x", "called", "Only a.py.")
    assert first.usage == Usage(input=210, cached=80, output=30, reasoning=6)
    assert (first.instructions, first.source) == ("Be a coder.", f"{path}:5")
    assert second.chain == (
        (Call("web_search", {"type": "search", "query": "how to"}),),
        (Call("apply_patch", {"input": PATCH}),),
    )
    assert second.case.conversation[3:] == (
        Message("assistant", "I look.", first.chain[0]),
        Message("tool", "a.py", name="shell"),
        Message("tool", "home", name="shell"),
        Message("assistant", "Only a.py."),
        Message("user", "empty it"),
    )


def test_only_the_first_prompt_and_a_label(logs: Logs) -> None:
    path = logs.lines("a.jsonl", *SESSION)
    read = logs.read("codex", f"big={path}", turns="first")
    assert [(run.model, len(calls_of(run.chain))) for run in read.runs] == [("big", 2)]
    assert read.skipped == {"calls after the first prompt": 2}


def test_dynamic_tools_are_on_offer_beside_the_given_ones(logs: Logs) -> None:
    schema = {"type": "object", "properties": {"day": {"type": "string"}}}
    dynamic = {"name": "calendar", "description": "Days.", "input_schema": schema}
    meta = line("session_meta", id="s", base_instructions="Be brief.", dynamic_tools=[dynamic])
    logs.lines("a.jsonl", meta, CONTEXT, *prompt("hi"), call("c", "calendar"))
    read = logs.read("codex")
    assert read.problems == [
        f"{logs.folder}/a.jsonl:1: only the dynamic tools are logged: give --tools a file with Codex's own"
    ]
    calendar = Tool(name="calendar", description="Days.", parameters=schema)
    assert [run.case.tools for run in read.runs] == [(calendar,)]
    read = logs.read("codex", tools=(Tool(name="shell"), Tool(name="calendar")))
    assert [run.case.tools for run in read.runs] == [(Tool(name="shell"), calendar)]
    assert (read.problems, read.runs[0].instructions) == ([], "Be brief.")


def test_how_a_turn_ended(logs: Logs) -> None:
    logs.lines(
        "a.jsonl",
        META,
        CONTEXT,
        *prompt("one"),
        call("c1", "shell"),
        event("turn_aborted", reason="interrupted"),
        said("user", "<turn_aborted>by the user</turn_aborted>"),
        *prompt("two"),
        call("c2", "shell"),
        event("error", message="stream disconnected"),
        *prompt("three"),
        call("c3", "shell"),
        event("error", message="once"),
        said("assistant", "All the same."),
    )
    runs = logs.read("codex").runs
    assert [(run.outcome, run.error) for run in runs] == [
        ("truncated", "interrupted"),
        ("infrastructure", "stream disconnected"),
        ("called", ""),
    ]


def test_turns_that_were_taken_back_are_no_past(logs: Logs) -> None:
    talk = [*prompt("one"), said("assistant", "1"), *prompt("two"), call("c", "shell"), output("c", "x")]
    logs.lines(
        "a.jsonl", META, *talk, event("thread_rolled_back", num_turns=1), *prompt("three"), said("assistant", "3")
    )
    runs = logs.read("codex").runs
    assert [len(run.chain) for run in runs] == [0, 1, 0]
    assert [message.content for message in runs[2].case.conversation] == ["one", "1", "three"]


def test_a_prompt_without_an_answer_is_taken_back_as_a_turn(logs: Logs) -> None:
    logs.lines(
        "a.jsonl",
        META,
        said("developer", "Be kind."),
        *prompt("one"),
        said("assistant", "1"),
        *prompt("two"),
        event("turn_aborted", reason="interrupted"),
        event("thread_rolled_back", num_turns=1),
        *prompt("three"),
        *prompt("four"),
        said("assistant", "4"),
        event("thread_rolled_back", num_turns=1),
        *prompt("five"),
        said("assistant", "5"),
        event("thread_rolled_back", num_turns=3),
        *prompt("six"),
        said("assistant", "6"),
    )
    pasts = [[message.content for message in run.case.conversation] for run in logs.read("codex").runs]
    assert pasts == [
        ["Be kind.", "one"],
        ["Be kind.", "one", "1", "three", "four"],
        ["Be kind.", "one", "1", "three", "five"],
        ["Be kind.", "six"],
    ]


def test_after_a_compaction_the_summary_is_the_past(logs: Logs) -> None:
    kept = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "In short: x."}]}]
    logs.lines(
        "a.jsonl",
        META,
        *prompt("one"),
        call("c1", "shell"),
        line("compacted", message="", replacement_history=kept),
        call("c2", "shell"),
        output("c2", "y"),
        *prompt("two"),
        said("assistant", "2"),
        line("compacted", message="All in one."),
        *prompt("three"),
        call("c3", "shell"),
    )
    first, second, third = logs.read("codex").runs
    assert len(calls_of(first.chain)) == 2
    assert [message.content for message in first.case.conversation] == ["one"]
    assert [message.content for message in second.case.conversation] == ["In short: x.", "", "y", "two"]
    assert [message.content for message in third.case.conversation] == ["In short: x.", "two", "All in one.", "three"]


def test_a_fork_repeats_what_it_comes_from_and_counts_once(logs: Logs) -> None:
    logs.lines("a.jsonl", *SESSION)
    logs.lines("b.jsonl", line("session_meta", id="s2", forked_from_id="s1"), *SESSION)
    runs = logs.read("codex").runs
    assert [run.identity for run in runs[:2]] == [run.identity for run in runs[2:]]
    assert len({run.identity for run in runs}) == 2


def test_the_first_versions_wrote_items_as_they_are(logs: Logs) -> None:
    bare = [one["payload"] for one in (*prompt("go")[:1], call("c", "shell"), output("c", "ok"))]
    logs.lines("a.jsonl", {"id": "s", "timestamp": "x", "instructions": None}, {"record_type": "state"}, *bare)
    [run] = logs.read("codex").runs
    assert (run.chain, run.model) == (((Call("shell", {}),),), "unknown")


def test_subagents_are_tagged(logs: Logs) -> None:
    meta = line("session_meta", id="s", source={"subagent": {"thread_spawn": {"depth": 1}}})
    logs.lines("a.jsonl", meta, *prompt("go"), said("assistant", "Done."))
    assert [run.case.tags for run in logs.read("codex").runs] == [("subagent",)]


def test_bad_input_is_named_and_the_rest_comes_through(logs: Logs) -> None:
    good = [META, *prompt("go"), call("c", "shell")]
    logs.lines("a.jsonl", *good, {"type": "response_item", "payload": 7}, 3, broken=b'{"type": "response_item", "pay')
    logs.lines("history.jsonl", {"session_id": "s1", "ts": 1, "text": "go"})
    logs.lines("lost.jsonl", META, call("c9", "shell"), said("assistant", "Hm."))
    logs.raw("z.jsonl", b'{"type": "\xff"}\n')
    read = logs.read("codex")
    assert [len(calls_of(run.chain)) for run in read.runs] == [1]
    assert read.skipped == {"calls before the first prompt of a file": 1}
    found = [problem.removeprefix(f"{logs.folder}/") for problem in read.problems]
    assert found[0].startswith("a.jsonl:7: not JSON, or cut off")
    assert found[1] == "history.jsonl:1: no Codex rollout: its records have no type and payload of one"
    assert found[2] == "z.jsonl:1: bytes that are not UTF-8"
    assert len(found) == 3


def test_a_session_without_a_call_is_told(logs: Logs) -> None:
    path = logs.lines("a.jsonl", META, *prompt("hi"), said("assistant", "Hello."))
    read = logs.read("codex")
    assert read.problems == [f"{path}: calls no tool: all its prompts become cases without a call"]
    assert [run.outcome for run in read.runs] == ["answered"]
