"""Exporters: one module per format, with the same names in each.

These are ``NAME``, ``SUMMARY``, ``UNIT``, ``REPLIES``, ``NEXT`` and ``write``.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import Protocol, cast

from pytest_toolmatch.core.errors import ConfigError, did_you_mean
from pytest_toolmatch.suites.exporters.row import Lines, Row, Unit

FORMATS = MappingProxyType(
    {
        name: f"{__name__}.{module}"
        for name, module in {
            "anthropic": "anthropic",
            "bfcl": "bfcl",
            "dspy": "dspy",
            "huggingface": "huggingface",
            "inspect": "inspect_ai",
            "needle": "needle",
            "openai": "openai",
        }.items()
    }
)
"""Format name → module; a module is imported when its format is asked for."""


class Format(Protocol):
    """What a format module exports.

    ``REPLIES`` says whether its rows hold what the tools answered. ``NEXT`` is the command that takes ``{out}`` or
    ``{train}``, empty for none.
    """

    NAME: str
    SUMMARY: str
    UNIT: Unit
    REPLIES: bool
    NEXT: str

    def write(self, row: Row) -> Lines:
        """Return the lines that say a row, or why none can."""
        ...


def find_format(name: str) -> Format:
    """Return the module of a format; ConfigError names the known ones."""
    if name not in FORMATS:
        raise ConfigError(f"no export format {name!r}{did_you_mean(name, FORMATS)}; known: {', '.join(FORMATS)}")
    return cast("Format", import_module(FORMATS[name]))
