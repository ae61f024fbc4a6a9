from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.case import Case, case_of_query, slug
from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Message, user
from pytest_toolmatch.core.errors import SuiteError

SLUG = set(string.ascii_lowercase + string.digits + "-")


@given(st.text())
def test_a_slug_is_short_plain_and_stable(text: str) -> None:
    made = slug(text)
    assert 0 < len(made) <= 45
    assert set(made) <= SLUG
    assert made == slug(text)
    assert not made.startswith("-")
    assert not made.endswith("-")


@given(st.text())
def test_a_slug_of_a_slug_is_itself_where_it_fits(text: str) -> None:
    made = slug(text)
    if len(made) <= 40:
        assert slug(made) == made


def test_slugs_are_readable() -> None:
    assert slug("cheapest") == "cheapest"
    assert slug("Book me the cheapest flight!").startswith("book-me-the-cheapest-flight-")
    assert slug("Wann fährt der nächste Zug?").startswith("wann-f-hrt-der-n-chste-zug-")


def test_slugs_of_texts_that_read_alike_differ() -> None:
    texts = [
        "To Rome",
        "to rome",
        "To Rome!",
        "To  Rome",
        "to-rome",
        "東京へ",
        "大阪へ",
        "",
        " ",
        "!",
        "a" * 50,
        "a" * 51,
    ]
    assert len({slug(text) for text in texts}) == len(texts)


@pytest.mark.parametrize("query", ["Where is order F-{:05}?", "注文{}番はどこですか"])
def test_slugs_of_many_queries_hardly_ever_meet(query: str) -> None:
    assert len({slug(query.format(number)) for number in range(1000)}) == 1000


def test_slugs_of_queries_without_a_latin_letter_hardly_ever_meet() -> None:
    assert len({slug("駅" * number + "へ") for number in range(1000)}) == 1000


@pytest.mark.parametrize("text", ["", " \n", "…", "東京"])
def test_a_text_without_letters_has_a_slug(text: str) -> None:
    assert slug(text).isalnum()


@given(st.text())
def test_a_case_shows_itself_in_one_line(text: str) -> None:
    case = case_of_query(text)
    assert repr(case) == f"<Case {case.id}>"
    assert len(repr(case).splitlines()) == 1


def test_a_given_id_wins_over_the_slug() -> None:
    assert case_of_query("To Rome", id="rome", tags=("a",)) == Case(
        id="rome", conversation=user("To Rome"), tags=("a",)
    )


def test_the_query_is_the_last_thing_the_user_said() -> None:
    said = (Message("user", "Hi"), Message("assistant", "Hello"), Message("user", "To Rome"), Message("tool", "[]"))
    assert Case(id="rome", conversation=said).query == "To Rome"
    assert Case(id="rome", conversation=(Message("system", "Be brief"),)).query == ""


def test_a_conversation_may_be_given_as_in_a_suite_file() -> None:
    asked = {"role": "user", "content": "hi"}
    called = {"role": "assistant", "calls": [{"name": "add", "arguments": {"a": 1}}]}
    case = Case(id="turns", conversation=[asked, called, Message("tool", "1")])  # type: ignore[arg-type, list-item]
    calls = (Call("add", {"a": 1}),)
    assert case.conversation == (Message("user", "hi"), Message("assistant", calls=calls), Message("tool", "1"))
    assert case.query == "hi"


@pytest.mark.parametrize(
    ("conversation", "said"),
    [
        ("hi", "conversation: Expected `array`, got `str`"),
        (["hi"], "conversation[0]: Expected `object`, got `str`"),
        ([{"content": "hi"}], "conversation[0]: Object missing required field `role`"),
        ([{"role": "user", "text": "hi"}], "conversation[0]: Object contains unknown field `text`"),
        ([{"role": "usr"}], "conversation[0].role: Invalid enum value 'usr'"),
    ],
)
def test_what_is_no_message_is_one_line(conversation: Any, said: str) -> None:
    with pytest.raises(SuiteError) as caught:
        Case(id="turns", conversation=conversation)
    assert str(caught.value).startswith(f"case 'turns': {said}; write a list of messages, as in [{{'role': 'user'")
