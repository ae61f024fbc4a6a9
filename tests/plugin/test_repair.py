"""``--toolmatch-repair``: suites that failed are repaired when their tests are over, with simulated models."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.repair.desk import TOOLS, Desk, cases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.plugin.conftest import Project, Ran

HEAD = """
import json
from pathlib import Path
import pytest
from pytest_toolmatch import queries

@pytest.fixture(scope="module")
def tools():
    return json.loads(Path(__file__).with_name("desk.tools.json").read_text())

query = queries("desk.cases.jsonl")
"""
ASSERTED = """
def test_desk(toolmatch, query):
    assert toolmatch(query)
"""
SUITE = "instructions: You help.  # short\ntools: desk.tools.json\n{}cases: desk.cases.jsonl\n"
REPORT = "--toolmatch-report=report.json"


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk(useful=1.0) as running:
        yield running


def made(project: Project, desk: Desk, form: str = "yaml", more: str = "", **ini: Any) -> Project:
    """Return the desk's suite, as a suite file or as a test module."""
    models = {f"toolmatch_{role}": desk.model(role) for role in ("teacher", "student")}
    files = {
        "desk.tools.json": json.dumps(TOOLS),
        "desk.cases.jsonl": "".join(json.dumps(one) + "\n" for one in cases()),
        **({"desk.toolmatch.yaml": SUITE.format(more)} if form == "yaml" else {"test_desk.py": HEAD + more + ASSERTED}),
    }
    for name, content in files.items():
        project = project.with_file(name, content)
    ini = {"toolmatch_samples": 2, "toolmatch_undecided_case": "fail", **ini}
    return project.with_ini(**models, **ini)


def recorded(project: Project, desk: Desk, form: str = "yaml", more: str = "", **ini: Any) -> Project:
    """Return the desk's suite with recordings, which fail."""
    suite = made(project, desk, form, more, **ini)
    assert suite.record("-q").exit in (0, 1)
    return suite


def left_over(run: Ran) -> set[str]:
    """Return the files that a run has left, but for caches."""
    found = (path.relative_to(run.path) for path in run.path.rglob("*") if path.is_file())
    return {str(path) for path in found if not {"__pycache__", ".pytest_cache", ".repair"} & set(path.parts)}


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
def test_nothing_is_repaired(project: Project, desk: Desk, how: str) -> None:
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
