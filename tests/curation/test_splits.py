"""Near-duplicates are found, all of them and nothing else, and never stand on two sides."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_toolmatch.curation.splits import ALIKE, groups, parts, template

WORDS = ["book", "a", "flight", "to", "rome", "oslo", "on", "friday", "3", "4", "AB12", "'x y'", '"z"', "please", "now"]
QUERIES = st.lists(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join), max_size=14)


def near(one: str, other: str) -> bool:
    ours, theirs = (set(re.findall(r"\w+", query.lower())) for query in (one, other))
    if template(one) == template(other):
        return True
    return len(ours & theirs) >= ALIKE * len(ours | theirs) - 1e-9


def components(queries: list[str]) -> list[int]:
    """Return the groups by trying all pairs, again and again."""
    found = list(range(len(queries)))
    for _ in queries:
        for i, one in enumerate(queries):
            for j, other in enumerate(queries):
                if near(one, other):
                    found[i] = found[j] = min(found[i], found[j])
    return found


@settings(deadline=None)
@given(QUERIES)
def test_groups_are_the_queries_that_near_duplicates_connect(queries: list[str]) -> None:
    names, wanted = groups(queries), components(queries)
    same = [[a == b for b in names] for a in names]
    assert same == [[a == b for b in wanted] for a in wanted]


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from([4, 8, 26, 30, 36]))
def test_groups_of_long_queries_are_the_same(seed: int, size: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - what hypothesis draws
    words = [f"w{letter}{other}" for letter in "abcdefgh" for other in "abcdefgh"]
    queries = [" ".join(chance.sample(words, size)) for _ in range(3)]
    for _ in range(9):
        kept = chance.choice(queries).split()
        chance.shuffle(kept)
        cut = chance.randrange(max(1, size // 3))
        queries.append(" ".join([*kept[cut:], *chance.sample(words, chance.randrange(max(1, size // 4)))]))
    names, wanted = groups(queries), components(queries)
    assert [[a == b for b in names] for a in names] == [[a == b for b in wanted] for a in wanted]


@settings(deadline=None)
@given(QUERIES, st.integers(0, 9))
def test_near_duplicates_never_stand_on_two_sides(queries: list[str], seed: int) -> None:
    sides = parts(groups(queries), seed)
    for one, side in zip(queries, sides, strict=True):
        assert {other for query, other in zip(queries, sides, strict=True) if near(one, query)} == {side}


@settings(deadline=None)
@given(QUERIES)
def test_neither_the_order_nor_what_else_is_recorded_moves_a_query(queries: list[str]) -> None:
    before = dict(zip(queries, parts(groups(queries), 0), strict=True))
    shuffled = sorted({*queries, "something else entirely of other words"}, reverse=True)
    after = dict(zip(shuffled, parts(groups(shuffled), 0), strict=True))
    assert {query: after[query] for query in queries} == before


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Book flight 7 for 12 May", "book flight 93 for 3 May"),
        ('Rename it to "Oslo trip"', 'Rename it to "x"'),
        ("mail ada@example.com about it", "mail bob@example.org about it"),
        ("it's the dog's turn", "It's the dog's turn"),
    ],
)
def test_values_are_masked(one: str, other: str) -> None:
    assert template(one) == template(other)


def test_an_apostrophe_is_no_quote() -> None:
    assert "turn" in template("it's the dog's turn")


def test_shares_are_those_that_were_asked_for() -> None:
    shares = Counter(parts([f"group {number}" for number in range(4000)], 0))
    assert [round(shares[part] / 4000, 1) for part in ("train", "validation", "test")] == [0.7, 0.1, 0.2]
