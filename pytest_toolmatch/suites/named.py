"""The suite files that a command is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.suites.yaml_file import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def named_suites(paths: Sequence[Path], what: str) -> list[Path]:
    """Return the suite files that are named or lie below a directory that is; ConfigError for anything else.

    ``what`` says, in messages, what the command does with them.
    """
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]
        if not path.exists():
            raise ConfigError(f"{path}: there is no such file or directory; name suites, as in suites/mine{SUFFIX}")
        if not inside or not inside[0].name.endswith(SUFFIX):
            lacking = "no suite is in this directory" if path.is_dir() else "this is no suite"
            raise ConfigError(f"{path}: {lacking}: {what} *{SUFFIX} files; those in Python are known to pytest alone")
        found += inside
    return list(dict.fromkeys(found))
