"""Recordings: the samples of one suite and one model as JSON Lines, one line a sample, to be kept in git.

Every line carries the format's version, its key (a hash of everything that was sent, plus role and draw) and the
model. Of two lines with one case and key the first counts. A last line that breaks off is what a stopped writer leaves
behind: reading skips it with a warning, the next writer removes it; no other line is touched.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.errors import RecordingError, ToolmatchWarning, at
from pytest_toolmatch.core.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

VERSION = 1

_DIGEST = 6
"""Digits that tell models apart whose names make the same file name."""


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


class _Owner(msgspec.Struct):
    model: str


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Record)


def recording_path(directory: Path, model: str) -> Path:
    """Return the file of a model's samples: its name with whatever a file system may dislike made a dash.

    Where that is the file of another model, whose name comes to the same, a digest tells them apart.
    """
    name = _file_name(model)
    usual = directory / f"{name}.jsonl"
    own = directory / f"{name}-{hashlib.sha256(model.encode()).hexdigest()[:_DIGEST]}.jsonl"
    other = recorded_model(usual)
    is_taken = other != model and _file_name(other).casefold() == name.casefold()  # as some file systems compare
    return own if is_taken or own.exists() else usual


def recorded_model(path: Path) -> str:
    """Return the model whose samples a file holds, as its first line says; nothing where that is no record."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(next(filter(bytes.strip, file), b""), type=_Owner).model
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _file_name(model: str) -> str:
    return re.sub(r"[^A-Za-z0-9._@+-]+", "-", model).strip("-.")


def encode(records: Iterable[Record]) -> bytes:
    """Return records as JSON Lines."""
    return b"".join(_encoder.encode(one) + b"\n" for one in records)


class Recording:
    """The records of one suite and one model, by case in the order of their draws."""

    def __init__(self, path: Path, records: Iterable[Record]) -> None:
        self.path = path
        self.by_key: dict[tuple[str, str], Record] = {}
        self.by_case: dict[str, list[Record]] = {}
        by_key, by_case = self.by_key, self.by_case
        for one in records:
            case = one.sample.case
            if by_key.setdefault((case, one.key), one) is one:
                by_case.setdefault(case, []).append(one)
        for draws in self.by_case.values():
            draws.sort(key=lambda one: one.sample.draw)


def read_recording(path: Path, model: str) -> Recording:
    """Read the records of a model; an absent file has none.

    Raises RecordingError, naming the line, for a version that is not known, a line that is no record, or a record of
    another model.
    """
    records = read_records(path)
    if {(one.v, one.model) for one in records} - {(VERSION, model)}:
        place, one = next((n, one) for n, one in enumerate(records) if (one.v, one.model) != (VERSION, model))
        raise RecordingError(_mismatch(one, model, at(path, _line_of(path, place))))
    return Recording(path, records)


def read_records(path: Path) -> list[Record]:
    """Read all records, whatever their model, in the order of the lines; an absent file has none."""
    try:
        return _decode(path.read_bytes(), path)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RecordingError(f"can't read {path}: {error.strerror}") from None


def _line_of(path: Path, place: int) -> int:
    """Return the number of the line that the record at this place has: there may be blank ones before it."""
    lines = enumerate(path.read_bytes().split(b"\n"), 1)
    return [number for number, line in lines if line.strip()][place]


def placed_records(path: Path) -> Iterator[tuple[Record, int, int]]:
    """Yield all records one by one, each with where its line begins and ends; memory does not grow with the file."""
    start = 0
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                end = start + len(line)
                if not line.endswith(b"\n"):
                    yield from ((one, start, end) for one in (_decode_rest(line, path, number) if line.strip() else ()))
                elif line.strip():
                    yield _decoded(line, path, number), start, end
                start = end
    except OSError as error:
        raise RecordingError(f"can't read {path}: {error.strerror}") from None


def _decoded(line: bytes, path: Path, number: int) -> Record:
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return decode_line(line, at(path, number))


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
        records = [decode_line(line, at(path, number)) for number, line in lines if line.strip()]
    if rest.strip():
        records += _decode_rest(rest, path, text.count(b"\n") + 1)
    return records


def _decode_rest(rest: bytes, path: Path, line: int) -> list[Record]:
    if is_whole(rest):
        return [decode_line(rest, at(path, line))]
    message = "incomplete last line (its writer was stopped): ignored; the next recording removes it"
    warnings.warn_explicit(f"{at(path, line)}: {message}", ToolmatchWarning, str(path), line)
    return []


def decode_line(line: bytes, where: str) -> Record:
    """Return the record of one line; raises RecordingError, which starts with ``where``."""
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordingError(_unreadable(line, where, error)) from None


def is_whole(line: bytes) -> bool:
    """Whether a last line without its newline is whole JSON, and not what a stopped writer left behind."""
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def _unreadable(line: bytes, where: str, error: Exception) -> str:
    try:
        version = msgspec.json.decode(line, type=_Version).v
    except (msgspec.DecodeError, UnicodeDecodeError):
        version = VERSION
    if version != VERSION:
        return _unknown_version(version, where)
    return f"{where}: not a recording line ({error}); restore it from version control or delete it"


def append_records(path: Path, records: Iterable[Record]) -> int:
    """Append the records whose identities are not in the file yet; return how many these are.

    Several processes may append at the same time. Raises RecordingError where writing fails; see ``recorder``.
    """
    from pytest_toolmatch.sampling.recorder import Recorder  # noqa: PLC0415 - which reads lines with this module

    with Recorder(path) as recorder:
        return sum(recorder.write(one) is one for one in records)
