from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Message, user
from pytest_toolmatch.core.request import Request, draw_key, question_digest, tools_digest
from pytest_toolmatch.core.tool import Tool

SCHEMA = {"type": "object", "properties": {"to": {"type": "string"}, "seats": {"type": "integer"}}}
SEARCH = Tool(name="search", description="Find flights.", parameters=SCHEMA)
BOOK = Tool(name="book", description="Book a flight.")
SAID = Message("assistant", "One moment.", (Call("search", {"to": "FCO", "seats": 2}),))
REQUEST = Request(
    role="teacher",
    model="big",
    conversation=(*user("To Rome."), SAID, Message("tool", "[]", name="search", reply_to="1")),
    tools=(SEARCH, BOOK),
    instructions="Be brief.",
    settings={"temperature": 0.7, "stop": {"a": 1, "b": 2}},
    draw=3,
)


def changed(**fields: Any) -> Request:
    return msgspec.structs.replace(REQUEST, **fields)


def tools(**fields: Any) -> tuple[Tool, ...]:
    return msgspec.structs.replace(SEARCH, **fields), BOOK


def said(place: int, **fields: Any) -> tuple[Message, ...]:
    messages = list(REQUEST.conversation)
    messages[place] = msgspec.structs.replace(messages[place], **fields)
    return tuple(messages)


OTHERS = {
    "role": changed(role="student"),
    "recorded role": changed(role="recorded"),
    "model": changed(model="small"),
    "draw": changed(draw=4),
    "instructions": changed(instructions="Be brief. "),
    "no instructions": changed(instructions=""),
    "settings' value": changed(settings={"temperature": 0.8, "stop": {"a": 1, "b": 2}}),
    "settings' key": changed(settings={"temperature": 0.7, "stop": {"a": 1, "c": 2}}),
    "no settings": changed(settings={}),
    "message's content": changed(conversation=said(0, content="To Rome!")),
    "message's role": changed(conversation=said(0, role="system")),
    "message's calls": changed(conversation=said(1, calls=(Call("search", {"to": "FCO", "seats": 3}),))),
    "message's name": changed(conversation=said(2, name="book")),
    "message's reply_to": changed(conversation=said(2, reply_to="2")),
    "order of messages": changed(conversation=REQUEST.conversation[::-1]),
    "one message less": changed(conversation=REQUEST.conversation[:-1]),
    "tool's name": changed(tools=tools(name="find")),
    "tool's description": changed(tools=tools(description="Find a flight.")),
    "tool's parameters": changed(tools=tools(parameters={**SCHEMA, "required": ["to"]})),
    "tool without parameters": changed(tools=tools(parameters=None)),
    "tool with empty parameters": changed(tools=tools(parameters={})),
    "order of tools": changed(tools=(BOOK, SEARCH)),
    "one tool less": changed(tools=(SEARCH,)),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_the_key_changes_with(other: Request) -> None:
    assert other.key != REQUEST.key


def test_every_field_is_among_the_changed_ones() -> None:
    touched = {
        name
        for name in Request.__struct_fields__
        for one in OTHERS.values()
        if getattr(one, name) != getattr(REQUEST, name)
    }
    assert touched == set(Request.__struct_fields__)


def test_all_keys_differ() -> None:
    assert len({REQUEST.key, *(other.key for other in OTHERS.values())}) == len(OTHERS) + 1


@pytest.mark.parametrize(
    "same",
    [
        changed(tools=tools(implementation=print)),
        changed(tools=tools(reply={"price": 89})),
        changed(tools=tools(effect="read")),
        changed(tools=tools(parameters={"properties": dict(reversed(SCHEMA["properties"].items())), "type": "object"})),  # type: ignore[attr-defined]
        changed(settings={"stop": {"b": 2, "a": 1}, "temperature": 0.7}),
        changed(conversation=said(1, calls=(Call("search", {"seats": 2, "to": "FCO"}),))),
    ],
    ids=[
        "implementation",
        "reply",
        "effect",
        "key order of a schema",
        "key order of settings",
        "key order of arguments",
    ],
)
def test_the_key_does_not_change_with(same: Request) -> None:
    assert same.key == REQUEST.key


@given(st.text(), st.text())
def test_text_never_slips_from_one_field_into_the_next(one: str, other: str) -> None:
    keys = {changed(model=one, instructions=other).key, changed(model=other, instructions=one).key}
    assert len(keys) == (1 if one == other else 2)


def test_the_key_can_be_made_in_parts() -> None:
    question = question_digest(REQUEST.conversation, tools_digest(REQUEST.tools), REQUEST.instructions)
    assert draw_key(question, model="big", settings=REQUEST.settings, role="teacher", draw=3) == REQUEST.key


def test_keys_stay_what_they_are() -> None:
    """Recordings in other people's repositories carry these keys: changing one orphans them all."""
    request = Request(role="teacher", model="big", conversation=user("To Rome."), tools=(SEARCH,))
    assert request.key == "170168a308fc000d65021f30"
