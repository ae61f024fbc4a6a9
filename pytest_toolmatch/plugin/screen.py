"""What a run prints to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.reports.lines import needs_ascii

if TYPE_CHECKING:
    import pytest


class Screen(NamedTuple):
    """What the run prints to; one that is ``ascii`` lacks our signs."""

    width: int
    ascii: bool


def screen_of(config: pytest.Config) -> Screen:
    """Return the terminal of a run; a process without one (a worker of pytest-xdist) takes it for a usual one."""
    writer = getattr(config.pluginmanager.get_plugin("terminalreporter"), "_tw", None)
    encoding = getattr(getattr(writer, "_file", None), "encoding", None)
    return Screen(getattr(writer, "fullwidth", 80), needs_ascii(encoding))
