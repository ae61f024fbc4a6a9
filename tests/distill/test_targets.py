"""Examples as steps: what is right in each, and what can't be said."""

import itertools
from typing import Any

import pytest

from pytest_toolmatch import Call, Tool
from pytest_toolmatch.core.conversation import Message, user
from pytest_toolmatch.distill.evaluate import same_calls
from pytest_toolmatch.distill.examples import Example, is_validation
from pytest_toolmatch.distill.generator import generate
from pytest_toolmatch.distill.targets import ABSENT_WEIGHT, RIGHT, TOOL_WEIGHT, VALUE_WEIGHT, Unreachable, encode
from pytest_toolmatch.pocket.grammar import CHOOSE_LAST, turn


def example(text: str, *calls: Call, **properties: Any) -> Example:
    tool = Tool(name="act", parameters={"type": "object", "properties": properties, "required": []})
    return Example(tools=(tool,), conversation=user(text), calls=calls, kind="one", group="")


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("Write to Anna Berg now", {"type": "string"}, "Anna Berg"),
        ("for twenty-three people", {"type": "integer"}, 23),
        ("in two hours", {"type": "integer", "description": "In minutes."}, 120),
        ("on 3 March 2026", {"type": "string", "format": "date"}, "2026-03-03"),
        ("make it dark blue", {"enum": ["red", "dark_blue"]}, "dark_blue"),
        ("with fries", {"type": "boolean"}, True),
        ("a, b and c", {"type": "array", "items": {"type": "string"}}, ["a", "b", "c"]),
        ("from Oslo", {"type": "string", "description": "IATA code of the airport."}, "OSL"),
        ("a box of 120x67x81", {"type": "integer"}, 67),
        ("I fly with KLM 123", {"type": "string", "description": "Airline and number without a space."}, "KL123"),
    ],
)
def test_values_are_found_in_the_text(text: str, schema: dict[str, Any], value: Any) -> None:
    encoded = encode(example(text, Call("act", {"x": value}), x=schema))
    assert (encoded.target == RIGHT).any(1).all()


def test_objects_in_an_array_take_their_parts_one_by_one() -> None:
    properties = {"sku": {"type": "string"}, "quantity": {"type": "integer"}}
    schema = {"type": "array", "items": {"type": "object", "properties": properties, "required": ["sku"]}}
    value = [{"sku": "A-1", "quantity": 2}, {"sku": "B-2"}]
    encode(example("return 2 of A-1 and one B-2", Call("act", {"x": value}), x=schema))


@pytest.mark.parametrize("value", ["Bergen", 7, True, ["Anna"], {"a": 1}])
def test_a_value_that_stands_nowhere_is_unreachable(value: Any) -> None:
    with pytest.raises(Unreachable, match=r"stands nowhere"):
        encode(example("Write to Anna", Call("act", {"x": value}), x={"type": "string"}))


def test_unknown_tools_and_arguments_are_unreachable() -> None:
    with pytest.raises(Unreachable, match="other can't be called"):
        encode(example("Write to Anna", Call("other"), x={"type": "string"}))
    with pytest.raises(Unreachable, match="came out as"):
        encode(example("Write to Anna", Call("act", {"y": "Anna"}), x={"type": "string"}))


def test_values_weigh_above_names_above_structure() -> None:
    encoded = encode(example("Write to Anna", Call("act", {"x": "Anna"}), x={"type": "string"}, y={"type": "string"}))
    assert encoded.weights.tolist() == [TOOL_WEIGHT, VALUE_WEIGHT, VALUE_WEIGHT, ABSENT_WEIGHT, TOOL_WEIGHT]


def test_of_several_mentions_all_are_right_and_the_named_one_is_followed() -> None:
    asked = example(
        "Anna wants to greet: recipient Anna", Call("act", {"recipient": "Anna"}), recipient={"type": "string"}
    )
    encoded = encode(asked)
    assert (encoded.target[1] == RIGHT).sum() == 2
    assert encoded.steps[2][0] == CHOOSE_LAST
    assert encoded.steps[2][3] == 4 + 6  # specials, then the place of the second Anna


def test_nearly_every_generated_example_can_be_said() -> None:
    examples = list(itertools.islice(generate(7), 300))
    unreachable = 0
    for one in examples:
        try:
            encoded = encode(one)
        except Unreachable:
            unreachable += 1
            continue
        assert same_calls(_follow(encoded), one.calls)
    assert unreachable <= 6


def _follow(encoded: Any) -> list[Call]:
    """Take in each step the place that the next step says was taken, and a right one at the end of a row."""
    walk, taken = turn(encoded.reading), [row[3] for row in encoded.steps[1:]]
    next(walk)
    try:
        for place in taken:
            walk.send(int(place))
        walk.send(int((encoded.target[-1] == RIGHT).argmax()))
    except StopIteration as stop:
        return list(stop.value)
    raise AssertionError("the turn goes on")


def test_validation_is_a_small_part_by_group() -> None:
    examples = list(itertools.islice(generate(3), 2000))
    kept = [one for one in examples if is_validation(one)]
    assert 5 <= len(kept) <= 120
    assert {one.group for one in kept}.isdisjoint(one.group for one in examples if not is_validation(one))


def test_replies_can_be_copied_from() -> None:
    conversation = (
        *user("Book the cheapest"),
        Message("assistant", calls=(Call("find"),)),
        Message("tool", '[{"id": "F-7"}]'),
    )
    tool = Tool(
        name="book", parameters={"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
    )
    calls = (Call("book", {"id": "F-7"}),)
    encode(Example(tools=(tool,), conversation=conversation, calls=calls, kind="next_of_several", group=""))
