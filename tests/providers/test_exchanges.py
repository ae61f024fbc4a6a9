"""Calls, their ids and their replies, as all four wires show them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses import ResponseInputItemParam
from pydantic import TypeAdapter

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Conversation, Message
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.providers import anthropic_messages, chat_wire, google_genai, openai_responses
from pytest_toolmatch.providers.exchanges import distinct, read_arguments, write_arguments
from tests.servers.anthropic import check_params

CHAT = TypeAdapter(CompletionCreateParamsNonStreaming)
ITEM = TypeAdapter(ResponseInputItemParam)


class Seen(NamedTuple):
    """What a wire shows at one place: a call, a reply or text."""

    kind: str
    name: str
    text: str = ""


def chat(wire: dict[str, Any]) -> Iterator[Seen]:
    for message in CHAT.validate_python(wire, strict=True, extra="ignore")["messages"]:
        if message["role"] == "tool":
            yield Seen("reply", message["tool_call_id"], message["content"])
        else:
            yield Seen("text", message["role"], message["content"])
            yield from (Seen("call", one["id"], one["function"]["name"]) for one in message.get("tool_calls", ()))


def responses(wire: dict[str, Any]) -> Iterator[Seen]:
    for item in wire["input"]:
        ITEM.validate_json(json.dumps(item))
        if item["type"] == "function_call":
            yield Seen("call", item["call_id"], item["name"])
        elif item["type"] == "function_call_output":
            yield Seen("reply", item["call_id"], item["output"])
        else:
            yield Seen("text", item["role"], item["content"])


def anthropic(wire: dict[str, Any]) -> Iterator[Seen]:
    check_params(wire)
    for message in wire["messages"]:
        for block in message["content"]:
            if block["type"] == "tool_use":
                yield Seen("call", block["id"], block["name"])
            elif block["type"] == "tool_result":
                yield Seen("reply", block["tool_use_id"], block["content"])
            else:
                yield Seen("text", message["role"], block["text"])


def google(wire: dict[str, Any]) -> Iterator[Seen]:
    for content in wire["contents"]:
        types.Content.model_validate_json(json.dumps(content))
        for part in content["parts"]:
            if "functionCall" in part:
                yield Seen("call", part["functionCall"]["id"], part["functionCall"]["name"])
            elif "functionResponse" in part:
                (text,) = part["functionResponse"]["response"].values()
                yield Seen("reply", part["functionResponse"]["id"], text)
            else:
                yield Seen("text", content["role"], part["text"])


def _tool_use(name: str, call: Call) -> dict[str, Any]:
    return {"type": "tool_use", "id": name, "name": call.name, "input": {}}


def _function_call(name: str, call: Call) -> dict[str, Any]:
    return {"type": "function_call", "call_id": name, "name": call.name, "arguments": "{}"}


def _part(name: str, call: Call) -> dict[str, Any]:
    return {"functionCall": {"id": name, "name": call.name, "args": {}}}


class Wire(NamedTuple):
    model: str
    to_wire: Callable[[Request], dict[str, Any]]
    read: Callable[[dict[str, Any]], Iterator[Seen]]
    takes: str
    """The form of its ids."""
    native: Callable[[list[tuple[str, Call]]], dict[str, Any]]
    """What the service itself said, from the ids and the calls."""

    def seen(self, conversation: Conversation) -> list[Seen]:
        request = Request(role="student", model=self.model, conversation=conversation, settings={"cache": False})
        return [*self.read(self.to_wire(request))]


WIRES = [
    Wire(
        "local:m", chat_wire.to_wire, chat, r".{1,40}", lambda calls: {"provider": "chat", "reasoning": f"{len(calls)}"}
    ),
    Wire(
        "openai-responses:m",
        openai_responses.to_wire,
        responses,
        r".{1,64}",
        lambda calls: {"provider": "openai-responses", "output": [_function_call(*one) for one in calls]},
    ),
    Wire(
        "anthropic:m",
        anthropic_messages.to_wire,
        anthropic,
        r"[A-Za-z0-9_-]+",
        lambda calls: {"provider": "anthropic", "content": [_tool_use(*one) for one in calls]},
    ),
    Wire(
        "google:m",
        google_genai.to_wire,
        google,
        r".+",
        lambda calls: {"provider": "google", "content": {"role": "model", "parts": [_part(*one) for one in calls]}},
    ),
]
wires = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.model)

_ids = st.sampled_from(["A", "B", "call_0", "call00000", "call00001", "functions.x:0", "é", "x" * 41, "x" * 70, ""])
_calls = st.lists(st.builds(Call, st.sampled_from(["a", "b", "c"]), st.sampled_from([None, {"x": 1}, "{raw", [1]])))
_said = st.builds(Message, st.sampled_from(["user", "system"]), st.sampled_from(["", "hi"]))
_asked = st.builds(
    Message,
    st.just("assistant"),
    st.sampled_from(["", "Hm."]),
    calls=_calls.filter(lambda calls: len(calls) < 5).map(tuple),
    ids=st.lists(_ids, max_size=4).map(tuple),
)
_replied = st.builds(Message, st.just("tool"), name=st.sampled_from(["", "a", "b", "z"]), reply_to=_ids)
_talks = st.lists(st.one_of(_said, _asked, _replied), max_size=10)


@st.composite
def conversations(draw: st.DrawFn, wire: Wire) -> Conversation:
    """Return any messages in any order; every reply has a text of its own."""
    talk = draw(_talks)
    for place, message in enumerate(talk):
        if message.role == "tool":
            talk[place] = Message("tool", f"<{place}>", name=message.name, reply_to=message.reply_to)
        elif message.role == "assistant":
            native = draw(natives(wire, message))
            talk[place] = Message("assistant", message.content, message.calls, ids=message.ids, native=native)
    return tuple(talk)


@st.composite
def natives(draw: st.DrawFn, wire: Wire, message: Message) -> Any:
    """Return what the service said: nothing that is known, the calls themselves, not all of them, or another's form."""
    calls = [(name or "bare", call) for name, call in zip(message.ids, message.calls, strict=False)]
    other = WIRES[WIRES.index(wire) - 1]
    made = [None, other.native(calls), wire.native(calls[:-1])]
    # What a service said it also takes, so that its own form is that of the ids that it gave.
    return draw(
        st.sampled_from([*made, wire.native(calls)] if all(re.fullmatch(wire.takes, n) for n, _ in calls) else made[:2])
    )


@wires
@given(data=st.data())
def test_every_call_has_one_id_and_one_reply(wire: Wire, data: st.DataObject) -> None:
    talk = data.draw(conversations(wire))
    seen = [one for one in wire.seen(talk) if one.kind != "text"]
    runs = [[*run] for _, run in groupby(seen, key=lambda one: one.kind)]
    for asked, answered in zip(runs[::2], runs[1::2], strict=True):
        assert {one.kind for one in asked} == {"call"}
        assert [one.name for one in answered] == [one.name for one in asked]
    calls = [one for one in seen if one.kind == "call"]
    assert len({one.name for one in calls}) == len(calls)
    assert [one.name for one in calls if not re.fullmatch(wire.takes, one.name)] == []
    assert [one.text for one in calls] == [c.name for one in talk if one.role == "assistant" for c in one.calls]


@wires
@given(data=st.data())
def test_every_reply_is_shown_once(wire: Wire, data: st.DataObject) -> None:
    talk = data.draw(conversations(wire))
    seen = wire.seen(talk)
    for one in talk:
        if one.role == "tool":
            (shown,) = [found for found in seen if found.text.endswith(one.content)]
            assert shown.kind == "reply" or (shown.name, shown.text) == ("user", f"{one.name or 'tool'}: {one.content}")


@given(_talks)
def test_all_wires_pair_alike(talk: list[Message]) -> None:
    def replies(wire: Wire) -> list[str]:
        return [one.text for one in wire.seen(tuple(talk)) if one.kind == "reply"]

    assert all(replies(wire) == replies(WIRES[0]) for wire in WIRES)


A, B = Call("a"), Call("b")
Q = Message("user", "q")


def tool(text: str, to: str = "", name: str = "") -> Message:
    return Message("tool", text, reply_to=to, name=name)


def said(*calls: Call, ids: tuple[str, ...] = ()) -> Message:
    return Message("assistant", calls=calls, ids=ids)


PAIRS: dict[str, tuple[Conversation, list[str]]] = {
    "in order": ((said(A, B), tool("1"), tool("2")), ["1", "2"]),
    "by id": ((said(A, B, ids=("x", "y")), tool("2", "y"), tool("1", "x")), ["1", "2"]),
    "by id before order": ((said(A, B, ids=("x", "y")), tool("2"), tool("1", "x")), ["1", "2"]),
    "by tool": ((said(A, B), tool("2", name="b"), tool("1", name="a")), ["1", "2"]),
    "of no such tool": ((said(A, B), tool("1", name="z")), ["1", ""]),
    "of no such id": ((said(A, B, ids=("x", "y")), tool("1", "z")), ["1", ""]),
    "none": ((said(A),), [""]),
    "late": ((said(A), Q, tool("1")), ["1"]),
    "after a step": ((said(A, ids=("x",)), said(B, ids=("y",)), tool("2", "y"), tool("1", "x")), ["1", "2"]),
    "to the latest step": ((said(A), said(B), tool("2")), ["", "2"]),
    "an id twice": ((said(A, B, ids=("x", "x")), tool("1", "x"), tool("2", "x")), ["1", "2"]),
    "an id again": ((said(A, ids=("x",)), tool("1", "x"), said(B, ids=("x",)), tool("2", "x")), ["1", "2"]),
}


@wires
@pytest.mark.parametrize(("talk", "replies"), PAIRS.values(), ids=PAIRS)
def test_which_call_a_reply_answers(wire: Wire, talk: Conversation, replies: list[str]) -> None:
    assert [one.text for one in wire.seen((Q, *talk)) if one.kind == "reply"] == replies


@wires
def test_a_reply_to_no_call_is_the_users_text(wire: Wire) -> None:
    seen = wire.seen((tool("0", name="a"), said(A), tool("1"), tool("2", "gone")))
    assert Seen("text", "user", "a: 0") in seen
    assert seen[-1] == Seen("text", "user", "tool: 2")


@wires
def test_an_id_goes_as_it_came_unless_it_can_not(wire: Wire) -> None:
    ids = ("toolu_01A-b", "", "x" * 99 if wire.read is not google else "toolu_01A-b")
    seen = wire.seen((Q, said(A, A, A, ids=ids), said(A, ids=("toolu_01A-b",)), said(A, ids=("ok",))))
    calls = [one.name for one in seen if one.kind == "call"]
    if wire.read is anthropic:
        assert calls[2] == ids[2]
        calls[2] = "call00002"
    assert calls == ["toolu_01A-b", "call00001", "call00002", "call00003", "ok"]


@wires
@pytest.mark.parametrize("name", ["functions.x:0", "x" * 70])
def test_an_id_that_the_service_gave_goes_back_as_it_came(wire: Wire, name: str) -> None:
    native = wire.native([(name, A)])
    seen = wire.seen((Q, Message("assistant", calls=(A,), ids=(name,), native=native), tool("1", name)))
    assert [one.name for one in seen if one.kind != "text"] == [name, name]


def test_ids_that_are_made_up_stay_clear_of_those_given() -> None:
    used = {"call00001"}
    assert distinct(["", None, 7, "a", "a"], used) == ("call00002", "call00003", "call00004", "a", "call00005")
    assert used >= {"a", "call00005"}


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        *((nothing, {}) for nothing in (None, "", " \n")),
        ('{"a": 1}', {"a": 1}),
        ({"a": 1}, {"a": 1}),
        *((text, text) for text in ("[1]", "null", '{"a": NaN}', '{"a": "\n"}', '{"a":', '{"a":' * 9999)),
    ],
)
def test_arguments_are_read_alike_on_all_wires(text: Any, arguments: Any) -> None:
    assert read_arguments(text) == arguments


@pytest.mark.parametrize(("arguments", "text"), [(None, "{}"), ({"é": [1]}, '{"é":[1]}'), ("{broken", "{broken")])
def test_arguments_are_written_alike_on_all_wires(arguments: Any, text: str) -> None:
    assert write_arguments(arguments) == text
