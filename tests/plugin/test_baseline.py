"""Regression gates: a run beside an earlier one decides the exit status, and a bad baseline ends it at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project, Ran

ROME, OSLO = "search(to='FCO')", "search(to='OSL')"
GATE = "chain_match >= baseline - 0.05"
BASELINE = "--toolmatch-baseline=base.json"


@pytest.fixture
def empty(project: Project) -> Project:
    """A project in which only gates decide."""
    return project.with_ini(toolmatch_divergence="xfail")


def with_matches(project: Project, *matches: int, draws: int = 20) -> Project:
    """Add cases in which so many of the student's samples match."""
    for place, count in enumerate(matches):
        project = project.with_case(f"c{place}", [ROME] * 5, [ROME] * count + [OSLO] * (draws - count))
    return project.as_yaml()


def based(project: Project) -> Project:
    """Run once, for the baseline; its samples took their own time, as they do when models are called."""
    run = project.run("--toolmatch-report=base.json")
    assert "\ngate " not in run.text
    base = run.path / "base.json"
    report = json.loads(base.read_text())
    for case in report["suites"][project.name]["cases"]:
        case["latencies"] = [second * 1.1 for second in case["latencies"]]
    base.write_text(json.dumps(report))
    return project


def gate(run: Ran, suite: str = "trips") -> dict[str, Any]:
    (found,) = run.report["suites"][suite]["gates"]
    return dict(found)


def test_an_equal_run_holds(empty: Project) -> None:
    project = based(with_matches(empty, *[19] * 20))
    run = project.run(BASELINE, "--toolmatch-report=report.json")
    assert run.exit == 0
    found = gate(run)
    assert (found["expression"], found["state"], found["value"]) == (GATE, "holds", 0)
    assert -0.05 < found["low"] < 0 < found["high"] < 0.05
    run.result.stdout.fnmatch_lines([f"gate*trips*{GATE}*ok", "*0.95 now, 0.95 in the baseline, over 20 cases*"])


def test_a_replay_of_the_baseline_holds_however_few_samples_there_are(empty: Project) -> None:
    project = with_matches(empty, 1, 2, draws=2)
    project.run("--toolmatch-report=base.json")
    run = project.run(BASELINE, "--toolmatch-report=report.json")
    assert run.exit == 0
    assert (gate(run)["state"], gate(run)["low"], gate(run)["high"]) == ("holds", 0, 0)
    assert "over 2 cases that both have (2 by the same samples)" in gate(run)["reason"]


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_clear_regression_fails(empty: Project, workers: tuple[str, ...]) -> None:
    based(with_matches(empty, *[19] * 8))
    project = with_matches(empty, *[10] * 8)
    ran = project.run_apart if workers else project.run
    run = ran(*workers, BASELINE, "--toolmatch-report=report.json")
    assert run.exit == 1
    assert ", 1 gate failed in" in run.last_line
    assert gate(run)["state"] == "fails"
    assert gate(run)["value"] == pytest.approx(-0.45)
    run.result.stdout.fnmatch_lines([f"gate*{GATE}*FAILED", "*0.50 now, 0.95 in the baseline*"])


def test_too_few_samples_are_undecided_which_fails_unless_it_may_pass(empty: Project) -> None:
    project = based(with_matches(empty, *[4] * 3, draws=5))
    run = project.run(BASELINE)
    assert run.exit == 1
    assert ", 1 gate undecided in" in run.last_line
    assert "the baseline itself has too few samples" in " ".join(run.text.split())
    assert project.with_ini(toolmatch_undecided="pass").run(BASELINE).exit == 0


def test_a_wider_margin_holds_where_a_narrow_one_is_undecided(empty: Project) -> None:
    project = based(with_matches(empty, *[18] * 4))
    assert project.run(BASELINE).exit == 1
    run = project.with_ini(toolmatch_baseline_margin=0.2).run(BASELINE, "--toolmatch-report=report.json")
    assert run.exit == 0
    assert gate(run)["expression"] == "chain_match >= baseline - 0.2"


def test_the_baseline_may_stand_in_the_ini_file_relative_to_it(empty: Project) -> None:
    based(with_matches(empty, *[19] * 8))
    project = with_matches(empty, *[10] * 8).with_ini(toolmatch_baseline="base.json")
    (project.write() / "below").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.pytester.path / "below")
        run = project.run("..")
    assert "1 gate failed" in run.last_line


def test_a_report_with_the_gate_can_be_a_baseline_and_be_shown_again(empty: Project) -> None:
    project = based(with_matches(empty, *[19] * 20))
    assert project.run(BASELINE, "--toolmatch-report=second.json").exit == 0
    assert project.run("--toolmatch-baseline=second.json").exit == 0


def test_other_gates_decide_beside_it(empty: Project) -> None:
    project = based(with_matches(empty, *[19] * 20))
    run = project.with_ini(toolmatch_gates=["chain_match >= 0.99"]).run(BASELINE, "--toolmatch-report=report.json")
    assert [one["state"] for one in run.report["suites"]["trips"]["gates"]] == ["fails", "holds"]
    assert "1 gate failed" in run.last_line


def test_only_what_both_have_is_compared_and_the_rest_counted(empty: Project) -> None:
    based(with_matches(empty, *[19] * 8))
    project = with_matches(empty, 10, 10, 10).with_case("new", [ROME] * 5, [OSLO] * 20).as_yaml()
    run = project.run(BASELINE, "--toolmatch-report=report.json")
    assert gate(run)["reason"].startswith(
        "0.50 now, 0.95 in the baseline, over 3 cases that both have, 1 only now, 5 only in the baseline"
    )


def test_a_case_that_asks_something_else_is_no_case_of_both(empty: Project) -> None:
    based(empty.with_case("c", [ROME] * 5, [ROME] * 5, query="To Rome.").as_yaml())
    run = empty.with_case("c", [OSLO] * 5, [OSLO] * 5, query="To Oslo.").as_yaml().run(BASELINE)
    assert run.exit == 1
    assert "no case has a match rate both now and in the baseline" in run.text


def test_a_run_of_some_cases_decides_nothing(empty: Project) -> None:
    based(with_matches(empty, *[19] * 8))
    run = with_matches(empty, *[5] * 8).run(BASELINE, "-k", "c1 or c2", "--toolmatch-report=report.json")
    assert run.exit == 0
    assert gate(run)["partial"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"match": "strict"}, "matched by another rule: match ordered, then strict"),
        ({"arguments": "json"}, "matched by another rule: arguments schema, then json"),
        ({"reference": "any"}, "matched by another rule: reference consensus, then any"),
    ],
)
def test_another_rule_is_undecided_whatever_the_rates(empty: Project, change: dict[str, str], reason: str) -> None:
    project = based(with_matches(empty, *[19] * 20))
    run = project.as_yaml(**change).run(BASELINE, "--toolmatch-report=report.json")
    assert run.exit == 1
    assert gate(run)["state"] == "undecided"
    assert reason in gate(run)["reason"]


def test_another_teacher_is_undecided(empty: Project) -> None:
    project = based(with_matches(empty, *[19] * 20))
    base = project.pytester.path / "base.json"
    base.write_text(base.read_text().replace('"teacher": "big"', '"teacher": "huge"'))
    run = project.run(BASELINE)
    assert run.exit == 1
    assert "the teacher is big, that of the baseline is huge; make a new baseline" in run.text


def test_a_teacher_that_does_something_else_now_is_said(empty: Project) -> None:
    based(empty.with_case("c", [ROME] * 5, [ROME] * 20).as_yaml())
    run = (
        empty.with_case("c", ["!503", *[OSLO] * 5], [ROME] * 20)
        .as_yaml()
        .run(BASELINE, "--toolmatch-report=report.json")
    )
    assert run.exit == 1
    assert gate(run)["reason"].endswith("; the teacher's commonest chain is another in 1 case")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "can't read"),
        ("{", "not a toolmatch report"),
        ("[]", "not a toolmatch report"),
        ('{"suites": {}}', "report version 0"),
        ('{"version": 2}', "report version 2, this toolmatch reads 1"),
        ('{"version": 1}', "not a toolmatch report"),
    ],
)
def test_a_file_that_is_no_report_ends_the_run_at_once(empty: Project, text: str | None, said: str) -> None:
    project = with_matches(empty, 20)
    if text is not None:
        project = project.with_file("base.json", text)
    refusal = project.run(BASELINE).refusal
    assert refusal.startswith("toolmatch_baseline: ")
    assert said in refusal
    assert "base.json" in refusal
    assert "--toolmatch-report=FILE.json writes one" in refusal


@pytest.mark.parametrize("margin", [0, -0.1, 1, 5])
def test_a_margin_that_decides_nothing_is_refused(empty: Project, margin: float) -> None:
    refusal = with_matches(empty, 20).with_ini(toolmatch_baseline_margin=margin).run().refusal
    assert refusal.startswith(f"toolmatch_baseline_margin is {margin}: it must lie between 0 and 1, like 0.05")


def test_a_baseline_without_any_suite_of_the_run_is_refused(empty: Project) -> None:
    project = based(with_matches(empty, *[19] * 20))
    base = project.pytester.path / "base.json"
    report = json.loads(base.read_text())
    report["suites"]["hotels"] = report["suites"].pop("trips")
    base.write_text(json.dumps(report))
    refusal = project.run(BASELINE).refusal
    assert refusal.endswith(
        "has none of the suites of this run (trips), but hotels: make it again, or go without (-o toolmatch_baseline=)"
    )


def test_workers_that_find_no_suite_in_common_fail_closed(empty: Project) -> None:
    project = based(with_matches(empty, *[19] * 20))
    base = project.pytester.path / "base.json"
    report = json.loads(base.read_text())
    base.write_text(json.dumps(report | {"suites": {}}))
    run = project.run_apart("-n", "2", BASELINE)
    assert run.exit == 1
    assert "the baseline has no suite 'trips'" in run.text


def test_a_suite_that_the_baseline_lacks_is_named(empty: Project) -> None:
    project = based(with_matches(empty, *[19] * 20))
    new = json.loads(project.files["trips.toolmatch.yaml"])
    recordings = {"recordings": "fixtures/recordings/trips"}
    project = project.with_file("hotels.toolmatch.yaml", json.dumps(new | recordings))
    run = project.run(BASELINE, "--toolmatch-report=report.json")
    assert "baseline  not in it, so not compared: hotels" in run.text
    assert run.report["suites"]["hotels"].get("gates", []) == []
    assert gate(run)["state"] == "holds"


def test_the_report_of_the_run_may_not_overwrite_its_baseline(empty: Project) -> None:
    project = based(with_matches(empty, *[19] * 20))
    refusal = project.run(BASELINE, "--toolmatch-report=./base.json").refusal
    assert "this run's report would overwrite" in refusal


def test_a_baseline_costs_a_plain_run_nothing(empty: Project) -> None:
    run = with_matches(empty, 20).with_ini(toolmatch_baseline="base.json").run(toolmatch=False)
    assert (run.exit, run.outcomes) == (0, {"skipped": 1})
