"""What a gate takes, by formula beside what it takes when it is run."""

from __future__ import annotations

import math
import random
from statistics import median

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_toolmatch.statistics.beta import clopper_pearson
from pytest_toolmatch.statistics.planning import (
    cases_needed,
    decidable,
    fixed_draws,
    plan,
    sequential_draws,
    within_share,
)
from pytest_toolmatch.statistics.sequential import GateTest
from pytest_toolmatch.statistics.ustatistics import mean_of_draws

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


@pytest.mark.parametrize(("bound", "truth"), [(0.9, 0.95), (0.9, 0.98), (0.8, 0.7), (0.5, 0.6), (0.95, 0.9)])
def test_a_fixed_size_has_its_power(bound: float, truth: float) -> None:
    draws = math.ceil(fixed_draws(bound, truth, confidence=0.975, power=0.9))
    ends = [clopper_pearson(hits / draws, draws, 0.95) for hits in range(draws + 1)]
    told = [hits for hits, (low, high) in enumerate(ends) if (low > bound if truth > bound else high < bound)]
    power = sum(math.comb(draws, hits) * truth**hits * (1 - truth) ** (draws - hits) for hits in told)
    assert 0.87 < power < 0.95


def test_more_draws_of_a_case_are_worth_less_than_more_cases() -> None:
    one, five, many = (cases_needed(0.85, 0.9, draws) for draws in (1, 5, 1000))
    assert one > five > many > one / 2.1


@pytest.mark.parametrize(
    ("cases", "bound", "truth"), [(10, 0.9, 0.95), (10, 0.9, 0.85), (20, 0.8, 0.87), (20, 0.5, 0.6), (10, 0.1, 0.05)]
)
def test_a_plan_is_what_gates_take(cases: int, bound: float, truth: float) -> None:
    chance, used = random.Random(2), []  # noqa: S311 - a simulation
    for _ in range(200):
        test = GateTest(cases, bound)
        while test.looked.state == "undecided":
            test.update([[float(chance.random() < truth)] for _ in range(cases)])
        used.append(max(5, test.looked.rounds))
    planned = plan(cases, bound, truth, first=5)
    assert planned is not None
    assert 0.75 * median(used) <= planned.typical <= 1.25 * median(used)
    assert 0.80 <= sum(rounds <= planned.most for rounds in used) / len(used) <= 0.99


def test_nothing_is_planned_where_nobody_would_wait() -> None:
    assert plan(40, 0.9, 0.9) is None
    assert plan(40, 0.9, 0.9001) is None


@pytest.mark.parametrize("within", [0.0, 0.3, 1.0])
def test_a_mirrored_gate_takes_as_much(within: float) -> None:
    assert plan(40, 0.9, 0.95, within=within) == plan(40, 0.1, 0.05, within=within)


@given(rates, st.integers(20, 5000))
def test_what_draws_can_decide_lies_on_either_side(rate: float, draws: int) -> None:
    low, high = decidable(rate, draws, sequential_draws)
    assert math.isnan(low) or low < rate
    assert math.isnan(high) or rate < high
    closer = decidable(rate, 4 * draws, sequential_draws)
    assert math.isnan(low) or closer[0] >= low - 1e-9
    assert math.isnan(high) or closer[1] <= high + 1e-9


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_no_bound_lies_beyond_the_ends(rate: float) -> None:
    bounds = decidable(rate, 100, sequential_draws)
    assert math.isnan(bounds[int(rate)])
    assert 0.03 < abs(bounds[1 - int(rate)] - rate) < 0.2


def test_the_share_within_cases_is_seen_where_cases_have_several_draws() -> None:
    assert within_share([mean_of_draws([1.0])] * 3) == 1
    sure = [mean_of_draws([1.0] * 5)] * 8 + [mean_of_draws([0.0] * 5)] * 2
    assert within_share(sure) == 0.02
    alike = [mean_of_draws([1.0, 0.0, 1.0, 0.0])] * 9
    assert within_share(alike) == 1
