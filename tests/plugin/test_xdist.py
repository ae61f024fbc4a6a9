"""Several workers: the same report, the same exit status, the same words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

pytest.importorskip("xdist")

ROME, OSLO, BERN = "search(to='FCO')", "search(to='OSL')", "search(to='BRN')"


@pytest.fixture(params=["python", "yaml"])
def trips(project: Project, request: pytest.FixtureRequest) -> Project:
    project = project.with_ini(toolmatch_gates=["chain_match >= 0.1", "chain_match >= 0.99"])
    for name in "abcd":
        project = project.with_case(name, [ROME] * 8, [ROME] * 8, tags=["easy"])
    project = (
        project.with_case("oslo", [OSLO] * 8, [BERN] * 8)
        .with_case("unsure", [ROME, OSLO, BERN, ""], [ROME] * 4)
        .with_case("lost", [ROME] * 2, ["!503"] * 2)
    )
    return project.as_yaml() if request.param == "yaml" else project.as_python()


def test_workers_change_nothing_that_is_reported(trips: Project) -> None:
    alone = trips.run("--toolmatch-report=alone.json", "--junit-xml=junit.xml")
    apart = trips.run_apart("-n", "2", "--toolmatch-report=apart.json", "--junit-xml=junit.xml")
    reports = [
        json.loads((run.path / name).read_text()) for run, name in ((alone, "alone.json"), (apart, "apart.json"))
    ]
    assert reports[0] == reports[1]
    assert alone.exit == apart.exit == 1
    assert alone.last_line.rpartition(" in ")[0] == apart.last_line.rpartition(" in ")[0]
    assert "1 gate failed" in apart.last_line
    assert apart.text.count("big → small") == 1
    assert 'to="OSL"' in apart.text
    failure = next(apart.junit.iter("failure"))
    assert 'to="OSL"' in "".join(failure.itertext())
    assert any(one.get("name") == "toolmatch.chain_match" for one in apart.junit.iter("property"))


def test_a_run_of_some_cases_fails_no_gate(project: Project) -> None:
    project = project.with_ini(toolmatch_gates=["retries < 0"])
    for name in "abcd":
        project = project.with_case(name, [ROME] * 4, [ROME] * 4, tags=["easy"] * (name < "c"))
    run = project.as_yaml().run_apart("-n", "2", "-k", "easy", "--toolmatch-report=report.json")
    assert run.exit == 0
    assert run.report["suites"]["trips"]["terms"]["partial"]
    assert "gate" not in run.last_line


def test_a_model_that_is_not_recorded_is_said_without_a_traceback(project: Project) -> None:
    run = project.with_case("rome", [ROME], [ROME]).as_yaml().run_apart("-n", "2", "--toolmatch-student=other")
    assert run.exit != 0
    assert "no recording of student 'other'" in run.text
    assert "(recorded there: big, small)" in run.text


def test_gates_hold_whichever_worker_ends_last(project: Project) -> None:
    project = project.with_case("oslo", [OSLO] * 8, [BERN] * 8).with_case("rome", [ROME] * 8, [ROME] * 8)
    for name in ("trips", "tours"):
        project = replace(project, name=name).as_yaml(
            gates=["chain_match >= 0.99"],
            divergence="xfail",
            match="strict",
            recordings="fixtures/recordings/tours",
        )
    run = project.run_apart("-n", "2", "--dist", "loadfile", "--toolmatch-report=report.json")
    assert run.exit == 1
    assert "2 gates failed" in run.last_line
    assert [one["terms"]["match"] for one in run.report["suites"].values()] == ["strict", "strict"]


def test_a_mistake_that_collection_finds_is_a_usage_error(project: Project) -> None:
    tests = """
@pytest.mark.toolmatch(mach="strict")
def test_trips(toolmatch, query):
    assert toolmatch(query)
"""
    run = project.with_case("rome", [ROME], [ROME]).as_python(tests).run_apart("-n", "2")
    assert run.exit == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in run.text.splitlines() if line.startswith("ERROR: ")]
    assert "mark toolmatch has no key 'mach'; did you mean 'match'?" in line


def test_what_a_faulty_suite_file_says_is_shown(project: Project) -> None:
    run = project.with_file("trips.toolmatch.yaml", "cases: [").run_apart("-n", "2")
    assert run.exit != 0
    assert "trips.toolmatch.yaml:1: not YAML: " in run.text


def test_a_worker_that_dies_loses_its_own_test_only(project: Project) -> None:
    for name in "abcd":
        project = project.with_case(name, [ROME] * 4, [ROME] * 4)
    tests = """
import os

def test_trips(toolmatch, query):
    if query.id == "b":
        os._exit(3)
    assert toolmatch(query)
"""
    run = project.as_python(tests).run_apart("-n", "2", "--toolmatch-report=report.json")
    assert run.exit == 1
    assert {"a", "c", "d"} == {case["case"] for case in run.report["suites"]["trips"]["cases"]}
    assert run.report["suites"]["trips"]["terms"]["partial"]


def test_models_of_fixtures_are_named_by_the_run_that_gathers(project: Project) -> None:
    tests = """
def right(request):
    return []

teacher = student = pytest.fixture(scope="module")(lambda: right)

def test_trips(toolmatch, query):
    assert toolmatch(query)
"""
    project = project.with_query("a", "b").as_python(tests)
    reports = []
    for how in ("--toolmatch-mode=record", "-n2"):
        run = project.run_apart(how, f"--toolmatch-report={how}.json")
        assert run.exit == 0, run.text
        assert "python:test_trips:right → python:test_trips:right" in run.text
        reports.append(json.loads((run.path / f"{how}.json").read_text()))
    for report in reports:
        assert (report["teacher"], report["student"]) == ("python:test_trips:right", "python:test_trips:right")
