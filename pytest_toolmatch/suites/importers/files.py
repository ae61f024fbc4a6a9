"""Logs as they lie on disk: found, unpacked, cut into JSON values; what is broken is reported, the rest goes on."""

from __future__ import annotations

import gzip
import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import msgspec

from pytest_toolmatch.core.errors import at
from pytest_toolmatch.suites.importers.source import Problem, Source

SUFFIXES = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
"""What is taken from a directory; a file that is named itself is taken whatever its name."""

EMPTY = "the file is empty"

MAX_LINE = 64 << 20
"""Bytes of one line of JSON Lines; a longer one is passed over without being loaded."""

MAX_DOCUMENT = 1 << 30
"""Bytes of a file that is one JSON value."""

_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_BROKEN = (OSError, EOFError, zlib.error)
_T = TypeVar("_T")


class Document(msgspec.Struct, frozen=True):
    """One JSON value of a log: where it stands, in which file of which source."""

    data: Any
    path: Path
    line: int
    source: Source

    @property
    def where(self) -> str:
        """Return ``path:line``."""
        return at(self.path, self.line)


class Stretch(msgspec.Struct, frozen=True):
    """Lines of a file: the bytes from ``start`` to ``end``, or to its end; ``line`` is the number of the first."""

    start: int = 0
    end: int | None = None
    line: int = 1


WHOLE = Stretch()


def documents(sources: Iterable[Source]) -> Iterator[Document | Problem]:
    """Yield every JSON value below the sources, in natural order of the paths."""
    for source, path in find(sources):
        yield from read_file(path, source)


def find(sources: Iterable[Source], suffixes: tuple[str, ...] = SUFFIXES) -> Iterator[tuple[Source, Path]]:
    """Yield the files of the sources: directories are walked, ``run_2`` comes before ``run_10``."""
    for source in sources:
        if source.path.is_dir():
            yield from ((source, path) for path in walk(source.path) if is_log(path, source, suffixes))
        else:
            yield source, source.path


def walk(folder: Path) -> Iterator[Path]:
    """Yield all files below a directory, in natural order; one that can't be listed stands for what is in it.

    Only one directory at a time is held in memory, whatever lies below it. Links to directories are not followed.
    """
    try:
        with os.scandir(folder) as entries:
            found = [(one.name, one.is_dir(follow_symlinks=False), one.is_dir()) for one in entries]
    except OSError:
        yield folder
        return
    for name, inside, directory in sorted(found, key=lambda one: natural(f"{one[0]}/" if one[1] else one[0])):
        if inside:
            yield from walk(folder / name)
        elif not directory:
            yield folder / name


def is_log(path: Path, source: Source, suffixes: tuple[str, ...] = SUFFIXES) -> bool:
    """Return whether a file of a directory is to be read, by its name; an unreadable directory is, and says so."""
    named = path.name.lower().endswith(suffixes)
    return (named or path.is_dir()) and not (source.other and path.resolve() in source.other)


def natural(path: Path | str) -> list[tuple[int, int, str]]:
    """Return a sorting key under which numbers in names count as numbers."""
    parts = re.findall(r"\d+|\D+", path.as_posix() if isinstance(path, Path) else path)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def stem(path: Path) -> str:
    """Return the file's name without ``.gz``, ``.json`` and ``.jsonl``."""
    name = path.name
    for suffix in (".gz", ".json", ".jsonl"):
        name = name.removesuffix(suffix)
    return name


def read_file(path: Path, source: Source | None = None, stretch: Stretch = WHOLE) -> Iterator[Document | Problem]:
    """Yield the JSON values of one file, which is JSON Lines or one value, packed with gzip or not; or some lines."""
    source = source or Source(path)
    line = stretch.line
    try:
        with _open(path) as file:
            for item in _values(file, path, source, stretch):
                line = item.line + 1 if isinstance(item, Document) else line
                yield item
    except _BROKEN as error:
        yield Problem(at(path, line), f"can't be read on from here: {_reason(error)}")


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(len(_GZIP)) == _GZIP
    return cast("IO[bytes]", gzip.open(path) if packed else path.open("rb"))


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _values(file: IO[bytes], path: Path, source: Source, stretch: Stretch) -> Iterator[Document | Problem]:
    """Decide by the first line whether the file is JSON Lines or one value, then yield what it holds."""
    if stretch.start:
        file.seek(stretch.start)
        yield from _lines(file, file.readline(MAX_LINE), path, source, stretch)
        return
    first = _first_line(file, path)
    if not first:
        yield Problem(at(path, 1), EMPTY, "files are empty")
    elif _of_lines(first, path):
        yield from _lines(file, first, path, source, stretch)
    else:
        yield _whole(first + file.read(MAX_DOCUMENT), path, source)


def _first_line(file: IO[bytes], path: Path) -> bytes:
    return file.readline(MAX_LINE if ".jsonl" in path.suffixes else MAX_DOCUMENT).removeprefix(_BOM)


def _of_lines(first: bytes, path: Path) -> bool:
    """Return whether a file that begins with this line is JSON Lines."""
    return ".jsonl" in path.suffixes or (first.endswith(b"\n") and _is_json(first))


def line_ends(path: Path, size: int) -> Iterator[Stretch]:
    """Yield a file of JSON Lines in stretches of about so many bytes; nothing for any other, or a small one."""
    try:
        if path.stat().st_size < 2 * size:
            return
        with path.open("rb") as file:
            if file.read(len(_GZIP)) == _GZIP or file.seek(0) or not _of_lines(_first_line(file, path), path):
                return
            yield from _cut(file, size)
    except OSError:  # whoever reads it says so
        return


def _cut(file: IO[bytes], size: int) -> Iterator[Stretch]:
    """Yield stretches that end where a line does."""
    start, line = file.seek(0), 1
    try:
        while data := file.read(size):
            lines = data.count(b"\n")
            if not data.endswith(b"\n"):
                _skip_line(file)
                lines += 1
            yield Stretch(start, file.tell(), line)
            start, line = file.tell(), line + lines
    except OSError:  # whoever reads on says so
        yield Stretch(start, None, line)


def _is_json(line: bytes) -> bool:
    try:
        decode(line)
    except ValueError:
        return False
    return True


def _whole(data: bytes, path: Path, source: Source) -> Document | Problem:
    if len(data) >= MAX_DOCUMENT:
        return Problem(at(path, 1), f"over {MAX_DOCUMENT >> 20} MiB in one JSON value: passed over")
    try:
        return Document(decode(data), path, 1, source)
    except ValueError as error:
        return Problem(at(path, 1), describe(data, error))


def _lines(file: IO[bytes], first: bytes, path: Path, source: Source, stretch: Stretch) -> Iterator[Document | Problem]:
    line, number = first, stretch.line
    while line:
        item = _line(file, line, at(path, number))
        if isinstance(item, Problem):
            yield item
        elif item is not _BLANK:
            yield Document(item, path, number, source)
        over = stretch.end is not None and file.tell() >= stretch.end
        line, number = b"" if over else file.readline(MAX_LINE), number + 1


_BLANK = object()


def _line(file: IO[bytes], line: bytes, where: str) -> Any:
    """Return the line's value, ``_BLANK``, or the problem with it."""
    if len(line) >= MAX_LINE and not line.endswith(b"\n"):
        _skip_line(file)
        return Problem(where, f"a line of over {MAX_LINE >> 20} MiB: passed over")
    # A crash leaves NULs where a block was allocated and never written; a whole record may follow them.
    line = line.strip(b"\0 \t\r\n")
    if not line:
        return _BLANK
    try:
        return decode(line)
    except ValueError as error:
        return Problem(where, describe(line, error))


def _skip_line(file: IO[bytes]) -> None:
    while (rest := file.readline(1 << 20)) and not rest.endswith(b"\n"):
        pass


def decode(data: bytes) -> Any:
    """Decode JSON; ValueError where it is none, for any reason.

    Lone surrogates, NaN, huge exponents and control characters are no JSON, but Python and JavaScript write them: such
    text goes to the lenient decoder, and half characters become ``U+FFFD``.
    """
    try:
        return msgspec.json.decode(data)
    except UnicodeDecodeError:
        raise
    except msgspec.MsgspecError:
        return _lenient(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _lenient(data: bytes) -> Any:
    try:
        return _mended(json.loads(data, strict=False))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _mended(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case dict():
            return {_mended(key): _mended(item) for key, item in value.items()}
        case list():
            return [_mended(item) for item in value]
    return value


def describe(data: bytes, error: ValueError) -> str:
    """Say in a few words why some bytes are no JSON."""
    if b"\0" in data[:4096]:
        return "binary data, no JSON"
    if isinstance(error, UnicodeDecodeError):
        return "bytes that are not UTF-8"
    shown = data[:40].decode("utf-8", "replace").strip()
    return f"not JSON, or cut off ({error}): {shown}{'…' if len(data) > len(shown) else ''}"


def typed(data: Any, shape: type[_T], where: str) -> _T | Problem:
    """Convert a decoded value to a shape, or say where it differs from it."""
    try:
        return msgspec.convert(data, shape)
    except msgspec.ValidationError as error:
        return Problem(where, f"not of the shape expected: {error}")


def start_of(path: Path, size: int) -> bytes | Problem:
    """Return up to so many of a file's first bytes, unpacked; as far as it can be read."""
    data = b""
    try:
        with _open(path) as file:
            while len(data) < size and (more := file.read(min(1 << 14, size - len(data)))):
                data += more
    except _BROKEN as error:
        return data or Problem(str(path), f"can't be read: {_reason(error)}")
    return data
