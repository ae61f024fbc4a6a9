"""The exact interval on effective draws, the variances behind it, and single cases' verdicts."""

from __future__ import annotations

import math
import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.judging.alarms import case_states, evidence_above, evidence_below, shown
from pytest_toolmatch.judging.beta import beta_probability, beta_quantile, clopper_pearson
from pytest_toolmatch.judging.effective import (
    margin_intervals,
    quantile_intervals,
    rate_intervals,
    relative_intervals,
)
from pytest_toolmatch.judging.margin import MarginTest
from pytest_toolmatch.judging.measures import Measure
from pytest_toolmatch.judging.ustatistics import Paired, mean_of_draws, paired

stats = pytest.importorskip("scipy.stats")
EQUAL = [[one == other for other in range(4)] for one in range(4)]


@given(st.floats(0, 1), st.floats(0.3, 500), st.floats(0.3, 500))
def test_the_incomplete_beta_function_is_that_of_scipy(x: float, a: float, b: float) -> None:
    assert beta_probability(x, a, b) == pytest.approx(stats.beta.cdf(x, a, b), abs=1e-10)


@given(st.floats(0.001, 0.999), st.floats(0.5, 500), st.floats(0.5, 500))
def test_its_inverse_is_that_of_scipy(probability: float, a: float, b: float) -> None:
    found = beta_quantile(probability, a, b)
    assert found == pytest.approx(stats.beta.ppf(probability, a, b), rel=1e-7, abs=1e-12)


@pytest.mark.parametrize(("matches", "draws"), [(0, 7), (3, 7), (7, 7), (81, 263), (1, 1)])
def test_the_exact_interval_is_that_of_scipy(matches: int, draws: int) -> None:
    expected = stats.binomtest(matches, draws).proportion_ci(method="exact")
    assert clopper_pearson(matches / draws, draws, 0.95) == pytest.approx((expected.low, expected.high))


scores = st.lists(st.integers(0, 4).map(lambda quarter: quarter / 4), min_size=1, max_size=8)
suites = st.lists(scores.map(mean_of_draws), min_size=1, max_size=12)


@given(suites, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_a_rate_lies_in_its_intervals_and_they_in_each_other(measures: list[Measure], confidence: float) -> None:
    rate = sum(measure.total for measure in measures) / len(measures)
    suite, cases = rate_intervals(measures, confidence)
    assert 0 <= suite[0] <= rate + 1e-12
    assert rate - 1e-12 <= suite[1] <= 1
    assert suite[0] < suite[1]
    assert (cases is None) == (len(measures) == 1)
    if cases:
        assert cases[0] <= suite[0] + 1e-9
        assert suite[1] <= cases[1] + 1e-9


@given(suites)
def test_more_confidence_is_a_wider_interval(measures: list[Measure]) -> None:
    (low, high), _ = rate_intervals(measures, 0.9)
    (lower, higher), _ = rate_intervals(measures, 0.99)
    assert lower <= low + 1e-9
    assert high <= higher + 1e-9


def test_draws_of_a_unanimous_suite_are_pooled() -> None:
    suite, cases = rate_intervals([mean_of_draws([1.0] * 4)] * 10, 0.95)
    assert suite == pytest.approx(clopper_pearson(1.0, 40, 0.95))
    assert cases
    assert cases[0] < clopper_pearson(1.0, 10, 0.95)[0]


draws = st.lists(st.integers(0, 3), min_size=2, max_size=8)


@given(draws, draws)
def test_pairs_are_counted_as_one_would_by_hand(student: list[int], teacher: list[int]) -> None:
    found = paired(student, teacher, EQUAL)
    assert found.agreement.total == pytest.approx(
        sum(s == t for s, t in product(student, teacher)) / len(student) / len(teacher)
    )
    equal = sum(teacher[i] == teacher[j] for i in range(len(teacher)) for j in range(i))
    assert found.consistency
    assert found.margin
    assert found.consistency.total == pytest.approx(equal / math.comb(len(teacher), 2))
    assert found.margin.total == pytest.approx(found.agreement.total - found.consistency.total)
    assert found.margin.variance >= 0


def exact_moments(student_draws: int, teacher_draws: int) -> list[tuple[float, float]]:
    """Return (variance of the value, mean of its estimated variance) of all three measures, over all outcomes."""
    weights, other = (0.6, 0.4), (0.3, 0.7)
    outcomes: list[tuple[float, Paired]] = []
    for drawn in product((0, 1), repeat=student_draws + teacher_draws):
        student, teacher = list(drawn[:student_draws]), list(drawn[student_draws:])
        chance = math.prod(other[s] for s in student) * math.prod(weights[t] for t in teacher)
        outcomes.append((chance, paired(student, teacher, EQUAL)))
    moments = []
    for place in range(3):
        values = [(chance, found[place]) for chance, found in outcomes]
        mean = sum(chance * one.total for chance, one in values if one)
        variance = sum(chance * (one.total - mean) ** 2 for chance, one in values if one)
        moments.append((variance, sum(chance * one.variance for chance, one in values if one)))
    return moments


def test_variances_are_unbiased_and_those_of_margins_never_too_small() -> None:
    agreement, consistency, margin = exact_moments(3, 6)
    assert agreement[1] == pytest.approx(agreement[0])
    assert consistency[1] == pytest.approx(consistency[0])
    assert margin[0] <= margin[1] <= 2 * margin[0]


def test_of_few_teacher_draws_the_variance_is_rather_too_large() -> None:
    _, consistency, margin = exact_moments(2, 4)
    assert consistency[0] <= consistency[1]
    assert margin[0] <= margin[1]


@given(st.lists(st.tuples(draws, draws), min_size=1, max_size=6))
def test_the_ratio_lies_in_its_intervals(cases: list[tuple[list[int], list[int]]]) -> None:
    found = [paired(student, teacher, EQUAL) for student, teacher in cases]
    parts = [(one.agreement, one.consistency) for one in found if one.consistency]
    margins = [one.margin for one in found if one.margin]
    below = sum(b.total for _, b in parts)
    for low, high in filter(None, relative_intervals(parts, 0.95, margins)):
        assert 0 <= low <= high
        if below:
            assert low - 1e-9 <= sum(a.total for a, _ in parts) / below <= high + 1e-9
    for low, high in filter(None, margin_intervals(parts, 0.95, margins)):
        assert low - 1e-9 <= sum(one.total for one in margins) / len(margins) <= high + 1e-9


def test_few_values_bound_a_median_but_no_percentile() -> None:
    seconds = [[float(value)] for value in range(1, 21)]
    suite, _ = quantile_intervals(seconds, 0.5, 0.95)
    assert suite == (5.0, 16.0)  # the exact ranks, 6 and 15, or one beyond: the share's own limits are rounded outwards
    assert quantile_intervals(seconds, 0.95, 0.95)[0][1] == math.inf


@given(st.integers(0, 12), st.integers(0, 12), st.floats(0.05, 0.95))
def test_evidence_is_the_mean_likelihood_ratio(matches: int, misses: int, wanted: float) -> None:
    steps = 2000
    rates = [wanted * (step + 0.5) / steps for step in range(steps)]
    by_hand = sum((q / wanted) ** matches * ((1 - q) / (1 - wanted)) ** misses for q in rates) / steps
    assert evidence_below(matches, matches + misses, wanted) == pytest.approx(math.log(by_hand), abs=1e-3)


@given(st.integers(0, 30), st.integers(0, 30))
def test_a_miss_is_evidence_below_and_none_above(matches: int, misses: int) -> None:
    drawn = matches + misses
    assert evidence_below(matches, drawn + 1, 0.8) > evidence_below(matches, drawn, 0.8)
    assert evidence_above(matches, drawn + 1, 0.8) < evidence_above(matches, drawn, 0.8)


@given(st.lists(st.floats(-5, 15), max_size=30))
def test_evidence_accepted_is_the_strongest(evidence: list[float]) -> None:
    accepted = shown(evidence, 0.95)
    assert all(evidence[one] >= evidence[other] for one in accepted for other in set(range(len(evidence))) - accepted)
    # Holm's first step, weaker than which e-BH never is.
    assert {case for case, found in enumerate(evidence) if found >= math.log(len(evidence) / 0.05)} <= accepted


def test_good_cases_raise_no_alarm_and_bad_ones_do() -> None:
    chance = random.Random(3)  # noqa: S311 - a simulation
    alarms = 0
    for _ in range(60):
        counts = [(float(sum(chance.random() < 0.8 for _ in range(12))), 12.0) for _ in range(200)]
        alarms += "diverges" in case_states(counts, 0.8)
    assert alarms <= 6
    assert case_states([(0.0, 12.0)] * 3 + [(12.0, 12.0)] * 197, 0.8)[:3] == ["diverges"] * 3


@pytest.mark.parametrize("wanted", [0.0, 1.0])
def test_certainty_can_not_be_wanted(wanted: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        case_states([(1.0, 2.0)], wanted)


def test_a_student_as_good_as_its_teacher_is_found_to_be() -> None:
    alike = [paired([0, 0, 0, 1], [0, 0, 0, 0, 1], EQUAL)] * 60
    parts = [(one.agreement, one.consistency) for one in alike if one.consistency]
    margins = [one.margin for one in alike if one.margin]
    assert MarginTest(-0.1).update(parts, margins).state == "holds"
    assert MarginTest(0.3).update(parts, margins).state == "fails"
    assert MarginTest(0.05).update(parts, margins).state == "undecided"
