"""Cases of which too few samples match for them to agree, and too many to show that they don't."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_toolmatch.core.case import slug

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.plugin.conftest import Project, Ran
    from tests.servers.scripted import Scripted

ROME, OSLO = "search(to='FCO')", "search(to='OSL')"
NAMED = """
@pytest.mark.parametrize("name", ["good-1", "unlucky", "good-2"])
def test_trips(toolmatch, name):
    assert toolmatch(f"To {name}.")
"""


@pytest.fixture(params=["python", "yaml"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def made(project: Project, kind: str) -> Project:
    return project.as_yaml() if kind == "yaml" else project.as_python()


def good(project: Project, count: int) -> Project:
    for number in range(count):
        project = project.with_case(f"good-{number:02}", [ROME] * 5, [ROME] * 5)
    return project


def with_misses(project: Project, name: str, misses: int, draws: int = 5) -> Project:
    return project.with_case(name, [ROME] * draws, [ROME] * (draws - misses) + [OSLO] * misses)


def states(run: Ran) -> dict[str, str]:
    return {case["case"]: case["state"] for case in run.report["suites"]["trips"]["cases"]}


def test_one_unlucky_case_of_many_is_skipped_and_says_why(project: Project, kind: str) -> None:
    run = made(with_misses(good(project, 40), "unlucky", 3), kind).run("-rs")
    assert (run.exit, run.outcomes) == (0, {"passed": 40, "skipped": 1})
    reason = "2 of 5 samples match, wanted 0.80: could be chance among 41 cases; about 9 more would tell"
    assert reason in run.text.replace("\n", "")
    assert "40 agree · 1 undecided" in run.text
    assert "~ about 9 more would tell" in run.text


def test_the_same_case_may_be_undecided_among_many_and_never_the_other_way_round(project: Project, kind: str) -> None:
    project = made(with_misses(good(project, 40), "poor", 4), kind)
    run = project.run("--toolmatch-report=report.json")
    assert (run.outcomes, states(run)["poor"]) == ({"passed": 40, "skipped": 1}, "undecided")
    alone = project.run("-k", "poor", "--toolmatch-report=report.json")
    assert (alone.outcomes, states(alone)) == ({"failed": 1, "deselected": 40}, {"poor": "diverges"})


def test_what_fails_among_many_fails_alone(project: Project, kind: str) -> None:
    for number in range(6):
        project = with_misses(project, f"bad-{number}", 4 + number % 2)
    project = made(good(project, 8), kind)
    assert project.run().outcomes == {"failed": 6, "passed": 8}
    assert project.run("--lf").outcomes["failed"] == 6
    for number in range(6):
        assert project.run("-k", f"bad-{number}").outcomes["failed"] == 1


def test_bad_cases_show_each_other(project: Project, kind: str) -> None:
    alone = made(with_misses(good(project, 30), "bad-0", 4), kind)
    assert alone.run().outcomes == {"passed": 30, "skipped": 1}
    for number in range(7):
        project = with_misses(project, f"bad-{number}", 4)
    assert made(good(project, 24), kind).run().outcomes == {"failed": 7, "passed": 24}


def test_where_all_shall_match_a_single_miss_fails(project: Project, kind: str) -> None:
    project = made(with_misses(good(project, 30), "once", 1), kind)
    assert project.run().outcomes == {"passed": 31}
    assert project.with_ini(toolmatch_chain_match=1).run().outcomes == {"passed": 30, "failed": 1}


def test_more_confidence_takes_more_to_fail(project: Project, kind: str) -> None:
    project = made(with_misses(project, "poor", 4), kind)
    assert project.run().outcomes == {"failed": 1}
    assert project.with_ini(toolmatch_confidence=0.999).run().outcomes == {"skipped": 1}


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_workers_come_to_the_same_states(project: Project, kind: str, workers: str) -> None:
    for number in range(3):
        project = with_misses(project, f"bad-{number}", 3 + number)
    project = made(good(project, 9), kind)
    run = project.run_apart("--toolmatch-report=report.json", workers, "-p", "no:randomly")
    found = states(run)
    assert [found[f"bad-{number}"] for number in range(3)] == ["undecided", "diverges", "diverges"]
    assert run.outcomes == {"failed": 2, "passed": 9, "skipped": 1}


def test_it_may_be_made_to_fail_with_its_chains(project: Project, kind: str) -> None:
    project = with_misses(project, "unlucky", 2).with_ini(toolmatch_undecided_case="fail", toolmatch_divergence="xfail")
    run = made(project, kind).run()
    assert (run.exit, run.outcomes) == (1, {"failed": 1})
    run.result.stdout.fnmatch_lines(
        [
            "*<Verdict unlucky: chain_match 0.60, wanted >= 0.80: undecided>*",
            '*to="FCO"*≠*to="OSL"*',
            "undecided: 3 of 5 samples match, wanted 0.80: could be chance; about 12 more would tell",
        ]
    )


def test_a_single_sample_of_the_teacher_is_skipped_all_the_same(project: Project) -> None:
    case = project.with_case("rome", [ROME], []).with_ini(toolmatch_undecided_case="fail", toolmatch_student="big")
    run = case.as_yaml().run("-rs")
    assert run.outcomes == {"skipped": 1}
    assert "one sample of the teacher, and no other to compare it with" in run.text


def test_an_expected_divergence_is_one_that_is_shown(project: Project, kind: str) -> None:
    project = with_misses(with_misses(project, "unlucky", 2), "bad", 5).with_ini(toolmatch_divergence="xfail")
    assert made(project, kind).run().outcomes == {"skipped": 1, "xfailed": 1}


def test_a_wrong_choice_names_the_right_ones(project: Project) -> None:
    run = good(project, 1).as_yaml().with_ini(toolmatch_undecided_case="pass").run()
    assert run.refusal.startswith("toolmatch_undecided_case is 'pass': choose from skip, fail")


def test_cases_that_can_not_be_judged_stand_in_nobody_s_way(project: Project, kind: str) -> None:
    project = project.with_case("lost", [ROME] * 5, ["!503"] * 5).with_case("missing", [ROME] * 5, [])
    project = with_misses(project.with_case("unsure", [ROME, OSLO, ""], [ROME] * 5), "poor", 4)
    run = made(project, kind).run("--toolmatch-report=report.json")
    assert run.outcomes == {"errors": 2, "skipped": 1, "failed": 1}
    assert states(run)["poor"] == "diverges"  # alone among those with a match rate: 0.0067 would do for 7


def test_queries_that_only_a_test_knows_count_as_the_tests_do(project: Project) -> None:
    for name in ("good-1", "unlucky", "good-2"):
        student = [OSLO] * 2 if name == "unlucky" else [ROME] * 2
        project = project.with_case(slug(f"To {name}."), [ROME] * 2, student, query=f"To {name}.")
    run = project.as_python(NAMED).run("-rs")
    assert run.outcomes == {"passed": 2, "skipped": 1}
    assert "0 of 2 samples match, wanted 0.80: could be chance among 3 cases" in run.text.replace("\n", "")


def test_a_run_that_calls_models_comes_to_what_a_replay_comes_to(
    project: Project, served: Callable[..., Scripted], kind: str
) -> None:
    table = {"big": {"*": ROME}, "small": {"*": ROME, "b": OSLO}}
    project = made(project.with_query(*"abcd").served_at(served(table).url, 2), kind)
    run = project.record("-rs")
    assert run.outcomes == {"passed": 3, "skipped": 1}
    assert "0 of 2 samples match, wanted 0.80: could be chance among 4 cases" in run.text.replace("\n", "")
    assert project.run().outcomes == {"passed": 3, "skipped": 1}
