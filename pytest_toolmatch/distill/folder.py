"""The folder that a student is written to: what may be there already, and what one run leaves behind."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.pocket.weights import manifest, manifest_of, read

if TYPE_CHECKING:
    from pathlib import Path

NAME = "student"
_RUN = ".run-"
_COPIES = 12
"""Copies of the parameters that a run has on disk at most: two checkpoints of six, and the weights."""


def make_folder(path: Path) -> int:
    """Make a folder and return how many bytes its disk has free; raises ConfigError where it can't be made."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(path).free
    except OSError as error:
        raise ConfigError(f"{path}: can't be made: {error.strerror}; choose another directory with -o") from None


class Folder:
    """One student's folder; ``run`` is the hash of everything that its training depends on.

    Raises ConfigError, with nothing changed, where something else is there or can't be read.
    """

    def __init__(self, path: Path, run: str) -> None:
        self.path = path
        self.run = run
        self.checkpoint = path / f"{_RUN}{run[:16]}"
        self.finished = self._is_finished()

    def make(self, parameters: int) -> None:
        """Make the folder; raises ConfigError where it can't be, or where the disk has no room for a run."""
        free = make_folder(self.path)
        if free < (needed := 4 * _COPIES * parameters):
            raise ConfigError(
                f"{self.path}: {needed / 1e6:.0f} MB are needed while a student is trained, {free / 1e6:.0f} MB are "
                "free: make room, or choose another disk with -o"
            )

    def close(self) -> None:
        """Remove what only an interrupted run needs."""
        shutil.rmtree(self.checkpoint, ignore_errors=True)

    def _is_finished(self) -> bool:
        if self.path.exists() and not self.path.is_dir():
            raise ConfigError(
                f"{self.path}: this is a file; a student is written to a directory: choose another with -o"
            )
        made = self._made()
        others = [one for one in self.path.glob(f"{_RUN}*") if one != self.checkpoint]
        if (made is not None and made.get("run") != self.run) or others:
            what = "an interrupted run" if others else "a student"
            raise ConfigError(
                f"{self.path} holds {what} of other recordings or options: choose another directory with -o, or "
                "remove it"
            )
        return bool(made and made.get("finished"))

    def _made(self) -> dict[str, Any] | None:
        """Return how the student that is there was made; None where there is none."""
        with contextlib.suppress(ConfigError):
            file = manifest_of(str(self.path.absolute()))
            made = manifest(file).made
            if not made.get("finished"):
                return made
            read(file)  # raises where it is not whole: then it is trained again
            return made
        return None
