"""What is wrong with a project is said in one line, before any test, with exit status 4."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

ROME = "search(to='FCO')"
RECORDINGS = "fixtures/recordings/trips"


@pytest.fixture(params=["python", "yaml"])
def trips(project: Project, request: pytest.FixtureRequest) -> Project:
    project = project.with_case("rome", [ROME], [ROME])
    return project.as_yaml() if request.param == "yaml" else project.as_python()


# Models.


@pytest.mark.parametrize("role", ["teacher", "student"])
def test_a_model_that_is_not_recorded_is_one_line_that_names_those_that_are(trips: Project, role: str) -> None:
    run = trips.run(f"--toolmatch-{role}=other:model")
    assert run.refusal == (
        f"suite trips: no recording of {role} 'other:model' at {run.path}/{RECORDINGS}/other-model.jsonl"
        " (recorded there: big, small)"
    )


@pytest.mark.parametrize("role", ["teacher", "student"])
def test_a_model_that_is_not_named_is_one_line(trips: Project, role: str) -> None:
    run = trips.with_ini(**{f"toolmatch_{role}": None}).run()
    assert run.refusal == f"no {role} is named: say --toolmatch-{role}=MODEL, or toolmatch_{role} in the ini file"


def test_a_suite_without_recordings_says_what_to_do(project: Project, trips: Project) -> None:
    run = type(project)(project.pytester, files=trips.files).run()
    assert "suite trips: no recording of teacher 'big'" in run.refusal
    assert run.refusal.endswith("; record it first, or import it from a log")


def test_a_report_that_can_not_be_written_is_said_before_anything_is_judged(trips: Project) -> None:
    path = trips.write()
    (path / "taken").touch()
    run = trips.run("--toolmatch-report=taken/report.json")
    assert run.refusal == f"can't write the report {path}/taken/report.json: a file is in the way; choose another place"
    (path / "made.json").mkdir()
    run = trips.run("--toolmatch-report=made.json")
    assert run.refusal == f"can't write the report {path}/made.json: it is a directory; choose another place"


# Recordings.


def test_a_merge_conflict_in_a_recording_is_one_line(trips: Project) -> None:
    kept = (trips.write() / RECORDINGS / "small.jsonl").read_text()
    run = trips.with_file(f"{RECORDINGS}/small.jsonl", f"<<<<<<< HEAD\n{kept}=======\n{kept}>>>>>>> mine\n").run()
    assert run.refusal.startswith(f"{run.path}/{RECORDINGS}/small.jsonl:1: not a recording line (")


def test_a_recording_of_the_future_is_one_line(trips: Project) -> None:
    kept = (trips.write() / RECORDINGS / "small.jsonl").read_text()
    run = trips.with_file(f"{RECORDINGS}/small.jsonl", kept.replace('"v":1', '"v":2')).run()
    assert "small.jsonl:1: recording format 2, this toolmatch reads 1; upgrade pytest-toolmatch" in run.refusal


def test_a_directory_in_the_place_of_a_recording_is_one_line(trips: Project) -> None:
    path = trips.write() / RECORDINGS / "odd.jsonl"
    path.mkdir()
    assert trips.run("--toolmatch-student=odd").refusal == f"can't read {path}: Is a directory"


def test_faults_of_several_suites_are_all_named(project: Project) -> None:
    project = project.with_case("rome", [ROME], [ROME]).as_yaml()
    other = type(project)(project.pytester, cases=project.cases, name="more").as_yaml()
    run = type(project)(project.pytester, files={**project.files, **other.files}).run()
    lines = [line for line in run.text.splitlines() if line.startswith("ERROR: ")]
    assert run.exit == pytest.ExitCode.USAGE_ERROR
    assert [line.split(":")[1] for line in lines] == [" suite more", " suite trips"]


def test_two_suites_of_one_name_are_one_line(project: Project) -> None:
    project = project.with_case("rome", [ROME], [ROME]).as_yaml().as_python()
    refusal = project.run().refusal
    assert "two suites are named 'trips'" in refusal
    assert "trips.toolmatch.yaml" in refusal
    assert "test_trips.py" in refusal


# Suite files.


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "trips.toolmatch.yaml: a suite is a mapping with 'tools' and 'cases'; this file has none"),
        ("cases: [", "trips.toolmatch.yaml:1: not YAML: "),
        ("cases:\n- id: a\n  qery: b\n", "trips.toolmatch.yaml:3: unknown key 'qery'; did you mean 'query'?"),
        ("tools: tols.json\ncases: [{query: a}]", "trips.toolmatch.yaml:1: can't read the tools file"),
        ("gates: [chain_mach >= 1]\ncases: [{query: a}]", "unknown metric 'chain_mach'; did you mean 'chain_match'?"),
    ],
)
def test_a_faulty_suite_file_is_one_line_and_no_test_runs(project: Project, content: str, message: str) -> None:
    run = project.with_file("test_other.py", "def test_other(): ...").with_file("trips.toolmatch.yaml", content).run()
    assert run.exit == pytest.ExitCode.USAGE_ERROR
    assert run.outcomes == {"errors": 1}
    assert [line for line in run.text.splitlines() if message in line and line.startswith(str(run.path))] != []


def test_a_faulty_suite_file_is_an_error_of_collection_in_other_runs(project: Project) -> None:
    run = project.with_file("trips.toolmatch.yaml", "cases: [").run(toolmatch=False)
    assert (run.exit, run.outcomes) == (2, {"errors": 1})
    assert "trips.toolmatch.yaml:1: not YAML: " in run.text


def test_a_faulty_suite_file_does_not_stop_a_run_that_goes_on(project: Project) -> None:
    project = project.with_case("rome", [ROME], [ROME]).as_yaml().with_file("more.toolmatch.yaml", "cases: [")
    run = project.run("--continue-on-collection-errors")
    assert run.outcomes == {"passed": 1, "errors": 1}
    assert run.exit == 1


# Overrides and tools.


def test_an_override_that_can_not_work_is_no_crash(project: Project) -> None:
    project = project.with_case("rome", [ROME], [ROME])
    for override in ({"regex": "("}, {"function": "nowhere:compare"}, {"ignore": True, "casefold": True}, {}):
        run = project.as_yaml(overrides={"search": {"to": override}}).run()
        assert run.exit != 0
        assert "search" in run.text or "override" in run.text


# Names of cases and answers that are hard to show.


@pytest.mark.parametrize(
    "text", ["\x1b[31mred", "a\u2028b", "tab\there", "<b>&amp;</b>", "{braces} %s", "𝕏" * 50, "\ud7ff"]
)
def test_queries_and_answers_of_any_text_are_shown_without_harm(project: Project, text: str) -> None:
    project = project.with_case("odd", [f"search(to={text!r})"] * 2, [ROME] * 2, query=f"To {text}.").as_yaml()
    run = project.run("--junit-xml=junit.xml", "--toolmatch-report=report.json")
    assert run.outcomes == {"failed": 1}
    assert json.loads(json.dumps(run.report))["suites"]["trips"]["cases"][0]["query"] == f"To {text}."
    assert len(list(run.junit.iter("failure"))) == 1


def test_calls_of_unknown_tools_and_nested_arguments_are_shown_without_harm(project: Project) -> None:
    deep = "search(to='FCO', more={'a': [{'b': {'c': [1, 2, {'d': None}]}}]})"
    project = project.with_case("odd", [deep] * 2, ["fly(to='FCO') > search(to=7)", "book()"]).as_yaml()
    assert project.run("-vv").outcomes == {"failed": 1}


# Keys of the ini file.


def test_a_misspelt_key_of_the_ini_file_is_one_line_with_the_nearest(trips: Project) -> None:
    run = trips.with_ini(toolmatch_gate=["chain_match >= 0.9"]).run()
    assert "unknown option 'toolmatch_gate'; did you mean 'toolmatch_gates'?" in run.refusal


# What a model or a server said.


def test_the_error_of_a_server_cannot_control_the_terminal(project: Project) -> None:
    run = project.with_case("rome", [ROME], ["!\x1b[31mred\x1b]0;title\x07"]).as_yaml().run()
    assert run.exit == pytest.ExitCode.TESTS_FAILED
    assert "\x1b" not in run.text
    assert "\x07" not in run.text
