"""Suites that say ``fuzz``, in YAML and in marks. The models are scripted functions; none is a model."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, get_args

import pytest

from pytest_toolmatch.core.fuzz import RELATION_NAMES, Fuzz, fuzz_of
from pytest_toolmatch.fuzzing.relations import RELATIONS
from tests.plugin.fuzzing import HEAD, QUERY, fuzzing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.plugin.conftest import Project

CASES = [
    {"id": "rome", "query": QUERY},
    {"id": "again", "query": "I need a cheap flight to Rome tomorrow morning"},
]
ASSERTED = "\ndef test_trips(toolmatch, query):\n    assert toolmatch(query)\n"


@pytest.fixture
def in_yaml(project: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Project]:
    """A maker of suite files that fuzz a scripted student."""

    def made(student: str, fuzz: Any = "all", **keys: Any) -> Project:
        suite = {"tools": "tools.json", "cases": CASES, "fuzz": fuzz, **keys}
        return fuzzing(project, monkeypatch, student).with_file("trips.toolmatch.yaml", json.dumps(suite))

    return made


@pytest.fixture
def in_python(project: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Project]:
    """A maker of test modules whose mark fuzzes a scripted student."""

    def made(student: str, mark: str = "fuzz='all'") -> Project:
        head = "from pytest_toolmatch import queries\nquery = queries('trips.jsonl')\n"
        head += f"pytestmark = pytest.mark.toolmatch({mark})\n"
        lines = "".join(json.dumps(case) + "\n" for case in CASES)
        return fuzzing(project, monkeypatch, student, head + ASSERTED).with_file("trips.jsonl", lines)

    return made


def test_the_names_are_those_of_the_relations() -> None:
    assert tuple(RELATIONS) == RELATION_NAMES


def test_what_is_written_is_one_value() -> None:
    assert fuzz_of(None) is None
    assert fuzz_of("all") == Fuzz()
    assert fuzz_of(("typos",)) == Fuzz(relations=("typos",))
    assert fuzz_of(Fuzz(examples=3)) == Fuzz(examples=3)
    assert len(get_args(RELATION_NAMES)) == 0


# What is found.


def test_every_case_has_one_more_test_which_fails_with_the_smallest_prompt(in_yaml: Callable[..., Project]) -> None:
    ran = in_yaml("shy").record("--toolmatch-report=report.json", mode="live")
    assert ran.outcomes == {"passed": 2, "failed": 2}
    failed = re.findall(r"^FAILED trips.toolmatch.yaml::(\S+)", ran.text, re.MULTILINE)
    assert failed == ["rome~fuzz", "again~fuzz"]
    for name, shown in zip(failed, ran.text.split("<Verdict ")[1:], strict=False):
        prompt = shown.splitlines()[2]
        assert len(re.findall(r"\b[A-Z]{2,}\b", prompt)) == 1, (name, prompt)
        assert "diverges: casing: 0 of" in shown
    profile = ran.report["suites"]["trips"]["robustness"]
    assert sum(one["variants"] for one in profile.values()) == 20
    assert {one["cases"] for one in profile.values()} <= {1, 2}
    assert profile["casing"]["lower"] > 0
    assert profile["casing"]["teacher"]["value"] == 1
    assert all(one["lower"] == 0 for name, one in profile.items() if name != "casing")


@pytest.mark.parametrize("student", ["steady", "noisy"])
def test_noise_is_no_weakness(in_yaml: Callable[..., Project], student: str) -> None:
    ran = in_yaml(student, {"examples": 20}, chain_match=0.5).record("--toolmatch-samples=20", mode="live")
    assert ran.outcomes == {"passed": 4}, ran.text


def test_a_mark_says_the_same(in_python: Callable[..., Project]) -> None:
    ran = in_python("shy").record("--toolmatch-report=report.json", mode="live")
    assert ran.outcomes == {"passed": 2, "failed": 2}
    assert re.findall(r"^FAILED test_trips.py::(\S+)", ran.text, re.MULTILINE) == [
        "test_trips~fuzz[rome]",
        "test_trips~fuzz[again]",
    ]
    assert len(ran.report["suites"]["trips"]["cases"]) == 2
    assert ran.report["suites"]["trips"]["terms"]["partial"] is False
    assert ran.report["suites"]["trips"]["robustness"]["casing"]["lower"] > 0


@pytest.mark.parametrize("fuzz", [["casing"], {"relations": ["casing"], "examples": 3}])
def test_relations_are_chosen_by_name(in_yaml: Callable[..., Project], fuzz: Any) -> None:
    ran = in_yaml("steady", fuzz).record("--toolmatch-report=report.json", mode="live")
    assert ran.outcomes == {"passed": 4}
    profile = ran.report["suites"]["trips"]["robustness"]
    assert list(profile) == ["casing"]
    assert profile["casing"]["variants"] == 2 * (3 if isinstance(fuzz, dict) else 10)


# How it runs.


def test_it_replays_without_a_model(in_yaml: Callable[..., Project]) -> None:
    project = in_yaml("shy_and_noisy", gates=["chain_match >= 0.3"])
    recorded = project.record("--toolmatch-samples=12", "--toolmatch-report=report.json")
    assert recorded.outcomes == {"passed": 2, "failed": 2}, recorded.text
    before = recorded.report["suites"]["trips"]
    project = project.with_file("mine.py", "raise RuntimeError('no model is asked')")
    for ran in (
        project.run("--toolmatch-report=report.json"),
        project.run_apart("-n2", "--toolmatch-report=report.json"),
    ):
        assert ran.outcomes == {"passed": 2, "failed": 2}, ran.text
        assert ran.report["suites"]["trips"] == before


def test_it_replays_whatever_else_is_imported(in_yaml: Callable[..., Project]) -> None:
    project = in_yaml("steady", {"examples": 60})
    assert project.record().outcomes == {"passed": 4}
    numbers = f"NUMBERS = {list(range(2, 60))!r}\n"
    ran = project.with_file("mine.py", "").with_file("numbers_of_mine.py", numbers)
    assert ran.with_file("conftest.py", "import numbers_of_mine\n").run_apart().outcomes == {"passed": 4}


def test_all_draws_of_all_cases_are_in_flight_at_once(in_yaml: Callable[..., Project]) -> None:
    project = in_yaml("steady")
    waits = f"""
import pathlib, threading, time

KNOWN, LOCK, NOW, PEAK = {[case["query"] for case in CASES]!r}, threading.Lock(), [0], [0]

def waits(request):
    if asked(request) and query(request) not in KNOWN:
        with LOCK:
            NOW[0] += 1
            PEAK[0] = max(PEAK[0], NOW[0])
            pathlib.Path("peak").write_text(str(PEAK[0]))
        time.sleep(0.5)
        with LOCK:
            NOW[0] -= 1
    return teacher(request)
"""
    project = project.with_file("mine.py", project.files["mine.py"] + waits)
    project = project.with_ini(toolmatch_student="python:mine:waits", toolmatch_concurrency=100)
    assert project.record(mode="live").outcomes == {"passed": 4}
    # A single case has 10 variants, of three draws each.
    assert int((project.pytester.path / "peak").read_text()) > 3 * 10


@pytest.mark.parametrize("chosen", ["rome~fuzz", "rome"])
def test_a_test_is_chosen_by_its_id(in_yaml: Callable[..., Project], chosen: str) -> None:
    project = in_yaml("steady")
    ran = project.record(f"trips.toolmatch.yaml::{chosen}", mode="live")
    assert ran.outcomes == {"passed": 1}
    assert project.record("-k", "not fuzz", mode="live").outcomes == {"passed": 2, "deselected": 2}


def test_gates_judge_the_suite_as_if_nothing_was_fuzzed(in_yaml: Callable[..., Project]) -> None:
    project = in_yaml("shy", gates=["chain_match >= 0.5"])
    ran = project.record("--toolmatch-samples=20", "--toolmatch-report=report.json", "-k", "not fuzz", mode="live")
    gate = ran.report["suites"]["trips"]["gates"][0]
    assert (gate["state"], gate.get("partial", False)) == ("holds", False)
    only = project.record("--toolmatch-samples=20", "--toolmatch-report=report.json", "-k", "fuzz", mode="live")
    assert only.outcomes == {"failed": 2, "deselected": 2}
    assert only.report["suites"]["trips"]["gates"][0]["partial"] is True


def test_it_goes_with_samples_until_gates_are_decided(in_yaml: Callable[..., Project]) -> None:
    project = in_yaml("shy", gates=["chain_match >= 0.5"]).with_ini(toolmatch_samples="auto:5-20")
    ran = project.record("--toolmatch-report=report.json")
    assert ran.outcomes == {"passed": 2, "failed": 2}, ran.text
    assert ran.report["suites"]["trips"]["gates"][0]["state"] == "holds"
    assert project.run().outcomes == {"passed": 2, "failed": 2}


def test_an_expected_divergence_is_one_here_too(in_yaml: Callable[..., Project]) -> None:
    ran = in_yaml("shy", divergence="xfail").record(mode="live")
    assert ran.outcomes == {"passed": 2, "xfailed": 2}


def test_without_our_flag_it_is_skipped(in_yaml: Callable[..., Project], in_python: Callable[..., Project]) -> None:
    assert in_yaml("gone").run(toolmatch=False).outcomes == {"skipped": 4}
    assert in_python("gone").run("test_trips.py", toolmatch=False).outcomes == {"skipped": 2}


# What is not the student's fault, and what is wrong.


def test_a_teacher_without_a_consensus_is_no_reference(
    in_yaml: Callable[..., Project], project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = in_yaml("shy").files["trips.toolmatch.yaml"]
    torn = fuzzing(project, monkeypatch, "shy", teacher="torn").with_file("trips.toolmatch.yaml", suite)
    assert torn.record(mode="live").outcomes == {"skipped": 4}


def test_a_broken_service_is_no_failure(in_yaml: Callable[..., Project], impatient: None) -> None:
    del impatient
    ran = in_yaml("lost", ["casing"]).record(mode="live")
    assert "failed" not in ran.outcomes
    assert "no valid sample of the student" in ran.text


def test_a_budget_that_is_spent_is_no_failure(in_yaml: Callable[..., Project]) -> None:
    ran = in_yaml("steady").record("--toolmatch-budget=90calls", mode="live")
    assert "failed" not in ran.outcomes
    assert ran.outcomes["errors"] >= 2
    assert "budget" in ran.text


WRONG = {
    "typo": (["typo"], "no such choice 'typo': one of all, typos"),
    "key": ({"relation": []}, "unknown key 'relation'; did you mean 'relations'?"),
    "none": ({"examples": 0}, "fuzz: examples is 0: at least 1"),
    "word": ("everything", "fuzz"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_mistake_is_one_line(in_yaml: Callable[..., Project], wrong: str) -> None:
    fuzz, message = WRONG[wrong]
    ran = in_yaml("steady", fuzz).run()
    assert ran.outcomes == {"errors": 1}
    assert message in next(line for line in ran.text.splitlines() if "trips.toolmatch.yaml:1: " in line)


WRONG_MARKS = {
    "fuzz=['typo']": "did you mean 'typos'?",
    "fuzz={'examples': 0}": "fuzz: examples is 0: at least 1",
    "fuzz={'relation': []}": "did you mean 'relations'?",
    "fuzz=3": "`$.fuzz`",
}


@pytest.mark.parametrize("wrong", WRONG_MARKS)
def test_a_mistake_in_a_mark_is_one_line(in_python: Callable[..., Project], wrong: str) -> None:
    assert WRONG_MARKS[wrong] in in_python("steady", wrong).run().refusal


def test_a_mark_fuzzes_tests_in_classes_and_leaves_others_alone(in_python: Callable[..., Project]) -> None:
    project = in_python("shy", "fuzz=['casing']")
    module = project.files["test_trips.py"]
    head, _, _ = module.partition("def test_trips")
    head += "class TestTrips:\n    def test_trips(self, toolmatch, query):\n        assert toolmatch(query)\n\n"
    head += "def test_one(toolmatch):\n    assert toolmatch(CASE)\n\ndef test_other():\n    pass\n"
    ran = project.with_file("test_trips.py", head).record(mode="live")
    assert ran.outcomes == {"passed": 4, "failed": 2}, ran.text
    assert "FAILED test_trips.py::TestTrips::test_trips~fuzz[rome]" in ran.text


def test_where_nothing_applies_the_case_says_so(in_yaml: Callable[..., Project]) -> None:
    ran = in_yaml("steady", ["enum_values"]).record(mode="live")
    assert ran.outcomes == {"passed": 2, "errors": 2}
    assert "rome: nothing to fuzz; enum_values:" in ran.text


def test_steps_along_the_teachers_chain_are_not_compared(in_yaml: Callable[..., Project]) -> None:
    ran = in_yaml("steady", mode="next_step").record(mode="live")
    assert ran.outcomes == {"passed": 2, "errors": 2}
    assert "fuzzing compares whole rollouts" in ran.text


def test_hypothesis_is_asked_for_where_it_is_missing(in_yaml: Callable[..., Project]) -> None:
    project = in_yaml("steady").with_file("conftest.py", "import sys\nsys.modules['hypothesis'] = None\n")
    ran = project.run_apart("--toolmatch-mode=live", "-p", "no:hypothesispytest")
    assert ran.outcomes == {"passed": 2, "errors": 2}, ran.text
    assert "fuzzing needs hypothesis: pip install 'pytest-toolmatch[fuzz]'" in ran.text


def test_the_head_of_the_modules_is_used() -> None:
    assert "rephrasings" in HEAD
