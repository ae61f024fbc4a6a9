"""What ``auto`` means for a suite of so many cases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.auto import PLAIN, Auto, parse_auto


@pytest.mark.parametrize(
    ("cases", "first"), [(0, 5), (1, 5), (20, 5), (21, 4), (30, 3), (50, 2), (51, 1), (100, 1), (500, 1)]
)
def test_a_large_suite_begins_with_few_of_the_student(cases: int, first: int) -> None:
    assert PLAIN.first(cases) == first


@given(st.integers(1, 40), st.integers(1, 10_000))
def test_what_is_said_is_drawn(least: int, cases: int) -> None:
    assert parse_auto(f"auto:{least}-40") == Auto(least, 40)
    assert Auto(least, 40).first(cases) == least


@given(st.integers(1, 10_000))
def test_first_draws_are_a_hundred_or_one_of_each_case(cases: int) -> None:
    first = PLAIN.first(cases)
    assert cases * first <= 100 or first == 1
    assert first == PLAIN.least or cases * (first + 1) > 100
