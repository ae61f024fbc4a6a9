"""The phases there are, by name; each is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from pytest_toolmatch.core.errors import ConfigError, did_you_mean
from pytest_toolmatch.repair import require_gepa

if TYPE_CHECKING:
    from pytest_toolmatch.repair.phase import Phase

PHASES = {"gepa": "optimising:optimise"}
"""Where each phase is: a module of this package, and its function."""

_NEEDS = {"gepa": require_gepa}


def phases_of(names: tuple[str, ...]) -> list[tuple[str, Phase]]:
    """Return the phases of these names; ConfigError for one that there is not, or that lacks its library."""
    return [(name, _phase(name)) for name in names]


def _phase(name: str) -> Phase:
    if name not in PHASES:
        raise ConfigError(f"no phase is named {name!r}{did_you_mean(name, PHASES)}; there are {', '.join(PHASES)}")
    _NEEDS[name]()
    module, _, function = PHASES[name].partition(":")
    phase: Phase = getattr(import_module(f"pytest_toolmatch.repair.{module}"), function)
    return phase
