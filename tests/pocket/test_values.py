import datetime as dt
from typing import Any

import pytest

from pytest_toolmatch.pocket.moments import Now, dates_at, instants_at, months_at, now_in, times_at
from pytest_toolmatch.pocket.numbers import amounts_at, numbers_at, unit_of
from pytest_toolmatch.pocket.text import tokenise

TODAY = dt.date(2026, 3, 2)  # a Monday


def words(text: str) -> list[str]:
    return [token.text.lower() for token in tokenise(text)]


def whole(found: list[tuple[int, Any]], text: str) -> list[Any]:
    return [value for end, value in found if end == len(words(text))]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("7", 7), ("1,200", 1200), ("12.5", 12.5), ("408,50", 408.5), ("-3", -3), ("two", 2), ("twenty-three", 23)),
        *(("twenty three", 23), ("two hundred and fifty six", 256), ("three thousand four hundred", 3400)),
        *(
            ("a dozen", 12),
            ("half a dozen", 6),
            ("a hundred", 100),
            ("1.5 million", 1_500_000),
            ("3rd", 3),
            ("5 k", 5000),
        ),
    ],
)
def test_numbers(text: str, value: float) -> None:
    assert value in whole(list(numbers_at(words(text), 0)), text)


@pytest.mark.parametrize("text", ["no stops", "without changing", "none", "nonstop"])
def test_none_is_zero(text: str) -> None:
    assert (1, 0) in numbers_at(words(text), 0)


@pytest.mark.parametrize("text", ["a cat", "cat", "the", "and", "no. 5", "no 5A", "not"])
def test_no_numbers(text: str) -> None:
    assert list(numbers_at(words(text), 0)) == []


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        *(("2 hours", "minutes", 120), ("an hour", "minutes", 60), ("half an hour", "minutes", 30)),
        *(("1 hour 30 minutes", "minutes", 90), ("an hour and a half", "minutes", 90), ("90min", "minutes", 90)),
        *(("two-hour", "minutes", 120), ("2 days", "hours", 48), ("2500 g", "kg", 2.5), ("490 cents", "euros", 4.9)),
    ],
)
def test_amounts_in_the_unit_asked_for(text: str, unit: str, value: float) -> None:
    assert value in whole(list(amounts_at(words(text), 0, unit_of([unit]))), text)


def test_units_of_another_dimension_are_no_amounts() -> None:
    assert list(amounts_at(words("2 kg"), 0, unit_of(["minutes"]))) == []


@pytest.mark.parametrize(
    ("text", "day"),
    [
        *(("2 March 2026", "2026-03-02"), ("March 3rd, 2026", "2026-03-03"), ("the 3rd of March", "2026-03-03")),
        *(("2026-03-02", "2026-03-02"), ("14/03/2026", "2026-03-14"), ("03.04.2026", "2026-04-03")),
        *(("tomorrow", "2026-03-03"), ("friday", "2026-03-06"), ("monday", "2026-03-09"), ("in 3 days", "2026-03-05")),
        *(("in two weeks", "2026-03-16"), ("a week from tomorrow", "2026-03-10"), ("1 March", "2027-03-01")),
        ("the day after tomorrow", "2026-03-04"),
    ],
)
def test_dates(text: str, day: str) -> None:
    assert day in whole(list(dates_at(words(text), 0, TODAY)), text)


@pytest.mark.parametrize("text", ["2 March", "tomorrow", "friday", "04/05/2026", "31 February 2026", "2026-13-01"])
def test_what_is_no_date_without_more_is_none(text: str) -> None:
    assert list(dates_at(words(text), 0, None)) == []


@pytest.mark.parametrize(
    ("text", "time"),
    [
        *(("7 pm", "19:00"), ("12 am", "00:00"), ("10:30", "10:30"), ("7:30pm", "19:30"), ("noon", "12:00")),
        *(
            ("half past seven", "07:30"),
            ("quarter to 8 pm", "19:45"),
            ("6 in the evening", "18:00"),
            ("9 o'clock", "09:00"),
        ),
    ],
)
def test_times(text: str, time: str) -> None:
    assert time in whole(list(times_at(words(text), 0)), text)


def test_months_and_instants() -> None:
    assert whole(list(months_at(["march", "2027"], 0, None)), "march 2027") == ["2027-03"]
    assert whole(list(months_at(["february"], 0, TODAY)), "february") == ["2027-02"]
    now = now_in("It is Monday, 2 March 2026. The time zone is UTC+02:00.")
    assert now == Now(TODAY, "+02:00")
    assert whole(list(instants_at(words("tomorrow at 7 pm"), 0, now)), "tomorrow at 7 pm") == [
        "2026-03-03T19:00:00+02:00"
    ]
    assert list(instants_at(["2026-03-18t06:55"], 0, Now())) == [(1, "2026-03-18T06:55")]


def test_today_is_what_the_instructions_say_it_is() -> None:
    assert now_in("Use 9999-12-31 for no end. Today is 2 March 2026.").today == TODAY
    assert now_in("We write March 2, 2026. Rates are as of 2025-01-01.").today == TODAY


def test_min_is_a_unit_at_the_end_of_a_name_and_a_bound_at_its_start() -> None:
    assert unit_of(["duration", "min"]) == unit_of(["minutes"])
    assert unit_of(words("min price at least in euros")) == unit_of(["euros"])
    assert unit_of(words("min rating from 0 to 10")) is None


def test_a_date_and_a_time_stand_in_a_moment() -> None:
    moment = words("2026-06-12T09:30:00+02:00")
    assert list(dates_at(moment, 0, None)) == [(1, "2026-06-12")]
    assert list(times_at(moment, 0)) == [(1, "09:30")]
    assert list(dates_at(words("2026-06-12x"), 0, None)) == []


def test_a_moment_that_cannot_be_is_none() -> None:
    for moment in ("2026-13-45t10:00:00z", "2026-06-12t99:99:00z"):
        assert list(instants_at([moment], 0, Now(TODAY))) == []
        assert list(times_at([moment], 0)) == ([] if "99" in moment else [(1, "10:00")])
