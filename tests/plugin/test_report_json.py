"""``--toolmatch-report=FILE.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsonschema
import pytest

from pytest_toolmatch.cli.schema import schema_of
from pytest_toolmatch.judging.metrics import METRICS
from pytest_toolmatch.reports.json_file import read_report

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

ROME, OSLO = "search(to='FCO')", "search(to='OSL')"


@pytest.fixture
def trips(project: Project) -> Project:
    return (
        project.with_case("rome", [ROME] * 4, [ROME] * 4, tags=["south", "easy"])
        .with_case("oslo", [OSLO] * 4, [OSLO, OSLO, OSLO, ROME], tags=["north"])
        .with_case("both", [f"{ROME} > book(id=7)"] * 4, [f"{ROME} > book(id=7)"] * 4, tags=["easy"])
        .with_case("unsure", [ROME, OSLO, "", "book(id=1)"], [ROME] * 4)
        .with_case("lost", [ROME] * 4, ["!503"] * 4)
        .as_yaml(gates=["chain_match >= 0.5", "chain_match[tag=easy] >= 0.99"])
    )


def test_the_report_follows_its_schema(trips: Project) -> None:
    report = trips.run("--toolmatch-report=report.json").report
    schema = schema_of("report")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(report, schema, cls=jsonschema.Draft202012Validator)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_report_can_be_read_back(trips: Project) -> None:
    run = trips.run("--toolmatch-report=report.json")
    report = read_report(run.path / "report.json")
    assert (report.teacher, report.student, report.mode) == ("big", "small", "replay")
    assert report.suites["trips"].metrics["chain_match"].value == pytest.approx(2.75 / 3)


def test_every_metric_has_its_value_both_intervals_and_the_number_behind_it(trips: Project) -> None:
    suite = trips.run("--toolmatch-report=report.json").report["suites"]["trips"]
    assert suite["metrics"].keys() <= METRICS.keys()
    match = suite["metrics"]["chain_match"]
    assert match.keys() == {"value", "suite", "cases", "n", "ceiling"}
    assert (match["value"], match["n"], match["ceiling"]) == (pytest.approx(2.75 / 3), 3, 1.0)
    for low, high in (match["suite"], match["cases"]):
        assert 0 <= low < match["value"] < high <= 1
    assert suite["metrics"]["consistency"]["n"] == 4  # an ambiguous case has one, a lost case has none
    assert suite["metrics"]["ambiguous"]["value"] == 0.25


def test_subsets_hold_the_same_metrics(trips: Project) -> None:
    suite = trips.run("--toolmatch-report=report.json").report["suites"]["trips"]
    values = {
        group: {name: metrics.get("chain_match", {}).get("value") for name, metrics in suite[group].items()}
        for group in ("by_tag", "by_tool", "by_case")
    }
    assert values == {
        "by_tag": {"easy": 1.0, "north": 0.75, "south": 1.0},
        "by_tool": {"book": 1.0, "search": pytest.approx(2.75 / 3)},
        "by_case": {"both": 1.0, "lost": None, "oslo": 0.75, "rome": 1.0, "unsure": None},
    }


def test_gates_and_cases_are_told_in_full(trips: Project) -> None:
    suite = trips.run("--toolmatch-report=report.json").report["suites"]["trips"]
    assert [(gate["expression"], gate["state"]) for gate in suite["gates"]] == [
        ("chain_match >= 0.5", "holds"),
        ("chain_match[tag=easy] >= 0.99", "undecided"),
    ]
    assert {case["case"]: case["state"] for case in suite["cases"]} == {
        "both": "agrees",
        "lost": "error",
        "oslo": "undecided",
        "rome": "agrees",
        "unsure": "ambiguous",
    }
    oslo = next(case for case in suite["cases"] if case["case"] == "oslo")
    assert oslo["nodeid"] == "trips.toolmatch.yaml::oslo"
    assert oslo["query"] == "To oslo, please."
    assert oslo["divergence"]["reason"] == "to"


def test_two_runs_of_the_same_recordings_write_the_same_bytes(trips: Project) -> None:
    first, second = (
        (trips.run(f"--toolmatch-report={name}").path / name).read_bytes() for name in ("one.json", "two.json")
    )
    assert first == second


def test_a_run_may_write_several_reports_and_makes_their_directories(trips: Project) -> None:
    run = trips.run("--toolmatch-report=a.json", "--toolmatch-report=build/deep/b.json")
    assert (run.path / "a.json").read_bytes() == (run.path / "build/deep/b.json").read_bytes()
    run.result.stdout.fnmatch_lines([f"report  {run.path}/a.json", f"report  {run.path}/build/deep/b.json"])


def test_a_report_is_written_where_the_command_was_given(trips: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    path = trips.write()
    (path / "below").mkdir()
    monkeypatch.chdir(path / "below")
    trips.run("..", "--toolmatch-report=report.json")
    assert (path / "below" / "report.json").exists()


def test_a_report_is_replaced(trips: Project) -> None:
    run = trips.with_file("report.json", "old").run("--toolmatch-report=report.json")
    assert run.report["version"] == 1


@pytest.mark.parametrize("name", ["tools.json/report.json", "trips.json"])
def test_a_report_that_can_not_be_written_is_one_line(trips: Project, name: str) -> None:
    (trips.write() / "trips.json").mkdir()
    run = trips.run(f"--toolmatch-report={name}")
    assert run.exit == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in run.text.splitlines() if line.startswith("ERROR: ")]
    assert line.startswith(f"ERROR: can't write the report {run.path}/{name}: ")
    assert line.endswith("; choose another place")
    assert f"report  {run.path}/{name}" not in run.text


@pytest.mark.parametrize("name", ["report.xml", "report", "report.jsonl"])
def test_an_unknown_kind_of_report_is_refused_before_any_test(trips: Project, name: str) -> None:
    assert "unknown kind" in trips.run(f"--toolmatch-report={name}").refusal


def test_a_run_without_results_writes_no_report(project: Project) -> None:
    run = project.with_file("test_other.py", "def test_other(): ...").run("--toolmatch-report=report.json")
    assert (run.exit, run.outcomes) == (0, {"passed": 1})
    assert not (run.path / "report.json").exists()
    assert "report  " not in run.text


def test_a_run_without_results_leaves_an_earlier_report_and_says_so(project: Project) -> None:
    there = project.with_file("test_other.py", "def test_other(): ...").with_file("report.json", "old")
    run = there.run("--toolmatch-report=report.json")
    assert (run.path / "report.json").read_text() == "old"
    run.result.stdout.fnmatch_lines(
        [f"report  {run.path}/report.json is of an earlier run: nothing was judged in this one"]
    )
