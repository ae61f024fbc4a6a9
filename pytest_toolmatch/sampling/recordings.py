"""Recordings: the samples of one suite and one model as JSON Lines, one line a sample, to be kept in git.

Every line carries the format's version, its key (a hash of everything that was sent, plus role and draw) and the
model. Of two lines with one case and key the first counts. A last line without its newline is what a stopped writer
leaves behind: reading skips it with a warning, the next writer removes it; no other line is touched.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import warnings
from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.errors import RecordingError, ToolmatchWarning, at
from pytest_toolmatch.core.sample import Sample

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import FileIO
    from pathlib import Path

VERSION = 1


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A sample as it is recorded: with the version of the format, its key and its model."""

    v: int = VERSION
    key: str
    model: str
    sample: Sample

    @property
    def identity(self) -> tuple[str, str]:
        """The case and the key: two cases may ask the very same question, and each has its own draws."""
        return (self.sample.case, self.key)


class _Version(msgspec.Struct):
    v: int


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Record)


def recording_path(directory: Path, model: str) -> Path:
    """Return the file of a model's samples: its name with whatever a file system may dislike made a dash."""
    return directory / f"{re.sub(r'[^A-Za-z0-9._@+-]+', '-', model).strip('-.')}.jsonl"


def encode(records: Iterable[Record]) -> bytes:
    """Return records as JSON Lines."""
    return b"".join(_encoder.encode(one) + b"\n" for one in records)


class Recording:
    """The records of one suite and one model, by case in the order of their draws."""

    def __init__(self, path: Path, records: Iterable[Record]) -> None:
        self.path = path
        self.by_key: dict[tuple[str, str], Record] = {}
        self.by_case: dict[str, list[Record]] = {}
        for one in records:
            if self.by_key.setdefault(one.identity, one) is one:
                self.by_case.setdefault(one.sample.case, []).append(one)
        for draws in self.by_case.values():
            draws.sort(key=lambda one: one.sample.draw)


def read_recording(path: Path, model: str) -> Recording:
    """Read the records of a model; an absent file has none.

    Raises RecordingError, naming the line, for a version that is not known, a line that is no record, or a record of
    another model.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return Recording(path, ())
    except OSError as error:
        raise RecordingError(f"can't read {path}: {error.strerror}") from None
    records = _decode(text, path)
    for number, one in enumerate(records, 1):
        if one.v != VERSION or one.model != model:
            raise RecordingError(_mismatch(one, model, at(path, number)))
    return Recording(path, records)


def _mismatch(one: Record, model: str, where: str) -> str:
    if one.v != VERSION:
        return _unknown_version(one.v, where)
    return f"{where}: a recording of {one.model!r} where {model!r} is expected; rename the file or fix the line"


def _unknown_version(version: int, where: str) -> str:
    known = f"this toolmatch reads {VERSION}; upgrade pytest-toolmatch, or record again"
    return f"{where}: recording format {version}, {known}"


def _decode(text: bytes, path: Path) -> list[Record]:
    whole, _, rest = text.rpartition(b"\n")
    try:
        records = _decoder.decode_lines(whole)
    except (msgspec.DecodeError, UnicodeDecodeError):
        lines = enumerate(whole.split(b"\n"), 1)
        records = [_decode_line(line, at(path, number)) for number, line in lines if line.strip()]
    if rest.strip():
        records += _decode_rest(rest, path, text.count(b"\n") + 1)
    return records


def _decode_rest(rest: bytes, path: Path, line: int) -> list[Record]:
    try:
        return [_decoder.decode(rest)]
    except (msgspec.DecodeError, UnicodeDecodeError):
        message = "incomplete last line (its writer was stopped): ignored; the next recording removes it"
        warnings.warn_explicit(f"{at(path, line)}: {message}", ToolmatchWarning, str(path), line)
        return []


def _decode_line(line: bytes, where: str) -> Record:
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordingError(_unreadable(line, where, error)) from None


def _unreadable(line: bytes, where: str, error: Exception) -> str:
    try:
        version = msgspec.json.decode(line, type=_Version).v
    except (msgspec.DecodeError, UnicodeDecodeError):
        version = VERSION
    if version != VERSION:
        return _unknown_version(version, where)
    return f"{where}: not a recording line ({error}); restore it from version control or delete it"


def append_records(path: Path, records: Iterable[Record], *, known: Iterable[tuple[str, str]] | None = None) -> int:
    """Append the records whose identities are not ``known`` (not in the file, if None), each in one write.

    Returns how many were written. Directories are made; an incomplete last line is removed first. Several processes
    may append at the same time. Raises RecordingError where writing fails.
    """
    written = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            with _alone(file):
                _end_last_line(path)
                recorded = _decode(path.read_bytes(), path) if known is None else []
            seen = {one.identity for one in recorded}.union(known or ())
            holder = recorded[0].model if recorded else ""
            for one in records:
                if holder and one.model != holder:
                    raise RecordingError(f"{path} holds samples of {holder!r}: give {one.model!r} another name")
                if one.identity not in seen:
                    seen.add(one.identity)
                    with _alone(file):
                        os.write(file.fileno(), encode((one,)))
                    written += 1
    except OSError as error:
        raise RecordingError(f"can't write {path}: {error.strerror}") from None
    return written


@contextlib.contextmanager
def _alone(file: FileIO) -> Iterator[None]:
    """Keep other writers of the file out: what looks like a stopped writer's line may be another's, half written.

    Windows has no such lock: there only one process at a time should append.
    """
    if sys.platform != "win32":
        fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if sys.platform != "win32":
            fcntl.flock(file, fcntl.LOCK_UN)


def _end_last_line(path: Path) -> None:
    """Remove an incomplete last line; end a complete one that only lacks its newline."""
    text = path.read_bytes()
    start = text.rfind(b"\n") + 1
    if start == len(text):
        return
    try:
        _decoder.decode(text[start:])
    except (msgspec.DecodeError, UnicodeDecodeError):
        os.truncate(path, start)
    else:
        with path.open("ab") as file:
            file.write(b"\n")
