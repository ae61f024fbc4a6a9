"""What a reader sees at a glance in a reply."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.conversation import Message, user
from pytest_toolmatch.pocket.reading import Reading
from pytest_toolmatch.pocket.rows import against, asked_for, is_json, limit_in, ranks
from pytest_toolmatch.pocket.toolbox import Toolbox


def words(text: str) -> list[str]:
    return text.split()


DAYS = st.dates().map(lambda day: day.isoformat())
PRICES = st.integers(-999, 999) | st.floats(-1e6, 1e6, allow_nan=False).map(lambda price: round(price, 2))
ROWS = st.lists(st.fixed_dictionaries({"id": st.text("ABC-", min_size=1), "price": PRICES, "day": DAYS}), min_size=2)


@given(ROWS, st.sampled_from((None, "results")))
def test_the_least_and_the_most_of_each_column_are_marked(rows: list[dict[str, object]], key: str | None) -> None:
    text = json.dumps(rows if key is None else {key: rows, "total": len(rows)})
    found = ranks(text)
    for column in ("price", "day"):
        values = [row[column] for row in rows]
        low, high = min(values), max(values)  # type: ignore[type-var]
        marks = [mark for place, mark in sorted(found.items()) if _key_before(text, place) == column]
        assert marks == [(float(value == low), float(value == high)) for value in values]


def _key_before(text: str, place: int) -> str:
    return text[:place].rsplit('"', 3 if text[place - 1] == '"' else 2)[-3 if text[place - 1] == '"' else -2]


def test_one_row_and_mixed_columns_have_no_ranks() -> None:
    assert ranks('{"price": 3, "tax": 1}') == {}
    assert ranks('[{"when": 3}, {"when": "2026-01-02"}]') == {}
    assert ranks("not JSON at all") == {}


def test_a_limit_is_what_a_request_sets_as_a_bound() -> None:
    assert limit_in(words("if there is one under 1,200 euros , book it")) == 1200
    assert limit_in(words("for less than € 80.50")) == 80.5
    assert limit_in(words("no more than two")) is None
    assert limit_in(words("under the bridge at 7")) is None
    assert [against(100, word) for word in ("99.9", "100", "1,000", "x")] == [1, -1, -1, 0]
    assert against(None, "3") == 0


FOUND = (
    '{"results":[{"id":"A-1","name":"Oak Hall","price":88,"departs":"09:20","km":2},'
    '{"id":"B-2","name":"Elm Court","price":66,"departs":"07:10","km":5.5}],"total":2}'
)


@pytest.mark.parametrize(
    ("request_", "meant"),
    [
        ("book the cheapest", "B-2"),
        ("book whatever costs least", "B-2"),
        ("the most expensive one please", "A-1"),
        ("the one with the highest price", "A-1"),
        ("the nearest , not the cheap one", "A-1"),
        ("take the first one of the morning", "B-2"),
        ("the latest departure", "A-1"),
        ("first , find rooms ; then book the dearest", "A-1"),
        ("book the one called elm court", "B-2"),
        ("book one of them", None),
        ("the heaviest one", None),
    ],
)
def test_the_row_that_a_request_means_is_marked_whole(request_: str, meant: str | None) -> None:
    marks = asked_for(words(request_), FOUND)
    rows = {
        one: [marks.get(FOUND.index(text)) for text in (one, price)] for one, price in (("A-1", "88"), ("B-2", "66"))
    }
    assert rows == {one: [None] * 2 if meant is None else [1.0 if one == meant else -1.0] * 2 for one in rows}


BY_DAY = '{"route": "OSL-LIS", "lowest": {"2028-04-04": 151, "2028-04-06": 119, "2028-04-26": 189}}'


@pytest.mark.parametrize("request_", ["the cheapest day", "what is the lowest fare", "the least I can pay"])
def test_numbers_by_name_are_rows_and_an_only_column_needs_no_name(request_: str) -> None:
    marks = asked_for(words(request_), BY_DAY)
    days = {day: (marks.get(BY_DAY.index(day)), marks.get(BY_DAY.index(price))) for day, price in PRICE_OF.items()}
    assert days == {day: (1.0, 1.0) if day == "2028-04-06" else (-1.0, -1.0) for day in PRICE_OF}
    assert ranks(BY_DAY)[BY_DAY.index("189")] == (0.0, 1.0)


PRICE_OF = {"2028-04-04": "151", "2028-04-06": "119", "2028-04-26": "189"}


def test_fields_of_one_object_are_no_rows() -> None:
    assert asked_for(words("the cheapest"), '{"room": {"price": 3, "tax": 1}}') == {}


def test_a_reply_without_rows_marks_what_the_request_says() -> None:
    assert asked_for(words("the cheapest"), '{"price": 3}') == {}
    told = '{"state":"in_use","clerk":"Ann"}'
    assert asked_for(words("if it is in use , wait"), told) == {told.index("in_use"): 1.0}
    assert asked_for(words("the cheapest"), "sorry , nothing found") == {}


def test_what_a_request_says_is_borne_out_or_not_by_true_and_false() -> None:
    told = '{"in_stock":true,"is_open":false,"open_late":true,"clerk":"Ann"}'
    marks = {told.index("true"): 1.0, told.index("false"): -1.0}
    assert asked_for(words("if it is in stock and open , take it"), told) == marks
    assert asked_for(words("take it"), told) == {}


def test_a_reply_in_json_is_read_without_its_brackets_and_any_other_as_it_is() -> None:
    said = '[{"id": "A-1", "price": 3}, {"id": "B-2", "price": 9}]'
    reading = Reading((*user("the cheapest under 5"), Message("tool", said, name="find")), Toolbox(()))
    assert reading.words[4:] == ["{", "id", "a-1", ",", "price", "3", ",", "{", "id", "b-2", ",", "price", "9"]
    marks = {word: tuple(row[23:26]) for word, row in zip(reading.words, reading.features, strict=True)}
    assert marks["3"] == (1, 0, 1)
    assert marks["9"] == (0, 1, -1)
    assert marks["price"] == (0, 0, 0)
    assert not is_json("done: [1]")
