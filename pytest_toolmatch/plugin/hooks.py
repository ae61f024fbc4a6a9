"""The hooks of a run that is ours; registered only then."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, TypeGuard

import msgspec
import pytest

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.errors import ToolmatchError, ToolmatchWarning
from pytest_toolmatch.judging.verdict import CaseResult
from pytest_toolmatch.plugin import given
from pytest_toolmatch.plugin.chosen import CHOSEN, FUZZED, Fuzzed, choose
from pytest_toolmatch.plugin.fixture import CURRENT, Toolmatch, suite_of_test
from pytest_toolmatch.plugin.fuzz_tests import FuzzFunction, FuzzItem, fuzz_function
from pytest_toolmatch.plugin.fuzzer import FACED, FAILING, forget
from pytest_toolmatch.plugin.given import is_given
from pytest_toolmatch.plugin.queries import QueriesError
from pytest_toolmatch.plugin.run import ROLES, Run
from pytest_toolmatch.plugin.verdicts import PENDING, VERDICTS, fail, require_samples
from pytest_toolmatch.plugin.yaml_suite import CaseItem
from pytest_toolmatch.reports.lines import clean

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from pytest_toolmatch.core.suite import Suite


class Hooks:
    """The hooks of single tests, and of their collection."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._collected: dict[str, pytest.Item] = {}

    def pytest_report_header(self) -> str:
        """Name the models and the mode."""
        teacher, student = (self.run.settings.model(role).identity or "-" for role in ROLES)
        return clean(f"toolmatch: teacher {teacher}, student {student}, {self.run.settings.mode}")

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Note every test before anyone, such as ``--lf``, leaves some out without saying so."""
        report = yield
        report.result = [one for node in report.result or () for one in (node, *self._fuzzing(node))]
        self._collected |= {node.nodeid: node for node in report.result or () if isinstance(node, pytest.Item)}
        return report

    def pytest_exception_interact(self, call: pytest.CallInfo[object]) -> None:
        """Note a fault in what ``queries()`` was given: a usage error, like one in a suite file."""
        if call.excinfo is not None and isinstance(call.excinfo.value, QueriesError):
            self.run.faults.append(str(call.excinfo.value))

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Note which suites do not run whole."""
        with self._told_above():
            for item in items:
                self._declare(item, partial=not _is_apart(item))

    @pytest.hookimpl(tryfirst=True)  # before a worker says which tests it has
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Check every suite that is about to run, once, before any test: a wrong model is no matter for each case."""
        with self._told_above():
            self._check(session)
        if self.run.refused:
            session.items.clear()

    @contextmanager
    def _told_above(self) -> Iterator[None]:
        """Leave a worker's usage errors to the process that it works for: pytest-xdist would lose them."""
        try:
            yield
        except pytest.UsageError as error:
            if not self.run.is_worker:
                raise
            self.run.refused += map(str, error.args)

    def _check(self, session: pytest.Session) -> None:
        config, run = session.config, self.run
        whole = not any("::" in argument for argument in config.args)
        asked = [
            (suite, _asked_of(item)) for item in session.items if (suite := self._declare(item, partial=not whole))
        ]
        suites, config.stash[CHOSEN] = choose(asked, run.settings)
        tests: Counter[str] = Counter()
        for item in self._collected.values():
            suite = self._declare(item, partial=False)
            if suite is not None:
                run.cases.setdefault(suite.name, {}).update({case.id: case for case in _cases_of(item)})
                run.awaited[suite.name].ask(_awaited_of(item))
                tests[suite.name] += _is_fuzz(item)
        config.stash[FUZZED] = {name: Fuzzed(count, []) for name, count in tests.items()}
        for item in session.items:
            if _is_fuzz(item) and (suite := self._suite(item)):
                config.stash[FUZZED][suite.name].chosen.append(item.case)
        if run.is_worker or config.option.collectonly or config.getoption("setupplan", default=False):
            return
        named = {id(suite) for item in session.items if _names_models(item) and (suite := self._suite(item))}
        faults = [fault for suite in suites.values() if id(suite) not in named and (fault := _fault(run, suite))]
        if faults:
            raise pytest.UsageError(*dict.fromkeys(faults))
        if run.baseline and (fault := run.baseline.fault(run.declared)):
            raise pytest.UsageError(fault)
        if run.session:
            try:
                _open_files(session.items)
            except ToolmatchError as error:
                raise pytest.UsageError(str(error)) from None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None]:
        """Have the samples of a test's case ready when its fixtures are: trouble with them is an error at setup."""
        item.config.stash[CURRENT] = item
        item.stash[VERDICTS] = []
        forget(item)
        yield
        fixture = getattr(item, "funcargs", {}).get("toolmatch")
        if not isinstance(fixture, Toolmatch) or item.config.getoption("setuponly", default=False):
            return
        try:
            self._ready(item, fixture)
        except ToolmatchError as error:
            fail(error)

    def _ready(self, item: pytest.Item, fixture: Toolmatch) -> None:
        """Have everything sampled that a test is known to ask for."""
        if is_given(item):
            given.prepare(item, lambda: fixture.fuzzer(item), item.funcargs, self.run.settings)
        elif isinstance(item, FuzzFunction):
            item.ready(fixture.suite_run(item))
        else:
            for case in _cases_of(item):
                require_samples(item, fixture.suite_run(item), case)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None]:
        """Hand the metrics to JUnit, and warn of a verdict that nobody looked at."""
        try:
            with given.conducted(item, self.run.settings) if self._is_ours(item) else nullcontext():
                yield
        except (Exception, pytest.fail.Exception):
            given.shrink(item)
            raise
        finally:
            item.user_properties += _properties(_results(item))
        for verdict in item.stash[VERDICTS]:
            if not verdict.consulted:
                _warn(item, f"{verdict.result.case} was never asserted; write: assert toolmatch(…)")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let the chains ride on a failing report, and the results on the last report of each test."""
        report = yield
        results = _results(item)
        add_section = getattr(report.longrepr, "addsection", None)
        if call.when == "call" and report.failed and add_section is not None:
            failing = [item.stash[FAILING]] if FAILING in item.stash else results
            for result in failing:
                if result.state != "agrees":
                    add_section("toolmatch", self.run.case_text(item.nodeid, result))
        is_pending = item.stash.get(PENDING, False)
        left_out = report.skipped and (call.when == "setup" or not hasattr(report, "wasxfail"))
        if left_out and not (results or is_pending or _is_apart(item)) and (suite := self._suite(item)):
            report.toolmatch_skipped = [suite.name, _awaited_of(item)]  # type: ignore[attr-defined]
        if call.when == "teardown" and results:
            if self.run.is_worker:
                report.toolmatch = msgspec.to_builtins(results)  # type: ignore[attr-defined]
            else:
                self.run.add(item.nodeid, results)
        if call.when == "teardown" and (faced := item.stash.get(FACED, [])):
            if self.run.is_worker:
                report.toolmatch_fuzzed = msgspec.to_builtins(faced)  # type: ignore[attr-defined]
            else:
                self.run.add_fuzzed(item.nodeid, faced)
        return report

    def _fuzzing(self, node: object) -> Iterator[pytest.Item]:
        """Yield the further tests of a Python suite's case, where the suite is fuzzed."""
        if not isinstance(node, pytest.Function) or is_given(node):
            return
        with suppress(ToolmatchError):  # a fault of a mark is said when its suite is declared
            if (suite := self._suite(node)) and suite.fuzz:
                yield from (fuzz_function(node, case) for case in _cases_of(node))

    def _is_ours(self, item: pytest.Item) -> TypeGuard[pytest.Function]:
        return is_given(item) and "toolmatch" in getattr(item, "fixturenames", ())

    def _suite(self, item: pytest.Item) -> Suite | None:
        """Return the suite of a test as far as collection knows it; None for a test that is not ours."""
        if isinstance(item, CaseItem):
            return item.parent.suite
        return suite_of_test(self.run, item) if "toolmatch" in getattr(item, "fixturenames", ()) else None

    def _declare(self, item: pytest.Item, *, partial: bool) -> Suite | None:
        try:
            suite = self._suite(item)
        except ToolmatchError as error:
            raise pytest.UsageError(str(error)) from None
        if suite is not None:
            self.run.declare(suite.name, partial=partial)
        return suite


def _open_files(items: Sequence[pytest.Item]) -> None:
    """Have drawn what collection knows already; what only a fixture can tell waits for its module's set-up."""
    for item in items:
        _ = item.run if isinstance(item, CaseItem) else None


def _is_fuzz(item: pytest.Item) -> TypeGuard[FuzzItem | FuzzFunction]:
    return isinstance(item, FuzzItem | FuzzFunction)


def _is_apart(item: pytest.Item) -> bool:
    """Say whether a test judges no case of its suite: it fuzzes one, or hypothesis says what it asks."""
    return _is_fuzz(item) or is_given(item)


def _asked_of(item: pytest.Item) -> list[Case | None]:
    """Return the cases of its suite that a test judges, None for one that only the test knows."""
    cases: Sequence[Case | None] = _cases_of(item) or [None]
    return [] if _is_apart(item) else [*cases]


def _awaited_of(item: pytest.Item) -> list[str]:
    """Return the names of what a test judges: its own for what only the test knows."""
    return [case.id if case else item.nodeid for case in _asked_of(item)]


def _cases_of(item: pytest.Item) -> list[Case]:
    """Return the cases that collection knows a test to judge."""
    if isinstance(item, CaseItem):
        return [item.case]
    params = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return [param for param in params if isinstance(param, Case)]


def _names_models(item: pytest.Item) -> bool:
    """Whether a fixture of the test's own gives one of its models: then only its set-up can tell which."""
    manager = item.session._fixturemanager  # noqa: SLF001 - nothing public tells which fixtures a test would get
    return any(manager.getfixturedefs(role, item) for role in ("teacher", "student"))


def _warn(item: pytest.Item, message: str) -> None:
    """Warn at the test; where the project makes warnings errors, it fails with just the message."""
    try:
        item.warn(ToolmatchWarning(message))
    except ToolmatchWarning as warning:
        fail(warning)


def _fault(run: Run, suite: Suite) -> str:
    try:
        run.suite(suite)
    except (ToolmatchError, ToolmatchWarning) as error:  # a warning where the project makes warnings errors
        return str(error)
    return ""


def _results(item: pytest.Item) -> list[CaseResult]:
    """Return the results of the cases that a test judged, each once."""
    return list({(v.result.suite, v.result.case): v.result for v in item.stash.get(VERDICTS, [])}.values())


def _properties(results: Sequence[CaseResult]) -> list[tuple[str, object]]:
    """Return the metrics of a test's cases, with the name of the case where there is more than one."""
    found: list[tuple[str, object]] = []
    for result in results:
        prefix = f"toolmatch.{result.case}" if len(results) > 1 else "toolmatch"
        found.append((f"{prefix}.state", result.state))
        found += [(f"{prefix}.{name}", round(one.value, 4)) for name, one in result.measures.items() if one.weight]
    return found
