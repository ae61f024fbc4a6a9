"""Cases that count differently: every suite-level rate is the weighted one, and weights of 1 change nothing."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.judging.metrics import estimate, estimates
from pytest_toolmatch.judging.verdict import CaseResult
from pytest_toolmatch.statistics.effective import rate_intervals
from pytest_toolmatch.statistics.measures import Measure, ratio

RATE = st.sampled_from([0.0, 0.25, 0.5, 1.0])


def result(number: int, rate: float, other: float, weight: float) -> CaseResult:
    noise = rate * (1 - rate) / 4
    both = {"agreement": Measure(rate, 1.0, noise, 4.0), "consistency": Measure(other, 1.0, 0.01, 4.0)}
    margin = {"margin": Measure(rate - other, 1.0, noise + 0.01, 4.0)}
    return CaseResult(
        suite="s",
        case=f"c{number}",
        query="",
        state="agrees",
        weight=weight,
        measures={
            "chain_match": Measure(rate, 1.0, noise, 4.0),
            "retries": Measure(rate * 2, 1.0, rate / 10, 4.0),
            **both,
            **margin,
        },
    )


RESULTS = st.lists(st.tuples(RATE, RATE, st.floats(0.1, 5)), min_size=1, max_size=30).map(
    lambda rows: [result(number, *row) for number, row in enumerate(rows)]
)


@given(RESULTS)
def test_a_rate_is_the_weighted_mean_and_lies_in_its_intervals(results: list[CaseResult]) -> None:
    found = estimate("chain_match", results, 0.95)
    assert found
    total = sum(one.weight * one.measures["chain_match"].total for one in results)
    assert found.value == pytest.approx(total / sum(one.weight for one in results))
    for low, high in filter(None, (found.suite, found.cases)):
        assert low - 1e-9 <= found.value <= high + 1e-9


@given(RESULTS, st.sampled_from([0.5, 3.0]))
def test_only_what_weights_are_to_each_other_counts(results: list[CaseResult], scale: float) -> None:
    scaled = [msgspec.structs.replace(one, weight=one.weight * scale) for one in results]
    before, after = estimates(results, 0.95), estimates(scaled, 0.95)
    assert before.keys() == after.keys()
    for name in before:
        assert after[name].value == pytest.approx(before[name].value, abs=1e-9), name
        assert after[name].suite == pytest.approx(before[name].suite, abs=1e-5), name


@given(RESULTS)
def test_weights_of_1_change_no_digit(results: list[CaseResult]) -> None:
    even = [msgspec.structs.replace(one, weight=1.0) for one in results]
    measures = [one.measures["chain_match"] for one in even]
    found = estimate("chain_match", even, 0.95)
    assert found
    assert found.value == ratio(measures)
    assert (found.suite, found.cases) == rate_intervals(measures, 0.95)


def test_a_case_that_counts_twice_counts_like_two() -> None:
    twice = [result(0, 1.0, 1.0, 2.0), result(1, 0.0, 1.0, 1.0)]
    both = [result(0, 1.0, 1.0, 1.0), result(2, 1.0, 1.0, 1.0), result(1, 0.0, 1.0, 1.0)]
    values = [
        found.value
        for found in (estimate(name, some, 0.95) for name in ("margin", "relative_match") for some in (twice, both))
        if found
    ]
    assert values[0] == pytest.approx(values[1])
    assert values[2] == pytest.approx(values[3])


def test_uneven_weights_are_worth_fewer_cases() -> None:
    even = [result(number, float(number % 2), 1.0, 1.0) for number in range(40)]
    uneven = [msgspec.structs.replace(one, weight=9.0 if number < 4 else 1.0) for number, one in enumerate(even)]
    widths = [
        found.cases[1] - found.cases[0]
        for found in (estimate("chain_match", some, 0.95) for some in (even, uneven))
        if found and found.cases
    ]
    assert widths[1] > 1.2 * widths[0]
