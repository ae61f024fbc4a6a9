"""Cases that count differently: every suite-level rate is the weighted one, and weights of 1 change nothing."""

from __future__ import annotations

import random
from math import isnan
from statistics import fmean

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.judging.baseline import Both
from pytest_toolmatch.judging.gate import parse_gate
from pytest_toolmatch.judging.looks import Round, look_of
from pytest_toolmatch.judging.metrics import METRICS, estimate, estimates, value_of
from pytest_toolmatch.judging.verdict import CaseResult, Verdict
from pytest_toolmatch.reports.paired import paired_test
from pytest_toolmatch.reports.report import Terms, suite_report
from pytest_toolmatch.statistics.effective import quantile, quantile_intervals, rate_intervals, weighted_quantile
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


@given(RESULTS, st.lists(st.floats(0.01, 9), min_size=1, max_size=5))
def test_a_value_alone_is_that_of_the_estimate(results: list[CaseResult], latencies: list[float]) -> None:
    timed = [msgspec.structs.replace(one, latencies=tuple(latencies[: 1 + place])) for place, one in enumerate(results)]
    found = estimates(timed, 0.95)
    assert {name: one.value for name, one in found.items()} == {
        name: value for name in METRICS if (value := value_of(name, timed)) is not None
    }
    verdict = Verdict(timed[0])
    own = estimates(timed[:1], 0.95)
    for name in METRICS:
        value = getattr(verdict, name)
        assert value == own[name].value if name in own else isnan(value)


def test_uneven_cases_keep_their_weights_while_quantiles_are_looked_at() -> None:
    seconds = {0: 0.1, 1: 5.0, 2: 5.0, 3: 5.0}
    cases = [
        msgspec.structs.replace(result(place, 1.0, 1.0, 10.0 if place == 0 else 1.0), latencies=(took,) * 40)
        for place, took in seconds.items()
    ]
    drawn = Round(cases, {"latency": {one.case: one.latencies for one in cases}})
    states = {}
    for even in (False, True):
        look = look_of(parse_gate("latency_p50 <= 1"), 0.95, scored=True, even=even)
        look.update(drawn)
        states[even] = look.result.state
    assert states == {False: "holds", True: "fails"}


def test_a_tag_that_a_case_has_twice_counts_once() -> None:
    paid = msgspec.structs.replace(result(0, 1.0, 1.0, 1.0), tags=("pay", "pay"))
    report = suite_report([paid, result(1, 0.0, 1.0, 1.0)], Terms(expected=2), confidence=0.95)
    found = report.by_tag["pay"]["chain_match"]
    assert (found.value, found.n) == (1.0, 1)


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


VALUES = st.lists(
    st.tuples(st.lists(st.integers(0, 9).map(float), max_size=5), st.integers(1, 4)), min_size=1, max_size=9
)


@given(VALUES.filter(lambda rows: any(values for values, _ in rows)), st.sampled_from([0.5, 0.95]))
def test_a_quantile_counts_values_as_often_as_their_case(rows: list[tuple[list[float], int]], share: float) -> None:
    every = [(value, float(weight)) for values, weight in rows for value in values]
    again = sorted(value for value, weight in every for _ in range(int(weight)))
    assert weighted_quantile(every, share) == quantile(again, share)
    (low, high), _ = quantile_intervals(
        [values for values, _ in rows], share, 0.95, [float(weight) for _, weight in rows]
    )
    assert low <= weighted_quantile(every, share) <= high


@given(st.lists(st.lists(st.integers(0, 9).map(float), min_size=1, max_size=5), min_size=1, max_size=9))
def test_even_weights_change_no_quantile(by_case: list[list[float]]) -> None:
    plain = quantile_intervals(by_case, 0.5, 0.95)
    assert quantile_intervals(by_case, 0.5, 0.95, [2.5] * len(by_case)) == plain


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_with_strata_an_interval_is_narrower_and_covers(noise: float) -> None:
    chance = random.Random(5)  # noqa: S311 - a seeded simulation
    inside, widths = [], []
    for _ in range(400):
        means = [(block + 1) / 27 * (1 - noise) + noise * 0.5 for block in range(25)]
        drawn = [(float(chance.random() < mean), f"{block:02}") for block, mean in enumerate(means) for _ in (0, 1)]
        strata = [block for _, block in drawn]
        measures = [Measure(value) for value, _ in drawn]
        (_, told), (_, plain) = (rate_intervals(measures, 0.95, some) for some in (strata, ()))
        assert told
        assert plain
        inside.append(told[0] <= fmean(means) <= told[1])
        widths.append((told[1] - told[0]) / (plain[1] - plain[0]))
    assert fmean(inside) >= 0.93
    assert fmean(widths) == pytest.approx(1 if noise else 0.86, abs=0.05)


@given(RESULTS, st.data())
def test_an_interval_with_strata_holds_its_value_and_lies_around_that_of_the_suite(
    results: list[CaseResult], data: st.DataObject
) -> None:
    strata = [msgspec.structs.replace(one, stratum=data.draw(st.sampled_from(["1", "2", ""]))) for one in results]
    found = estimate("chain_match", strata, 0.95)
    assert found
    if found.cases:
        assert found.cases[0] <= found.suite[0] + 1e-9
        assert found.suite[0] - 1e-9 <= found.value <= found.suite[1] + 1e-9 <= found.cases[1] + 2e-9


def test_comparisons_count_cases_as_they_weigh() -> None:
    then = [result(number, rate, 1.0, 3.0 - 2.0 * (number > 0)) for number, rate in enumerate((0.0, 1.0, 1.0))]
    now = [msgspec.structs.replace(one, latencies=(1.0,)) for one in then]
    now[0] = msgspec.structs.replace(result(0, 1.0, 1.0, 3.0), latencies=(1.0,))
    both = Both.between(then, now)
    assert both.difference(0.95)[0] == pytest.approx(0.6)
    assert "1.00 now, 0.40 in the baseline" in both.facts
    rates = [[one.measures["chain_match"].times(one.weight) for one in some] for some in (then, now)]
    test = paired_test(rates[0], rates[1], 0.95)
    assert test
    assert (test.before, test.after, test.difference) == pytest.approx((0.4, 1.0, 0.6))
