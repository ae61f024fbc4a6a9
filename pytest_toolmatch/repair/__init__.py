"""Repair: other words for a student that fails a suite, proved on cases that no optimiser has seen."""

from __future__ import annotations

from importlib.util import find_spec

from pytest_toolmatch.core.errors import ConfigError


def require_gepa() -> None:
    """Raise ConfigError, with what to do, where what repair is made of is not installed."""
    if find_spec("gepa") is None:
        raise ConfigError("repair needs gepa: pip install 'pytest-toolmatch[repair]'")
