import itertools
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.pocket.text import grams, name_words, sketch, stem, tokenise


def texts(text: str) -> list[str]:
    return [token.text for token in tokenise(text)]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Book OSL-FCO-0306-A, please.", ["Book", "OSL-FCO-0306-A", ",", "please", "."]),
        ("mail me@mail.example!", ["mail", "me@mail.example", "!"]),
        ("at 10:30pm", ["at", "10:30", "pm"]),
        ("Anna's 5kg for $5", ["Anna", "'s", "5", "kg", "for", "$", "5"]),
        ("a two-hour, 3-day trip", ["a", "two", "-", "hour", ",", "3", "-", "day", "trip"]),
        ("twenty-three", ["twenty-three"]),
        ("1,200 items, 408,50 €", ["1,200", "items", ",", "408,50", "€"]),
        ("1,2,3", ["1", ",", "2", ",", "3"]),
        ('{"id":7,"price":89.5}', ["{", '"', "id", '"', ":", "7", ",", '"', "price", '"', ":", "89.5", "}"]),
        ("-5 or .5 or /etc/passwd", ["-5", "or", ".5", "or", "/etc/passwd"]),
        ("the 3rd, 5%", ["the", "3rd", ",", "5", "%"]),
        ("«Hello»", ["«", "Hello", "»"]),
    ],
)
def test_tokens_are_what_a_value_may_begin_and_end_with(text: str, tokens: list[str]) -> None:
    assert texts(text) == tokens


@given(st.text(max_size=80))
def test_tokens_cover_a_text_and_keep_its_spelling(text: str) -> None:
    tokens = tokenise(text)
    assert all(text[token.start : token.end] == token.text for token in tokens)
    assert "".join(token.text for token in tokens) == "".join(text.split())
    assert all(a.end <= b.start for a, b in itertools.pairwise(tokens))


@given(st.text(string.ascii_letters + string.digits + ".,:'-$%/", max_size=40))
def test_awkward_punctuation_is_covered_too(text: str) -> None:
    assert "".join(texts(text)) == text


@pytest.mark.parametrize("name", ["flight_id", "flightId", "FlightID", "flight-id", "flight.id"])
def test_names_in_any_style_have_the_same_words(name: str) -> None:
    assert name_words(name) == ["flight", "id"]


@pytest.mark.parametrize(("a", "b"), [("flights", "flight"), ("booking", "book"), ("searched", "searching")])
def test_inflections_share_a_stem(a: str, b: str) -> None:
    assert stem(a) == stem(b)


def test_short_words_keep_their_letters() -> None:
    assert [stem(word) for word in ("is", "bed", "ring")] == ["is", "bed", "ring"]


def test_grams_are_the_same_every_time_and_digits_are_alike() -> None:
    assert grams("seat12", 8192) == grams("seat34", 8192)
    assert max(grams("flight", 64)) < 64
    assert len(set(sketch("flight")) & set(sketch("flights"))) >= 5
