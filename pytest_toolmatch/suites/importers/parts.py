"""A log in parts that can be read apart from each other: files, or stretches of a file's lines.

A format that can be read so says what is made of a part, and puts together what came of all of them, in their order.
Where parts are read is not its business: here one after the other, or on other machines.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import msgspec

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.suites.importers.files import SUFFIXES, WHOLE, Document, Stretch, find, line_ends, read_file
from pytest_toolmatch.suites.importers.source import Problem, Source

_T = TypeVar("_T")

SIZE = 4 << 20
"""Bytes of a log that are read at once on another machine, or those of one file where it can't be cut."""
_FILES = 64
"""Files that are read at once on another machine, however small."""
_DEEP = 10_000
"""Levels that may be pickled: a line of a log is nested as deep as Python goes, and pickling takes several a level."""


class Part(msgspec.Struct, frozen=True):
    """A file of a source, or some lines of it."""

    source: Source
    path: Path
    stretch: Stretch = WHOLE

    def documents(self) -> Iterator[Document | Problem]:
        """Yield the JSON values of the part."""
        return read_file(self.path, self.source, self.stretch)


class Each(Protocol):
    """Reads parts: yields what a function makes of each of them, in their order.

    ``lines`` says that lines of JSON have nothing to do with each other, so that a file may be cut between them. The
    function and what it makes have to be picklable.
    """

    def __call__(  # noqa: D102 - as the class says
        self, function: Callable[[Part], Iterable[_T]], parts: Iterable[Part], *, lines: bool = False
    ) -> Iterator[_T]: ...


def parts_of(sources: Iterable[Source], suffixes: tuple[str, ...] = SUFFIXES) -> Iterator[Part]:
    """Yield the files of the sources."""
    return (Part(source, path) for source, path in find(sources, suffixes))


def here(function: Callable[[Part], Iterable[_T]], parts: Iterable[Part], *, lines: bool = False) -> Iterator[_T]:
    """Read parts in this process, one thing after the other."""
    del lines
    for part in parts:
        yield from function(part)


class Elsewhere:
    """Reads parts where ``spread`` has functions done, which is given blocks of them, of about ``size`` bytes."""

    def __init__(
        self, spread: Callable[[Callable[[Block], bytes], Iterable[Block]], Iterator[bytes]], size: int = SIZE
    ) -> None:
        self._spread, self._size = spread, size

    def __call__(
        self, function: Callable[[Part], Iterable[_T]], parts: Iterable[Part], *, lines: bool = False
    ) -> Iterator[_T]:
        """Yield what comes back; ConfigError where a file that is here can't be read there."""
        cut = (one for part in parts for one in _stretches(part, self._size)) if lines else parts
        for made in self._spread(partial(_made, function, Path.cwd()), _blocks(cut, self._size)):
            yield from cast("list[_T]", pickle.loads(made))  # noqa: S301 - it was pickled by _made


class Block(msgspec.Struct, frozen=True):
    """Some parts, and for each whether its file can be read here."""

    parts: list[Part]
    readable: list[bool]


def _stretches(part: Part, size: int) -> Iterator[Part]:
    """Yield a file of lines in stretches of so many bytes, any other as it is."""
    found = (msgspec.structs.replace(part, stretch=one) for one in line_ends(part.path, size))
    first = next(found, part)
    yield first
    yield from found


def _blocks(parts: Iterable[Part], size: int) -> Iterator[Block]:
    block, held = Block([], []), 0
    for part in parts:
        # What else a directory holds is no matter to who reads one file of it.
        lean = msgspec.structs.replace(part, source=msgspec.structs.replace(part.source, other=frozenset()))
        block.parts.append(lean)
        block.readable.append(os.access(part.path, os.R_OK))
        held += _size(part)
        if held >= size or len(block.parts) == _FILES:
            yield block
            block, held = Block([], []), 0
    if block.parts:
        yield block


def _size(part: Part) -> int:
    start, end = part.stretch.start, part.stretch.end
    try:
        return (part.path.stat().st_size if end is None else end) - start
    except OSError:
        return 0


def _made(function: Callable[[Part], Iterable[Any]], folder: Path, block: Block) -> bytes:
    """Return what a function makes of a block, pickled; paths are as they are in ``folder``."""
    with contextlib.chdir(folder) if folder.is_dir() else contextlib.nullcontext():
        for part, readable in zip(block.parts, block.readable, strict=True):
            if readable and not os.access(part.path, os.R_OK):
                raise ConfigError(
                    f"{part.path}: can't be read on {socket.gethostname()}, as it can here: logs have to be where all "
                    "nodes have them; put them on a file system that they share, or leave --engine ray out"
                )
        made = [one for part in block.parts for one in function(part)]
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _DEEP))
    try:
        return pickle.dumps(made, pickle.HIGHEST_PROTOCOL)
    finally:
        sys.setrecursionlimit(limit)
