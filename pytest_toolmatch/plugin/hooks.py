"""The hooks of a run that is ours; registered only then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.errors import ToolmatchError, ToolmatchWarning
from pytest_toolmatch.judging.metrics import METRICS
from pytest_toolmatch.judging.verdict import CaseResult
from pytest_toolmatch.plugin.fixture import CURRENT, Toolmatch, suite_of_marks
from pytest_toolmatch.plugin.run import RUN, Run
from pytest_toolmatch.plugin.verdicts import VERDICTS, require_samples
from pytest_toolmatch.plugin.yaml_suite import CaseItem
from pytest_toolmatch.reports.chaindiff import case_lines

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from pytest_toolmatch.core.suite import Suite


def pytest_report_header(config: pytest.Config) -> str:
    """Name the models and the mode."""
    settings = config.stash[RUN].settings
    return f"toolmatch: teacher {settings.teacher or '–'}, student {settings.student or '–'}, {settings.mode}"


def suite_of_item(item: pytest.Item) -> Suite | None:
    """Return the suite of a test as far as collection knows it; None for a test that is not ours."""
    if isinstance(item, CaseItem):
        return item.parent.suite
    if "toolmatch" in getattr(item, "fixturenames", ()):
        return suite_of_marks(item.iter_markers("toolmatch"), item.path)
    return None


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Note which suites do not run whole."""
    for item in items:
        _declare(item, partial=True)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Check every suite that is about to run, once, before any test: a wrong model is no matter for each case."""
    config = session.config
    run = config.stash[RUN]
    whole = not any("::" in argument for argument in config.args)
    suites: dict[str, Suite] = {}
    for item in session.items:
        suite = _declare(item, partial=not whole)
        if suite is not None:
            suites.setdefault(suite.name, suite)
            run.declared[suite.name].expected += 1
    if run.is_worker or config.option.collectonly or config.getoption("setupplan", default=False):
        return
    faults = [fault for suite in suites.values() if (fault := _fault(run, suite))]
    if faults:
        raise pytest.UsageError(*dict.fromkeys(faults))


def _declare(item: pytest.Item, *, partial: bool) -> Suite | None:
    try:
        suite = suite_of_item(item)
    except ToolmatchError as error:
        raise pytest.UsageError(str(error)) from None
    if suite is not None:
        item.config.stash[RUN].declare(suite.name, partial=partial)
    return suite


def _fault(run: Run, suite: Suite) -> str:
    try:
        run.suite(suite)
    except ToolmatchError as error:
        return str(error)
    return ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Have the samples of a test's case ready when its fixtures are: trouble with them is an error at setup."""
    item.config.stash[CURRENT] = item
    item.stash[VERDICTS] = []
    yield
    fixture = getattr(item, "funcargs", {}).get("toolmatch")
    if not isinstance(fixture, Toolmatch) or item.config.getoption("setuponly", default=False):
        return
    params = item.callspec.params.values() if hasattr(item, "callspec") else ()
    for case in [param for param in params if isinstance(param, Case)]:
        try:
            run = fixture.suite_run(item)
        except ToolmatchError as error:
            pytest.fail(str(error), pytrace=False)
        require_samples(item, run, case)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Hand the metrics to JUnit, and warn of a verdict that nobody looked at."""
    try:
        yield
    finally:
        for verdict in item.stash[VERDICTS]:
            item.user_properties += _properties(verdict.result)
    for verdict in item.stash[VERDICTS]:
        if not verdict.consulted:
            item.warn(ToolmatchWarning(f"{verdict.result.case} was never asserted; write: assert toolmatch(…)"))


def _properties(result: CaseResult) -> list[tuple[str, object]]:
    values = {name: result.value(name) for name in METRICS}
    numbers = [(f"toolmatch.{name}", round(value, 4)) for name, value in values.items() if value is not None]
    return [("toolmatch.state", result.state), *numbers]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let the chains ride on a failing report, and the results on the last report of each test."""
    report = yield
    verdicts = item.stash.get(VERDICTS, [])
    add_section = getattr(report.longrepr, "addsection", None)
    if call.when == "call" and report.failed and add_section is not None:
        for verdict in verdicts:
            if verdict.result.state != "agrees":
                add_section("toolmatch", _diff(item, verdict.result))
    if call.when == "teardown" and verdicts:
        run = item.config.stash[RUN]
        results = [verdict.result for verdict in verdicts]
        if run.is_worker:
            report.toolmatch = msgspec.to_builtins(results)  # type: ignore[attr-defined]
        else:
            run.add(item.nodeid, results)
    return report


def _diff(item: pytest.Item, result: CaseResult) -> str:
    settings = item.config.stash[RUN].settings
    lines = case_lines(
        msgspec.structs.replace(result, nodeid=item.nodeid),
        teacher=settings.teacher,
        student=settings.student,
        verbose=item.config.get_verbosity() > 1,
    )
    return "\n".join(line.text for line in lines)
