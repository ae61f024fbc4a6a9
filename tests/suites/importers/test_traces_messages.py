from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.suites.importers.traces.messages import answer_of, talk_of

ROW = {"row": 1}


def used(key: str, **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": key, "name": "find_seat", "input": given}


def held(key: str, **given: Any) -> dict[str, Any]:
    return {"id": key, "name": "find_seat", "args": given}


@pytest.mark.parametrize(
    ("content", "calls", "rows"),
    [
        ([used("u", row=1), used("v", row=1)], [held("u", row=1), held("v", row=1)], [1, 1]),
        ([used("u", row=1), used("v", row=2)], [held("v", row=2)], [1, 2]),
        ([used("u")], [held("u", row=1)], [1]),  # streamed: the content has lost the arguments
        ([used("", row=1)], [held("", row=1), held("", row=2)], [1, 2]),
        ([used("u", row=1)], [held("", row=1)], [1]),
        ([used("u", row=1)], [held("v", row=1)], [1, 1]),
    ],
)
def test_a_call_that_a_message_holds_in_two_places_is_one(content: Any, calls: Any, rows: list[int]) -> None:
    message = {"type": "ai", "content": [{"type": "text", "text": "I look."}, *content], "tool_calls": calls}
    answer = answer_of(talk_of(message, "assistant").messages)
    assert answer.content == "I look."
    assert [call.arguments["row"] for call in answer.calls] == rows


prompts = st.dictionaries(
    st.sampled_from(["question", "args", "kwargs", "topic"]),
    st.text() | st.lists(st.text(), max_size=2) | st.dictionaries(st.sampled_from(["lang", "city"]), st.text()),
    min_size=1,
)


@given(prompts)
def test_an_object_that_is_no_message_is_its_json(prompt: dict[str, Any]) -> None:
    [message] = talk_of(json.dumps(prompt), "user").messages
    assert json.loads(message.content) == prompt


def test_the_kwargs_of_a_message_are_the_message() -> None:
    asked = {"lc": 1, "type": "constructor", "kwargs": {"type": "human", "content": "Hi."}}
    said = {"type": "ai", "tool_calls": [held("u", row=1)]}
    called = {"lc": 1, "type": "constructor", "kwargs": said}
    assert talk_of(said | {"text": "I look."}, "user").messages[0].content == "I look."
    assert talk_of([asked, called], "user").messages == [
        Message("user", "Hi."),
        Message("assistant", "", (Call("find_seat", ROW),), ids=("u",)),
    ]


@pytest.mark.parametrize(
    ("item", "call"),
    [
        ({"type": "custom_tool_call", "name": "patch", "input": "*** Begin"}, Call("patch", {"input": "*** Begin"})),
        ({"type": "mcp_call", "name": "find_seat", "arguments": '{"row": 1}', "output": "1A"}, Call("find_seat", ROW)),
        ({"type": "shell_call", "action": {"commands": ["ls"]}}, Call("shell", {"commands": ["ls"]})),
        ({"type": "local_shell_call", "action": {"command": ["ls"]}}, Call("local_shell", {"command": ["ls"]})),
        ({"type": "apply_patch_call", "operation": {"path": "a"}}, Call("apply_patch", {"path": "a"})),
        ({"type": "computer_call", "action": {"type": "click"}}, Call("computer", {"type": "click"})),
        ({"type": "web_search_call", "action": {"query": "x"}}, Call("web_search", {"query": "x"})),
    ],
)
def test_items_of_responses_are_calls(item: dict[str, Any], call: Call) -> None:
    asked = {"type": "message", "role": "user", "content": "Go."}
    items = [asked, item | {"id": "i", "call_id": "c"}]
    said = Message("assistant", "", (call,), ids=("c",))
    assert talk_of(items, "user").messages == [Message("user", "Go."), said]
    assert talk_of({"output": items[1:]}, "assistant").messages == [said]


@pytest.mark.parametrize(
    ("kind", "output", "text"),
    [
        ("custom_tool_call_output", "Done.", "Done."),
        ("custom_tool_call_output", '{"output": "Done.", "metadata": {"exit_code": 0}}', "Done."),
        ("shell_call_output", [{"stdout": "a.py"}], '[{"stdout":"a.py"}]'),
        ("function_call_output", [{"type": "input_text", "text": "Done."}], "Done."),
        ("computer_call_output", {"type": "computer_screenshot", "image_url": "data:"}, "[computer_screenshot]"),
    ],
)
def test_outputs_of_responses_are_replies(kind: str, output: Any, text: str) -> None:
    called = {"type": "custom_tool_call", "call_id": "c", "name": "patch", "input": ""}
    _, reply = talk_of([called, {"type": kind, "call_id": "c", "output": output}], "user").messages
    assert reply == Message("tool", text, name="patch", reply_to="c")
