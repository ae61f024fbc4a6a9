"""Gates decide the exit status of a whole run, and of nothing less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

ROME, OSLO = "search(to='FCO')", "search(to='OSL')"
GOOD, BAD = [ROME] * 8, [OSLO] * 8


@pytest.fixture
def trips(project: Project) -> Project:
    """Six cases, one of them bad; a case that diverges is no failure, so that only gates decide."""
    for name in "abcde":
        project = project.with_case(name, GOOD, GOOD, tags=["good"])
    project = project.with_case("f", GOOD, [OSLO + " > book(id=7)"] * 8, tags=["bad"])
    return project.with_ini(toolmatch_divergence="xfail")


def states(report: dict[str, Any]) -> dict[str, str]:
    return {gate["expression"]: gate["state"] for gate in report["suites"]["trips"]["gates"]}


HOLDS, FAILS, UNDECIDED = "chain_match >= 0.5", "chain_match >= 0.99", "chain_match >= 0.85"


@pytest.mark.parametrize(
    ("gates", "code", "counted"),
    [
        ([HOLDS], 0, ""),
        ([FAILS], 1, ", 1 gate failed in"),
        ([UNDECIDED], 1, ", 1 gate undecided in"),
        ([HOLDS, FAILS, UNDECIDED, "retries < 0"], 1, ", 2 gates failed, 1 gate undecided in"),
    ],
)
def test_gates_decide_the_exit_status_and_stand_in_the_last_line(
    trips: Project, gates: list[str], code: int, counted: str
) -> None:
    run = trips.as_yaml(gates=gates).run()
    assert run.exit == code
    assert run.last_line.startswith("5 passed, 1 xfailed")
    assert counted in run.last_line
    assert ("gate" in run.last_line) == bool(counted)


def test_what_became_of_gates_is_shown_with_their_intervals(trips: Project) -> None:
    run = trips.as_yaml(gates=[HOLDS, FAILS, UNDECIDED]).run("--toolmatch-report=report.json")
    assert states(run.report) == {HOLDS: "holds", FAILS: "fails", UNDECIDED: "undecided"}
    run.result.stdout.fnmatch_lines(
        [
            "gate *chain_match >= 0.5 *0.83 *ok",
            "gate *chain_match >= 0.99 *0.83 *FAILED",
            "gate *chain_match >= 0.85 *0.83 *UNDECIDED*",
        ]
    )
    for gate in run.report["suites"]["trips"]["gates"]:
        assert gate["value"] == pytest.approx(5 / 6)
        assert gate["low"] < gate["value"] < gate["high"]


def test_undecided_gates_pass_where_that_is_wanted(trips: Project) -> None:
    run = trips.with_ini(toolmatch_undecided="pass").as_yaml(gates=[UNDECIDED]).run()
    assert run.exit == 0
    assert "gate" not in run.last_line
    assert "UNDECIDED" in run.text


def test_gates_of_the_settings_hold_for_every_suite(trips: Project) -> None:
    run = trips.with_ini(toolmatch_gates=[FAILS]).as_yaml(gates=[HOLDS]).run("--toolmatch-report=report.json")
    assert run.exit == 1
    assert states(run.report) == {FAILS: "fails", HOLDS: "holds"}


def test_a_gate_that_is_written_twice_counts_once(trips: Project) -> None:
    run = trips.with_ini(toolmatch_gates=[FAILS, FAILS]).as_yaml(gates=[FAILS]).run()
    assert "1 gate failed" in run.last_line


def test_gates_of_a_mark_decide_too(trips: Project) -> None:
    tests = f"""
pytestmark = pytest.mark.toolmatch(gates=["{FAILS}"])
def test_trips(toolmatch, query):
    assert toolmatch(query)
"""
    run = trips.as_python(tests).run()
    assert run.exit == 1
    assert run.last_line.startswith("5 passed, 1 xfailed, 1 gate failed")


@pytest.mark.parametrize(
    ("gate", "state"),
    [
        ("chain_match[tag=good] >= 0.8", "holds"),
        ("chain_match[tag=bad] >= 0.8", "fails"),
        ("chain_match[tool=search] >= 0.5", "holds"),
        ("chain_match[tag=absent] >= 0.5", "undecided"),
        ("chain_match[tool=book] >= 0.5", "undecided"),
        ("cost <= 1", "undecided"),
    ],
)
def test_a_gate_may_look_at_some_of_the_cases(trips: Project, gate: str, state: str) -> None:
    run = trips.as_yaml(gates=[gate]).run("--toolmatch-report=report.json")
    assert states(run.report) == {gate: state}
    assert run.exit == (state != "holds")


@pytest.mark.parametrize(
    "args",
    [
        ["-k", "f"],
        ["-m", "not xfail", "-k", "bad"],
        ["trips.toolmatch.yaml::f"],
        ["trips.toolmatch.yaml::a", "trips.toolmatch.yaml::f"],
        ["--deselect", "trips.toolmatch.yaml::a"],
    ],
)
def test_a_run_of_some_cases_never_fails_a_gate(trips: Project, args: list[str]) -> None:
    run = trips.as_yaml(gates=[FAILS]).run(*args, "--toolmatch-report=report.json")
    assert run.exit == 0
    assert "gate" not in run.last_line
    (gate,) = run.report["suites"]["trips"]["gates"]
    assert gate["partial"]


def test_a_run_that_stops_early_fails_no_gate(trips: Project) -> None:
    project = trips.with_ini(toolmatch_divergence="fail").with_case("g", GOOD, GOOD).as_yaml(gates=[FAILS])
    run = project.run("-x", "--toolmatch-report=report.json")
    assert run.exit == 1
    assert run.last_line.startswith("1 failed, 5 passed in")
    assert run.report["suites"]["trips"]["gates"][0]["partial"]
    assert "gate" not in project.run("--maxfail=1").last_line


def test_running_the_failed_ones_again_fails_no_gate(trips: Project) -> None:
    project = trips.with_ini(toolmatch_divergence="fail").as_yaml(gates=[FAILS])
    assert "1 gate failed" in project.run().last_line
    run = project.run("--lf")
    assert (run.exit, run.outcomes) == (1, {"failed": 1})


def test_a_plugin_that_drops_tests_silently_fails_no_gate(trips: Project) -> None:
    conftest = "def pytest_collection_modifyitems(items):\n    items[:] = items[::2]\n"
    run = trips.as_yaml(gates=["retries < 0"]).with_file("conftest.py", conftest).run()
    assert (run.exit, run.outcomes) == (0, {"passed": 3})


def test_a_case_without_samples_makes_the_run_partial_and_fails_it_by_itself(trips: Project) -> None:
    run = trips.with_case("g", GOOD, ["!503"]).as_yaml(gates=[FAILS]).run("--toolmatch-report=report.json")
    assert run.exit == 1
    assert run.outcomes["errors"] == 1


def test_a_suite_whose_cases_are_all_skipped_by_hand_is_no_judged_suite(trips: Project) -> None:
    tests = (
        f"pytestmark = [pytest.mark.skip, pytest.mark.toolmatch(gates=['{FAILS}'])]\ndef test_a(toolmatch, query): ..."
    )
    run = trips.as_python(tests).run()
    assert (run.exit, run.outcomes) == (0, {"skipped": 6})


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_case_that_is_skipped_by_hand_leaves_the_gate_to_the_others(trips: Project, workers: tuple[str, ...]) -> None:
    conftest = (
        "import pytest\ndef pytest_collection_modifyitems(items):\n"
        "    items[0].add_marker(pytest.mark.skip(reason='known'))\n"
    )
    run = (
        trips.as_yaml(gates=[FAILS]).with_file("conftest.py", conftest).run(*workers, "--toolmatch-report=report.json")
    )
    assert run.exit == 1
    assert "1 gate failed" in run.last_line
    assert states(run.report) == {FAILS: "fails"}


def test_ambiguous_cases_can_be_bounded(project: Project) -> None:
    for name in "abcd":
        project = project.with_case(name, [ROME, OSLO, "book(id=7)"] * 2, [ROME] * 4)
    run = project.as_yaml(gates=["ambiguous <= 0.1"]).run()
    assert run.exit == 1
    assert run.last_line.startswith("4 skipped, 1 gate failed")


@pytest.mark.parametrize("samples", ["", "auto:4-40"])
@pytest.mark.parametrize(
    ("teacher", "student", "reason"),
    [
        ([ROME], [ROME], "the samples can't tell yet: about * more of the student would"),
        ([ROME, OSLO, "book(id=7)", ""], [ROME] * 4, "the teacher has no consensus in any of these cases"),
        (["!503"] * 3, ["!503"] * 3, "no case has a valid sample of both models"),
        ([ROME] * 4, ["!503"] * 4, "no case has a valid sample of both models"),
    ],
    ids=["one draw of one case", "all ambiguous", "all infrastructure", "no student"],
)
def test_what_can_decide_nothing_never_passes(
    project: Project, teacher: list[str], student: list[str], reason: str, samples: str
) -> None:
    project = project.with_case("a", teacher, student).with_ini(toolmatch_samples=samples or None)
    run = project.as_yaml(gates=["chain_match >= 0.5"]).run()
    assert run.exit == 1
    assert "1 gate undecided" in run.last_line
    run.result.stdout.fnmatch_lines(["gate *UNDECIDED", f"*{reason}*"])


def test_a_teacher_of_one_draw_can_be_as_good_as_nobody(project: Project) -> None:
    run = project.with_case("a", [ROME], [ROME] * 8).as_yaml(gates=["as_good_as_teacher = 0.05"]).run()
    assert run.exit == 1
    assert "one sample of the teacher per case: how often it agrees with itself is unknown" in run.text


def test_a_student_as_good_as_its_teacher_may_be_deployed(project: Project) -> None:
    for name in "abcdefgh":
        project = project.with_case(name, [ROME] * 10, [ROME] * 10)
    project = project.as_yaml(gates=["as_good_as_teacher = 0.05", "relative_match >= 0.90"])
    run = project.run("--toolmatch-report=report.json")
    assert run.exit == 0
    assert states(run.report) == {"as_good_as_teacher = 0.05": "holds", "relative_match >= 0.90": "holds"}
    run.result.stdout.fnmatch_lines(["gate *as_good_as_teacher = 0.05 *0.00 *-0.0* to +0.0* *ok"])


def test_gates_are_decided_without_a_terminal(trips: Project) -> None:
    run = trips.as_yaml(gates=[FAILS]).run("-p", "no:terminal", "--toolmatch-report=report.json")
    assert run.exit == 1
    assert states(run.report) == {FAILS: "fails"}


def test_gates_are_decided_where_other_plugins_read_every_report(trips: Project) -> None:
    run = trips.as_yaml(gates=[FAILS]).run(
        "-ra", "--durations=0", "--hypothesis-show-statistics", "--junit-xml=junit.xml"
    )
    assert run.exit == 1
    assert "1 gate failed" in run.last_line
