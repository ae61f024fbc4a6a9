"""What was made lately is not made again."""

from __future__ import annotations

from collections import Counter
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.pocket.latest import Latest


@given(st.lists(st.integers(0, 9)), st.integers(1, 5))
def test_those_asked_for_last_are_at_hand(asked: list[int], most: int) -> None:
    made: Counter[int] = Counter()

    def make(key: int) -> str:
        made[key] += 1
        return str(key)

    latest: Latest[int, str] = Latest(most)
    for place, key in enumerate(asked):
        at_hand = list(dict.fromkeys(reversed(asked[:place])))[:most]
        before = made[key]
        assert latest.get(key, partial(make, key)) == str(key)
        assert made[key] - before == (key not in at_hand)
