"""A run that is stopped from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

ROME = "search(to='FCO')"
STOPPED = """
def test_trips(toolmatch, query):
    verdict = toolmatch(query)
    if query.id == "c":
        raise KeyboardInterrupt
    assert verdict
"""


def test_a_stopped_run_writes_what_it_has_and_fails_no_gate(project: Project) -> None:
    for name in "abcd":
        project = project.with_case(name, [ROME] * 4, [ROME] * 4)
    project = project.with_ini(toolmatch_gates=["chain_match >= 0.999", "retries < 0"]).as_python(STOPPED)
    run = project.run_apart("--toolmatch-report=report.json")
    assert run.exit == 2
    assert "KeyboardInterrupt" in run.text
    assert "gate" not in run.last_line
    report = run.report
    assert report["interrupted"]
    assert [case["case"] for case in report["suites"]["trips"]["cases"]] == ["a", "b"]
    assert report["suites"]["trips"]["terms"]["partial"]
    assert all(gate["partial"] for gate in report["suites"]["trips"]["gates"])


def test_a_run_that_a_test_ends_writes_what_it_has(project: Project) -> None:
    for name in "abc":
        project = project.with_case(name, [ROME] * 4, [ROME] * 4)
    tests = STOPPED.replace("raise KeyboardInterrupt", 'pytest.exit("enough", returncode=7)')
    run = project.as_python(tests).run("--toolmatch-report=report.json")
    assert run.exit == 7
    assert [case["case"] for case in run.report["suites"]["trips"]["cases"]] == ["a", "b"]
    assert run.report["suites"]["trips"]["terms"]["partial"]
