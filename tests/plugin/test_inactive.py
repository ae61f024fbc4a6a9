"""Runs that did not ask for us: nothing is printed, nothing is imported, nothing breaks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

ROME = "search(to='FCO')"
OTHER = "def test_other():\n    assert True\n"


@pytest.fixture
def plain(project: Project) -> Project:
    """A project that merely has us installed."""
    return project.with_ini(toolmatch_teacher=None, toolmatch_student=None).with_file("test_other.py", OTHER)


@pytest.fixture(params=["python", "yaml"])
def trips(project: Project, request: pytest.FixtureRequest) -> Project:
    project = project.with_case("rome", [ROME], [ROME])
    return project.as_yaml() if request.param == "yaml" else project.as_python()


@pytest.mark.parametrize(
    ("body", "code"),
    [(OTHER, 0), ("def test_other():\n    assert False", 1), ("", 5), ("raise LookupError", 2)],
)
def test_nothing_of_ours_is_printed_and_the_exit_status_is_as_before(plain: Project, body: str, code: int) -> None:
    run = plain.with_file("test_other.py", body).run(toolmatch=False)
    assert run.exit == code
    named = [line for line in run.text.splitlines() if "toolmatch" in line and not line.startswith("plugins: ")]
    assert named == []


def test_nothing_of_ours_is_printed_where_there_is_nothing_of_ours(plain: Project) -> None:
    run = plain.run("--toolmatch-teacher=big", "--toolmatch-student=small")
    assert (run.exit, run.outcomes) == (0, {"passed": 1})
    assert "- toolmatch -" not in run.text
    assert "= toolmatch =" not in run.text


@pytest.mark.parametrize("option", ["--toolmatch-baseline=b.json", "--toolmatch-samples=0", "--toolmatch-teacher=big"])
def test_an_option_without_the_flag_is_no_silent_success(trips: Project, option: str) -> None:
    run = trips.run(option, toolmatch=False)
    assert run.exit == pytest.ExitCode.USAGE_ERROR
    assert run.refusal == f"{option.split('=', maxsplit=1)[0]}: without --toolmatch, nothing is judged; add it"


def test_tests_are_skipped_with_a_reason(trips: Project) -> None:
    run = trips.with_file("test_other.py", OTHER).run("-rs", toolmatch=False)
    assert (run.exit, run.outcomes) == (0, {"passed": 1, "skipped": 1})
    assert "needs --toolmatch" in run.text


def test_a_skipped_test_makes_none_of_its_fixtures(project: Project) -> None:
    head = """
import pytest
from pytest_toolmatch import queries
query = queries(["To Rome"])

@pytest.fixture(scope="session")
def tools():
    raise LookupError("not to be made")
"""
    run = project.as_python(head=head).run(toolmatch=False)
    assert (run.exit, run.outcomes) == (0, {"skipped": 1})


@pytest.mark.parametrize(
    "args", [["-W", "error"], ["-p", "no:terminal"], ["-p", "no:cacheprovider"], ["--strict"], ["-s"]]
)
def test_every_kind_of_run_goes_as_before(plain: Project, trips: Project, args: list[str]) -> None:
    assert plain.with_file("test_other.py", OTHER).run(*args, toolmatch=False).exit == 0
    assert trips.run(*args, toolmatch=False).exit == 0


@pytest.mark.parametrize("args", [["-W", "error"], ["-p", "no:cacheprovider"], ["--strict"], ["-s"], ["-q"], ["-vv"]])
def test_every_kind_of_run_goes_with_us_too(trips: Project, args: list[str]) -> None:
    assert trips.run(*args).exit == 0


def test_the_plugin_can_be_switched_off(plain: Project) -> None:
    run = plain.with_ini(toolmatch_teacher=None).run("-p", "no:toolmatch", toolmatch=False)
    assert (run.exit, run.outcomes) == (0, {"passed": 1})


def test_a_suite_file_of_a_switched_off_plugin_is_no_test(plain: Project) -> None:
    project = plain.with_case("rome", [ROME], [ROME]).as_yaml()
    assert project.run("-p", "no:toolmatch", toolmatch=False).outcomes == {"passed": 1}


def test_a_run_imports_no_more_than_the_plugin_itself(plain: Project) -> None:
    probe = """
import sys

def test_other():
    ours = {name for name in sys.modules if name.startswith("pytest_toolmatch")}
    assert ours == {"pytest_toolmatch", "pytest_toolmatch.plugin"}
    assert not {"msgspec", "yaml", "tabulate", "jsonschema_rs"} & set(sys.modules)
"""
    path = plain.with_file("test_other.py", probe).write()
    result = plain.pytester.run(sys.executable, "-m", "pytest", path, "-p", "no:hypothesispytest")
    assert result.ret == 0, result.stdout.str()


def test_help_names_our_options(plain: Project) -> None:
    run = plain.run("--help", toolmatch=False)
    assert run.exit == 0
    for word in ("tool-calling agreement:", "--toolmatch-student=MODEL", "toolmatch_gates (linelist):"):
        assert word in run.text


def test_the_marker_is_registered(plain: Project) -> None:
    assert "@pytest.mark.toolmatch(" in plain.run("--markers", toolmatch=False).text
