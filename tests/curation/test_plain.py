"""Requests without a call are compared by what they say, without courtesies and slips of the pen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.chain import chain_of
from pytest_toolmatch.curation.embedding import beside, embedded, phrased, value_rows
from pytest_toolmatch.curation.hashed import Hashed
from pytest_toolmatch.curation.plain import plain

TOPICS = (
    "otter",
    "heron",
    "badger",
    "tortoise",
    "magpie",
    "salmon",
    "hedgehog",
    "newt",
    "ibex",
    "lynx",
    "wren",
    "toad",
)
MANY = [f"How long does a {one} live?" for one in TOPICS] * 10
LEAST = 1 - Hashed().epsilon


def likeness(*asked: str, among: list[str] = MANY) -> float:
    texts = [*asked, *among]
    chains = [()] * len(texts)
    made = beside(embedded(Hashed(), phrased(texts, chains)), value_rows(chains), texts)
    return float(made[0] @ made[1])


@given(st.lists(st.text(alphabet="ab ?.,\n\"'é1", max_size=30), max_size=12))
def test_nothing_becomes_empty_and_the_order_has_no_say(texts: list[str]) -> None:
    made = plain(texts)
    assert all(one for one, text in zip(made, texts, strict=True) if any(letter.isalnum() for letter in text))
    assert plain(texts[::-1])[::-1] == made


def test_a_clause_that_comes_beside_many_others_says_nothing() -> None:
    asked = [f"Hello there, how long does a {one} live? Much obliged." for one in TOPICS]
    assert plain(asked) == [f"how long does a {one} live" for one in TOPICS]


@pytest.mark.parametrize("texts", [["Thanks. Bye."] * 3, ["Hi, who are you?", "Hi, what can you do?"]])
def test_few_requests_tell_no_courtesies(texts: list[str]) -> None:
    assert all(one.startswith(("thanks bye", "hi ")) for one in plain(texts))


def test_a_clause_that_is_all_there_is_stays() -> None:
    asked = [f"Thanks a lot. Tell me of the {one}" for one in TOPICS]
    assert plain(["Thanks a lot!", *asked])[0] == "thanks a lot"


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("long dose a newt", "long does a newt"),
        ("how lnog", "how long"),
        ("a tortose", "a tortoise"),
        ("tortoisee", "tortoise"),
    ],
)
def test_a_slip_is_mended_where_many_write_what_is_meant(slip: str, meant: str) -> None:
    assert plain([slip, *MANY])[0] == meant


@pytest.mark.parametrize("text", ["how lung", "gnat", "2020 or 2021", "does a newt dance"])
def test_other_words_stay(text: str) -> None:
    assert plain([text, *["how long", "a gnaw", "2020 or 2012"] * 20])[0] == text


def test_slips_and_courtesies_keep_nobody_apart_and_other_topics_and_numbers_do() -> None:
    courteous = [f"Good day, how long does a {one} live? Much obliged." for one in TOPICS]
    assert (
        likeness("How long does a tortoise live?", "Good day, how lnog does a tortoise live", among=MANY + courteous)
        > LEAST
    )
    assert likeness("How long does a tortoise live?", "How long does a magpie live?") < LEAST
    among = [f"Who won the great race of {year}?" for year in range(1900, 1950)]
    assert likeness("Who won the great race of 1961?", "Who won the great race of 1962?", among=among) < LEAST
    assert likeness("Who won the great race of 1961?", "who won the great race of 1961", among=among) > LEAST


def test_where_a_call_has_values_they_are_masked() -> None:
    chain = chain_of([[{"name": "book", "arguments": {"to": "Rome"}}]])
    assert phrased(["Fly to Rome, thanks!", "Who are you?"], [chain, ()]) == ["fly to ? , thanks!", "who are you"]
