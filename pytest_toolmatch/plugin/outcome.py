"""What the whole run came to: results gathered, gates decided, the summary and the report file written.

All of it happens where every result is: in the only process, or on the controller under pytest-xdist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from pytest_toolmatch.core.errors import ToolmatchError
from pytest_toolmatch.judging.robustness import VariantResult
from pytest_toolmatch.judging.verdict import CaseResult
from pytest_toolmatch.plugin.junit import tell_junit
from pytest_toolmatch.plugin.screen import screen_of
from pytest_toolmatch.reports.json_file import write_report
from pytest_toolmatch.reports.lines import Line, clean, in_ascii
from pytest_toolmatch.reports.summary import summary_lines

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from pytest_toolmatch.judging.gate import GateResult
    from pytest_toolmatch.plugin.run import Run

_NAMED = 5
_STATES = {"fails": "failed", "undecided": "undecided"}


class Outcome:
    """The hooks that need every result."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._written: list[Path] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        """Take the results that a worker's report carries, and note what a mark skipped: it was not to be judged."""
        if report.failed and screen_of(self.run.config).ascii:
            _in_ascii(report)
        if hasattr(report, "toolmatch_skipped"):
            suite, asked = report.toolmatch_skipped
            self.run.awaited[suite].leave_out(report.nodeid, asked)
        if hasattr(report, "toolmatch"):
            self.run.add(report.nodeid, msgspec.convert(report.toolmatch, list[CaseResult]))
        if hasattr(report, "toolmatch_fuzzed"):
            self.run.add_fuzzed(report.nodeid, msgspec.convert(report.toolmatch_fuzzed, list[VariantResult]))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker knows of the suites; a crashed one has nothing to say."""
        self.run.merge(getattr(node, "workeroutput", {}).get("toolmatch", {}))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Decide the gates while the exit status is still open."""
        ended = False
        try:
            result = yield
            ended = True
        finally:
            self.run.close_session(ended=ended)
        if not self.run.is_worker and (self.run.results or self.run.fuzzed):
            reporter = session.config.pluginmanager.get_plugin("terminalreporter")
            suites = self.run.finish().suites
            gates = [(name, gate, self.run.objects(gate)) for name, suite in suites.items() for gate in suite.gates]
            for state in ("fails", "undecided"):
                self._count(session, reporter, [one[:2] for one in gates if one[2] and one[1].state == state])
            tell_junit(session.config, gates)
        return result

    def _count(self, session: pytest.Session, reporter: Any, gates: Sequence[tuple[str, GateResult]]) -> None:
        """Count gates of one state that object, as pytest counts tests: in the exit status and in its last line."""
        session.testsfailed += len(gates)
        if gates and reporter is not None:
            word = f"gate{'s' * (len(gates) > 1)} {_STATES[gates[0][1].state]}"
            reporter.stats[word] = [_report_of(*gate) for gate in gates]

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Send a worker's knowledge up; write the report; make a fault of a suite the usage error that it is."""
        if self.run.is_worker:
            session.config.workeroutput["toolmatch"] = self.run.known()  # type: ignore[attr-defined]
            return
        self.run.close_session()
        if self.run.unkept:
            self.run.faults.append(self.run.unkept)
        refused = [text for text in dict.fromkeys(self.run.refused) if text not in self.run.faults]
        self.run.faults += refused
        if self.run.unkept or refused or (self.run.faults and exitstatus == pytest.ExitCode.INTERRUPTED):
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        if self.run.results or self.run.fuzzed or (self.run.session and self.run.session.spent().calls):
            interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
            report = (
                self.run.report if self.run.report and not interrupted else self.run.finish(interrupted=interrupted)
            )
            try:
                for path in self.run.settings.reports:
                    write_report(report, path)
                    self._written.append(path)
            except ToolmatchError as error:
                self.run.faults.append(str(error))
                session.exitstatus = pytest.ExitCode.USAGE_ERROR

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the summary above pytest's own last line."""
        run, report = self.run, self.run.report
        if run.is_worker or report is None:
            for note in (*_notes(run), *_earlier(run)):
                terminalreporter.write_line(note)
            for fault in run.faults if run.session or run.refused else ():
                terminalreporter.write_line(f"ERROR: {clean(fault)}", red=True)
            return
        terminalreporter.section("toolmatch")
        config = terminalreporter.config
        verbose, screen = config.get_verbosity() > 0, screen_of(config)
        for line in summary_lines(report, width=screen.width, verbose=verbose, ascii=screen.ascii):
            terminalreporter.write_line(line.text, **dict.fromkeys(line.style, True))
        for path in self._written:
            terminalreporter.write_line(f"report  {clean(str(path))}")
        for note in _notes(run):
            terminalreporter.write_line(note)
        for fault in run.faults:
            terminalreporter.write_line(f"ERROR: {clean(fault)}", red=True)


def _notes(run: Run) -> list[str]:
    """Return what there is to know of skipped tests, of batches and of the baseline, for any terminal."""
    notes = list(_left_out(run)) + (list(run.session.batches.notes()) if run.session and run.session.batches else [])
    return [clean(note) for note in (*notes, *(run.baseline.notes(run.report) if run.baseline else ()))]


def _left_out(run: Run) -> Iterator[str]:
    """Say of which cases nothing is known because their tests were skipped: no gate has looked at them."""
    for suite, awaited in sorted(run.awaited.items()):
        if names := awaited.left_out:
            more = f", … and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            yield f"{suite}: not judged, since skipped: {', '.join(names[:_NAMED])}{more}"


def _earlier(run: Run) -> Iterator[str]:
    """Say which reports are left from an earlier run, for one that judged nothing writes none."""
    for path in run.settings.reports:
        if path.is_file():
            yield f"report  {clean(str(path))} is of an earlier run: nothing was judged in this one"


def _in_ascii(report: Any) -> None:
    """Make our part of a failure printable; else pytest escapes all of it, its line breaks, too."""
    text, sections = report.longrepr, getattr(report.longrepr, "sections", [])
    if isinstance(text, str) and ".toolmatch.yaml::" in report.nodeid:
        report.longrepr = in_ascii([Line(text)])[0].text
    sections[:] = [
        (name, in_ascii([Line(content)])[0].text if name == "toolmatch" else content, *rest)
        for name, content, *rest in sections
    ]


def _report_of(suite: str, gate: GateResult) -> pytest.TestReport:
    """Return the gate as a real report: other plugins read every entry of the reporter's statistics."""
    suite, expression = clean(suite), clean(gate.expression)
    return pytest.TestReport(
        nodeid=f"{suite}: {expression}",
        location=(suite, None, expression),
        keywords={},
        outcome="failed",
        longrepr=None,
        when="call",
    )
