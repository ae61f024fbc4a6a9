"""What is denied in a text, and in the names of arguments."""

from __future__ import annotations

import pytest

from pytest_toolmatch.core.conversation import Message, user
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.pocket.negation import denials, denials_behind, denies
from pytest_toolmatch.pocket.reading import Reading
from pytest_toolmatch.pocket.toolbox import Toolbox


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("a seat , no high chair , thanks", "no high chair"),
        ("the players can't be swapped", "can't be swapped"),
        ("freehand instead of a tripod .", "instead of a tripod"),
        ("not streamed , barefoot", "not streamed"),
        ("without ferries and with a car", "without ferries"),
        ("no one two three four five six", "no one two three four five"),
        ("ticket no . 5 and no 7", ""),
        ("with ferries", ""),
        ("not with ferries", "not with ferries"),
        ("no , with ferries", "no"),
        ("forget the stamp", "forget the stamp"),
    ],
)
def test_a_denial_reaches_to_the_end_of_its_clause(text: str, about: str) -> None:
    words = text.split()
    assert " ".join(word for word, often in zip(words, denials(words), strict=True) if often) == about


@pytest.mark.parametrize(
    ("text", "often"),
    [
        ("never without stamps", [1, 2, 2]),
        ("don't forget the stamp", [1, 2, 2, 2]),
        ("not , no", [1, 0, 1]),
    ],
)
def test_a_denial_of_a_denial_is_counted(text: str, often: list[int]) -> None:
    assert denials(text.split()) == often


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("outliers out , please", "outliers"),
        ("leave the sugar out", "leave the sugar"),
        ("the stamp isn't needed", "the stamp"),
        ("tea , sugar off", "sugar"),
        ("please leave out the sugar", ""),
        ("one of all the tolls off", "all the tolls"),
    ],
)
def test_what_stands_before_off_and_out_is_denied(text: str, about: str) -> None:
    words = text.split()
    assert " ".join(word for word, often in zip(words, denials_behind(words), strict=True) if often) == about


def test_a_name_or_a_description_may_deny() -> None:
    assert denies(("avoid", "ferries"))
    assert denies(("fat", "free"))
    assert not denies(("free", "of")[1:])
    assert not denies(("high", "chair"))


FLAGS = {"no_sugar": {"type": "boolean"}, "iced": {"type": "boolean", "description": "Not hot."}}


def test_a_reader_marks_the_words_denied_and_the_arguments_that_deny() -> None:
    toolbox = Toolbox([Tool(name="order", parameters={"type": "object", "properties": FLAGS})])
    reading = Reading(user("tea , no sugar , please"), toolbox)
    assert [word for word, row in zip(reading.words, reading.features, strict=True) if row[26]] == ["no", "sugar"]
    marks = {
        " ".join(item.name): tuple(row[18:20]) for item, row in zip(toolbox.items, reading.item_features, strict=True)
    }
    assert marks == {"order": (0, 0), "no sugar": (1, 0), "iced": (0, 1)}


NEED = {"stamp_it": {"type": "boolean"}, "avoid_ferries": {"type": "boolean"}, "stamps": {"type": "integer"}}


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("a stamp, and with ferries", (1, -1)),
        ("no stamp, no ferries", (-1, 1)),
        ("don't forget the stamp", (1, 0)),
        ("stamp off; the ferry is fine", (-1, -1)),
        ("one with a stamp, one without a stamp", (0, 0)),
        ("nothing of the kind", (0, 0)),
    ],
)
def test_a_boolean_knows_what_the_words_that_match_it_say(text: str, marks: tuple[int, int]) -> None:
    toolbox = Toolbox([Tool(name="send", parameters={"type": "object", "properties": NEED})])
    reading = Reading(user(text), toolbox)
    assert tuple(reading.item_features[1:3, 21]) == marks
    assert not reading.item_features[[0, 3], 20:].any()  # the tool itself, and what is no boolean


@pytest.mark.parametrize(("reply", "marks"), [("true", (1, 0)), ("false", (0, 1)), ('"busy"', (0, 0))])
def test_every_item_knows_whether_a_reply_bears_out_what_the_request_says(reply: str, marks: tuple[int, int]) -> None:
    toolbox = Toolbox([Tool(name="take", parameters={"type": "object", "properties": {}})])
    told = Message("tool", f'{{"is_free": {reply}, "floor": 3}}', name="look")
    reading = Reading((*user("take it if it is free"), told), toolbox)
    assert tuple(reading.item_features[0, 16:18]) == marks
