"""How far sampling has come, on the terminal, while somebody waits for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.plugin.screen import screen_of
from pytest_toolmatch.reports.lines import clean

if TYPE_CHECKING:
    import pytest

    from pytest_toolmatch.sampling.progress import Progress
    from pytest_toolmatch.sampling.session import Session

_QUIET = 30.0
"""Seconds between lines where nothing can be overwritten: enough for a CI service not to take the run for dead."""


class Ticker:
    """Shows how far sampling has come: in one line that is written over, or line by line where that can't be."""

    def __init__(self, config: pytest.Config) -> None:
        self.session: Session | None = None
        self._config = config
        self._start = self._last = time.monotonic()
        self._shown = False

    def tick(self) -> None:
        """Show the progress, if it is time to."""
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or self.session is None or self._config.get_verbosity() < 0 - bool(reporter.isatty):
            return
        now = time.monotonic()
        if not reporter.isatty and now - self._last < _QUIET:
            return
        self._last = now
        screen = screen_of(self._config)
        text = clean(progress_line(self.session.sampler.progress(), now - self._start))
        text = text.encode("ascii", "replace").decode() if screen.ascii else text
        if reporter.isatty:
            self._overwrite(reporter, text[: screen.width - 1])
        else:
            reporter.ensure_newline()
            reporter.write_line(text)

    def clear(self) -> None:
        """Remove the line, so that pytest goes on where it was."""
        if self._shown:
            reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
            reporter.write("\r\x1b[2K", flush=True)
            self._shown = False

    def _overwrite(self, reporter: Any, text: str) -> None:
        if not self._shown:
            reporter.ensure_newline()
            self._shown = True
        reporter.write(f"\r\x1b[2K{text}", flush=True)


def progress_line(progress: Progress, seconds: float) -> str:
    """Return the progress in one line."""
    parts = [f"toolmatch: {progress.done:,} of {progress.total:,} samples"]
    parts += [f"{name} {count:,} to come" for name, count in progress.waiting_for.items()]
    parts += [f"{name} asks to wait {pause:.0f} s" for name, pause in progress.paused.items()]
    parts += [f"{progress.failed:,} failed"] if progress.failed else []
    parts += [f"{progress.cost:.2f} USD"] if progress.cost else []
    return ", ".join([*parts, f"{seconds:.0f} s"])
