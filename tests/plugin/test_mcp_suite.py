"""A suite whose tools are those of a real MCP server, listed when it is collected and called while models are."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import mcp_stdio

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.plugin.conftest import Project
    from tests.servers.scripted import Scripted

pytestmark = pytest.mark.usefixtures("impatient")

TRIP = "search_flights(origin='OSL', destination='FCO') > book_flight(flight='OSL-FCO')"


def suite(*command: str, **keys: Any) -> str:
    tools = {"mcp": {"command": [sys.executable, *command], "timeout": 20}}
    return json.dumps({"tools": tools, "cases": [{"id": "rome", "query": "rome"}], **keys})


def served_by(project: Project, *more: str) -> str:
    """Return the suite file of a server that leaves its process's number beside it."""
    starter = f"""
import os, runpy, sys
from pathlib import Path
sys.path.insert(0, {str(Path(mcp_stdio.__file__).parents[2])!r})
Path("started").open("a").write(f"{{os.getpid()}}\\n")
runpy.run_path({mcp_stdio.__file__!r}, run_name="__main__")
"""
    (project.pytester.path / "start.py").write_text(starter)
    return suite("-B", "start.py", *more)


def gone(process: int) -> bool:
    end = time.monotonic() + 3
    while time.monotonic() < end:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def test_tools_of_a_server_are_called_and_the_server_is_gone_at_the_end(
    project: Project, served: Callable[..., Scripted]
) -> None:
    server = served({"big": {"*": TRIP}, "small": {"*": TRIP}})
    project = project.with_file("trips.toolmatch.yaml", served_by(project)).served_at(server.url, 3)
    run = project.record()
    assert run.outcomes == {"passed": 1}
    replies = {one.replies for one in server.asked if len(one.steps) == 2}
    assert len(replies) == 1
    found, booked = replies.pop()
    assert json.loads(found) == {"id": "OSL-FCO", "price": 89}
    assert "AssertionError" not in booked  # a tool that writes is not run: it would have failed
    started = (project.pytester.path / "started").read_text().split()
    assert len(started) == 2  # once to list its tools, once for all draws
    assert all(gone(int(process)) for process in started)
    server.stop()
    assert project.run().outcomes == {"passed": 1}


def test_a_server_that_dies_under_a_call_is_infrastructure(project: Project, served: Callable[..., Scripted]) -> None:
    server = served({"big": {"*": "die()"}, "small": {"*": "die()"}})
    project = project.with_file("trips.toolmatch.yaml", served_by(project)).served_at(server.url, 1)
    run = project.record()
    assert run.outcomes == {"errors": 1}
    assert "no valid sample of the teacher: 1 × infrastructure (MCP server `" in run.text
    assert "out of fuel" in run.text
    assert project.recording("big").by_key == {}


def test_a_server_that_does_not_start_is_an_error_of_its_suite(
    project: Project, served: Callable[..., Scripted]
) -> None:
    server = served({"big": {"*": ""}, "small": {"*": ""}})
    run = project.with_file("trips.toolmatch.yaml", served_by(project, "crash")).served_at(server.url).record()
    assert run.exit == 4
    assert "trips.toolmatch.yaml:1: MCP server `" in run.text
    assert "its stderr ends:" in run.text
    assert "no fuel" in run.text
    assert server.requests == []
