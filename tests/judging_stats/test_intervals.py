"""The intervals against known values, and against what they promise: the coverage."""

from __future__ import annotations

import math
import random
from statistics import NormalDist
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_toolmatch.judging.intervals import (
    amount_intervals,
    count_intervals,
    poisson_score,
    quantile_interval,
    rate_intervals,
    student_t,
    wilson,
)
from pytest_toolmatch.judging.measures import (
    Measure,
    mean_of_amounts,
    mean_of_pairs,
    mean_of_scores,
    ratio_of_counts,
)
from pytest_toolmatch.judging.metrics import METRICS, estimates
from tests.reports.examples import RIGHT, WRONG, judged, lost, refusal, sample, search

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.core.sample import Sample

stats = pytest.importorskip("scipy.stats")
Z = NormalDist().inv_cdf(0.975)
CHAINS = (RIGHT, WRONG, [[search()]], [])


@pytest.mark.parametrize(("successes", "draws"), [(0, 7), (3, 7), (7, 7), (81, 263), (1, 1)])
def test_wilson_is_that_of_scipy(successes: int, draws: int) -> None:
    expected = stats.binomtest(successes, draws).proportion_ci(method="wilson")
    assert wilson(successes / draws, draws, Z) == pytest.approx((expected.low, expected.high))


def test_no_draws_say_nothing() -> None:
    assert wilson(0.3, 0, Z) == (0.0, 1.0)


@pytest.mark.parametrize(("count", "draws"), [(0, 120), (1, 120), (30, 8)])
def test_poisson_score_solves_its_equation(count: int, draws: int) -> None:
    mean = count / draws
    for bound in poisson_score(mean, draws, Z):
        assert bound == 0 or abs(mean - bound) == pytest.approx(Z * math.sqrt(bound / draws))


@pytest.mark.parametrize("freedom", [*range(1, 40), 100, 1000])
@pytest.mark.parametrize("probability", [0.9, 0.95, 0.975, 0.995])
def test_students_t_is_that_of_scipy(probability: float, freedom: int) -> None:
    assert student_t(probability, freedom) == pytest.approx(stats.t.ppf(probability, freedom), rel=1e-6)


scores = st.lists(st.integers(0, 4).map(lambda quarter: quarter / 4), min_size=1, max_size=8)
rates = st.one_of(
    scores.map(mean_of_scores),
    st.builds(mean_of_pairs, st.integers(0, 10).map(lambda tenth: tenth / 10), st.integers(2, 9)),
    st.integers(1, 20).flatmap(
        lambda whole: st.builds(ratio_of_counts, st.integers(0, whole), st.just(whole), st.integers(1, 9))
    ),
)
amounts = st.lists(st.integers(0, 5) | st.floats(0, 1e6), min_size=1, max_size=8).map(mean_of_amounts)


def value_of(measures: list[Measure]) -> float:
    return sum(measure.total for measure in measures) / sum(measure.weight for measure in measures)


@given(st.lists(rates, min_size=1, max_size=12), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_a_rate_lies_in_its_intervals_and_they_in_0_to_1(measures: list[Measure], confidence: float) -> None:
    suite, cases = rate_intervals(measures, confidence)
    assert 0 <= suite[0] <= value_of(measures) <= suite[1] <= 1
    assert suite[0] < suite[1]
    assert (cases is None) == (len(measures) == 1)
    if cases:
        assert 0 <= cases[0] <= suite[0]
        assert suite[1] <= cases[1] <= 1


@given(st.lists(amounts, min_size=1, max_size=12))
def test_an_amount_lies_in_its_intervals_and_they_above_0(measures: list[Measure]) -> None:
    value = value_of(measures)
    for intervals in (amount_intervals, count_intervals):
        for low, high in filter(None, intervals(measures, 0.95)):
            assert 0 <= low <= value * (1 + 1e-9)
            assert value <= high * (1 + 1e-9)


def test_no_retry_in_a_few_samples_is_no_proof_that_there_are_none() -> None:
    suite, cases = count_intervals([mean_of_amounts([0, 0, 0, 0])] * 30, 0.95)
    assert suite == pytest.approx((0, Z * Z / 120))
    assert cases == pytest.approx((0, Z * Z / 30))


def test_all_valid_in_a_few_samples_is_no_proof_that_all_are() -> None:
    all_valid, half = ratio_of_counts(8, 8, 4), ratio_of_counts(4, 8, 4)
    assert all_valid.variance > 0
    suite, _ = rate_intervals([*[all_valid] * 9, half], 0.95)
    assert suite[1] - suite[0] > 0.1


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30), st.sampled_from([0.5, 0.95]), st.integers(1, 30))
def test_a_quantile_lies_in_its_interval(seconds: list[float], share: float, draws: int) -> None:
    ordered = sorted(seconds)
    low, high = quantile_interval(ordered, share, draws, 0.95)
    assert low <= ordered[round(share * (len(ordered) - 1))] <= high


outcomes = st.sampled_from(["refused", "invalid", "truncated", "lost_by_server", "infrastructure"])


def drawn(role: str) -> st.SearchStrategy[list[Sample]]:
    made = st.builds(
        lambda chain, latency, retried: sample(
            chain, role=role, latency=latency, refusals=(refusal(),) if retried else ()
        ),
        st.sampled_from(CHAINS),
        st.sampled_from([None, 0.5, 2.0]),
        st.booleans(),
    )
    return st.lists(st.one_of(made, outcomes.map(lost)), min_size=1, max_size=6)


references = st.sampled_from(["consensus", "any", "draws"])
modes = st.sampled_from(["strict", "ordered", "sequence", "unordered", "subset", "superset", "names"])


@settings(deadline=None)
@given(st.lists(st.tuples(drawn("teacher"), drawn("student")), min_size=1, max_size=4), references, modes)
def test_every_metric_of_any_samples_lies_in_its_intervals(
    cases: list[tuple[list[Sample], list[Sample]]], reference: str, mode: str
) -> None:
    results = [judged(teacher, student, reference=reference, match=mode) for teacher, student in cases]
    for name, found in estimates(results, 0.95).items():
        top = 1.0 if METRICS[name].kind == "rate" else math.inf
        for low, high in filter(None, (found.suite, found.cases)):
            assert 0 <= low <= found.value <= high <= top, name
        assert found.ceiling is None or 0 <= found.ceiling <= top


@settings(deadline=None)
@given(st.data(), drawn("teacher"), drawn("student"), references, modes)
def test_the_order_of_samples_changes_nothing(
    data: st.DataObject, teacher: list[Sample], student: list[Sample], reference: str, mode: str
) -> None:
    result = judged(teacher, student, reference=reference, match=mode)
    shuffled = [data.draw(st.permutations(samples)) for samples in (teacher, student)]
    other = judged(*shuffled, reference=reference, match=mode)
    latencies = tuple(sorted(result.latencies))
    assert msgspec.structs.replace(other, latencies=tuple(sorted(other.latencies))) == msgspec.structs.replace(
        result, latencies=latencies
    )


def coverage(case_rate: Callable[[random.Random], float], *, cases: int, draws: int) -> tuple[float, float]:
    """Return how often both intervals hold their truth: the suite's own mean rate, and that of all queries."""
    chance = random.Random(0)  # noqa: S311 - a simulation
    whole = sum(case_rate(chance) for _ in range(20_000)) / 20_000
    held = [0, 0]
    suites = 300
    for _ in range(suites):
        truths = [case_rate(chance) for _ in range(cases)]
        measures = [mean_of_scores([float(chance.random() < rate) for _ in range(draws)]) for rate in truths]
        suite, queries = rate_intervals(measures, 0.95)
        assert queries is not None
        held[0] += suite[0] <= sum(truths) / cases <= suite[1]
        held[1] += queries[0] <= whole <= queries[1]
    return held[0] / suites, held[1] / suites


@pytest.mark.parametrize(
    "case_rate",
    [
        pytest.param(lambda _: 0.8, id="all cases alike"),
        pytest.param(lambda chance: chance.betavariate(4, 1), id="cases vary"),
        pytest.param(lambda chance: float(chance.random() < 0.8), id="each case always or never"),
    ],
)
def test_both_intervals_cover_as_often_as_they_promise(case_rate: Callable[[random.Random], float]) -> None:
    suite, queries = coverage(case_rate, cases=30, draws=4)
    assert suite >= 0.93
    assert queries >= 0.93
