"""A run that calls models: opened with the run, shown while it waits, closed with it."""

from __future__ import annotations

import gc
from functools import partial
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

_RARELY = 20_000
"""Objects after which Python looks for cyclic garbage. Thousands of draws in flight are no garbage, and at its default
of 700 it looks through them so often that a fifth of the run's processor time goes into it."""


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
    _sweep_rarely(config)
    return session


def _sweep_rarely(config: pytest.Config) -> None:
    """Have cyclic garbage looked for less often until the run is over."""
    young, *older = gc.get_threshold()
    config.add_cleanup(partial(gc.set_threshold, young, *older))
    if 0 < young < _RARELY:  # 0 turns it off
        gc.set_threshold(_RARELY, *older)
