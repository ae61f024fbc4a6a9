"""Rows say how a case is phrased beside which values its calls have."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.chain import chain_of
from pytest_toolmatch.curation.embedding import APART, beside, embedded, masked, value_groups, value_rows
from pytest_toolmatch.curation.hashed import BLOCK, Hashed
from pytest_toolmatch.curation.splits import template
from pytest_toolmatch.curation.strata import kinds, signature

TEXTS = st.lists(st.text(alphabet="abc ß日?\n-", max_size=30), max_size=12)


def call(**arguments: Any) -> Any:
    return chain_of([[{"name": "book", "arguments": arguments}]])


def rows(*cases: tuple[str, Any]) -> Any:
    phrases = embedded(Hashed(), [masked(text, chain) for text, chain in cases])
    return beside(phrases, value_rows([chain for _, chain in cases]), [text for text, _ in cases])


@given(TEXTS)
def test_rows_have_length_1_or_0_and_do_not_depend_on_the_order(texts: list[str]) -> None:
    made = embedded(Hashed(), texts)
    assert made.dtype == np.float32
    lengths = np.linalg.norm(made, axis=1)
    assert np.all((np.abs(lengths - 1) < 1e-5) | (lengths == 0))
    assert np.array_equal(embedded(Hashed(), texts[::-1])[::-1], made)


def test_blocks_make_no_difference_but_for_rarity() -> None:
    texts = [f"request number {number} of many" for number in range(BLOCK + 3)]
    seen: list[int] = []
    made = embedded(Hashed(), texts, seen.append)
    assert seen == [BLOCK, BLOCK + 3]
    assert np.array_equal(embedded(Hashed(), texts[::-1])[::-1], made)


def test_a_text_is_like_its_like() -> None:
    made = embedded(Hashed(), ["book a flight to rome", "Please book a flight to Rome!", "what is a hedgehog"])
    assert made[0] @ made[1] > 0.7
    assert made[0] @ made[2] < 0.3


def test_a_rare_name_does_not_drown_what_is_asked_about_it() -> None:
    asked = [
        f"{frame} {name}" for frame in ("who invented the", "sell me a") for name in map(str, range(10**6, 10**6 + 200))
    ]
    made = rows(
        *((text, ()) for text in [*asked, "who invented the pneumatic kobaveldru", "sell me a pneumatic kobaveldru"])
    )
    assert made[-1] @ made[-2] < 1 - Hashed().epsilon


def test_other_values_keep_the_same_words_apart_and_other_words_do_not_part_the_same_values() -> None:
    made = rows(
        ("Book 2 seats to Rome on Friday", call(to="Rome", seats=2, day="Friday")),
        ("Friday I need to be in Rome, two of us: get us seats", call(to="Rome", seats=2, day="Friday")),
        ("Book 2 seats to Oslo on Friday", call(to="Oslo", seats=2, day="Friday")),
    )
    least = 1 - Hashed().epsilon
    assert made[0] @ made[1] > least > made[0] @ made[2]
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)


def test_rows_of_one_group_have_the_same_values_and_other_groups_are_apart() -> None:
    one, other = ({"name": "book", "arguments": {"to": city, "seats": 2}} for city in ("Rome", "Oslo"))
    said = ("to Rome and Oslo", "Oslo, and Rome", "to Rome", "hello", "to Rome, for two", "two to Oslo", "hello again")
    chains = [[[one, other]], [[other, one]], [[one]], [], [[one]], [[other]], []]
    made = rows(*((text, chain_of(chain)) for text, chain in zip(said, chains, strict=True)))
    found = value_groups(made)
    assert found[0] == found[1]
    assert found[2] == found[4]
    assert found[3] == found[6] == 0
    assert len(set(found.tolist())) == 4
    distance = 1 - made @ made.T
    assert distance[2, 5] > APART
    assert distance[0, 1] < APART


def test_without_values_the_phrase_decides() -> None:
    made = rows(("tell me a joke", ()), ("tell me a joke please", ()), ("who was the first to fly", ()))
    assert made[0] @ made[1] > 1 - Hashed().epsilon > made[0] @ made[2]


def test_values_of_the_calls_are_masked() -> None:
    assert masked("Fly to New York, please", call(to="new york")) == masked("Fly to Rome, please", call(to="Rome"))
    assert masked("a cat catalogue", call(x="cat")) == "a ? catalogue"


SMALL = st.text(alphabet="ab .é_", min_size=2, max_size=12).filter(lambda text: text == text.casefold())


@given(SMALL, SMALL)
def test_a_value_is_masked_where_it_does_not_go_on_as_a_word(text: str, value: str) -> None:
    said = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", " ? ", text)
    assert masked(text, call(x=value)) == template(said)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], "(no call)"),
        ([[{"name": "a", "arguments": {"y": 1, "x": True}}]], "a(x: boolean, y: number)"),
        ([[{"name": "a", "arguments": {"x": "1"}}, {"name": "a", "arguments": {"x": "2"}}]], "a(x: text)"),
        ([[{"name": "a"}], [{"name": "b", "arguments": [1]}]], "a() → b(unparsed)"),
    ],
)
def test_a_signature_has_names_and_types_and_no_values(steps: Any, said: str) -> None:
    assert signature(chain_of(steps)) == said


def test_not_to_call_depends_on_what_is_on_offer() -> None:
    assert signature((), ["a", "b"]) == signature((), ["b", "a"]) != signature((), ["a"])


def test_kinds_are_tools_length_and_what_is_odd() -> None:
    chain = chain_of([[{"name": "a"}, {"name": "b"}]])
    assert list(kinds(chain, ambiguous=True)) == [
        "tool a",
        "tool b",
        "2 calls",
        "several tools",
        "parallel calls",
        "ambiguous",
    ]
    assert list(kinds((), ambiguous=False)) == ["no call"]
