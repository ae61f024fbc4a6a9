"""What a case's recorded samples make of its test."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project, Ran

ROME, OSLO, BERN = "search(to='FCO')", "search(to='OSL')", "search(to='BRN')"


@pytest.fixture(params=["python", "yaml"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def ran(project: Project, kind: str, *args: str) -> Ran:
    return (project.as_yaml() if kind == "yaml" else project.as_python()).run(*args)


def test_a_student_that_does_as_its_teacher_does_passes(project: Project, kind: str) -> None:
    run = ran(project.with_case("rome", [ROME] * 4, [ROME] * 4), kind)
    assert (run.exit, run.outcomes) == (0, {"passed": 1})


def test_a_student_that_does_not_fails(project: Project, kind: str) -> None:
    run = ran(project.with_case("rome", [ROME] * 4, [OSLO] * 4), kind)
    assert (run.exit, run.outcomes) == (1, {"failed": 1})
    run.result.stdout.fnmatch_lines(["*<Verdict rome: chain_match 0.00, wanted >= 0.80>*"])


def test_one_failure_in_five_is_within_the_default(project: Project, kind: str) -> None:
    project = project.with_case("rome", [ROME] * 5, [ROME] * 4 + [OSLO])
    assert ran(project, kind).outcomes == {"passed": 1}
    assert ran(project.with_ini(toolmatch_chain_match=0.81), kind).outcomes == {"skipped": 1}


def test_a_teacher_without_a_consensus_skips_the_case(project: Project, kind: str) -> None:
    run = ran(project.with_case("rome", [ROME, ROME, OSLO, BERN], [ROME] * 4), kind, "-rs")
    assert (run.exit, run.outcomes) == (0, {"skipped": 1})
    assert "teacher agrees with itself in 2 of 4 samples" in run.text


def test_a_teacher_without_a_consensus_fails_the_case_where_that_is_wanted(project: Project, kind: str) -> None:
    project = project.with_case("rome", [ROME, ROME, OSLO, BERN], [ROME] * 4).with_ini(toolmatch_ambiguous="fail")
    run = ran(project, kind)
    assert (run.exit, run.outcomes) == (1, {"failed": 1})
    run.result.stdout.fnmatch_lines(["*<Verdict rome: ambiguous>*"])


def test_a_divergence_that_is_expected_is_an_xfail(project: Project, kind: str) -> None:
    project = project.with_case("rome", [ROME] * 4, [OSLO] * 4).with_case("oslo", [OSLO] * 4, [OSLO] * 4)
    run = ran(project.with_ini(toolmatch_divergence="xfail"), kind, "-rx")
    assert (run.exit, run.outcomes) == (0, {"passed": 1, "xfailed": 1})
    assert "step 1: to" in run.text


def test_infrastructure_is_an_error_at_setup_and_never_a_mismatch(project: Project, kind: str) -> None:
    project = project.with_case("rome", [ROME] * 4, ["!503 overloaded"] * 4)
    run = ran(project, kind, "--toolmatch-report=report.json")
    assert (run.exit, run.outcomes) == (1, {"errors": 1})
    assert "ERROR at setup of" in run.text
    assert "rome: no valid sample of the student: 4 × infrastructure (503 overloaded)" in run.text
    assert "chain_match" not in run.report["suites"]["trips"]["metrics"]


def test_some_infrastructure_is_left_out_of_the_count(project: Project, kind: str) -> None:
    run = ran(
        project.with_case("rome", [ROME] * 4, [ROME, "!503", "!503", ROME]), kind, "--toolmatch-report=report.json"
    )
    assert run.outcomes == {"passed": 1}
    (case,) = run.report["suites"]["trips"]["cases"]
    assert (case["student_samples"], case["student_outcomes"]) == (2, {"called": 2, "infrastructure": 2})


def test_a_case_that_is_not_recorded_is_an_error_that_says_what_to_do(project: Project, kind: str) -> None:
    run = ran(project.with_case("rome", [ROME] * 4, [ROME] * 4).with_case("oslo", [OSLO] * 4, []), kind)
    assert (run.exit, run.outcomes) == (1, {"passed": 1, "errors": 1})
    assert f"oslo: student 'small': not recorded in {run.path}/fixtures/recordings/trips/small.jsonl" in run.text
    assert "record it, or deselect the case" in run.text


def test_a_recording_of_another_query_is_stale(project: Project, kind: str) -> None:
    project = project.with_case("rome", [ROME] * 4, [ROME] * 4)
    kept = project.write() / "fixtures" / "recordings" / "trips" / "small.jsonl"
    recorded = kept.read_text()
    project = type(project)(project.pytester).with_case("rome", [ROME] * 4, [], query="To Rome, at once!")
    run = ran(project.with_file("fixtures/recordings/trips/small.jsonl", recorded), kind)
    assert (run.exit, run.outcomes) == (1, {"errors": 1})
    assert ": stale: the query has changed since; restore what was asked" in run.text


@pytest.mark.parametrize(
    ("keys", "changed"),
    [
        ({"instructions": "Be brief."}, "the instructions have changed"),
        ({"max_retries": 0}, "the rollout rules have changed"),
        ({"replies": {"search": "[]"}}, "the rollout rules have changed"),
        ({"tools": [{"name": "search"}]}, "the tools and rollout rules have changed"),
    ],
    ids=["instructions", "rules", "replies", "tools"],
)
def test_a_stale_recording_says_what_has_changed(project: Project, keys: dict[str, Any], changed: str) -> None:
    run = project.with_case("rome", [ROME] * 4, [ROME] * 4).as_yaml(**keys).run()
    assert run.outcomes == {"errors": 1}
    assert f": stale: {changed} since; " in run.text


def test_settings_of_a_model_are_part_of_what_was_recorded(project: Project) -> None:
    project = project.with_case("rome", [ROME] * 4, [ROME] * 4).as_yaml()
    run = project.with_ini(toolmatch_student_settings=["temperature = 0.7"]).run()
    assert ": stale: the model settings have changed since; " in run.text


def test_instructions_and_tools_are_part_of_what_was_recorded(project: Project) -> None:
    project = project.with_case("rome", [ROME] * 4, [ROME] * 4)
    assert project.as_yaml(instructions="Be brief.").run().outcomes == {"errors": 1}
    assert project.as_yaml(tools=[{"name": "search"}]).run().outcomes == {"errors": 1}
    assert project.as_yaml(match="strict", effects={"search": "read"}).run().outcomes == {"passed": 1}


def test_samples_bound_how_many_are_judged(project: Project, kind: str) -> None:
    project = project.with_case("rome", [ROME] * 4, [OSLO, ROME, ROME, ROME])
    assert "0 of 1 sample matches, wanted 0.80" in ran(project, kind, "--toolmatch-samples=1", "-rs").text
    run = ran(project, kind, "--toolmatch-samples=5")
    assert run.outcomes == {"errors": 1}
    assert "rome: teacher 'big': 4 of 5 samples are recorded in" in run.text
    assert "ask for fewer with --toolmatch-samples" in run.text


def test_one_sample_of_the_teacher_has_no_consistency(project: Project) -> None:
    tests = """
def test_trips(toolmatch, query):
    verdict = toolmatch(query)
    assert verdict.consistency != verdict.consistency  # nan
    assert not verdict.consistency >= 0
    assert verdict.chain_match == 1.0
"""
    run = project.with_case("rome", [ROME], [ROME] * 2).as_python(tests).run("--toolmatch-report=report.json", "-v")
    assert run.outcomes == {"passed": 1}
    assert "consistency" not in run.report["suites"]["trips"]["metrics"]
    run.result.stdout.fnmatch_lines(["case *teacher", "rome * –", "consistency   *–*–*–*–*0"])


def test_the_chain_is_compared_by_the_suite_s_rules(project: Project) -> None:
    both, turned = "search(to='FCO'), book(id=7)", "book(id=7) > search(to='FCO')"
    project = project.with_case("rome", [both] * 4, [turned] * 4)
    assert project.as_yaml().run().outcomes == {"passed": 1}
    assert project.as_yaml(match="strict").run().outcomes == {"failed": 1}
    assert project.as_yaml(match="sequence").run().outcomes == {"failed": 1}


def test_defaults_of_the_schema_count_as_given(project: Project, kind: str) -> None:
    run = ran(project.with_case("rome", [ROME] * 4, ["search(to='FCO', seats=1)"] * 4), kind)
    assert run.outcomes == {"passed": 1}


def test_a_cut_last_line_of_a_recording_is_warned_of_once(project: Project, kind: str) -> None:
    project = project.with_case("rome", [ROME] * 4, [ROME] * 4).with_ini(filterwarnings=["default"])
    whole = (project.write() / "fixtures/recordings/trips/small.jsonl").read_text()
    run = ran(project.with_file("fixtures/recordings/trips/small.jsonl", whole[:-20]), kind)
    assert (run.exit, run.outcomes) == (0, {"passed": 1, "warnings": 1})
    assert "small.jsonl:4: incomplete last line (its writer was stopped): ignored" in run.text


def test_a_cut_last_line_is_a_clean_error_where_warnings_are(project: Project, kind: str) -> None:
    project = project.with_case("rome", [ROME] * 4, [ROME] * 4)
    whole = (project.write() / "fixtures/recordings/trips/small.jsonl").read_text()
    run = ran(project.with_file("fixtures/recordings/trips/small.jsonl", whole[:-20]), kind)
    assert "small.jsonl:4: incomplete last line" in run.refusal


def test_an_imported_recording_serves_as_either(project: Project, kind: str) -> None:
    project = project.with_case("rome", [ROME] * 4, [ROME] * 4)
    big = (project.write() / "fixtures/recordings/trips/big.jsonl").read_text()
    assert json.loads(big.splitlines()[0])["sample"]["role"] == "teacher"
    run = ran(project.with_file("fixtures/recordings/trips/small.jsonl", big.replace("teacher", "recorded")), kind)
    assert "a recording of 'big' where 'small' is expected" in run.refusal
