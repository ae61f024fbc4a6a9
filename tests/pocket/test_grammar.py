"""Whatever is chosen, what comes of it satisfies its schema."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_toolmatch import Tool
from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Conversation, Message, user
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.pocket.grammar import Dropped, Step, turn
from pytest_toolmatch.pocket.reading import ABSENT, END, Reading
from pytest_toolmatch.pocket.slots import Unsupported, slots_of
from pytest_toolmatch.pocket.toolbox import Toolbox


def tool(properties: dict[str, Any], *, required: list[str] | None = None, name: str = "act", **more: Any) -> Tool:
    named = list(properties) if required is None else required
    return Tool(name=name, parameters={"type": "object", "properties": properties, "required": named, **more})


def wander(conversation: Conversation, tools: list[Tool], rng: np.random.Generator) -> list[Call | Dropped]:
    """Take any allowed way through a turn."""
    walk = turn(Reading(conversation, Toolbox(tools)))
    step = next(walk)
    while True:
        try:
            step = walk.send(int(rng.choice(np.flatnonzero(step.allowed))))
        except StopIteration as stop:
            return stop.value


AWKWARD = {
    "count": {"type": "integer", "minimum": 3, "maximum": 40, "multipleOf": 2},
    "price": {"type": "number", "exclusiveMinimum": 5, "exclusiveMaximum": 100.0},
    "code": {"type": "string", "pattern": "^[A-Z]{2}-\\d+$"},
    "word": {"type": "string", "pattern": "^\\p{L}+$"},
    "short": {"type": "string", "minLength": 2, "maxLength": 9},
    "text": {"type": "string"},
    "day": {"type": "string", "format": "date"},
    "at": {"type": "string", "format": "date-time"},
    "hour": {"type": "string", "format": "time"},
    "mail": {"type": "string", "format": "email"},
    "site": {"type": "string", "format": "uri"},
    "phone": {"type": "string", "description": "Digits only."},
    "flag": {"type": ["boolean", "null"]},
    "colour": {"enum": ["red", "dark blue", None, 7, True]},
    "size": {"type": "integer", "enum": [24, 48]},
    "fixed": {"const": "always"},
    "tags": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 2, "maxItems": 3, "uniqueItems": True},
    "names": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
    "people": {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "properties": {
                "meal": {"enum": ["halal", "vegan"]},
                "name": {"type": "string", "maxLength": 30},
                "seats": {"type": "integer", "minimum": 1, "maximum": 9},
            },
            "required": ["name", "seats"],
            "additionalProperties": False,
        },
    },
    "airport": {"type": "string", "pattern": "^[A-Z]{3}$", "description": "IATA code of the airport."},
    "country": {"type": "string", "pattern": "^[A-Z]{2}$", "description": "Two-letter code, such as AT."},
    "flight": {"type": "string", "description": "Airline and number without a space."},
    "where": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "floor": {"type": "integer"}},
        "required": ["city"],
    },
    "maybe": {"anyOf": [{"type": "null"}, {"type": "integer", "maximum": 10}]},
    "any": {},
}
SAID = (
    "Send 12 red and 8 dark blue ones, code AB-12 or CD-77, to me@mail.example on 3 March 2026 at 7 pm, "
    "phone +49 30 123456, see https://a.example/b for 9.50 euros; Anna and Bo in Oslo, Norway, on floor 2; KLM 123, "
    '"quoted text" 48 (yes!)'
)


@given(st.sets(st.sampled_from(sorted(AWKWARD)), min_size=1, max_size=5), st.data(), st.integers(0, 10**6))
@settings(max_examples=150)
def test_every_way_leads_to_valid_calls(names: set[str], data: st.DataObject, seed: int) -> None:
    required = data.draw(st.lists(st.sampled_from(sorted(names)), unique=True))
    tools = [tool({name: AWKWARD[name] for name in sorted(names)}, required=required, additionalProperties=False)]
    calls = wander(user(SAID), tools, np.random.default_rng(seed))
    validator = ArgumentValidator(tools)
    assert all(isinstance(call, Dropped) or validator.valid(call) for call in calls)


@pytest.mark.parametrize("name", sorted({*AWKWARD} - {"any", "word", "people"}))
def test_most_ways_lead_to_a_call(name: str) -> None:
    found = wandered(SAID, {name: AWKWARD[name]})
    assert found
    assert sum(isinstance(one, Dropped) for one in found) <= len(found) / 4


ODD = st.sampled_from(["① at ² o'clock", "in ② days", "half past ③", "9" * 5000, "1e400", "9999-12-31", "tomorrow"])


@given(st.text(max_size=60) | st.lists(ODD).map(" ".join), st.integers(0, 10**6))
@settings(max_examples=100)
def test_any_text_will_do(text: str, seed: int) -> None:
    names = ("text", "code", "count", "day", "at", "hour", "price")
    tools = [tool({name: AWKWARD[name] for name in names}, required=[]), tool({}, name="other")]
    validator = ArgumentValidator(tools)
    today = Message("system", "Today is Friday, 31 December 9999.")
    calls = wander((today, *user(text), Message("tool", text, name="other")), tools, np.random.default_rng(seed))
    assert all(isinstance(call, Dropped) or validator.valid(call) for call in calls)


def first_step(tools: list[Tool], text: str = SAID) -> Step:
    return next(turn(Reading(user(text), Toolbox(tools))))


def callable_tools(tools: list[Tool], text: str = SAID) -> int:
    return int(first_step(tools, text).allowed.sum()) - 1  # END is always allowed


def test_a_tool_is_out_of_reach_where_nothing_can_be_its_required_value() -> None:
    tools = [tool({"mail": {"type": "string", "format": "email"}})]
    assert callable_tools(tools) == 1
    assert callable_tools(tools, "Send it to Anna") == 0
    assert callable_tools([tool({"n": {"type": "integer", "minimum": 50}})], "I want 7") == 0


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"x": {"type": "array", "items": {"type": "array"}}}, "required": ["x"]},
        {"type": "object", "properties": {"x": {"$ref": "#/$defs/none"}}, "required": ["x"]},
        {"type": "object", "properties": {"x": {"enum": [{"a": 1}]}}, "required": ["x"]},
        {"type": "object", "properties": {"x": {"type": "null"}}, "required": ["x"]},
        {"type": "object", "properties": {"x": {"type": "string", "pattern": "("}}, "required": ["x"]},
        {"type": "strange"},
        {"type": "object", "required": ["x", "x"], "properties": {"x": {}}},
    ],
)
def test_what_the_grammar_cannot_say_is_never_called(schema: dict[str, Any]) -> None:
    assert callable_tools([Tool(name="act", parameters=schema)]) == 0


def test_what_is_optional_and_cannot_be_said_is_left_out() -> None:
    nested = {"type": "array", "items": {"type": "array"}}
    assert [slot.name for slot in slots_of(tool({"x": nested, "y": {"type": "string"}}, required=["y"]))] == ["y"]
    with pytest.raises(Unsupported, match="x"):
        slots_of(tool({"x": nested}))


def test_objects_within_themselves_come_to_an_end() -> None:
    node = {"type": "object", "properties": {"name": {"type": "string"}, "below": {"$ref": "#/$defs/node"}}}
    found = slots_of(tool({"top": {"$ref": "#/$defs/node"}}, **{"$defs": {"node": node}}))
    assert {slot.path for slot in found} >= {("top", "name"), ("top", "below", "name")}
    node["required"] = ["name", "below"]
    with pytest.raises(Unsupported, match="too deep"):
        slots_of(tool({"top": {"$ref": "#/$defs/node"}}, **{"$defs": {"node": node}}))


def test_a_form_that_python_cannot_read_is_left_to_the_validator() -> None:
    assert Call("act", {"word": "Olá"}) in wandered("Say Olá", {"word": AWKWARD["word"]})


def test_a_long_number_is_copied_digit_by_digit() -> None:
    ban = Call("act", {"user": 123456789012345678})
    for kind in ("integer", "number"):
        found = wandered("Ban 123456789012345678", {"user": {"type": kind}})
        assert found
        assert all(one == ban for one in found)


def wandered(text: str, properties: dict[str, Any]) -> list[Call | Dropped]:
    """Return what twenty ways through a turn call."""
    ways = (wander(user(text), [tool(properties)], np.random.default_rng(seed)) for seed in range(20))
    return [call for calls in ways for call in calls]


def test_without_tools_there_is_nothing_but_the_end() -> None:
    assert np.flatnonzero(first_step([]).allowed).tolist() == [END]


def test_a_required_argument_cannot_be_left_out() -> None:
    walk = turn(Reading(user("Paint it red"), Toolbox([tool({"colour": {"enum": ["red", "blue"]}})])))
    step = next(walk)
    step = walk.send(int(np.flatnonzero(step.allowed)[-1]))
    assert not step.allowed[ABSENT]


def test_copied_values_keep_their_spelling_and_may_come_from_replies() -> None:
    conversation = (
        *user("Move it"),
        Message("assistant", calls=(Call("find"),)),
        Message("tool", '{"id": "FL-0306-A"}'),
    )
    reading = Reading(conversation, Toolbox([tool({"id": {"type": "string"}})]))
    (first, last), *_ = reading.find("FL-0306-A")
    assert reading.value(1, first, last) == "FL-0306-A"


def test_no_two_values_of_a_call_begin_at_the_same_token() -> None:
    two = tool({"adults": {"type": "integer"}, "rooms": {"type": "integer"}})
    for seed in range(40):
        calls = wander(user("3 people, 2 rooms"), [two], np.random.default_rng(seed))
        assert all(isinstance(call, Dropped) or set(call.arguments.values()) == {2, 3} for call in calls)
    alone = [one for seed in range(40) for one in wander(user("for 3"), [two], np.random.default_rng(seed))]
    assert set(alone) == {Dropped("act")}
