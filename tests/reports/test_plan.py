"""What ``toolmatch plan`` prints, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pytest_toolmatch.core.errors import ToolmatchError
from pytest_toolmatch.judging.gate import parse_gate
from pytest_toolmatch.reports.assumed import Assumed, duration, money, runs
from pytest_toolmatch.reports.json_file import write_report
from pytest_toolmatch.reports.lines import columns
from pytest_toolmatch.reports.plan import around
from pytest_toolmatch.reports.planned import planned_lines
from pytest_toolmatch.reports.report import Report
from tests.reports.examples import RIGHT, WRONG, ambiguous, failed, judged, mixed, report, samples

GATE = "chain_match >= 0.90"


def printed(*what: str, cases: int | None = None, truths: tuple[float, ...] = (), width: int = 80, **given: Any) -> str:
    lines = planned_lines(what, cases=cases, truths=truths, assumed=given.items(), width=width)
    return "\n".join(line.text for line in lines)


def recorded(cases: int = 20, wrong: int = 1, **changes: Any) -> Report:
    """Return a report in which every second case has so many wrong samples of five."""
    teacher = samples((5, RIGHT), role="teacher", cost=0.01)
    results = [
        judged(
            teacher,
            samples((5 - wrong * (number % 2), RIGHT), (wrong * (number % 2), WRONG), latency=2.0, cost=0.001),
            case=f"case-{number}",
            tags=("even",) if number % 2 == 0 else (),
        )
        for number in range(cases)
    ]
    return report(*results, **changes)


@pytest.fixture
def saved(tmp_path: Path) -> Any:
    """Return what writes a report to a file and names it."""

    def save(made: Report) -> str:
        write_report(made, tmp_path / "report.json")
        return str(tmp_path / "report.json")

    return save


def row(text: str, truth: str) -> list[str]:
    return next(line for line in text.splitlines() if line.startswith(truth)).split()


def test_a_plan_says_on_which_side_students_are() -> None:
    text = printed(GATE)
    assert text.startswith("chain_match >= 0.90, on 40 cases\n")
    assert [row(text, truth)[1] for truth in ("0.80", "0.88", "0.92", "0.95")] == ["fails", "fails", "holds", "holds"]
    assert "0.90   –                 –             –             –    too near to tell" in text
    assert "student below 0.90 passes in at most 5 % of runs" in " ".join(text.split())


def test_a_mirrored_gate_is_the_mirrored_plan() -> None:
    ours, mirrored = (
        row(printed(gate, truths=(t,)), f"{t:.2f}") for gate, t in ((GATE, 0.95), ("name_match <= 0.1", 0.05))
    )
    assert ours[1:] == mirrored[1:]
    assert "student above 0.10 passes" in printed("name_match <= 0.1")


def test_samples_of_each_case_come_to_those_of_all() -> None:
    found = row(printed(GATE, truths=(0.95,), cases=10), "0.95")
    for each, together in zip(found[2:8:2], found[3:8:2], strict=True):
        assert int(together.strip("()")) == 10 * int(each)


def test_cost_and_time_are_those_of_the_samples() -> None:
    text = printed(GATE, truths=(0.98,), cases=20, cost=0.01, latency=2, concurrency=20)
    found = row(text, "0.98")
    assert found[2:4] == ["5", "(100)"]
    assert row(text, "                  1.00")[:2] == ["1.00", "USD"]
    rounds = int(found[4])
    assert rounds > 5
    assert f"  10 s  {2 * rounds:>10} s" in text  # each round of 20 cases is one wave of 20 requests
    assert "USD" not in printed(GATE)


def test_more_than_auto_allows_says_what_would() -> None:
    assert "auto:5-" in printed(GATE, truths=(0.92,))
    assert "auto:5-" not in printed(GATE, truths=(0.97,))


def test_a_share_of_cases_takes_cases() -> None:
    text = printed("ambiguous <= 0.1")
    assert "cases, in 9 of 10 runs" in text
    assert row(text, "0.05")[1] == "holds"
    assert "auto" not in text


@pytest.mark.parametrize("bound", [0.01, 0.02, 0.5, 0.98, 0.99, 0.999])
def test_there_are_truths_on_either_side(bound: float) -> None:
    truths = around(bound)
    assert 0 < truths[0] < bound < truths[-1] < 1


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_fit(width: int, saved: Any) -> None:
    path = saved(recorded(gates=(GATE, "ambiguous <= 0.1", "chain_match[tag=even] >= 0.85", "agreement >= 0.9")))
    for text in (printed(GATE, width=width, cost=10, latency=100, cases=1000), printed(path, width=width)):
        assert max(map(columns, text.splitlines())) <= width


def test_a_report_says_what_its_samples_decide(saved: Any) -> None:
    text = printed(saved(recorded(gates=(GATE,))))
    assert "chain_match >= 0.90: 0.90 in 100 samples of 20 cases, undecided" in text
    assert "bounds at 0.7" in text
    assert "the rate is too near to the bound to tell" in text


def test_a_report_says_what_its_gates_still_take(saved: Any) -> None:
    text = " ".join(printed(saved(recorded(gates=("chain_match >= 0.87",)))).split())
    assert "still to draw: " in text
    assert "samples of the student (at most " in text
    assert "USD for both models" in text


def test_a_gate_that_is_given_takes_the_place_of_the_own(saved: Any) -> None:
    text = printed(saved(recorded(gates=(GATE,))), "chain_match[tag=even] >= 0.5")
    assert "chain_match[tag=even] >= 0.5: 1.00 in 50 samples of 10 cases, holds" in text
    assert GATE not in text


def test_what_cannot_be_planned_is_said_beside_what_can(saved: Any) -> None:
    text = printed(saved(recorded(gates=("agreement >= 0.9", GATE))))
    assert "agreement >= 0.9: can't be planned; only chain_match" in text
    assert f"{GATE}: 0.90 in" in text


def test_a_report_without_gates_says_what_its_match_rate_decides(saved: Any) -> None:
    assert "chain_match: 0.90 in 100 samples of 20 cases\n" in printed(saved(recorded()))


def test_suites_of_all_kinds_are_planned(saved: Any) -> None:
    text = printed(saved(mixed()))
    assert "\nflights\n" in text
    assert "\nhotels\n" in text
    assert "chain_match >= 0.90: no data" in printed(saved(report(ambiguous(), gates=(GATE,))))


@pytest.mark.parametrize(
    ("what", "given", "message"),
    [
        ((), {}, "nothing to plan: name a gate"),
        (("chain_mtach >= 0.9",), {}, "did you mean 'chain_match'"),
        (("latency <= 2",), {}, "can't plan 'latency <= 2': only shares of samples or cases"),
        (("as_good_as_teacher = 0.05",), {}, "only shares of samples or cases can be planned"),
        (("chain_match >= 0",), {}, "no rate lies beyond 0"),
        ((GATE, "chain_match <= 0.8"), {}, "contradict each other"),
        ((GATE,), {"cases": 0}, "--cases is 0: a suite has at least 1 case"),
        ((GATE,), {"truths": (1.2,)}, "--truth is 1.2: it lies between 0 and 1"),
        ((GATE,), {"truths": (float("nan"),)}, "--truth is nan"),
        ((GATE,), {"power": 1.0}, "--power is 1: it lies between 0.5 and 1"),
        ((GATE,), {"confidence": 0.0}, "--confidence is 0"),
        ((GATE,), {"within": -0.1}, "--within is -0.1"),
        ((GATE,), {"cost": -1.0}, "--cost is -1"),
        ((GATE,), {"concurrency": 0}, "--concurrency is 0"),
        (("nowhere.json",), {}, "can't read nowhere.json: No such file"),
        (("nowhere.json",), {"cases": 3}, "drop --cases and --truth"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(what: tuple[str, ...], given: dict[str, Any], message: str) -> None:
    with pytest.raises(ToolmatchError, match=r"^[^\n]+$") as raised:
        printed(*what, **given)
    assert message in str(raised.value)


def test_a_report_without_data_is_an_error(saved: Any) -> None:
    with pytest.raises(ToolmatchError, match=r"report\.json: no case has samples of both models"):
        printed(saved(report(failed())))


def test_amounts_are_short() -> None:
    assert [duration(seconds) for seconds in (0.2, 89, 600, 9000)] == ["1 s", "89 s", "10 min", "2.5 h"]
    assert [money(amount) for amount in (0, 0.00123, 0.5, 12)] == ["0.00 USD", "0.0012 USD", "0.50 USD", "12.00 USD"]
    assert [runs(power) for power in (0.9, 0.95)] == ["9 of 10 runs", "95 % of runs"]


def test_cases_that_differ_take_fewer_samples_and_more_cases() -> None:
    gate = parse_gate(GATE)
    alike, mixed_ = (Assumed(within=within) for within in (1.0, 0.2))
    plans = [assumed.plan(10, gate, 0.95) for assumed in (alike, mixed_)]
    assert plans[0] is not None
    assert plans[1] is not None
    assert plans[1].most < plans[0].most
    assert int(mixed_.cases(gate, 0.95, 5)) > int(alike.cases(gate, 0.95, 5))


def test_a_plan_from_a_report_counts_cases_as_they_weigh(saved: Any) -> None:
    made = recorded(2, wrong=5)
    suite = made.suites["flights"]
    cases = [msgspec.structs.replace(one, weight=9.0 if one.tags else 1.0) for one in suite.cases]
    made = report(*cases)
    assert made.suites["flights"].metrics["chain_match"].value == pytest.approx(0.9)
    assert "0.90 in 10 samples of 2 cases" in " ".join(printed(saved(made), "chain_match >= 0.5").split())
