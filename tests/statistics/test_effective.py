"""The exact interval on effective draws, two rates beside each other, and the variances behind them."""

from __future__ import annotations

import math
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.statistics.beta import beta_probability, beta_quantile, clopper_pearson
from pytest_toolmatch.statistics.effective import (
    margin_intervals,
    quantile_intervals,
    rate_intervals,
    relative_intervals,
)
from pytest_toolmatch.statistics.margin import MarginTest
from pytest_toolmatch.statistics.measures import Measure, ratio_of_counts
from pytest_toolmatch.statistics.sides import Sides
from pytest_toolmatch.statistics.unseen import reach
from pytest_toolmatch.statistics.ustatistics import Paired, by_itself, mean_of_draws, paired

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
draws = st.lists(st.integers(0, 3), min_size=2, max_size=8)
measures_of = st.one_of(
    scores.map(mean_of_draws),
    st.builds(lambda s, t: paired(s, t, EQUAL).agreement, draws, draws),
    draws.map(lambda t: paired([0], t, EQUAL).consistency),
    st.integers(1, 20).flatmap(
        lambda whole: st.builds(ratio_of_counts, st.integers(0, whole), st.just(whole), st.integers(1, 9))
    ),
)
suites = st.lists(measures_of, min_size=1, max_size=12)
confidences = st.sampled_from([0.5, 0.9, 0.95, 0.99])


@given(suites, confidences)
def test_a_rate_lies_in_its_intervals_and_they_in_each_other(measures: list[Measure], confidence: float) -> None:
    rate = sum(measure.total for measure in measures) / sum(measure.weight for measure in measures)
    suite, cases = rate_intervals(measures, confidence)
    assert 0 <= suite[0] <= rate + 1e-12
    assert rate - 1e-12 <= suite[1] <= 1
    assert suite[0] < suite[1]
    assert (cases is None) == (len(measures) == 1)
    if cases:
        assert 0 <= cases[0] <= suite[0] + 1e-9
        assert suite[1] - 1e-9 <= cases[1] <= 1


@given(st.data(), suites)
def test_the_order_of_cases_changes_no_digit(data: st.DataObject, measures: list[Measure]) -> None:
    assert rate_intervals(data.draw(st.permutations(measures)), 0.95) == rate_intervals(measures, 0.95)


@given(suites.filter(lambda found: len(found) > 1), st.sampled_from([0.5, 3.0]))
def test_weights_count_as_shares_of_each_other(measures: list[Measure], factor: float) -> None:
    heavier = [Measure(m.total * factor, m.weight * factor, m.variance * factor**2, m.draws) for m in measures]
    for one, other in zip(rate_intervals(measures, 0.95), rate_intervals(heavier, 0.95), strict=True):
        assert one == pytest.approx(other, abs=1e-9)


@given(suites)
def test_one_draw_says_nothing_of_its_variance(measures: list[Measure]) -> None:
    known, unknown = ([Measure(m.total, m.weight, variance, 1.0) for m in measures] for variance in (0.0, 0.1))
    assert rate_intervals(known, 0.95) == rate_intervals(unknown, 0.95)


@given(suites, st.integers(1, 4))
def test_more_confidence_is_a_wider_interval(measures: list[Measure], rounds: int) -> None:
    seconds = [[measure.total] * rounds for measure in measures]
    pairs = list(zip(measures, reversed(measures), strict=True))
    for intervals_at in (
        lambda confidence: rate_intervals(measures, confidence),
        lambda confidence: relative_intervals(pairs, confidence),
        lambda confidence: margin_intervals(pairs, confidence),
        lambda confidence: quantile_intervals(seconds, 0.5, confidence),
    ):
        for narrow, wide in zip(intervals_at(0.9), intervals_at(0.99), strict=True):
            assert narrow is None or (wide[0] <= narrow[0] + 1e-9 and narrow[1] <= wide[1] + 1e-9)


def test_draws_of_a_unanimous_suite_are_pooled() -> None:
    suite, cases = rate_intervals([mean_of_draws([1.0] * 4)] * 10, 0.95)
    assert suite == pytest.approx(clopper_pearson(1.0, 40, 0.95))
    assert cases == pytest.approx(clopper_pearson(1.0, 10, 0.95))


@given(st.lists(scores.map(mean_of_draws), min_size=2, max_size=12))
def test_of_other_queries_no_less_is_known_than_one_draw_a_case_would_tell(measures: list[Measure]) -> None:
    rate = sum(measure.total for measure in measures) / len(measures)
    _, cases = rate_intervals(measures, 0.95)
    low, high = clopper_pearson(rate, len(measures), 0.95)
    assert cases
    assert low - 1e-9 <= cases[0]
    assert cases[1] <= high + 1e-9


def test_one_case_of_one_draw_bounds_little() -> None:
    assert rate_intervals([mean_of_draws([1.0])], 0.95) == (pytest.approx((0.025, 1.0)), None)


def test_cases_that_differ_are_known_better_than_their_draws_alone() -> None:
    always, never = mean_of_draws([1.0] * 5), mean_of_draws([0.0] * 5)
    (low, high), cases = rate_intervals([always] * 20 + [never] * 20, 0.95)
    assert cases
    assert high - low < 0.5 * (clopper_pearson(0.5, 200, 0.95)[1] - clopper_pearson(0.5, 200, 0.95)[0])
    assert cases == pytest.approx(clopper_pearson(0.5, 40, 0.95), abs=0.02)


@pytest.mark.parametrize(("cases", "missing"), [(10, 0.19), (20, 0.09), (80, 0.01)])
def test_few_cases_do_not_rule_out_a_kind_that_they_do_not_show(cases: int, missing: float) -> None:
    alike = [mean_of_draws([1.0] * 90 + [0.0] * 10)] * cases
    suite, (low, high) = rate_intervals(alike, 0.95)  # type: ignore[misc]
    assert low <= 0.9 * (1 - missing) < suite[0]
    assert suite[1] <= high <= clopper_pearson(0.9, cases, 0.95)[1]
    agrees = [paired([0] * 9 + [1], [0] * 10, EQUAL)] * cases
    parts = [(one.agreement, one.consistency) for one in agrees if one.consistency]
    margins = [one.margin for one in agrees if one.margin]
    _, (low, _) = margin_intervals(parts, 0.95, margins)  # type: ignore[misc]
    assert low <= 0.9 * (1 - missing) - 1


@given(st.floats(0.001, 0.3), st.floats(0.05, 1), st.integers(5, 200), st.floats(0, 1))
def test_a_kind_that_is_missing_is_held_as_often_as_promised(
    error: float, distance: float, cases: int, part: float
) -> None:
    share, sigma = part * max(0.05, 2 / cases), error / stats.norm.ppf(0.975)
    end = reach(error, distance, cases, 0.95)
    assert error <= end <= error + max(0.05, 2 / cases) * distance + 1e-12
    missed = (1 - share) ** cases * stats.norm.sf((end - share * distance) / sigma)
    assert missed <= 0.05 * 1.5  # shares between those that are tried lose a little


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


def test_variances_are_unbiased_or_a_little_too_large() -> None:
    agreement, consistency, margin = exact_moments(3, 6)
    assert agreement[0] <= agreement[1] <= 1.1 * agreement[0]
    assert consistency[0] <= consistency[1] <= 1.4 * consistency[0]
    assert margin[0] <= margin[1] <= 2 * margin[0]


@pytest.mark.parametrize(("student_draws", "teacher_draws"), [(2, 3), (2, 4), (3, 5)])
def test_of_few_teacher_draws_the_variance_is_rather_too_large(student_draws: int, teacher_draws: int) -> None:
    _, consistency, margin = exact_moments(student_draws, teacher_draws)
    assert consistency[0] <= consistency[1]
    assert margin[0] <= margin[1]


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=3), st.integers(2, 5))
def test_all_pairs_of_some_draws_vary_no_more_than_half_as_many_apart(weights: list[float], count: int) -> None:
    shares = [weight / sum(weights) for weight in weights]
    mean = squares = 0.0
    for teacher in product(range(len(shares)), repeat=count):
        chance, found = math.prod(shares[t] for t in teacher), paired([0], teacher, EQUAL).consistency
        assert found
        assert found.draws == count / 2
        mean, squares = mean + chance * found.total, squares + chance * found.total**2
    assert squares - mean**2 <= mean * (1 - mean) / (count / 2) + 1e-9


@given(draws)
def test_a_teacher_by_itself_is_its_pairs_in_both_directions(teacher: list[int]) -> None:
    directed = [[one >= other for other in range(4)] for one in range(4)]
    found = by_itself(teacher, directed)
    assert found
    assert found.consistency
    assert found.margin
    ordered = list(permutations(teacher, 2))
    assert found.agreement.total == pytest.approx(sum(a >= b for a, b in ordered) / len(ordered))
    assert found.consistency.total == 1
    assert found.margin.total == pytest.approx(found.agreement.total - 1)
    assert by_itself(teacher[:1], directed) is None
    alike = by_itself(teacher, EQUAL)
    assert alike
    assert alike.consistency == paired([0], teacher, EQUAL).consistency == alike.agreement


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


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99), st.integers(2, 400), st.integers(2, 400))
def test_the_ratio_is_where_the_difference_may_be_0(a: float, b: float, ours: int, theirs: int) -> None:
    sides = Sides(a, clopper_pearson(a, ours, 0.95), b, clopper_pearson(b, theirs, 0.95), 1.0, 1.0, 0.4)
    low, high = sides.factors()
    assert low <= a / b <= high
    assert sides.difference(low)[0] == pytest.approx(0, abs=1e-9)
    assert sides.difference(1000.0)[1] >= 0 if math.isinf(high) else abs(sides.difference(high)[1]) <= 1e-9


def test_a_ratio_to_what_may_be_nothing_has_no_upper_end() -> None:
    assert Sides(0.5, (0.3, 0.7), 0.1, (0.0, 0.3)).factors()[1] == math.inf
    assert Sides(0.0, (0.0, 0.2), 0.5, (0.3, 0.7)).factors()[0] == 0
    assert Sides(0.5, (0.3, 0.7), 0.0, (0.0, 0.3)).factors() == (0, math.inf)


def test_few_values_bound_a_median_but_no_percentile() -> None:
    seconds = [[float(value)] for value in range(1, 21)]
    suite, _ = quantile_intervals(seconds, 0.5, 0.95)
    assert suite == (5.0, 16.0)  # the exact ranks, 6 and 15, or one beyond: the share's own limits are rounded outwards
    assert quantile_intervals(seconds, 0.95, 0.95)[0][1] == math.inf


def test_a_student_as_good_as_its_teacher_is_found_to_be() -> None:
    alike = [paired([0, 0, 0, 1], [0, 0, 0, 0, 1], EQUAL)] * 60
    parts = [(one.agreement, one.consistency) for one in alike if one.consistency]
    margins = [one.margin for one in alike if one.margin]
    assert MarginTest(-0.1).update(parts, margins).state == "holds"
    assert MarginTest(0.3).update(parts, margins).state == "fails"
    assert MarginTest(0.05).update(parts, margins).state == "undecided"
