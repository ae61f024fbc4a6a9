"""Gates in a JUnit file: a test case each, so that a build server shows which one failed, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_toolmatch.reports.figures import gate_text
from pytest_toolmatch.reports.lines import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_toolmatch.judging.gate import GateResult


def tell_junit(config: pytest.Config, gates: Iterable[tuple[str, GateResult, bool]]) -> None:
    """Add gates to the JUnit file, if one is written: the name of their suite, what they came to, and if they object.

    Only the file is told: as reports of tests, gates would be counted among the tests everywhere.
    """
    files = [plugin for plugin in config.pluginmanager.get_plugins() if type(plugin).__name__ == "LogXML"]
    for suite, gate, objects in gates if files else ():
        for file in files:
            for when in ("call", "teardown"):
                file.pytest_runtest_logreport(_report(suite, gate, when, objects=objects))


def _report(suite: str, gate: GateResult, when: Any, *, objects: bool) -> pytest.TestReport:
    nodeid, text = clean(f"toolmatch/{suite}::{gate.expression}"), clean(gate_text(gate))
    outcome: Any = "passed"
    longrepr: Any = None
    if when == "call" and objects:
        outcome, longrepr = "failed", text
    elif when == "call" and (gate.partial or gate.state != "holds"):
        outcome, longrepr = "skipped", (suite, 0, "not all cases ran" if gate.partial else text)
    return pytest.TestReport(
        nodeid=nodeid,
        location=(suite, None, gate.expression),
        keywords={},
        outcome=outcome,
        longrepr=longrepr,
        when=when,
        user_properties=_properties(gate) if when == "teardown" else [],
    )


def _properties(gate: GateResult) -> list[tuple[str, object]]:
    known = {"state": gate.state, "value": gate.value, "low": gate.low, "high": gate.high, "draws": gate.draws}
    return [
        (f"toolmatch.{name}", round(value, 4) if isinstance(value, float) else value)
        for name, value in known.items()
        if value is not None
    ]
