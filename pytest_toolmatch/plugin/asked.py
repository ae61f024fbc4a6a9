"""The settings of a run: the command line before the ini file before the defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.plugin.ini import check_keys, number_of
from pytest_toolmatch.settings import Settings, check_mode, settle

_OPTIONS_ONLY = ("mode", "reports", "batch")
_PATHS = ("recordings", "baseline")


def settings_of(config: pytest.Config) -> Settings:
    """Return the settings; raises ToolmatchError for one that is no setting, and for keys that nobody knows."""

    def option(name: str) -> Any:
        if name == "repair":  # the flag asks for it, the ini file says how
            return None
        value = config.getoption({"reports": "toolmatch_report"}.get(name, f"toolmatch_{name}"), default=None)
        return check_mode(value) if name == "mode" and value else value

    def ini(name: str) -> Any:
        if name in _OPTIONS_ONLY:
            return None
        value = _ini(config, f"toolmatch_{name}")
        return (config.inipath or config.rootpath / "-").parent / value if name in _PATHS and value else value

    known = [f"toolmatch_{name}" for name in Settings.__struct_fields__ if name not in _OPTIONS_ONLY]
    check_keys(config.inipath, known)
    settings = settle(option, ini)
    here = config.invocation_params.dir
    return msgspec.structs.replace(
        settings,
        recordings=config.rootpath / settings.recordings,
        reports=tuple(here / Path(path) for path in settings.reports),
        baseline=here / settings.baseline if settings.baseline else None,
    )


def _ini(config: pytest.Config, name: str) -> Any:
    try:
        return config.getini(name)
    except (ValueError, TypeError, pytest.UsageError) as error:  # the first two before pytest 9
        if (number := number_of(config.inipath, name)) is not None:
            return str(number)
        raise ConfigError(str(error) if name in str(error) else f"{name}: {error}") from None
