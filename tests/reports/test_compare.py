from __future__ import annotations

from itertools import product
from statistics import fmean
from textwrap import dedent
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_toolmatch.judging.verdict import CaseResult
from pytest_toolmatch.reports.compare import compare
from pytest_toolmatch.reports.compare_lines import comparison_lines
from pytest_toolmatch.reports.lines import columns
from pytest_toolmatch.reports.paired import paired_test, sign_flip_p
from pytest_toolmatch.reports.report import Report
from pytest_toolmatch.statistics.measures import Measure
from pytest_toolmatch.statistics.ustatistics import mean_of_draws
from tests.reports.examples import RIGHT, WRONG, agreeing, ambiguous, diverging, judged, mixed, report, samples
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

        really changed  chain_match  p       state
        flights::d0     0.27 → 1.00  0.0034  diverges → agrees
        flights::d1     0.27 → 1.00  0.0034  diverges → agrees
        flights::d2     0.27 → 1.00  0.0034  diverges → agrees
        flights::d3     0.27 → 1.00  0.0034  diverges → agrees
        flights::d4     0.27 → 1.00  0.0034  diverges → agrees
        flights::d5     0.27 → 1.00  0.0034  diverges → agrees
        flights::d6     0.27 → 1.00  0.0034  diverges → agrees

        can't be compared  chain_match  p  state
        flights::c5        1.00 → –     –  agrees → ambiguous

        new: 1 case: flights::new
        gone: 1 case: flights::c0

        chain_match  before  after  points      this suite      like these   n
        flights        0.52   0.94   +42.4  +33.4 to +50.7  +12.2 to +62.6  12

        this suite: B matches more often than A: +42.4 points, 95 % interval +33.4 to
          +50.7
        queries like these: B matches more often than A: +42.4 points, 95 % interval
          +12.2 to +62.6, p = 0.016, 12 cases""")


def test_equal_reports() -> None:
    assert compare(mixed(), mixed()).nothing_changed
    assert shown(mixed(), mixed()).endswith("\n\nnothing changed")


def part(case: str, matches: int, draws: int = 8, suite: str = "flights", **rules: Any) -> CaseResult:
    """Return a case with so many matches among its draws."""
    teacher = samples((8, RIGHT), role="teacher")
    return judged(teacher, samples((matches, RIGHT), (draws - matches, WRONG)), case=case, suite=suite, **rules)


def test_what_is_sure_of_these_cases_may_be_chance_for_others() -> None:
    a = report(*(part(f"c{n}", 8) for n in range(8)), student="A")
    b = report(*(part(f"c{n}", 8) for n in range(7)), part("c7", 0), student="A")
    text = shown(a, b, width=200)
    assert "really changed  chain_match  p      state\nflights::c7     1.00 → 0.00  2e-04  agrees → " in text
    assert "this suite: A matches less often than before: -12.5 points" in text
    assert "queries like these: can't tell which matches more often: -12.5 points" in text


def test_cases_that_differ_no_more_than_draws_do_are_counted_and_listed_when_asked_for() -> None:
    a = report(part("z", 8), *(part(f"c{n}", 6) for n in range(8)), student="A")
    b = report(part("z", 0), *(part(f"c{n}", 4 + n % 4) for n in range(8)), student="A")
    text = shown(a, b)
    assert "flights::z " in text
    assert "flights::c0" not in text
    assert "6 more cases differ, each no more than draws do by chance (-v lists them)" in text
    text = shown(a, b, verbose=True)
    assert text.index("really changed") < text.index("flights::z ") < text.index("may be chance")
    assert text.index("may be chance") < text.index("flights::c0") < text.index("flights::c3")
    assert "-v" not in text


def test_that_no_case_is_shown_to_have_changed_is_said() -> None:
    text = shown(report(part("a", 6), part("b", 8)), report(part("a", 4), part("b", 8)), width=200)
    assert "no case is shown to have changed: 1 differs, no more than draws do by chance (-v lists it)" in text
    assert "so few samples" not in text


def test_too_few_samples_to_show_anything_are_said_plainly() -> None:
    a = report(*(part(f"c{n}", 1, 1) for n in range(9)))
    b = report(*(part(f"c{n}", 0, 1) for n in range(9)))
    text = shown(a, b, width=200)
    assert "so few samples of a case can't show that it changed: that takes at least 4 in each report" in text
    assert "really changed" not in text


def test_worst_comes_first() -> None:
    a = report(part("a", 0), part("b", 8), part("c", 7), student="A")
    b = report(part("a", 8), part("b", 0), part("c", 0), student="A")
    text = shown(a, b)
    assert text.index("::b") < text.index("::c") < text.index("::a")


def test_one_case_says_nothing_about_others() -> None:
    assert "one case says nothing about others" in shown(report(part("a", 8)), report(part("a", 0)))


def test_a_case_that_asks_something_else_is_another_case() -> None:
    a = report(part("a", 8), part("b", 8))
    b = report(part("a", 8), part("b", 0, query="Book me a train."))
    text = shown(a, b)
    assert "not compared, because they ask something else: flights::b" in text
    assert "really changed" not in text


def test_a_teacher_that_does_something_else_now_is_said() -> None:
    a, b = report(part("a", 8)), report(judged(samples((8, WRONG), role="teacher"), samples((8, RIGHT)), case="a"))
    assert "the teacher's commonest chain is another in 1 case: it changed, too" in shown(a, b, width=200)


matched = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 8), min_size=1)


@settings(max_examples=50)
@given(matched, matched)
def test_swapping_the_reports_mirrors_everything(old: dict[str, int], new: dict[str, int]) -> None:
    a, b = (report(*(part(case, matches) for case, matches in made.items())) for made in (old, new))
    there, back = compare(a, b), compare(b, a)
    assert {(one.case, one.p, one.real) for one in there.changes} == {(o.case, o.p, o.real) for o in back.changes}
    assert (there.new, there.gone, there.lacking) == (back.gone, back.new, back.lacking)
    if there.all and back.all:
        assert there.all.difference == pytest.approx(-back.all.difference)
        assert there.all.p == back.all.p
        assert there.all.suite == pytest.approx((-back.all.suite[1], -back.all.suite[0]))
        assert there.all.tells_of_cases(0.95) == back.all.tells_of_cases(0.95)


@settings(max_examples=50)
@given(matched)
def test_nothing_changed_between_equal_reports(made: dict[str, int]) -> None:
    same = report(*(part(case, matches) for case, matches in made.items()))
    found = compare(same, same)
    assert found.nothing_changed
    assert found.all is not None
    assert not found.all.tells_of_suite()
    assert not found.all.tells_of_cases(0.95)


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
    assert "… 5 more really changed (-v lists them)" in shown(a, b)
    assert shown(a, b, verbose=True).count("agrees → diverges") == 25


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


def counted(shares: list[float], draws: int = 8) -> list[Measure]:
    return [mean_of_draws([1.0] * round(share * draws) + [0.0] * (draws - round(share * draws))) for share in shares]


def test_cases_that_all_differ_alike_have_an_interval_with_a_width() -> None:
    test = paired_test(counted([0.5] * 6), counted([0.75] * 6), 0.95)
    assert test is not None
    assert test.cases is not None
    assert test.cases[0] <= test.suite[0] < test.difference == 0.25 < test.suite[1] <= test.cases[1]


@given(differences)
def test_the_test_is_sound_for_any_differences(values: list[float]) -> None:
    before, after = [max(0.0, -value) for value in values], [max(0.0, value) for value in values]
    test = paired_test(counted(before), counted(after), 0.95)
    assert test is not None
    assert 0 < test.p <= 1
    assert test.difference == pytest.approx(fmean(values))
    assert test.suite[0] <= test.difference <= test.suite[1]
    assert (test.cases is None) == (len(values) == 1)


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
