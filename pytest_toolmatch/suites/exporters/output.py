"""Where rows are written: files that appear whole, all of them or none."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Self

import msgspec

from pytest_toolmatch.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pytest_toolmatch.suites.exporters.row import Line

FILES = (".jsonl", ".json")
"""How the name of an output ends that is one file; any other is a directory."""


class Output:
    """Takes the lines of parts: ``DIR/PART.jsonl``, or all in one ``FILE``; lines that name a file, ``DIR/PART/FILE``.

    As a context: what was written is moved in place when it ends, and dropped where it ends in an exception.
    ``lines`` counts them by the file that they are in. Raises ConfigError where something is in the way, or the disk
    does not take it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_file = path.suffix in FILES
        self.lines: Counter[Path] = Counter()
        # Inside a directory that is there already: it may be a file system of its own.
        self._staged = (path if path.is_dir() else path.parent) / f".export-{os.getpid()}"
        self._open: dict[Path, IO[bytes]] = {}
        self._stack = ExitStack()
        if path.exists() and (self.is_file or not path.is_dir()):
            raise ConfigError(_taken(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            self._stack.close()
            if kind is None:
                self._move()
        except OSError as error:
            if kind is None:
                raise self._refused(error) from None
        finally:
            shutil.rmtree(self._staged, ignore_errors=True)

    def place(self, line: Line, part: str) -> Path:
        """Return the file that a line goes to."""
        if self.is_file and line.file:
            raise ConfigError(f"{self.path} is one file, and this format is several: name a directory with -o")
        if self.is_file:
            return self.path
        return self.path / part / line.file if line.file else self.path / f"{part}.jsonl"

    def write(self, lines: Iterable[Line], part: str) -> None:
        """Write the lines of a row."""
        for line in lines:
            path = self.place(line, part)
            try:
                self._file(path).write(msgspec.json.encode(line.data) + b"\n")
            except OSError as error:
                raise self._refused(error) from None
            self.lines[path] += 1

    def _file(self, path: Path) -> IO[bytes]:
        if path not in self._open:
            if path.exists():
                raise ConfigError(_taken(path))
            staged = self._staging(path)
            staged.parent.mkdir(parents=True, exist_ok=True)
            self._open[path] = self._stack.enter_context(staged.open("wb"))
        return self._open[path]

    def _staging(self, path: Path) -> Path:
        return self._staged / (path.name if self.is_file else path.relative_to(self.path))

    def _move(self) -> None:
        for path in self._open:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._staging(path).replace(path)

    def _refused(self, error: OSError) -> ConfigError:
        return ConfigError(f"{self.path}: can't be written: {error.strerror}; choose another place with -o")


def _taken(path: Path) -> str:
    return f"{path} exists already: choose another place with -o, or remove it first"
