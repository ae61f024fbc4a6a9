"""``--toolmatch-repair``: other words for the students of suites that failed, when their tests are over.

What the tests came to is settled by then, and so is the exit status: nothing here changes either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from pytest_toolmatch.core.errors import ConfigError, ToolmatchError
from pytest_toolmatch.plugin.teller import Teller
from pytest_toolmatch.repair.options import INI, options_of_lines
from pytest_toolmatch.reports.json_file import write_report
from pytest_toolmatch.reports.repairs import RepairReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.judging.verdict import CaseResult
    from pytest_toolmatch.plugin.run import Run
    from pytest_toolmatch.settings import Settings

_STOPPED = (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR)


def check_repairs(settings: Settings, *, asked: bool) -> None:
    """Raise ConfigError for what is wrong with the settings of repairs, while nothing is paid for yet."""
    options_of_lines(settings.repair, INI, settings.confidence)
    if asked and settings.batch:
        raise ConfigError("--toolmatch-repair waits for the models that it calls: leave --toolmatch-batch out")


class Repairs:
    """The hooks of a run that repairs what failed."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the tests that failed, as the last run of each has it."""
        if report.when == "call":
            (self._failed.add if report.failed else self._failed.discard)(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any, exitstatus: int) -> None:
        """Repair below the summary."""
        names = [] if self.run.is_worker or exitstatus in _STOPPED else list(self._failing())
        if names:
            terminalreporter.section("toolmatch repair")
            teller = Teller(self.run.config, terminalreporter)
            self._keep(self._repaired(names, teller), teller)

    def _failing(self) -> Iterator[str]:
        """Yield the suites that failed: by a gate, or by a test of a case whose samples don't all match."""
        missed = {one.suite for (node, _), one in self.run.results.items() if node in self._failed and _misses(one)}
        for name, suite in self.run.report.suites.items() if self.run.report else ():
            if name in missed or any(map(self.run.objects, suite.gates)):
                yield name

    def _repaired(self, names: list[str], teller: Teller) -> dict[str, RepairReport]:
        """Repair suites one after the other, until somebody stops it."""
        from pytest_toolmatch.plugin.mending import Mending  # noqa: PLC0415 - only where something failed

        mending = Mending(self.run, teller)
        found: dict[str, RepairReport] = {}
        for name in names:
            try:
                found[name] = teller.follow(mending.repaired(name))
            except Exception as error:  # noqa: BLE001 - what the tests came to stands, whatever happens here
                why = str(error) if isinstance(error, ToolmatchError) else f"{type(error).__name__}: {error}"
                found[name] = RepairReport(accepted=False, why=why)
                teller.say(f"{name}: not repaired: {why}", yellow=True)
            except KeyboardInterrupt:
                found[name] = RepairReport(accepted=False, why="interrupted")
                said = "interrupted: what was drawn is kept, and the same command goes on from there"
                teller.say(f"{name}: {said}", yellow=True)
                break
        return found

    def _keep(self, repairs: dict[str, RepairReport], teller: Teller) -> None:
        """Put what became of the repairs into the report."""
        assert self.run.report
        self.run.report = msgspec.structs.replace(self.run.report, repairs=repairs)
        for path in self.run.settings.reports:
            try:
                write_report(self.run.report, path)
            except ToolmatchError as error:
                teller.say(f"ERROR: {error}", red=True)


def _misses(result: CaseResult) -> bool:
    match = result.measures.get("chain_match")
    return match is not None and match.weight > 0 and match.value < 1
