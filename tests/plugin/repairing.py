"""A simulated desk whose student fails, as a suite file or as a test module; see ``tests.repair.desk``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.repair.desk import TOOLS, Desk, cases

if TYPE_CHECKING:
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
