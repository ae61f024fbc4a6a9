"""Tests under ``@given(query=rephrasings(CASE))``. The models are scripted functions; none is a model."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.plugin.fuzzing import MODELS, QUERY, fuzzing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.plugin.conftest import Project, Ran

    Fuzzing = Callable[..., Project]

CASING = """
@settings(max_examples=20)
@given(query=rephrasings(CASE, relations=["casing"]))
def test_robust(toolmatch, query):
    assert toolmatch(query)
"""
ALL = """
@settings(max_examples=30)
@given(query=rephrasings(CASE))
def test_robust(toolmatch, query):
    assert toolmatch(query)
"""


@pytest.fixture
def fuzzed(project: Project, monkeypatch: pytest.MonkeyPatch) -> Fuzzing:
    """A maker of projects whose tests fuzz a scripted student."""
    return lambda student, tests=ALL, **how: fuzzing(project, monkeypatch, student, tests, **how)


def prompt_of(ran: Ran) -> str:
    """Return the prompt that hypothesis shows for the failing test."""
    assert ran.outcomes["failed"] == 1, ran.text
    found = re.findall(r"query=<Variant \S+: '(.*)'>", ran.text)
    assert found, ran.text
    return str(found[-1])


def capitals(text: str) -> list[str]:
    return re.findall(r"\b[A-Z]{2,}\b", text)


# What is found.


@pytest.mark.parametrize("student", ["shy", "shy_and_noisy"])
@pytest.mark.parametrize("tests", [CASING, ALL], ids=["casing", "all relations"])
def test_a_weakness_is_found_and_made_small(fuzzed: Fuzzing, student: str, tests: str) -> None:
    ran = fuzzed(student, tests).record("--hypothesis-seed=1", mode="live")
    assert len(capitals(prompt_of(ran))) == 1
    section = ran.text.partition("- toolmatch -")[2].splitlines()
    assert len(capitals(section[1])) == 1
    assert len(section[1].split()) <= 2
    assert re.search(r"diverges: casing: \d of \d+ samples match here, \d+ of \d+ on '.+'", ran.text)
    assert "(no call)" in ran.text


@pytest.mark.parametrize("seed", range(4))
def test_noise_is_no_weakness(fuzzed: Fuzzing, seed: int) -> None:
    ran = fuzzed("noisy").record(f"--hypothesis-seed={seed}", "--toolmatch-report=report.json", mode="live")
    assert ran.outcomes == {"passed": 1}
    assert ran.report["suites"]["trips"]["cases"] == []


def test_variants_have_a_table_of_their_own(fuzzed: Fuzzing) -> None:
    ran = fuzzed("shy").record("--hypothesis-seed=1", "--toolmatch-report=report.json", mode="live")
    profile = ran.report["suites"]["trips"]["robustness"]
    assert next(iter(profile)) == "casing"
    assert profile["casing"]["lower"] > 0
    assert profile["casing"]["match"]["value"] < 1
    assert profile["typos"]["lower"] == 0
    assert profile["typos"]["match"]["value"] == profile["typos"]["parents"]["value"] == 1
    assert "trips, fuzzed:" in ran.text
    assert re.search(r"^casing +1 +\d+ +0\.\d\d", ran.text, re.MULTILINE)
    assert ran.report["suites"]["trips"]["metrics"] == {}


def test_they_leave_the_suites_own_metrics_and_gates_alone(fuzzed: Fuzzing) -> None:
    tests = "\nfrom pytest_toolmatch import queries\nquery = queries([CASE])\n"
    tests += "pytestmark = pytest.mark.toolmatch(gates=['chain_match >= 0.5'])\n"
    tests += "def test_trips(toolmatch, query):\n    assert toolmatch(query)\n"
    ran = fuzzed("shy", tests + CASING).record("--toolmatch-report=report.json", "--toolmatch-samples=20", mode="live")
    suite = ran.report["suites"]["trips"]
    assert len(suite["cases"]) == suite["terms"]["expected"] == 1
    assert suite["terms"]["partial"] is False
    assert suite["gates"][0]["state"] == "holds"
    assert suite["metrics"]["chain_match"]["value"] == 1


# What is replayed.


@pytest.mark.parametrize(("student", "outcome"), [("shy_and_noisy", "failed"), ("noisy", "passed")])
def test_what_was_recorded_replays_without_a_model(fuzzed: Fuzzing, student: str, outcome: str) -> None:
    project = fuzzed(student)
    recorded = project.record()
    assert recorded.outcomes == {outcome: 1}, recorded.text
    project = project.with_file("mine.py", "raise RuntimeError('no model is asked')")
    replayed = [project.run(), project.run()]
    if outcome == "failed":
        assert {prompt_of(one) for one in (recorded, *replayed)} == {prompt_of(recorded)}
        shown = [one.text.partition("- toolmatch -")[2].partition("====")[0] for one in (recorded, *replayed)]
        assert shown[0] == shown[1] == shown[2]
    else:
        assert [one.outcomes for one in replayed] == [{"passed": 1}] * 2


@pytest.fixture
def own_profile() -> Iterator[None]:
    """Give hypothesis its profile back: a run in this process leaves its own."""
    name = settings.get_current_profile_name()
    yield
    settings.load_profile(name)


@pytest.mark.usefixtures("own_profile")
def test_it_replays_whatever_the_test_says_of_seeds_and_databases(fuzzed: Fuzzing) -> None:
    profile = "settings.register_profile('mine', derandomize=False, max_examples=7, deadline=1)\n"
    profile += "settings.load_profile('mine')\n"
    tests = "\n@given(query=rephrasings(CASE))\ndef test_robust(toolmatch, query):\n    assert toolmatch(query)\n"
    project = fuzzed("noisy", profile + tests)
    assert project.record().outcomes == {"passed": 1}
    assert project.run("--hypothesis-show-statistics").outcomes == {"passed": 1}
    ran = project.run("--hypothesis-show-statistics")
    assert "7 passing examples" in ran.text or "7 passing" in ran.text
    assert not (ran.path / ".hypothesis/examples").exists()


NUMBERS = f"NUMBERS = {list(range(2, 60))!r}\nWORDS = {[chr(97 + n) * n for n in range(1, 20)]!r}\n"


def test_it_replays_whatever_else_is_imported(fuzzed: Fuzzing) -> None:
    tests = ALL.replace("max_examples=30", "max_examples=80")
    project = fuzzed("noisy", tests)
    assert project.record().outcomes == {"passed": 1}
    project = project.with_file("mine.py", "raise RuntimeError('no model is asked')")
    ran = (
        project.with_file("numbers_of_mine.py", NUMBERS)
        .with_file("conftest.py", "import numbers_of_mine\n")
        .run_apart()
    )
    assert ran.outcomes == {"passed": 1}, ran.text


def test_without_a_recording_it_says_how_to_make_one(fuzzed: Fuzzing) -> None:
    project = fuzzed("noisy")
    assert project.record("--toolmatch-samples=5").outcomes == {"passed": 1}
    changed = project.with_file("test_trips.py", project.files["test_trips.py"].replace("summer", "winter"))
    ran = changed.run()
    assert ran.outcomes == {"errors": 1}
    assert "--toolmatch-mode=record" in ran.text


def test_a_number_of_samples_is_about_cases(fuzzed: Fuzzing) -> None:
    project = fuzzed("noisy").with_ini(toolmatch_samples=4)
    assert project.record().outcomes == {"passed": 1}
    assert project.run().outcomes == {"passed": 1}


def test_it_runs_in_several_processes(fuzzed: Fuzzing) -> None:
    tests = "".join(ALL.replace("test_robust", f"test_{name}") for name in ("one", "two", "three"))
    project = fuzzed("shy", tests)
    assert project.record().outcomes == {"failed": 3}
    ran = project.run_apart("-n2", "--toolmatch-report=report.json")
    assert ran.outcomes == {"failed": 3}
    alone = json.dumps(ran.report["suites"]["trips"]["robustness"])
    project.run("--toolmatch-report=report.json")
    assert json.dumps(ran.report["suites"]["trips"]["robustness"]) == alone


# What hypothesis users expect.


def test_everything_is_drawn_before_the_first_example_is_judged(fuzzed: Fuzzing) -> None:
    tests = CASING.replace(
        "    assert toolmatch(query)",
        "    import mine\n    n = len(mine.CALLS)\n    assert toolmatch(query)\n    assert len(mine.CALLS) == n",
    )
    assert fuzzed("steady", tests).record(mode="live").outcomes == {"passed": 1}


def test_failing_examples_are_tried_again_first(fuzzed: Fuzzing) -> None:
    project = fuzzed("shy", CASING)
    first = prompt_of(project.run_apart("--toolmatch-mode=live"))
    ran = project.run_apart("--toolmatch-mode=live", "--hypothesis-show-statistics")
    assert prompt_of(ran) == first
    assert "during reuse phase" in ran.text
    assert "during reuse phase" not in project.record_apart("--hypothesis-show-statistics").text


EXPLICIT = """
@settings(max_examples=5)
@example(query=CASE)
@example(query=CASE + ", please")
@given(query=rephrasings(CASE, relations="politeness") | st.just(CASE))
def test_robust(toolmatch, query):
    assert toolmatch(query)
"""


def test_examples_of_ones_own_are_cases(fuzzed: Fuzzing) -> None:
    ran = fuzzed("steady", EXPLICIT).record("--toolmatch-report=report.json", mode="live")
    assert ran.outcomes == {"passed": 1}
    assert {case["query"] for case in ran.report["suites"]["trips"]["cases"]} == {QUERY, f"{QUERY}, please"}


EMPTY = """
from pytest_toolmatch.core.case import case_of_query
from pytest_toolmatch.fuzzing.edits import Rewrite
from pytest_toolmatch.fuzzing.variant import Subject, made

subject = Subject(case=case_of_query(CASE))
empty, same = (made(subject, "casing", "same", [Rewrite(0, len(CASE), text)]) for text in ("", CASE))

@settings(max_examples=20)
@given(query=st.sampled_from([empty, same]) | rephrasings(CASE, relations=["casing"]))
def test_robust(toolmatch, query):
    assert toolmatch(query)
    import mine
    assert all(query for query, _ in mine.CALLS)
"""


def test_nothing_is_asked_that_asks_for_nothing(fuzzed: Fuzzing) -> None:
    ran = fuzzed("steady", EMPTY).record("--hypothesis-show-statistics", mode="live")
    assert ran.outcomes == {"passed": 1}
    assert ", and 0 invalid" not in ran.text


DATA = """
@settings(max_examples=10)
@given(data=st.data())
def test_robust(toolmatch, data):
    assert toolmatch(data.draw(rephrasings(CASE, relations=["casing"])))
"""
METHOD = """
class TestTrips:
    @settings(max_examples=10)
    @given(query=rephrasings(CASE, relations=["casing"]))
    def test_robust(self, toolmatch, query):
        assert toolmatch(query).chain_match >= 0.5
"""
PARAMETRIZED = """
@pytest.mark.parametrize("least", [0.1])
@settings(max_examples=10)
@given(query=rephrasings(CASE, relations=["casing"]))
def test_robust(toolmatch, least, query):
    assert toolmatch(query).chain_match >= least
"""
ASYNC = """
@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
@settings(max_examples=10)
@given(query=rephrasings(CASE, relations=["casing"]))
async def test_robust(toolmatch, query):
    assert toolmatch(query)
"""


@pytest.mark.parametrize("tests", [DATA, METHOD, PARAMETRIZED, ASYNC], ids=["data", "method", "parametrized", "async"])
def test_any_kind_of_test_will_do(fuzzed: Fuzzing, tests: str) -> None:
    args = ("-p", "anyio", "-W", "ignore::pytest.PytestUnraisableExceptionWarning") if tests is ASYNC else ()
    assert fuzzed("steady", tests).record(*args, mode="live").outcomes == {"passed": 1}
    ran = fuzzed("shy", tests).record(*args)
    assert ran.outcomes == {"failed": 1}, ran.text
    assert len(capitals(ran.text.partition("- toolmatch -")[2].splitlines()[1])) == 1


def test_no_run_of_ours_skips_it_and_imports_nothing(fuzzed: Fuzzing) -> None:
    ran = fuzzed("gone").run(toolmatch=False)
    assert ran.outcomes == {"skipped": 1}


def test_a_test_may_be_run_again(fuzzed: Fuzzing) -> None:
    ran = fuzzed("shy", CASING).record("--reruns=1", mode="live")
    assert ran.outcomes == {"failed": 1, "rerun": 1}
    assert len(capitals(prompt_of(ran))) == 1
    assert fuzzed("noisy", CASING).record("--reruns=1", mode="refresh").outcomes == {"passed": 1}


def test_a_verdict_that_nobody_asks_for_is_no_failure(fuzzed: Fuzzing) -> None:
    tests = CASING.replace("assert toolmatch", "toolmatch")
    assert fuzzed("shy", tests).record(mode="live").outcomes == {"passed": 1}


# What is not the student's fault.


def test_a_broken_service_is_no_failure(fuzzed: Fuzzing, impatient: None) -> None:
    del impatient
    ran = fuzzed("lost", CASING).record(mode="live")
    assert ran.outcomes == {"errors": 1}
    assert "no valid sample of the student" in ran.text
    assert fuzzed("sometimes_lost").record(mode="live").outcomes == {"passed": 1}
    assert fuzzed("gone").record(mode="live").outcomes == {"errors": 1}


def test_a_teacher_that_does_not_agree_with_itself_is_no_reference(fuzzed: Fuzzing) -> None:
    ran = fuzzed("shy", teacher="torn").record("-rs", mode="live")
    assert ran.outcomes == {"skipped": 1}
    assert "does not agree with itself" in ran.text
    project = fuzzed("shy", teacher="torn").with_ini(toolmatch_ambiguous="fail")
    assert project.record(mode="live").outcomes == {"errors": 1}


def test_a_teacher_that_fails_as_well_speaks_for_the_student(fuzzed: Fuzzing) -> None:
    ran = fuzzed("shy", CASING, teacher="shy").record("--toolmatch-report=report.json", mode="live")
    assert ran.outcomes == {"passed": 1}


@pytest.mark.parametrize("calls", [3, 60])
def test_a_budget_that_is_spent_is_no_failure(fuzzed: Fuzzing, calls: int) -> None:
    ran = fuzzed("steady").record(f"--toolmatch-budget={calls}calls", mode="live")
    assert ran.outcomes == {"errors": 1}
    assert "budget" in ran.text


def test_what_is_recorded_is_judged_where_the_budget_is_spent(fuzzed: Fuzzing) -> None:
    recorded = fuzzed("shy", CASING, teacher="torn")
    assert recorded.record().outcomes == {"skipped": 1}
    new = CASING.replace("rephrasings(CASE", "rephrasings('Any trains to Bern'").replace("test_robust", "test_first")
    ran = fuzzed("shy", new + CASING, teacher="torn").record("--toolmatch-budget=3calls")
    assert ran.outcomes == {"errors": 1, "skipped": 1}


def test_nothing_is_asked_of_a_teacher_whose_student_has_no_key(
    fuzzed: Fuzzing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    project = fuzzed("shy", teacher="steady").with_ini(toolmatch_student="openai:small")
    ran = project.record(mode="live")
    assert ran.outcomes == {"errors": 1}
    assert "openai:small: there is no key: set OPENAI_API_KEY" in ran.text
    assert "drawn in" not in ran.text


# What is wrong with a test.

WRONG = {
    "unknown": ('rephrasings(CASE, relations=["typo"])', "no relation is named 'typo'; did you mean 'typos'?"),
    "nothing": ('rephrasings(CASE, relations=["tool_names"])', "nothing to fuzz; tool_names:"),
    "empty": ('rephrasings("")', "nothing to fuzz"),
    "chain": ('rephrasings(CASE, chain=["search"])', "rephrasings(chain=…)"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_mistake_is_one_line(fuzzed: Fuzzing, wrong: str) -> None:
    call, message = WRONG[wrong]
    ran = fuzzed("steady", f"\n@given(query={call})\ndef test_robust(toolmatch, query): ...\n").run()
    assert ran.outcomes == {"errors": 1}
    assert sum(line.startswith("E  ") for line in ran.text.splitlines()) == 1
    assert message in ran.text


def test_hypothesis_is_asked_for_where_it_is_missing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    module = "from pytest_toolmatch.fuzzing import rephrasings\n"
    blocked = "import sys\nsys.modules['hypothesis'] = None\n"
    project = fuzzing(project, monkeypatch, "steady").with_file("test_trips.py", blocked + module)
    ran = project.run("-p", "no:hypothesispytest")
    assert ran.outcomes == {"errors": 1}
    assert "fuzzing needs hypothesis: pip install 'pytest-toolmatch[fuzz]'" in ran.text


def test_the_scripted_models_are_what_they_say() -> None:
    names: dict[str, object] = {}
    exec(MODELS, names)  # noqa: S102 - the tests' own
    assert {"teacher", "shy", "noisy"} <= names.keys()
