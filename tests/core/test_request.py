from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Message, user
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.prompt import Example, Prompt, ToolTexts
from pytest_toolmatch.core.request import Request, changed_parts
from pytest_toolmatch.core.rollout import Rollout
from pytest_toolmatch.core.sample import SampleRole
from pytest_toolmatch.core.suite import Suite
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
    "mode": changed(rollout=Rollout(mode="next_step")),
    "max_steps": changed(rollout=Rollout(max_steps=3)),
    "max_retries": changed(rollout=Rollout(max_retries=0)),
    "examples": changed(examples=1),
    "what is followed": changed(followed="abc"),
    "tool's reply": changed(tools=tools(reply={"price": 89})),
    "tool's returns": changed(tools=tools(returns={"type": "string"})),
    "tool's execution": changed(tools=tools(implementation=print, execute=True)),
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
        changed(tools=tools(effect="read")),
        changed(rollout=Rollout(timeout=1.0)),
        changed(settings=REQUEST.settings | {"api_key_env": "OTHER", "extra_headers": {"x": "y"}, "cache": False}),
        changed(tools=tools(parameters={"properties": dict(reversed(SCHEMA["properties"].items())), "type": "object"})),  # type: ignore[attr-defined]
        changed(settings={"stop": {"b": 2, "a": 1}, "temperature": 0.7}),
        changed(conversation=said(1, calls=(Call("search", {"seats": 2, "to": "FCO"}),))),
    ],
    ids=[
        "implementation",
        "effect",
        "timeout of a turn",
        "settings of how it gets there",
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


@pytest.mark.parametrize("role", ["teacher", "student", "recorded"])
@pytest.mark.parametrize("rollout", [Rollout(), Rollout(max_steps=3)])
def test_a_plan_makes_the_keys_of_its_requests(role: SampleRole, rollout: Rollout) -> None:
    suite = Suite(name="s", tools=REQUEST.tools, instructions="Be brief.", rollout=rollout)
    plan = Plan(suite, Model(provider="local", name="big", settings=REQUEST.settings))
    case = Case(id="rome", conversation=REQUEST.conversation)
    assert plan.key(case, role, 3) == plan.request(case, role, 3).key


EXAMPLE = Example(conversation=(Message("user", "Hi"), Message("assistant", "Hello.")))


def test_a_model_may_be_told_other_words_than_its_suite() -> None:
    price = {"type": "object", "properties": {"items": {"type": "array", "items": {"properties": {"price": {}}}}}}
    tool = Tool(name="sell", description="Sell.", parameters=price)
    suite, model = Suite(name="s", tools=(tool,), instructions="Be brief."), Model(provider="local", name="big")
    prompt = Prompt(
        instructions="Sell.",
        tools={"sell": ToolTexts(description="Sell it all.", parameters={"items[].price": "in euros"})},
        examples=(EXAMPLE,),
    )
    case = Case(id="rome", conversation=user("To Rome."))
    request = Plan(suite, model, prompt).request(case, "student", 0)
    assert request.instructions == "Sell."
    assert [message.content for message in request.conversation] == ["Hi", "Hello.", "To Rome."]
    assert request.tools[0].description == "Sell it all."
    described = {"properties": {"price": {"description": "in euros"}}}
    assert request.tools[0].parameters == price | {"properties": {"items": {"type": "array", "items": described}}}
    assert "description" not in price["properties"]["items"]["items"]["properties"]["price"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("prompt", "part"),
    [
        (Prompt(instructions="Sell."), ["instructions"]),
        (Prompt(examples=(EXAMPLE,)), ["instructions"]),
        (Prompt(tools={"search": ToolTexts(description="Find it.")}), ["tools"]),
    ],
)
def test_what_else_a_model_is_told_is_part_of_the_key(prompt: Prompt, part: list[str]) -> None:
    suite, model = Suite(name="s", tools=(SEARCH,), instructions="Be brief."), Model(provider="local", name="big")
    case = Case(id="rome", conversation=user("To Rome."))
    plain, told = Plan(suite, model), Plan(suite, model, prompt)
    assert changed_parts(plain.key(case, "student", 0), told.key(case, "student", 0)) == part
    assert told.key(case, "student", 0) == told.request(case, "student", 0).key
    assert Plan(suite, model, Prompt()).key(case, "student", 0) == plain.key(case, "student", 0)


@pytest.mark.parametrize(
    ("case", "asked", "shown"),
    [
        ("rome", "To Rome.", ["To Oslo.", "Hi"]),
        ("rome", "To Rome, asked otherwise.", ["To Oslo.", "Hi"]),
        ("rome~typos-1f", "To Roem.", ["To Oslo.", "Hi"]),
        ("romeo", "To Romeo.", ["To Rome.", "To Oslo.", "Hi"]),
        ("renamed", "To Oslo.", ["To Rome.", "Hi"]),
        ("greeting", "Hi", ["To Rome.", "To Oslo."]),
    ],
)
def test_no_case_is_shown_its_own_answer(case: str, asked: str, shown: list[str]) -> None:
    made = [
        Example(conversation=(Message("user", said), Message("assistant", "Done.")), case=said[3:-1].lower())
        for said in ("To Rome.", "To Oslo.")
    ]
    plan = Plan(Suite(name="s"), Model(provider="local", name="big"), Prompt(examples=(*made, EXAMPLE)))
    own = Case(id=case, conversation=user(asked))
    request = plan.request(own, "student", 0)
    assert [one.content for one in request.conversation if one.role == "user"] == [*shown, asked]
    assert request.examples == 2 * len(shown)
    assert plan.key(own, "student", 0) == request.key


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        (Prompt(), ""),
        (Prompt(instructions=""), "own instructions"),
        (Prompt(tools={"a": ToolTexts(description="", parameters={"b": ""}), "c": ToolTexts()}), "2 descriptions"),
        (Prompt(instructions="x", examples=(EXAMPLE,)), "own instructions, 1 example"),
    ],
)
def test_what_is_said_in_other_words_is_counted(prompt: Prompt, told: str) -> None:
    assert prompt.told == told


CHANGES = {
    "query": {"conversation": user("To Oslo.")},
    "tools": {"tools": (SEARCH,)},
    "instructions": {"instructions": ""},
    "model settings": {"settings": {}},
    "rollout rules": {"rollout": Rollout(max_retries=0)},
}


@pytest.mark.parametrize("part", CHANGES)
def test_keys_tell_which_part_changed(part: str) -> None:
    assert changed_parts(REQUEST.key, changed(**CHANGES[part]).key) == (
        ["tools", "rollout rules"] if part == "tools" else [part]
    )


def test_a_recorded_sample_does_not_know_how_it_was_run() -> None:
    recorded = changed(role="recorded")
    assert changed(role="recorded", settings={}, rollout=Rollout(max_steps=1)).key == recorded.key
    assert changed_parts(recorded.key, REQUEST.key) == ["model settings"]


def test_keys_stay_what_they_are() -> None:
    """Recordings in other people's repositories carry these keys: changing one orphans them all."""
    request = Request(role="teacher", model="big", conversation=user("To Rome."), tools=(SEARCH,))
    assert request.key == "83dcc523e8a20491.2d1a22ab.12ae32cb.baa75716.3060e11d/teacher/0"
