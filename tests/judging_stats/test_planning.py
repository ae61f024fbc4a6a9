"""What a gate takes, by formula beside what it takes when it is run."""

from __future__ import annotations

import math
import random
from statistics import median

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_toolmatch.judging.planning import (
    cases_needed,
    decidable,
    fixed_draws,
    plan,
    sequential_draws,
    within_share,
)
from pytest_toolmatch.judging.sequential import GateTest
from pytest_toolmatch.judging.ustatistics import mean_of_draws

rates = st.floats(0.05, 0.95)


@given(rates, rates, st.floats(0.05, 1))
def test_a_truth_further_away_takes_fewer_draws(bound: float, truth: float, within: float) -> None:
    assume(abs(bound - truth) > 0.01)
    further = truth + (0.04 if truth > bound else -0.04)
    assert sequential_draws(bound, further, within=within) <= sequential_draws(bound, truth, within=within) * 1.001


@given(rates, rates, st.floats(0.05, 0.9))
def test_cases_that_differ_take_no_more_draws(bound: float, truth: float, within: float) -> None:
    assume(abs(bound - truth) > 0.04)
    alike = sequential_draws(bound, truth)
    assert sequential_draws(bound, truth, within=within) <= alike * 1.001
    assert fixed_draws(bound, truth, within=within) <= fixed_draws(bound, truth)


def test_no_number_of_draws_tells_a_truth_from_itself() -> None:
    assert math.isinf(sequential_draws(0.9, 0.9))
    assert math.isinf(fixed_draws(0.9, 0.9))
    assert math.isinf(cases_needed(0.9, 0.9, 5))


def test_a_fixed_size_is_the_textbook_one() -> None:
    assert fixed_draws(0.9, 0.95, power=0.95) == pytest.approx(((1.6449 * 0.3 + 1.6449 * 0.2179) / 0.05) ** 2, rel=1e-3)


def test_more_draws_of_a_case_are_worth_less_than_more_cases() -> None:
    one, five, many = (cases_needed(0.85, 0.9, draws) for draws in (1, 5, 1000))
    assert one > five > many > one / 2.1


@pytest.mark.parametrize(("bound", "truth"), [(0.9, 0.95), (0.9, 0.8), (0.8, 0.9)])
def test_the_typical_number_of_draws_is_what_gates_take(bound: float, truth: float) -> None:
    chance, used = random.Random(2), []  # noqa: S311 - a simulation
    for _ in range(41):
        test = GateTest(10, bound)
        while test.looked.state == "undecided":
            test.update([[float(chance.random() < truth)] for _ in range(10)])
        used.append(test.looked.draws)
    planned = plan(10, bound, truth)
    assert planned.typical / 1.6 <= median(used) <= planned.typical * 1.6 + 10
    assert sum(draws <= planned.draws for draws in used) >= 0.75 * len(used)
    assert planned.rounds == math.ceil(planned.draws / 10)


@given(rates, st.integers(20, 5000))
def test_what_draws_can_decide_lies_on_either_side(rate: float, draws: int) -> None:
    low, high = decidable(rate, draws)
    assert math.isnan(low) or low < rate
    assert math.isnan(high) or rate < high
    closer = decidable(rate, 4 * draws)
    assert math.isnan(low) or closer[0] >= low - 1e-9


def test_the_share_within_cases_is_seen_where_cases_have_several_draws() -> None:
    assert within_share([mean_of_draws([1.0])] * 3) == 1
    sure = [mean_of_draws([1.0] * 5)] * 8 + [mean_of_draws([0.0] * 5)] * 2
    assert within_share(sure) == 0.02
    alike = [mean_of_draws([1.0, 0.0, 1.0, 0.0])] * 9
    assert within_share(alike) == 1
