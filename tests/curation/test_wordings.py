"""What says the same in other words becomes the same; what does not stays apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.curation.wordings import worded


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Tell me a joke about kettles.", "Do you know something funny about a kettle?"),
        ("Why is the sky blue?", "What’s the reason the sky is blue?"),
        ("Who wrote Moby Dick?", "Do you know the author of Moby Dick?"),
        ("How tall is the tower?", "Could you tell me the tower's height?"),
        ("What can you do?", "how can you help me"),
        ("Thank you very much!", "thx"),
    ],
)
def test_other_words_for_the_same_are_the_same(one: str, other: str) -> None:
    assert worded(one) == worded(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Convert Celsius to Fahrenheit", "Convert Fahrenheit to Celsius"),
        ("Turn the lights on", "Turn the lights off"),
        ("What should I do", "What should I not do"),
        ("Coffee with milk", "Coffee without milk"),
        ("Who wrote it?", "Who painted it?"),
        ("What is the biggest lake?", "What is the smallest lake?"),
        ("How old is the tower?", "How tall is the tower?"),
        ("A story for children", "A poem for children"),
    ],
)
def test_what_asks_for_something_else_stays_apart(one: str, other: str) -> None:
    assert worded(one) != worded(other)


@given(st.text(max_size=40))
def test_no_text_with_words_becomes_nothing(text: str) -> None:
    assert bool(worded(text)) == any(one.isalnum() or one == "_" for one in text)
    assert worded(text) == worded(text.upper().lower()) or not text.isascii()
