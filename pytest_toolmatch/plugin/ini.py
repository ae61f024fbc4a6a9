"""The keys of the ini file: pytest only warns of one it does not know, and a gate that is misspelt decides nothing."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.errors import ConfigError, at, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_NUMBER_OR_TEXT = {"toolmatch_samples", "toolmatch_budget"}
_KEY = re.compile(r"^\s*[\"']?(toolmatch_\w+)[\"']?\s*[=:]", re.ASCII)


def number_of(path: Path | None, name: str) -> int | None:
    """Return a number that stands in a TOML file where a text is as good; pytest itself takes one kind only."""
    if path is None or path.suffix != ".toml" or name not in _NUMBER_OR_TEXT:
        return None
    table: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    for tables in (("pytest",), ("tool", "pytest")):
        found = table
        for key in tables:
            found = found.get(key, {}) if isinstance(found, dict) else {}
        if type(found.get(name)) is int:
            return int(found[name])
    return None


def check_keys(path: Path | None, known: Collection[str]) -> None:
    """Raise ConfigError for the first ``toolmatch_…`` key of an ini or TOML file that is not known."""
    if path is None:
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = _KEY.match(line)
        if found and found[1] not in known:
            raise ConfigError(f"{at(path, number)}: unknown option {found[1]!r}{did_you_mean(found[1], known)}")
