"""A run that calls models: opened with the run, shown while it waits, closed with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.live import open_session
from pytest_toolmatch.plugin.ticker import Ticker

if TYPE_CHECKING:
    import pytest

    from pytest_toolmatch.sampling.session import Session
    from pytest_toolmatch.settings import Settings

_WORKERS = ("numprocesses", "tx")
"""The options by which pytest-xdist is asked for other processes."""


def session_of(config: pytest.Config, settings: Settings) -> Session:
    """Return the session of a run that calls models; ConfigError under pytest-xdist."""
    if hasattr(config, "workerinput") or any(config.getoption(name, default=None) for name in _WORKERS):
        raise ConfigError(
            f"--toolmatch-mode={settings.mode} runs in one process, which has all calls in flight at once: "
            "leave pytest-xdist out with -n 0"
        )
    ticker = Ticker(config)
    session = open_session(settings, ticker.tick)
    ticker.session = session
    config.pluginmanager.register(ticker, "toolmatch-ticker")
    return session
