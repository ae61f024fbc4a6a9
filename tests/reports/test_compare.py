from __future__ import annotations

from itertools import product
from statistics import fmean
from textwrap import dedent
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_toolmatch.reports.compare import compare, comparison_lines
from pytest_toolmatch.reports.lines import columns
from pytest_toolmatch.reports.paired import paired_test, sign_flip_p
from pytest_toolmatch.reports.report import Report
from tests.reports.examples import agreeing, ambiguous, diverging, mixed, report
from tests.reports.strategies import texts

differences = st.lists(st.integers(-8, 8).map(lambda eighths: eighths / 8), min_size=1, max_size=10)


def before() -> Report:
    return report(*(agreeing(f"c{n}") for n in range(6)), *(diverging(f"d{n}") for n in range(8)), student="A")


def after() -> Report:
    cases = [*(agreeing(f"c{n}") for n in range(1, 5)), ambiguous("c5"), *(agreeing(f"d{n}") for n in range(7))]
    return report(*cases, diverging("d7"), agreeing("new"), student="B")


def shown(a: Report, b: Report, **options: Any) -> str:
    return "\n".join(line.text for line in comparison_lines(compare(a, b), **options))


def test_a_comparison() -> None:
    assert shown(before(), after()) == dedent("""\
        A → B

        case         chain_match  state
        flights::c5  1.00 → –     agrees → ambiguous
        flights::d0  0.27 → 1.00  diverges → agrees
        flights::d1  0.27 → 1.00  diverges → agrees
        flights::d2  0.27 → 1.00  diverges → agrees
        flights::d3  0.27 → 1.00  diverges → agrees
        flights::d4  0.27 → 1.00  diverges → agrees
        flights::d5  0.27 → 1.00  diverges → agrees
        flights::d6  0.27 → 1.00  diverges → agrees

        new: 1 case: flights::new
        gone: 1 case: flights::c0

        chain_match  before  after  points            95 %      p   n
        flights        0.52   0.94   +42.4  [+18.6, +66.2]  0.016  12

        B matches more often than A: +42.4 points, 95 % interval [+18.6, +66.2], p =
          0.016, 12 cases""")


def test_equal_reports() -> None:
    assert compare(mixed(), mixed()).nothing_changed
    assert shown(mixed(), mixed()).endswith("\n\nnothing changed")


def test_a_difference_that_may_be_chance() -> None:
    a = report(*(agreeing(f"c{n}") for n in range(8)), student="A")
    b = report(*(agreeing(f"c{n}") for n in range(7)), diverging("c7"), student="A")
    text = shown(a, b)
    assert "can't tell which matches more often: -9.1 points" in text
    assert "flights::c7  1.00 → 0.27  agrees → diverges" in text


def test_one_name_is_a_change_over_time() -> None:
    assert "A matches more often than before:" in shown(before(), msgspec.structs.replace(after(), student="A"))


def test_nothing_in_common() -> None:
    assert shown(report(agreeing("a")), report(agreeing("b"))).endswith("no case has a match rate in both reports")


def test_what_makes_match_rates_mean_something_else_is_said() -> None:
    a, b = report(agreeing("a"), match="names"), report(agreeing("a"))
    text = shown(a, msgspec.structs.replace(b, teacher="gpt-5"), width=120)
    assert "the teachers differ: claude-opus-4-5, then gpt-5" in text
    assert "flights was matched by another rule: match names, then ordered" in text


def test_more_changes_than_fit_are_counted() -> None:
    a = report(*(agreeing(f"c{n:02}") for n in range(25)))
    b = report(*(diverging(f"c{n:02}") for n in range(25)))
    assert "… 5 more changed" in shown(a, b)
    assert shown(a, b, verbose=True).count("agrees → diverges") == 25


def test_swapping_the_reports_turns_the_sign() -> None:
    one, other = compare(before(), after()), compare(after(), before())
    assert one.all.difference == pytest.approx(-other.all.difference)
    assert one.all.p == other.all.p
    assert one.all.interval == pytest.approx((-other.all.interval[1], -other.all.interval[0]))
    assert one.new == other.gone


@given(differences)
def test_p_is_that_of_all_sign_flips(values: list[float]) -> None:
    total = abs(sum(values))
    flips = [
        abs(sum(s * v for s, v in zip(signs, values, strict=True))) for signs in product((-1, 1), repeat=len(values))
    ]
    assert sign_flip_p(values) == pytest.approx(sum(flip >= total - 1e-9 for flip in flips) / len(flips))
    assert sign_flip_p(values) == sign_flip_p([-value for value in values])


def test_p_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    values = [0.5, 0.31, -0.2, 0.13, 0.7, 0.05, -0.11, 0.43, 0.09, 0.27]
    ours = sign_flip_p(values)
    theirs = stats.permutation_test(
        (values,), lambda x, axis: x.mean(axis), permutation_type="samples", vectorized=True
    )
    assert ours == pytest.approx(theirs.pvalue)


def test_p_of_many_cases_is_drawn_and_repeatable() -> None:
    stats = pytest.importorskip("scipy.stats")
    values = [((37 * n) % 101 - 40) / 101 for n in range(60)]
    assert sign_flip_p(values) == sign_flip_p(values)
    theirs = stats.ttest_1samp(values, 0).pvalue
    assert sign_flip_p(values) == pytest.approx(theirs, abs=0.02)


def test_the_interval_is_students() -> None:
    stats = pytest.importorskip("scipy.stats")
    a, b = [0.5, 0.25, 1.0, 0.0, 0.75], [0.75, 0.5, 1.0, 0.5, 0.5]
    gains = [y - x for x, y in zip(a, b, strict=True)]
    interval = stats.ttest_rel(b, a).confidence_interval(0.95)
    assert paired_test(a, b, 0.95).interval == pytest.approx((interval.low, interval.high))
    assert paired_test(a, b, 0.95).difference == pytest.approx(fmean(gains))


@given(differences)
def test_the_test_is_sound_for_any_differences(values: list[float]) -> None:
    test = paired_test([0.0] * len(values), values, 0.95)
    assert 0 < test.p <= 1
    assert test.interval is None or test.interval[0] <= test.difference <= test.interval[1]


@settings(deadline=None)
@given(texts, texts, st.integers(60, 130), st.booleans())
def test_no_line_is_wider_than_asked_for(name: str, case: str, width: int, verbose: bool) -> None:
    def renamed(made: Report) -> Report:
        suites = {
            name + key: msgspec.structs.replace(
                suite,
                cases=tuple(
                    msgspec.structs.replace(one, suite=name + key, case=case + one.case) for one in suite.cases
                ),
            )
            for key, suite in made.suites.items()
        }
        return msgspec.structs.replace(made, suites=suites, student=name + made.student, teacher=case + made.student)

    for line in comparison_lines(compare(renamed(before()), renamed(after())), width, verbose=verbose):
        assert columns(line.text) <= width
        assert line.text.isprintable()
