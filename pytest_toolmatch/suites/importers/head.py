"""The first records of a file, from a bounded number of its bytes: enough to tell what it is."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from pytest_toolmatch.suites.importers.files import decode, describe, start_of
from pytest_toolmatch.suites.importers.source import Problem

SIZE = 256 << 10
"""Bytes that are looked at, after unpacking."""

MANY = 64
"""Records that are looked at."""

FILES = 4
"""JSON files of a zip file that are looked at."""

_ZIP = b"PK\x03\x04"
_KEY = re.compile(rb"^([A-Za-z_][\w-]*):(?=\s|\Z)", re.MULTILINE)
_BOM = b"\xef\xbb\xbf"
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\Z)|[\[\]{},]', re.DOTALL)
_CLOSES = {b"[": b"]", b"{": b"}"}


class Head(msgspec.Struct, frozen=True):
    """The first records of a file, and what hinders reading them as JSON.

    Of YAML there are only the keys of the outermost object, without values; of a zip file, the JSON files in it.
    """

    records: tuple[Any, ...] = ()
    problem: str = ""


def head_of(path: Path) -> Head:
    """Return the first records of a file: its lines, the items of its list, or its one value."""
    data = start_of(path, SIZE)
    if isinstance(data, Problem):
        return Head(problem=data.what)
    if data.startswith(_ZIP):
        return _packed(path)
    text = data.removeprefix(_BOM).strip(b"\0 \t\r\n")
    if not text:
        return Head(problem="the file is empty")
    records = tuple(_first(_records(text)))
    return Head(records) if records else Head(_keys(text), _why(data))


def _packed(path: Path) -> Head:
    """Return the first JSON files of a zip file."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".json")][:FILES]
            found = (completed(archive.open(name).read(SIZE)) for name in names)
            return Head(tuple(one for one in found if one is not None))
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError) as error:
        return Head(problem=f"a zip file that can't be read: {error}")


def _keys(text: bytes) -> tuple[Any, ...]:
    """Return the object that YAML begins with, by its outermost keys alone; nothing where it is no YAML."""
    lines = text.removeprefix(b"---").lstrip()
    keys = _KEY.findall(lines) if _KEY.match(lines) else []
    return ({key.decode(): None for key in keys},) if keys else ()


def _first(records: Iterable[Any]) -> Iterator[Any]:
    for _, record in zip(range(MANY), records, strict=False):
        yield record


def _records(data: bytes) -> Iterator[Any]:
    """Yield the lines that are JSON where most of them are, else the one value that begins here."""
    lines = [line for line in data.split(b"\n")[: MANY * 2] if line.strip()]
    found = [value for line in lines if (value := _value(line)) is not None]
    if len(found) * 2 <= len(lines):
        begun = completed(data)
        # One line and one that is cut off are no value, but the first of them is a record.
        found = [begun] if begun is not None else found if data.startswith((b"{", b"[")) else []
    for value in found:
        yield from value if isinstance(value, list) else (value,)


def _value(line: bytes) -> Any:
    """Return the object or list that a line is, or None."""
    line = line.strip(b"\0 \t\r")
    if not line.startswith((b"{", b"[")):
        return None
    try:
        return decode(line)
    except ValueError:
        return None


def completed(data: bytes) -> Any:
    """Return the value that begins with these bytes, as far as they go; None where they begin none.

    The text is cut before the last comma that stands outside of strings, and what is open there is closed.
    """
    value = _value(data)
    if value is not None or not data.startswith((b"{", b"[")):
        return value
    open_now: list[bytes] = []
    cut, closing = 0, b""
    for token in _TOKEN.finditer(data):
        sign = token[0]
        if sign in _CLOSES:
            open_now.append(_CLOSES[sign])
        elif sign == b",":
            cut, closing = token.start(), b"".join(reversed(open_now))
        elif sign in (b"]", b"}") and (not open_now or open_now.pop() != sign):
            break
    return _value(data[:cut] + closing) if cut else None


def _why(data: bytes) -> str:
    """Say why there is no record."""
    if b"\0" in data[:4096]:
        return "binary data, no JSON"
    try:
        # A character may be cut in two at the end of what was read.
        data[: SIZE - 4].decode()
    except UnicodeDecodeError as error:
        return describe(data, error)
    return "not JSON"
