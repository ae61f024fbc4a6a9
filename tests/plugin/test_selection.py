"""Parts of a run: ``-k``, ``--lf``, ``-x``, ``--co``, ``--setup-only``, reruns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

ROME, OSLO = "search(to='FCO')", "search(to='OSL')"


@pytest.fixture(params=["python", "yaml"])
def trips(project: Project, request: pytest.FixtureRequest) -> Project:
    project = (
        project.with_case("rome", [ROME] * 4, [ROME] * 4, tags=["south"])
        .with_case("oslo", [OSLO] * 4, [ROME] * 4, tags=["north"])
        .with_case("bodo", [OSLO] * 4, [OSLO] * 4, tags=["north"])
    )
    return project.as_yaml() if request.param == "yaml" else project.as_python()


@pytest.fixture
def bare(project: Project, trips: Project) -> Project:
    """The same without any recording."""
    return type(project)(project.pytester, files=trips.files)


def judged(run_report: dict[str, dict[str, dict[str, list[dict[str, str]]]]]) -> list[str]:
    return [case["case"] for case in run_report["suites"]["trips"]["cases"]]


def test_names_select_cases(trips: Project) -> None:
    run = trips.run("-k", "rome", "--toolmatch-report=report.json")
    assert run.outcomes == {"passed": 1, "deselected": 2}
    assert judged(run.report) == ["rome"]
    assert run.report["suites"]["trips"]["terms"]["partial"]


def test_tags_of_a_suite_file_select_cases(project: Project) -> None:
    project = project.with_case("rome", [ROME], [ROME], tags=["south"]).with_case(
        "oslo", [OSLO], [OSLO], tags=["north"]
    )
    assert project.as_yaml().run("-k", "north").outcomes == {"passed": 1, "deselected": 1}


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize(("chosen", "count"), [("toolmatch", 3), ("not toolmatch", 1)])
def test_the_mark_selects_what_is_ours(trips: Project, chosen: str, count: int, active: bool) -> None:
    other = trips.with_file("test_other.py", "def test_other(): pass")
    run = other.run("-m", chosen, "--co", "-q", toolmatch=active)
    assert [line for line in run.result.outlines if "::" in line][count - 1 :]
    assert run.outcomes["deselected"] == 4 - count


def test_the_mark_of_every_test_leaves_a_suite_one(trips: Project) -> None:
    run = trips.run("-m", "toolmatch", "--toolmatch-report=report.json")
    assert sorted(judged(run.report)) == ["bodo", "oslo", "rome"]
    assert not run.report["suites"]["trips"]["terms"]["partial"]


def test_node_ids_select_cases(trips: Project) -> None:
    listed = [line for line in trips.run("--co", "-q").result.outlines if "::" in line]
    assert len(listed) == 3
    run = trips.run(listed[0], listed[2])
    assert (run.exit, run.outcomes) == (0, {"passed": 2})


def test_what_failed_last_is_run_first_or_alone(trips: Project) -> None:
    assert trips.run().outcomes == {"passed": 2, "failed": 1}
    alone = trips.run("--lf", "--toolmatch-report=report.json")
    assert alone.outcomes["failed"] == 1
    assert judged(alone.report) == ["oslo"]
    assert trips.run("--ff").outcomes == {"passed": 2, "failed": 1}


def test_stepwise_stops_and_goes_on_where_it_stopped(trips: Project) -> None:
    assert trips.run("--sw").outcomes == {"passed": 1, "failed": 1}
    assert trips.run("--sw").outcomes == {"failed": 1, "deselected": 1}


def test_a_run_that_stops_at_the_first_failure_reports_what_it_has(trips: Project) -> None:
    run = trips.run("-x", "--toolmatch-report=report.json")
    assert (run.exit, run.outcomes) == (1, {"passed": 1, "failed": 1})
    assert judged(run.report) == ["oslo", "rome"]
    assert run.report["suites"]["trips"]["terms"]["partial"]


def test_all_cases_are_no_part(trips: Project) -> None:
    run = trips.run("--toolmatch-report=report.json")
    assert not run.report["suites"]["trips"]["terms"]["partial"]
    assert not run.report["interrupted"]


def test_collecting_needs_no_recording(bare: Project) -> None:
    run = bare.run("--co", "-q")
    assert run.exit == 0
    assert len([line for line in run.result.outlines if "::" in line]) == 3


def test_planning_needs_no_recording(bare: Project) -> None:
    assert bare.run("--setup-plan").exit == 0


@pytest.mark.parametrize("option", ["--setup-only", "--setup-show"])
def test_showing_setups_is_fine(trips: Project, option: str) -> None:
    run = trips.run(option)
    assert run.exit == (option == "--setup-show")


def test_a_rerun_gives_the_same_verdict_and_counts_once(trips: Project) -> None:
    run = trips.run("--reruns", "2", "--toolmatch-report=report.json", "--junit-xml=junit.xml")
    assert (run.exit, run.outcomes) == (1, {"passed": 2, "failed": 1, "rerun": 2})
    assert judged(run.report) == ["bodo", "oslo", "rome"]
    case = next(one for one in run.junit.iter("testcase") if "oslo" in str(one.get("name")))
    names = [one.get("name") for one in case.iter("property")]
    assert len(names) == len(set(names)) > 1


def test_the_order_of_the_tests_has_no_say(trips: Project) -> None:
    conftest = "def pytest_collection_modifyitems(items):\n    items.reverse()\n"
    forward = trips.run("--toolmatch-report=report.json").report
    backward = trips.with_file("conftest.py", conftest).run("--toolmatch-report=report.json").report
    assert forward == backward


@pytest.mark.parametrize(
    "off", ["no:cacheprovider", "no:terminal", "no:xdist", "no:junitxml", "no:warnings", "no:logging"]
)
def test_other_plugins_may_be_off(trips: Project, off: str) -> None:
    run = trips.with_ini(filterwarnings=None, strict=None).run("-p", off, "--toolmatch-report=report.json")
    assert run.exit == 1
    assert judged(run.report) == ["bodo", "oslo", "rome"]


def test_a_path_after_the_flag_is_a_path(trips: Project) -> None:
    name = next(name for name in trips.files if not name.endswith(".jsonl"))
    assert trips.with_file("test_other.py", "def test_other(): ...").run(name).outcomes == {"passed": 2, "failed": 1}
