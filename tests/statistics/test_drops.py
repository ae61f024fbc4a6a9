from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.statistics.drops import WORTH, Tally, drop, evidence, hopeless

TALLIES = st.integers(0, 30).flatmap(lambda draws: st.builds(Tally, st.integers(0, draws), st.just(draws)))


@given(TALLIES, TALLIES)
def test_a_rate_that_has_not_dropped_is_no_evidence_of_a_drop(before: Tally, after: Tally) -> None:
    if after.rate >= before.rate:
        assert evidence(before, after) <= 1e-9


@given(TALLIES, TALLIES)
def test_the_value_lies_in_its_interval_and_both_in_reach(before: Tally, after: Tally) -> None:
    value, (low, high) = drop(before, after)
    assert -1 - 1e-9 <= low <= value <= high <= 1 + 1e-9


def test_evidence_grows_with_draws_of_the_same_shares() -> None:
    found = [evidence(Tally(9 * n, 10 * n), Tally(n, 10 * n)) for n in (1, 2, 3)]
    assert found == sorted(found)
    assert found[0] > math.log(20)


@pytest.mark.parametrize("rate", [0.95, 0.9, 0.7, 0.5])
def test_looking_after_every_draw_raises_few_false_alarms(rate: float) -> None:
    chance, alarms, runs = random.Random(7), 0, 600  # noqa: S311
    for _ in range(runs):
        parent = [chance.random() < rate for _ in range(20)]
        hits = 0
        for draws in range(1, 25):
            hits += chance.random() < rate
            if evidence(Tally(sum(parent), 20), Tally(hits, draws)) >= math.log(20):
                alarms += 1
                break
    # 5 % at most; three standard errors above that would be .077.
    assert alarms / runs <= 0.05


def test_a_large_drop_is_shown_by_few_draws() -> None:
    chance, needed = random.Random(3), []  # noqa: S311
    for _ in range(200):
        before, hits, draws = Tally(18, 20), 0, 0
        while evidence(before, Tally(hits, draws)) < math.log(20 * 30):
            hits, draws = hits + (chance.random() < 0.1), draws + 1
        needed.append(draws)
    assert sum(needed) / len(needed) < 12


def test_draws_that_match_as_before_make_a_drop_hopeless_and_misses_do_not() -> None:
    assert hopeless(Tally(9, 10), Tally(8, 8))
    assert not hopeless(Tally(9, 10), Tally(0, 3))
    assert not hopeless(Tally(9, 10), Tally(0, 0))
    assert WORTH < 1
