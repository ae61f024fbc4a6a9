"""What is said while a repair goes on: its lines, and below them how far sampling has come."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_toolmatch.plugin.screen import screen_of
from pytest_toolmatch.plugin.ticker import Ticker
from pytest_toolmatch.reports.lines import Line, clean, in_ascii

if TYPE_CHECKING:
    from collections.abc import Generator

    import pytest

    from pytest_toolmatch.sampling.session import Session

T = TypeVar("T")


class Teller:
    """Writes lines to the terminal from one thread while another one shows its progress."""

    def __init__(self, config: pytest.Config, reporter: Any) -> None:
        self._config, self._reporter = config, reporter
        self._ticker = Ticker(config)
        self._lock = threading.Lock()

    def watch(self, session: Session) -> None:
        """Show the progress of a session from now on."""
        with self._lock:
            self._ticker = Ticker(self._config)
            self._ticker.session = session

    def tick(self) -> None:
        """Show how far it has come, if it is time to."""
        with self._lock:
            self._ticker.tick()

    def say(self, text: str, **style: bool) -> None:
        """Write a line."""
        line = Line(clean(text))
        shown = in_ascii([line])[0] if screen_of(self._config).ascii else line
        with self._lock:
            self._ticker.clear()
            self._reporter.write_line(shown.text, **style)

    def follow(self, said: Generator[str, None, T]) -> T:
        """Write the lines of a generator, and return what it returns."""
        with contextlib.closing(said):
            while True:
                try:
                    line = next(said)
                except StopIteration as end:
                    result: T = end.value
                    return result
                self.say(line)
