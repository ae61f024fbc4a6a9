"""The suite files that a command is given, and the pytest run of those that it has written."""

from __future__ import annotations

import shlex
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.suites.yaml_file import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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


def check_apart(names: Sequence[str], out: Path | None) -> None:
    """Raise ConfigError where two suites of one name would be written to one directory; None: each beside itself."""
    if out and (twice := next((name for name in names if names.count(name) > 1), "")):
        raise ConfigError(
            f"two suites are named {twice!r}, and both would be written to {out}; rename one of the files"
        )


def next_line(
    paths: Sequence[Path],
    run: str,
    models: Mapping[str, str],
    settings: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> str:
    """Return the line with the pytest command to go on with, to be pasted into a shell.

    ``run`` is the flag that says how; ``models`` and the lines of their ``settings`` are by role.
    """
    named = [f"--toolmatch-{role}={model}" for role, model in models.items()]
    told = {f"toolmatch_{role}_settings": "\n".join(lines) for role, lines in settings.items() if lines}
    said = [part for name, lines in told.items() for part in ("-o", f"{name}={lines}")]
    return f"next: {' '.join(map(_quoted, ['pytest', *map(str, paths), run, *named, *said]))}"


def _quoted(part: str) -> str:
    """Return a part of a command as a shell reads it, on one line whatever it holds."""
    if "\n" not in part:
        return shlex.quote(part)
    escaped = part.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"$'{escaped}'"
