"""``*.toolmatch.yaml`` files as test files: one item a case."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from pytest_toolmatch.core.errors import ToolmatchError
from pytest_toolmatch.plugin import is_active, skip_inactive
from pytest_toolmatch.plugin.chosen import expect
from pytest_toolmatch.plugin.run import RUN
from pytest_toolmatch.plugin.verdicts import fail, judge, require_samples
from pytest_toolmatch.sampling.listed import list_mcp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.harness import SuiteRun
    from pytest_toolmatch.judging.verdict import Verdict


class SuiteFile(pytest.File):
    """A suite file; its suite is read when it is collected."""

    suite: Suite

    def collect(self) -> Iterator[CaseItem]:
        """Yield an item for every case; a fault of the suite is one line."""
        from pytest_toolmatch.suites.yaml_file import read_suite  # noqa: PLC0415 - PyYAML is for suite files

        try:
            self.suite = read_suite(self.path, list_mcp if is_active(self.config) else None)
        except ToolmatchError as error:
            if is_active(self.config):
                self.config.stash[RUN].faults.append(str(error))
            raise self.CollectError(str(error)) from None
        for case in self.suite.cases:
            for item in self._tests(case):
                item.extra_keyword_matches.update(case.tags)
                yield item

    def _tests(self, case: Case) -> Iterator[CaseItem]:
        yield CaseItem.from_parent(self, name=case.id, case=case)
        if self.suite.fuzz:
            from pytest_toolmatch.plugin.fuzz_tests import fuzz_item  # noqa: PLC0415 - only where a suite says so

            yield fuzz_item(self, case)

    @cached_property
    def run(self) -> SuiteRun:
        """The run of the suite, which has its cases' samples drawn from now on."""
        run = self.config.stash[RUN].suite(self.suite)
        expect(self.config, run, self.suite)
        return run


class Diverged(Exception):  # noqa: N818 - what a failed verdict is, shown by repr_failure
    """A case whose verdict is false."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(repr(verdict))
        self.verdict = verdict


class CaseItem(pytest.Item):
    """One case of a suite file."""

    parent: SuiteFile

    def __init__(self, *, case: Case, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.case = case
        self.add_marker("toolmatch")

    @property
    def run(self) -> SuiteRun:
        """The run of the suite, which all its cases share."""
        return self.parent.run

    def setup(self) -> None:
        """Skip in runs that are not ours; else have the samples ready."""
        if not is_active(self.config):
            skip_inactive()
        if self.config.getoption("setuponly", default=False):  # set by --setup-plan, too
            return
        try:
            run = self.run
        except ToolmatchError as error:
            fail(error)
        self.ready(run)

    def ready(self, run: SuiteRun) -> None:
        """Have the samples ready."""
        require_samples(self, run, self.case)

    def runtest(self) -> None:
        """Assert that the student agrees."""
        verdict = judge(self, self.run, self.case)
        if not verdict:
            raise Diverged(verdict)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show a divergence as the chains side by side, anything else as pytest does."""
        return diverged_text(self, excinfo) or super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Say where the case is declared; a title that ends the node id would have its dots replaced."""
        line = self.case.where.rpartition(":")[2]
        return self.path, int(line) - 1 if line.isdigit() else None, f"{self.path.name}: {self.name}"


def diverged_text(item: pytest.Item, excinfo: pytest.ExceptionInfo[BaseException]) -> str:
    """Return what to show of a failed verdict, or of an expected failure; nothing for any other exception."""
    if isinstance(excinfo.value, pytest.xfail.Exception):
        return str(excinfo.value)  # an expected failure has a reason; pytest's own frames are no place in a suite
    if not isinstance(excinfo.value, Diverged):
        return ""
    verdict = excinfo.value.verdict
    return f"{verdict!r}\n\n{item.config.stash[RUN].case_text(item.nodeid, verdict.result)}"
