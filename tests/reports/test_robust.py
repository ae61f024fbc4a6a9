from __future__ import annotations

import pytest

from pytest_toolmatch.judging.robustness import VariantResult, VariantState, robustness
from pytest_toolmatch.reports.lines import columns
from pytest_toolmatch.reports.report import Terms, run_report
from pytest_toolmatch.reports.robust import robustness_lines
from pytest_toolmatch.reports.summary import summary_lines
from pytest_toolmatch.statistics.drops import Tally


def one(case: str, relation: str, matches: int, state: VariantState = "holds") -> VariantResult:
    return VariantResult(
        suite="trips",
        case=case,
        variant=f"{case}~{relation}",
        relation=relation,
        state=state,
        before=Tally(9, 10),
        after=Tally(matches, 3),
        teacher=Tally(1, 1) if relation == "typos" else Tally(),
    )


FOUND = [one("a", "typos", 0, "lower"), one("b", "typos", 3), one("a", "casing", 3), one("c", "casing", 3, "ambiguous")]


def told(width: int = 80, **how: bool) -> list[str]:
    lines = robustness_lines("trips", robustness(FOUND, 0.95), confidence=0.95, width=width, **how)
    return [line.text for line in lines]


def test_nothing_was_fuzzed_and_nothing_is_said() -> None:
    assert robustness_lines("trips", {}, confidence=0.95, width=80) == []


def test_the_table_has_a_row_for_each_relation_the_lowest_first() -> None:
    title, head, *rows = told()
    assert title == "trips, fuzzed: 3 variants"
    assert head.split() == ["relation", "cases", "variants", "match", "95", "%", "as", "asked", "teacher", "lower"]
    assert rows[0].split()[:4] == ["typos", "2", "2", "0.50"]
    assert rows[0].split()[-3:] == ["0.90", "1.00", "1"]
    assert rows[1].split()[:4] == ["casing", "1", "1", "1.00"]
    assert rows[1].split()[-3:] == ["0.90", "–", "–"]
    assert rows[2] == "  1 variant left out: no consensus of the teacher, or no sample"


def test_the_legend_may_be_left_out() -> None:
    assert any(line.startswith("match: ") for line in told())
    assert not any(line.startswith("match: ") for line in told(legend=False))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    assert max(map(columns, told(width))) <= width


def test_a_summary_of_fuzzed_suites_has_one_legend() -> None:
    suites = {name: ([], Terms()) for name in ("more", "trips")}
    report = run_report(
        suites,
        teacher="big",
        student="small",
        mode="replay",
        confidence=0.95,
        fuzzed={"more": [one("a", "typos", 1)], "trips": FOUND},
    )
    text = [line.text for line in summary_lines(report)]
    assert "only fuzzed (more: 1 variant; trips: 3 variants)" in text
    assert sum(line.startswith("match: the student") for line in text) == 1
    assert set(report.suites) == {"more", "trips"}


def test_a_suite_without_results_is_left_out_all_the_same() -> None:
    report = run_report({"trips": ([], Terms())}, teacher="", student="", mode="replay", confidence=0.95, fuzzed={})
    assert report.suites == {}
