"""What reaches JUnit XML."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET

    from tests.plugin.conftest import Project

ROME, OSLO = "search(to='FCO')", "search(to='OSL')"


@pytest.fixture(params=["python", "yaml"])
def trips(project: Project, request: pytest.FixtureRequest) -> Project:
    project = project.with_case("rome", [ROME] * 4, [ROME] * 4)
    project = project.with_case("oslo", [OSLO] * 4, [OSLO, ROME, ROME, ROME] * 2)
    project = project.with_case("unsure", [ROME, OSLO, ""], [ROME]).with_case("lost", [ROME] * 2, ["!503"])
    return project.as_yaml() if request.param == "yaml" else project.as_python()


def cases(junit: ET.Element) -> dict[str, ET.Element]:
    return {str(one.get("name")).removeprefix("test_trips[").removesuffix("]"): one for one in junit.iter("testcase")}


def properties(case: ET.Element) -> list[tuple[str | None, str | None]]:
    return [(one.get("name"), one.get("value")) for one in case.iter("property")]


def test_metrics_are_properties_of_their_test_each_given_once(trips: Project) -> None:
    found = cases(trips.run("--junit-xml=junit.xml").junit)
    oslo = properties(found["oslo"])
    assert ("toolmatch.state", "diverges") in oslo
    assert ("toolmatch.chain_match", "0.25") in oslo
    assert ("toolmatch.consistency", "1.0") in oslo
    assert len({name for name, _ in oslo}) == len(oslo)
    assert ("toolmatch.state", "agrees") in properties(found["rome"])
    assert "toolmatch.chain_match" not in dict(properties(found["unsure"]))


def test_a_divergence_is_a_failure_that_holds_the_chains(trips: Project) -> None:
    case = cases(trips.run("--junit-xml=junit.xml").junit)["oslo"]
    (failure,) = case.iter("failure")
    assert "<Verdict oslo: chain_match 0.25, wanted >= 0.80>" in str(failure.get("message"))
    text = "".join(failure.itertext())
    for shown in ("To oslo, please.", 'to="OSL"', '≠   to="FCO"', "student's 8 samples: 2 match · 6 diverge"):
        assert shown in text


def test_a_case_that_is_undecided_is_skipped_and_told_as_such(project: Project) -> None:
    run = project.with_case("oslo", [OSLO] * 4, [OSLO] * 3 + [ROME] * 2).as_yaml().run("--junit-xml=junit.xml")
    (case,) = cases(run.junit).values()
    assert ("toolmatch.state", "undecided") in properties(case)
    (skipped,) = case.iter("skipped")
    assert str(skipped.get("message")).startswith("3 of 5 samples match, wanted 0.80: could be chance; about ")


def test_trouble_with_samples_is_an_error_and_no_failure(trips: Project) -> None:
    case = cases(trips.run("--junit-xml=junit.xml").junit)["lost"]
    assert [one.tag for one in case if one.tag != "properties"] == ["error"]
    (error,) = case.iter("error")
    assert "no valid sample of the student" in str(error.get("message"))


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_gates_are_test_cases_of_the_file_and_of_nothing_else(project: Project, workers: tuple[str, ...]) -> None:
    project = project.with_ini(toolmatch_divergence="xfail", toolmatch_undecided="pass")
    for name in "abc":
        project = project.with_case(name, [ROME] * 8, [ROME] * 8)
    gates = ["chain_match >= 0.5", "name_match <= 0.5", "chain_match >= 0.95"]
    run = project.as_yaml(gates=gates).run_apart("--junit-xml=junit.xml", *workers)
    assert run.last_line.startswith("3 passed, 1 gate failed")
    found = {
        case.get("name"): [child.tag for child in case if child.tag != "properties"]
        for case in run.junit.iter("testcase")
        if case.get("classname") == "toolmatch.trips"
    }
    assert found == dict(zip(gates, ([], ["failure"], ["skipped"]), strict=True))
    (failure,) = run.junit.iter("failure")
    assert failure.get("message", "").startswith("1.00 (0.86–1.00), fails")
    (states,) = [
        {one.get("name"): one.get("value") for one in case.iter("property")}
        for case in run.junit.iter("testcase")
        if case.get("name") == gates[1]
    ]
    assert states["toolmatch.state"] == "fails"
    assert states.keys() == {"toolmatch.state", "toolmatch.value", "toolmatch.low", "toolmatch.high"}
    suite = run.junit.find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("6", "1")


def test_the_counts_are_right(trips: Project) -> None:
    (suite,) = trips.run("--junit-xml=junit.xml").junit.iter("testsuite")
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }


def test_a_case_that_is_judged_twice_in_one_test_is_told_once(project: Project) -> None:
    tests = """
def test_trips(toolmatch, query):
    assert toolmatch(query).name_match == 1
    assert toolmatch(query)
"""
    run = project.with_case("oslo", [OSLO] * 4, [ROME] * 4).as_python(tests).run("--junit-xml=junit.xml")
    (case,) = cases(run.junit).values()
    found = properties(case)
    assert len({name for name, _ in found}) == len(found) > 1
    assert run.text.count("- toolmatch -") == 1


def test_cases_that_are_judged_in_one_test_are_told_apart(project: Project) -> None:
    tests = """
def test_all(toolmatch):
    for name in ("rome", "oslo"):
        assert toolmatch(f"To {name}.").name_match == 1
"""
    for name in ("rome", "oslo"):
        case = f"to-{name}-{'3ae0' if name == 'rome' else '60a9'}"
        project = project.with_case(case, [ROME] * 4, [ROME] * 4, query=f"To {name}.")
    run = project.as_python(tests).run("--junit-xml=junit.xml")
    (found,) = cases(run.junit).values()
    matches = [(name, value) for name, value in properties(found) if name and name.endswith(".chain_match")]
    assert matches == [(f"toolmatch.{case.id}.chain_match", "1.0") for case in project.cases]
