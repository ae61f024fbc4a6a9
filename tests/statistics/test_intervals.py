"""The intervals against known values, and against what they promise: the coverage."""

from __future__ import annotations

import json
import math
import random
from statistics import NormalDist
from typing import TYPE_CHECKING

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.cli.schema import schema_of
from pytest_toolmatch.judging.metrics import METRICS, Estimate, estimates
from pytest_toolmatch.reports.figures import interval, number
from pytest_toolmatch.reports.json_file import read_report, write_report
from pytest_toolmatch.reports.report import Report
from pytest_toolmatch.statistics.amounts import amount_intervals, count_intervals, poisson_score
from pytest_toolmatch.statistics.effective import quantile, quantile_intervals, rate_intervals
from pytest_toolmatch.statistics.intervals import student_t
from pytest_toolmatch.statistics.measures import Measure, mean_of_amounts, ratio_of_counts
from pytest_toolmatch.statistics.ustatistics import mean_of_draws
from tests.reports.examples import RIGHT, WRONG, judged, lost, refusal, sample, search

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_toolmatch.core.sample import Sample

stats = pytest.importorskip("scipy.stats")
Z = NormalDist().inv_cdf(0.975)
CHAINS = (RIGHT, WRONG, [[search()]], [])


@pytest.mark.parametrize(("count", "draws"), [(0, 120), (1, 120), (30, 8)])
def test_poisson_score_solves_its_equation(count: int, draws: int) -> None:
    mean = count / draws
    for bound in poisson_score(mean, draws, Z):
        assert bound == 0 or abs(mean - bound) == pytest.approx(Z * math.sqrt(bound / draws))


@pytest.mark.parametrize("freedom", [*range(1, 40), 100, 1000])
@pytest.mark.parametrize("probability", [0.9, 0.95, 0.975, 0.995])
def test_students_t_is_that_of_scipy(probability: float, freedom: int) -> None:
    assert student_t(probability, freedom) == pytest.approx(stats.t.ppf(probability, freedom), rel=1e-6)


amounts = st.lists(st.integers(0, 5) | st.floats(0, 1e6), min_size=1, max_size=8).map(mean_of_amounts)


def value_of(measures: list[Measure]) -> float:
    return sum(measure.total for measure in measures) / sum(measure.weight for measure in measures)


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
    suite, _ = rate_intervals([*[ratio_of_counts(8, 8, 4)] * 9, ratio_of_counts(4, 8, 4)], 0.95)
    assert suite[1] - suite[0] > 0.1


by_case = st.lists(st.lists(st.integers(0, 9) | st.floats(0, 100), max_size=8).map(tuple), min_size=1, max_size=8)


@given(by_case.filter(any), st.sampled_from([0.05, 0.5, 0.95]), st.sampled_from([0.5, 0.95]))
def test_a_quantile_lies_in_its_intervals(seconds: list[tuple[float, ...]], share: float, confidence: float) -> None:
    value = quantile(sorted(second for own in seconds for second in own), share)
    suite, cases = quantile_intervals(seconds, share, confidence)
    assert 0 <= suite[0] <= value <= suite[1]
    assert (cases is None) == (sum(map(bool, seconds)) == 1)
    assert cases is None or (cases[0] <= suite[0] and suite[1] <= cases[1])


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30), st.sampled_from([0.05, 0.5, 0.95, 1.0]))
def test_a_quantile_is_the_least_value_that_enough_do_not_exceed(values: list[float], share: float) -> None:
    enough = [value for value in values if sum(other <= value for other in values) >= share * len(values) - 1e-9]
    assert quantile(sorted(values), share) == min(enough)


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


suites = st.lists(st.tuples(drawn("teacher"), drawn("student")), min_size=1, max_size=4)
LEAST = {"difference": -1.0}
MOST = {"difference": 1.0, "rate": 1.0}


@given(suites, references, modes)
def test_every_metric_of_any_samples_lies_in_its_intervals(
    cases: list[tuple[list[Sample], list[Sample]]], reference: str, mode: str
) -> None:
    results = [judged(teacher, student, reference=reference, match=mode) for teacher, student in cases]
    found = estimates(results, 0.95)
    for name, one in found.items():
        least, most = LEAST.get(METRICS[name].kind, 0.0), MOST.get(METRICS[name].kind, math.inf)
        assert one.cases is not None or one.n == 1
        for low, high in filter(None, (one.suite, one.cases)):
            assert least - 1e-9 <= low <= one.value * (1 + 1e-12) + 1e-12, name
            assert one.value * (1 - 1e-12) - 1e-12 <= high <= most + 1e-9, name
        assert one.ceiling is None or 0 <= one.ceiling <= most
    assert ("margin" in found) == any(result.value("consistency") is not None for result in results)
    assert read_back(found) == found


def read_back(found: dict[str, Estimate]) -> dict[str, Estimate]:
    written = msgspec.json.encode(found)
    return msgspec.json.decode(written, type=dict[str, Estimate])


@given(st.data(), suites)
def test_the_order_of_cases_changes_nothing(
    data: st.DataObject, cases: list[tuple[list[Sample], list[Sample]]]
) -> None:
    results = [judged(teacher, student) for teacher, student in cases]
    assert estimates(data.draw(st.permutations(results)), 0.95) == estimates(results, 0.95)


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


def test_a_teacher_in_the_students_place_is_as_good_as_itself() -> None:
    teacher = [sample(chain, role="teacher") for chain in (RIGHT, RIGHT, RIGHT, WRONG, RIGHT, [])]
    found = estimates([judged(teacher, teacher)] * 3, 0.95)
    assert (found["margin"].value, found["relative_match"].value) == (0, 1)
    assert found["margin"].suite[0] < 0 < found["margin"].suite[1]


def test_margin_and_ratio_of_few_draws_are_no_certainty() -> None:
    for draws in (2, 3, 4):
        sure = [sample(RIGHT, role="teacher")] * draws
        unsure = [*sure[1:], sample(WRONG, role="teacher")]
        found = estimates([judged(teacher, [sample(RIGHT)] * 4) for teacher in (sure, sure, sure, unsure)], 0.95)
        for low, high in (found["margin"].suite, found["relative_match"].suite):
            assert high - low > 0.2


def test_an_end_that_nothing_shows_is_null_in_a_report(tmp_path: Path) -> None:
    """A teacher that never agrees with itself twice says little of how often a student agrees more."""
    teacher = [sample(chain, role="teacher") for chain in (RIGHT, RIGHT, WRONG, [])]
    found = estimates([judged(teacher, [sample(RIGHT, latency=1.0)] * 4)], 0.95)
    assert found["relative_match"].suite[1] == found["latency_p95"].suite[1] == math.inf
    report = Report(teacher="t", student="s", mode="replay", confidence=0.95, all=found)
    write_report(report, tmp_path / "report.json")
    written = json.loads((tmp_path / "report.json").read_text())
    jsonschema.validate(written, schema_of("report"), cls=jsonschema.Draft202012Validator)
    assert written["all"]["relative_match"]["suite"][1] is None
    assert read_report(tmp_path / "report.json") == report


@pytest.mark.parametrize(
    ("metric", "value", "bounds", "shown"),
    [
        ("margin", -0.13, (-0.17, -0.09), ("-0.13", "-0.17 to -0.09")),
        ("margin", 0.02, (-0.004, 0.05), ("+0.02", "0.00 to +0.05")),
        ("as_good_as_teacher", 0.0, (-0.1, 0.1), ("0.00", "-0.10 to +0.10")),
        ("relative_match", 0.9, (0.8, math.inf), ("0.90", "0.80–∞")),
        ("latency_p95", 2.0, (0.0, math.inf), ("2.00", "0.00–∞")),
        ("chain_match", 0.5, None, ("0.50", "–")),
    ],
)
def test_numbers_are_shown_in_the_digits_of_their_kind(
    metric: str, value: float, bounds: tuple[float, float] | None, shown: tuple[str, str]
) -> None:
    assert (number(metric, value), interval(metric, bounds)) == shown


def coverage(case_rate: Callable[[random.Random], float], *, cases: int, draws: int) -> tuple[float, float]:
    """Return how often both intervals hold their truth: the suite's own mean rate, and that of all queries."""
    chance = random.Random(0)  # noqa: S311 - a simulation
    whole = sum(case_rate(chance) for _ in range(20_000)) / 20_000
    held = [0, 0]
    suites = 300
    for _ in range(suites):
        truths = [case_rate(chance) for _ in range(cases)]
        measures = [mean_of_draws([float(chance.random() < rate) for _ in range(draws)]) for rate in truths]
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
