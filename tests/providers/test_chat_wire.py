from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from pydantic import TypeAdapter

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Conversation, Message, user
from pytest_toolmatch.core.errors import ConfigError, ServiceFault
from pytest_toolmatch.core.model import parse_model
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.providers import openai_chat
from pytest_toolmatch.providers.chat_wire import check_settings, from_wire, read_answer, to_wire
from tests.servers.chat import USAGE, completion, tool_call

TOOLS = (
    Tool(name="search", description="Search.", parameters={"type": "object", "properties": {"q": {"type": "string"}}}),
    Tool(name="book"),
)
SEARCH, BOOK = Call("search", {"q": "cheese"}), Call("book")
OFFERED = {"search", "book"}
HI = user("hi")
PARAMS = TypeAdapter(CompletionCreateParamsNonStreaming)


def request(conversation: Conversation = HI, **more: Any) -> Request:
    given = {"model": "openai:gpt-5.4", "tools": TOOLS, "instructions": "Help."} | more
    return Request(role="student", conversation=conversation, **given)


def check_types(body: dict[str, Any]) -> None:
    """Hold a body against the SDK's own types; what is lazily validated is forced."""
    checked = PARAMS.validate_python(body, strict=True, extra="forbid")
    for name in ("messages", "tools"):
        for entry in checked.get(name, ()):
            list(entry.get("tool_calls", ()))


def test_a_request() -> None:
    body = to_wire(request(settings={"temperature": 0.0, "seed": 7, "reasoning_effort": "low"}))
    check_types(body)
    assert body == {
        "model": "gpt-5.4",
        "messages": [{"role": "system", "content": "Help."}, {"role": "user", "content": "hi"}],
        "tools": [
            {"type": "function", "function": {"name": t.name, "description": t.description, "parameters": p}}
            for t, p in zip(TOOLS, [TOOLS[0].parameters, {"type": "object", "properties": {}}], strict=True)
        ],
        "temperature": 0.0,
        "seed": 7,
        "reasoning_effort": "low",
    }


def test_without_tools_and_instructions_none_are_sent() -> None:
    assert to_wire(request(tools=(), instructions="")).keys() == {"model", "messages"}


@pytest.mark.parametrize(
    ("identity", "name"),
    [("local:gpt-oss:20b", "gpt-oss:20b"), ("openai:ft:gpt-5:acme::x", "ft:gpt-5:acme::x"), ("gpt-5", "gpt-5")],
)
def test_a_models_name_may_hold_colons(identity: str, name: str) -> None:
    assert to_wire(request(model=identity))["model"] == name


def test_calls_and_replies_are_paired() -> None:
    talk = (
        *user("hi"),
        Message("assistant", "Wait.", (SEARCH, BOOK), ids=("x", "y")),
        Message("tool", "booked", reply_to="y"),
        Message("tool", "found", reply_to="x"),
        Message("system", "Hurry."),
        Message("assistant", "", (BOOK, SEARCH, Call("book", '{"id": '))),
        Message("tool", "one"),
        Message("tool", "two"),
        Message("tool", "three"),
    )
    body = to_wire(request(talk))
    check_types(body)
    _, _, first, found, booked, hurry, second, *replies = body["messages"]
    assert [call["id"] for call in first["tool_calls"]] == ["x", "y"]
    assert first["content"] == "Wait."
    assert found == {"role": "tool", "tool_call_id": "x", "content": "found"}
    assert booked == {"role": "tool", "tool_call_id": "y", "content": "booked"}
    assert hurry == {"role": "system", "content": "Hurry."}
    assert [call["function"]["arguments"] for call in second["tool_calls"]] == ["{}", '{"q":"cheese"}', '{"id": ']
    assert [call["id"] for call in second["tool_calls"]] == [reply["tool_call_id"] for reply in replies]


def test_ids_that_a_server_repeats_are_told_apart() -> None:
    turn = [Message("assistant", "", (BOOK,), ids=("call_0",)), Message("tool", "done", reply_to="call_0")]
    messages = to_wire(request((*user("hi"), *turn, *turn)))["messages"]
    assert messages[2]["tool_calls"][0]["id"] == messages[3]["tool_call_id"] == "call_0"
    assert messages[4]["tool_calls"][0]["id"] == messages[5]["tool_call_id"] != "call_0"


def test_max_tokens_has_another_name_at_openai() -> None:
    body = openai_chat.to_wire(request(settings={"max_tokens": 9, "tool_choice": "auto", "parallel_tool_calls": False}))
    check_types(body)
    assert body["max_completion_tokens"] == 9
    assert "max_tokens" not in body
    assert to_wire(request(settings={"max_tokens": 9}))["max_tokens"] == 9


def test_our_own_settings_stay_here() -> None:
    settings = {"cache": False, "api_key_env": "K", "extra_headers": {"a": "b"}, "extra_body": {"top_k": 3}, "min_p": 1}
    body = to_wire(request(settings=settings))
    assert body.keys() == {"model", "messages", "tools", "top_k", "min_p"}


@pytest.mark.parametrize("settings", [{"stream": True}, {"n": 2}])
def test_settings_that_change_what_an_answer_is_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"openai:x: settings.{next(iter(settings))}: "):
        check_settings(parse_model("openai:x", settings))


def test_what_is_native_goes_back_and_what_is_anothers_does_not() -> None:
    details = [{"type": "reasoning.encrypted", "data": "xyz"}]
    signed = tool_call("book") | {"extra_content": {"google": {"thought_signature": "abc"}}}
    turn = from_wire(completion("", tool_call("search"), signed, reasoning_content="Hm.", reasoning_details=details))
    said = Message("assistant", turn.text, turn.calls, ids=turn.ids, native=turn.native)
    sent = to_wire(request((*user("hi"), said)))["messages"][2]
    assert (sent["reasoning_content"], sent["reasoning_details"]) == ("Hm.", details)
    assert [call.get("extra_content") for call in sent["tool_calls"]] == [None, signed["extra_content"]]
    assert json.loads(msgspec.json.encode(turn.native)) == turn.native
    other = Message("assistant", "", turn.calls, native={"provider": "anthropic", "reasoning_content": "x"})
    assert to_wire(request((*user("hi"), other)))["messages"][2].keys() == {"role", "content", "tool_calls"}


def turn(response: dict[str, Any]) -> Turn:
    """Return what both readers make of an answer that the SDK takes for real."""
    ChatCompletion.model_validate(response)
    read = read_answer(json.dumps(response).encode(), OFFERED)
    assert read == from_wire(response, OFFERED)
    return read


def test_an_answer_without_a_call() -> None:
    usage = Usage(input=120, cached=64, output=30, reasoning=12)
    assert turn(completion("Sunny.")) == Turn(text="Sunny.", usage=usage)


def test_parallel_calls() -> None:
    read = turn(completion(None, tool_call("search", {"q": "a"}), tool_call("book", "", "call_b")))
    assert (read.calls, read.ids, read.stop) == (
        (Call("search", {"q": "a"}), Call("book", {})),
        ("call_a", "call_b"),
        "done",
    )


@pytest.mark.parametrize("ids", [(None, None), ("", ""), ("a", "a")])
def test_ids_are_made_where_they_are_missing_or_the_same(ids: tuple[str | None, ...]) -> None:
    read = from_wire(completion("", *(tool_call("book", {}, name) for name in ids)), OFFERED)
    assert len(set(read.ids)) == 2
    assert all(read.ids)


@pytest.mark.parametrize("text", ['{"q": ', "[1, 2]", '"x"', "null", "NaN", '{"q": NaN}', "call me", '{"a":' * 5000])
def test_arguments_that_are_no_object_stay_text(text: str) -> None:
    assert turn(completion("", tool_call("search", text))).calls == (Call("search", text),)


@pytest.mark.parametrize("value", [None, ""])
def test_no_arguments_are_an_empty_object(value: str | None) -> None:
    call = {"id": "a", "function": {"name": "book", "arguments": value}}
    assert from_wire(completion("", call)).calls == (Call("book", {}),)
    del call["function"]["arguments"]  # type: ignore[attr-defined]
    assert from_wire(completion("", call)).calls == (Call("book", {}),)


def test_arguments_that_a_server_parsed_are_taken() -> None:
    call = {"id": "a", "function": {"name": "book", "arguments": {"id": 10**30, "price": 0.1}}}
    assert from_wire(completion("", call)).calls == (Call("book", {"id": 10**30, "price": 0.1}),)


def test_numbers_stay_exact() -> None:
    text = '{"id": 123456789012345678901234567890, "n": 1, "x": 1.0}'
    arguments = turn(completion("", tool_call("book", text))).calls[0].arguments
    assert arguments == json.loads(text)
    assert [type(value) for value in arguments.values()] == [int, int, float]


STOPS = {
    "length": ("truncated", completion("It is", finish="length")),
    "length, in a call": ("truncated", completion("", tool_call("search", '{"q": "ch'), finish="length")),
    "length, after a call": ("truncated", completion("", tool_call("search"), finish="length")),
    "length, in thought": ("truncated", completion("", finish="length", reasoning_content="<tool_call>{")),
    "content filter": ("refused", completion(None, finish="content_filter")),
    "refusal": ("refused", completion(None, refusal="I can't help with that.")),
    "harmony in the name": ("lost_by_server", completion("", tool_call("search<|channel|>json"))),
    "no name": ("lost_by_server", completion("", tool_call(""))),
    "unknown name": ("done", completion("", tool_call("serach"))),
    "leaked": ("lost_by_server", completion('<tool_call>{"name": "search", "arguments": {}}</tool_call>')),
    "leaked beside a call": (
        "lost_by_server",
        completion('<tool_call>{"name": "search", "arguments": {}}</tool_call>', tool_call("book")),
    ),
    "leaked into thought": (
        "lost_by_server",
        completion("", usage=None, reasoning_content='<tool_call>{"name": "search", "arguments": {}}'),
    ),
    "thought about, then called": (
        "done",
        completion("", tool_call("search"), reasoning_content="to=functions.search"),
    ),
    "thought about, then answered": ("done", completion("No need.", reasoning_content="<tool_call>{}")),
    "announced, but none": ("lost_by_server", completion("", finish="tool_calls", usage=None)),
    "paid for, but empty": ("lost_by_server", completion("")),
    "nothing to say": ("done", completion("", usage={"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10})),
    "empty, unknown cost": ("done", completion("", usage=None)),
}


@pytest.mark.parametrize(("stop", "response"), STOPS.values(), ids=STOPS)
def test_why_a_turn_ended(stop: str, response: dict[str, Any]) -> None:
    assert turn(response).stop == stop


def test_the_text_of_a_lost_call_is_kept() -> None:
    assert "functions.search" in turn(completion("commentary to=functions.search json{}")).text
    assert turn(completion("", usage=None, reasoning_content="<tool_call>{}")).text == "<tool_call>{}"
    assert turn(completion(None, refusal="I can't.")).text == "I can't."


def test_a_call_in_the_old_form_is_a_call() -> None:
    old = completion(None, finish="function_call", function_call={"name": "search", "arguments": '{"q": "x"}'})
    assert turn(old).calls == (Call("search", {"q": "x"}),)


def test_text_may_come_in_parts() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    response = completion("")
    response["choices"][0]["message"]["content"] = [
        thinking,
        {"type": "text", "text": "Sun"},
        {"type": "text", "text": "ny"},
    ]
    assert from_wire(response).text == "Sunny"


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None, "prompt_tokens_details": None}])
def test_usage_that_is_absent(usage: dict[str, Any] | None) -> None:
    assert from_wire(completion("x", usage=usage)).usage == (None if usage is None else Usage())
    assert from_wire(completion("x", usage=USAGE)).usage != Usage()


@pytest.mark.parametrize(
    "response",
    [
        {},
        {"choices": []},
        {"choices": None},
        {"choices": [{"finish_reason": "stop"}]},
        {"choices": "x"},
        {"error": {"message": "Provider returned error", "code": 502}},
        completion("half", finish="error"),
        {"object": "list", "data": []},
    ],
)
def test_what_is_no_completion_is_a_fault(response: dict[str, Any]) -> None:
    with pytest.raises(ServiceFault):
        from_wire(response)
    with pytest.raises(ServiceFault):
        read_answer(json.dumps(response).encode())


@given(st.binary())
def test_garbage_is_a_fault(body: bytes) -> None:
    with pytest.raises(ServiceFault):
        read_answer(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)
    )
)
def test_any_arguments_survive_the_way_out_and_back(value: Any) -> None:
    arguments = value if isinstance(value, dict) else {"v": value}
    said = Message("assistant", "", (Call("book", arguments),))
    try:
        sent = to_wire(request((said,)))["messages"][1]["tool_calls"]
    except UnicodeEncodeError:
        return
    assert from_wire(completion("", *sent)).calls[0].arguments == arguments
