"""``--toolmatch-repair``: suites that failed are repaired when their tests are over, with simulated models."""

from __future__ import annotations

import _thread
import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_toolmatch.cli import main
from tests.plugin.repairing import ASSERTED, HEAD, REPORT, SUITE, left_over, made, recorded
from tests.repair.desk import Desk, cases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.plugin.conftest import Project


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk(useful=1.0) as running:
        yield running


@pytest.mark.parametrize("mode", ["replay", "record"])
def test_a_failing_suite_is_handed_back_as_a_patch(project: Project, desk: Desk, mode: str) -> None:
    suite = recorded(project, desk)
    plain = suite.run(REPORT)
    calls, before = desk.calls.total(), left_over(plain)
    run = suite.run(f"--toolmatch-mode={mode}", "--toolmatch-repair", REPORT, toolmatch=False)
    assert (plain.exit, run.exit) == (1, 1)
    assert run.outcomes == plain.outcomes
    assert desk.calls.total() > calls
    assert (
        run.text.index("= toolmatch =") < run.text.index("= toolmatch repair =") < run.text.index("short test summary")
    )
    assert "desk: 30 cases: 12 to train on, 6 to choose by, 12 to test on" in run.text
    assert "accepted: 0.17 → 1.00" in run.text
    assert "\n+student:\n" in run.text
    assert left_over(run) - before == {"desk.repair.patch"}
    assert (run.path / "desk.toolmatch.yaml").read_text() == SUITE.format("")
    assert "\napply it:    git apply desk.repair.patch\n" in run.text
    assert "\nthen record: pytest desk.toolmatch.yaml --toolmatch-mode=record\n" in run.text

    found = run.report["repairs"]["desk"]
    assert found["accepted"]
    assert (found["before"]["value"], found["after"]["value"]) == (pytest.approx(1 / 6), 1)
    assert found["before"]["cases"][0] < 1 / 6 < found["before"]["cases"][1] < found["after"]["cases"][0]
    assert found["difference"]["n"] == 12
    assert found["p"] < 0.05
    assert found["changed"]
    assert len(found["fixed"]) == 10
    assert found["calls"] > 100
    assert found["written"].endswith("desk.repair.patch")
    assert run.report["suites"] == plain.report["suites"] or mode == "record"

    assert subprocess.run(["git", "apply", "desk.repair.patch"], cwd=run.path, check=False).returncode == 0
    assert (
        "YYYY" in (run.path / "desk.toolmatch.yaml").read_text()
        or "unpacked" in (run.path / "desk.toolmatch.yaml").read_text()
    )


def test_the_patched_suite_passes(project: Project, desk: Desk) -> None:
    run = recorded(project, desk).run("--toolmatch-repair")
    subprocess.run(["git", "apply", "desk.repair.patch"], cwd=run.path, check=True)
    patched = project.pytester.runpytest_inprocess("--toolmatch-mode=record")
    assert patched.ret == 0
    assert "student: told " in patched.stdout.str()


@pytest.mark.parametrize("how", ["without the flag", "a suite that passed", "only the ini file"])
def test_nothing_is_repaired(project: Project, how: str) -> None:
    ini = {"toolmatch_repair": ["rollouts = 100"]} if how == "only the ini file" else {}
    faults: dict[str, Any] = {"faults": ()} if how == "a suite that passed" else {}
    with Desk(**faults) as other:
        suite = recorded(project, other, **ini)
        calls = other.calls.total()
        run = suite.run(*(["--toolmatch-repair"] if how == "a suite that passed" else []), REPORT)
        assert other.calls.total() == calls
    assert run.exit == (0 if how == "a suite that passed" else 1)
    assert "toolmatch repair" not in run.text
    assert run.report["repairs"] == {}
    assert not (run.path / ".repair").exists()


@pytest.mark.parametrize(
    ("more", "repaired"),
    [
        ('divergence: xfail\ngates: ["chain_match >= 0.1"]\n', False),
        ('divergence: xfail\ngates: ["chain_match >= 0.9"]\n', True),
        ("divergence: xfail\n", False),
    ],
)
def test_where_only_gates_decide_they_say_what_failed(project: Project, desk: Desk, more: str, repaired: bool) -> None:
    run = recorded(project, desk, more=more, toolmatch_undecided_case="skip").run("--toolmatch-repair", REPORT)
    assert run.exit == repaired
    assert list(run.report["repairs"]) == ["desk"] * repaired


def test_of_several_suites_those_that_failed_are_repaired(project: Project, desk: Desk) -> None:
    two = made(project, desk).with_file("fine.toolmatch.yaml", SUITE.format("student: {instructions: always}\n"))
    fine = [one for one in cases() if "wonder" in one["query"]]
    two = two.with_file(
        "fine.toolmatch.yaml", f"tools: desk.tools.json\nstudent: {{instructions: always}}\ncases: {json.dumps(fine)}\n"
    )
    two.record("-q")
    run = two.run("--toolmatch-repair", REPORT)
    assert set(run.report["suites"]) == {"desk", "fine"}
    assert list(run.report["repairs"]) == ["desk"]


def test_a_test_that_fails_for_other_reasons_is_no_failure_of_its_suite(project: Project) -> None:
    with Desk(faults=()) as other:
        suite = recorded(project, other, "python").with_file("test_desk.py", HEAD + ASSERTED + "    assert not query\n")
        run = suite.run("--toolmatch-repair")
    assert run.exit == 1
    assert "toolmatch repair" not in run.text


def test_a_python_suite_is_handed_back_as_a_file_for_its_mark(project: Project, desk: Desk) -> None:
    suite = recorded(project, desk, "python")
    run = suite.run("--toolmatch-repair", REPORT, "-k", "oslo or rome or bern or lima or cairo")
    assert run.exit == 1
    assert run.report["repairs"]["desk"]["written"].endswith("desk.student.yaml")
    assert 'use it:      pytestmark = pytest.mark.toolmatch(student="desk.student.yaml")  in test_desk.py' in run.text
    mark = 'pytestmark = pytest.mark.toolmatch(student="desk.student.yaml")\n'
    marked = project.pytester.path / "test_desk.py"
    marked.write_text(HEAD + mark + ASSERTED)
    again = project.pytester.runpytest_inprocess("--toolmatch-mode=record")
    assert again.ret == 0
    assert "student: told " in again.stdout.str()


def test_under_xdist_the_controller_repairs_suite_files(project: Project, desk: Desk) -> None:
    suite = recorded(project, desk)
    run = suite.run_apart("-n2", "--toolmatch-repair", REPORT)
    assert run.exit == 1
    assert run.text.count("= toolmatch repair =") == 1
    assert run.report["repairs"]["desk"]["accepted"]
    assert (run.path / "desk.repair.patch").exists()


def test_under_xdist_a_python_suite_says_what_to_do(project: Project, desk: Desk) -> None:
    run = recorded(project, desk, "python").run_apart("-n2", "--toolmatch-repair", REPORT)
    assert run.exit == 1
    assert "its tools are known where its tests run; leave pytest-xdist out with -n 0" in run.text
    assert "not repaired" in run.text


def test_only_what_may_be_touched_is_changed(project: Project, desk: Desk) -> None:
    lines = ["touch = tool:*", "freeze = tool:cancel, tool:track*", "draws = 1", "test_draws = 2"]
    run = recorded(project, desk, toolmatch_repair=lines).run("--toolmatch-repair", REPORT)
    assert set(run.report["repairs"]["desk"]["changed"]) <= {"tool:book", "tool:book:day", "tool:book:to"}


def test_all_repairs_and_the_run_share_its_budget(project: Project, desk: Desk) -> None:
    suite = made(project, desk, toolmatch_budget="700calls")
    suite = suite.with_file("other.toolmatch.yaml", SUITE.format(""))
    run = suite.record("--toolmatch-repair", REPORT)
    assert run.exit == 1
    assert set(run.report["repairs"]) == {"desk", "other"}
    assert desk.calls.total() <= 700
    assert run.report["repairs"]["other"]["calls"] <= 700 - run.report["spent"]["calls"]


def test_ctrl_c_keeps_what_is_drawn_and_the_status_of_the_tests(project: Project) -> None:
    stop: list[int] = []

    def fault(number: int, _: Any) -> None:
        if stop and number >= stop[0]:
            stop.clear()
            _thread.interrupt_main()

    with Desk(useful=1.0, fault=fault) as desk:
        suite = recorded(project, desk)
        suite = suite.with_file("other.toolmatch.yaml", SUITE.format(""))
        suite.record("-q")
        stop.append(desk.calls.total() + 80)
        run = suite.run("--toolmatch-repair", REPORT)
        assert run.exit == 1
        assert "desk: interrupted: what was drawn is kept, and the same command goes on from there" in run.text
        assert {name: one["why"] for name, one in run.report["repairs"].items()} == {"desk": "interrupted"}
        before = desk.calls.total()
        assert "accepted: 0.17 → 1.00" in suite.run("--toolmatch-repair", REPORT).text
        assert (run.path / ".repair/desk/local-student.jsonl").exists()
        whole = json.loads((run.path / "report.json").read_text())["repairs"]["other"]["calls"]
        assert desk.calls.total() - before < 2 * whole - 40


def test_an_interrupted_run_repairs_nothing(project: Project, desk: Desk) -> None:
    stopping = "\ndef test_desk(toolmatch, query):\n    if query.id == 'rome': raise KeyboardInterrupt\n"
    tests = f"{HEAD}{stopping}    assert toolmatch(query)\n"
    suite = recorded(project, desk, "python").with_file("test_desk.py", tests)
    calls = desk.calls.total()
    run = suite.run_apart("--toolmatch-repair", REPORT)
    assert run.exit == 2
    assert desk.calls.total() == calls
    assert "= toolmatch repair =" not in run.text


def test_a_student_that_nothing_mends_is_left_alone(project: Project) -> None:
    with Desk(useful=0.0) as other:
        run = recorded(project, other).run("--toolmatch-repair", REPORT)
    assert run.exit == 1
    assert "desk: nothing that was tried helps; the suite is as it was" in run.text
    found = run.report["repairs"]["desk"]
    assert (found["accepted"], found["why"], found["after"]) == (False, "nothing that was tried helps", None)
    assert "desk.repair.patch" not in left_over(run)
    subprocess.run(["git", "init", "-q"], cwd=run.path, check=True)
    status = subprocess.run(["git", "status", "--short"], cwd=run.path, check=True, capture_output=True).stdout
    assert b".repair" not in status


def test_a_repair_that_is_not_borne_out_is_rejected(project: Project, desk: Desk) -> None:
    settings = {"toolmatch_repair": ["touch = tool:*", "freeze = tool:book:*"]}
    run = recorded(project, desk, **settings).run("--toolmatch-repair", REPORT)
    found = run.report["repairs"]["desk"]
    assert not found["accepted"]
    assert found["why"] == "the test part does not show that it is better"
    assert found["before"]["value"] < found["after"]["value"]
    assert found["p"] > 0.05
    assert "rejected, and the suite is as it was" in run.text
    assert "what was tried: .repair/desk/report.md" in run.text
    assert "desk.repair.patch" not in left_over(run)


def test_after_the_first_failure_the_suite_is_repaired_all_the_same(project: Project, desk: Desk) -> None:
    run = recorded(project, desk).run("--toolmatch-repair", "-x")
    assert run.exit == 1
    assert "accepted: 0.17 → 1.00" in run.text


def test_an_ascii_terminal_gets_ascii(project: Project, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}.items():
        monkeypatch.setenv(name, value)
    run = recorded(project, desk).run_apart("--toolmatch-repair")
    assert "accepted: 0.17 > 1.00" in run.text
    assert run.text.isascii()


def test_a_report_says_what_became_of_repairs(project: Project, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    run = recorded(project, desk).run("--toolmatch-repair", REPORT)
    capsys.readouterr()
    assert main(["report", str(run.path / "report.json")]) == 0
    assert "repair  desk  accepted: 0.17 → 1.00 on 12 cases that nothing was chosen by;\n" in capsys.readouterr().out


def test_an_earlier_patch_is_replaced_and_a_file_of_the_students_is_not(project: Project, desk: Desk) -> None:
    suite = recorded(project, desk, "python").with_file("desk.student.yaml", "student: {}\n")
    for _ in range(2):
        run = suite.run("--toolmatch-repair")
        assert "written: desk.repaired.student.yaml" in run.text
    assert (run.path / "desk.student.yaml").read_text() == "student: {}\n"


def test_a_suite_in_another_directory_says_how_its_patch_is_applied(project: Project, desk: Desk) -> None:
    suite = made(project, desk)
    moved = {f"deep/er/{name}" if name.startswith("desk") else name: text for name, text in suite.files.items()}
    suite = replace(suite, files={name: text.rstrip("\n") for name, text in moved.items()})
    suite.record("-q")
    run = suite.run("--toolmatch-repair")
    (line,) = [line for line in run.text.splitlines() if line.startswith("apply it:")]
    assert line.endswith("git -C deep/er apply desk.repair.patch")
    subprocess.run(line.removeprefix("apply it:").split(), cwd=run.path, check=True)
    assert "student:" in (run.path / "deep/er/desk.toolmatch.yaml").read_text()
