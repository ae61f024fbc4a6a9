"""How far sampling has come, on the terminal, while somebody waits for it."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import pytest

from pytest_toolmatch.plugin.screen import screen_of
from pytest_toolmatch.reports.lines import clean

if TYPE_CHECKING:
    from pytest_toolmatch.sampling.progress import Progress
    from pytest_toolmatch.sampling.session import Session

_QUIET = 30.0
"""Seconds between lines where nothing can be overwritten: enough for a CI service not to take the run for dead."""

_LONG = 30.0
"""Seconds of a pause that is worth a line of its own."""


class Ticker:
    """Shows how far sampling has come: in the line below pytest's, or line by line where none can be written over."""

    def __init__(self, config: pytest.Config) -> None:
        self.session: Session | None = None
        self._config = config
        self._start = self._last = time.monotonic()
        self._shown = False
        self._told: set[str] = set()

    def tick(self) -> None:
        """Show the progress, if it is time to."""
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or self.session is None or self._config.get_verbosity() < 0 - bool(reporter.isatty):
            return
        progress, now = self.session.sampler.progress(), time.monotonic()
        lines = [] if reporter.isatty else self._pauses(progress)
        if reporter.isatty or now - self._last >= _QUIET:
            self._last = now
            lines = [progress_line(progress, now - self._start)]
        for text in map(clean, lines):
            with self._uncaptured():
                screen = screen_of(self._config)  # while output is captured nobody knows how wide it is
                self._show(reporter, text.encode("ascii", "replace").decode() if screen.ascii else text, screen.width)

    def _pauses(self, progress: Progress) -> list[str]:
        """Say of each model, once, that it asks for a long pause: or all would be silent, and nobody knew why."""
        new = {name: pause for name, pause in progress.paused.items() if pause > _LONG and name not in self._told}
        self._told.update(new)
        return [f"toolmatch: {name} asks to wait; it is asked again in {pause:.0f} s" for name, pause in new.items()]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self) -> None:
        """Remove the line, so that pytest goes on where it was."""
        self.clear()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Remove the line of a run that was stopped while it waited."""
        self.clear()

    def _uncaptured(self) -> contextlib.AbstractContextManager[Any]:
        """Let what is written reach the terminal: pytest captures whatever a test's set-up writes."""
        capture: Any = self._config.pluginmanager.get_plugin("capturemanager")
        return capture.global_and_fixture_disabled() if capture else contextlib.nullcontext()

    def _show(self, reporter: Any, text: str, width: int) -> None:
        if reporter.isatty:
            self._write_below(reporter, text[: width - 1])
            self._shown = True
        else:
            reporter.ensure_newline()
            reporter.write_line(text)

    def clear(self) -> None:
        """Remove the line, where it is shown."""
        if self._shown:
            self._write_below(self._config.pluginmanager.get_plugin("terminalreporter"), "")
            self._shown = False

    def _write_below(self, reporter: Any, text: str) -> None:
        """Write over the line below the one that pytest is at, and go back to where it was.

        Past the reporter, which keeps count of what it has written in its line.
        """
        terminal = reporter._tw  # noqa: SLF001 - nothing public tells the column
        column = terminal.width_of_current_line
        forward = f"\x1b[{column}C" if column else ""
        terminal._file.write(f"\n\r\x1b[2K{text}\x1b[A\r{forward}")  # noqa: SLF001
        terminal.flush()


def progress_line(progress: Progress, seconds: float) -> str:
    """Return the progress in one line."""
    parts = [f"toolmatch: {progress.done:,} of {progress.total:,} samples"]
    parts += [f"{name} {count:,} to come" for name, count in progress.waiting_for.items()]
    parts += [f"{name} asks to wait {pause:.0f} s" for name, pause in progress.paused.items()]
    parts += [f"{progress.failed:,} failed"] if progress.failed else []
    parts += [f"{progress.cost:.2f} USD"] if progress.cost else []
    return ", ".join([*parts, f"{seconds:.0f} s"])
