"""The recorder: appends samples to a recordings file while they come in, beside other processes that do the same.

Each record is one write under the file's lock. Before it, under the same lock, the recorder reads what others have
appended since its last look: of two records with one identity the first stands, and only it is written. A writer that
is killed leaves at most an incomplete last line, which the next one removes. Windows has no such lock: there only one
process at a time should record.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING, Self

from pytest_toolmatch.core.errors import RecordingError, at
from pytest_toolmatch.sampling.recordings import Record, decode_line, encode, is_whole

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Recorder:
    """The writer of one recordings file; made, with its directories, by ``open`` or the first write.

    Raises RecordingError for whatever keeps it from writing: the disk, a right, a line that is no record, a file that
    holds another model.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1
        self._forget()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Make sure that the file can be written, before anything is paid for that would be lost."""
        with self._alone():
            self._catch_up()

    def write(self, record: Record) -> Record:
        """Append a record, unless there is one of its identity; return the one that stands."""
        with self._alone():
            self._catch_up()
            if self._model and record.model != self._model:
                raise RecordingError(
                    f"{self.path} holds samples of {self._model!r}: give {record.model!r} another name"
                )
            place = self._places.get(record.identity)
            if place is not None:
                return self._read(*place)
            self._append(record)
        return record

    @contextlib.contextmanager
    def replacing(self) -> Iterator[None]:
        """Keep all writers out of the file while it is read, and replaced or removed; raises OSError."""
        if sys.platform == "win32":  # without such a lock; and no file that is open could be replaced there
            yield
            return
        try:
            with self._locked():
                yield
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the file; safe to call twice. A later write opens it again."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _forget(self) -> None:
        self._end = self._lines = 0
        self._model = ""
        self._places: dict[tuple[str, str], tuple[int, int]] = {}

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            with self._locked():
                yield
        except OSError as error:
            raise RecordingError(f"can't write {self.path}: {error.strerror}") from None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other writers out of the file that lies at the path now: it may have been replaced since."""
        self._lock()
        try:
            yield
        finally:
            _unlock(self._file)

    def _lock(self) -> None:
        while True:
            if self._file < 0:
                self._open()
            _lock(self._file)
            if self._is_in_place():
                return
            self.close()  # this unlocks, too

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        self._file = os.open(self.path, flags, 0o666)
        self._forget()

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._file))  # noqa: PTH116 - for every sample
        except FileNotFoundError:
            return False

    def _catch_up(self) -> None:
        """Read what others have appended, and mend the last line, whose writer must be gone."""
        size = os.fstat(self._file).st_size
        if size < self._end:
            self._forget()
        if size == self._end:
            return
        text = self._bytes(self._end, size - self._end)
        whole = text.rfind(b"\n") + 1
        for line in io.BytesIO(text[:whole]):
            self._note(line)
        if rest := text[whole:]:
            self._mend(rest)

    def _mend(self, rest: bytes) -> None:
        if not is_whole(rest):
            os.ftruncate(self._file, self._end)
            return
        self._note(rest + b"\n")
        os.write(self._file, b"\n")

    def _note(self, line: bytes) -> None:
        if line.strip():
            record = decode_line(line, at(self.path, self._lines + 1))
            self._model = self._model or record.model
            self._places.setdefault(record.identity, (self._end, len(line)))
        self._end += len(line)
        self._lines += 1

    def _append(self, record: Record) -> None:
        line = rest = encode((record,))
        try:
            while rest:  # a disk that is nearly full takes a part; asking for the rest tells why
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            os.ftruncate(self._file, self._end)
            raise
        self._model = record.model
        self._places[record.identity] = (self._end, len(line))
        self._end += len(line)
        self._lines += 1

    def _read(self, start: int, length: int) -> Record:
        return decode_line(self._bytes(start, length), str(self.path))

    def _bytes(self, start: int, length: int) -> bytes:
        os.lseek(self._file, start, os.SEEK_SET)
        parts = []
        while length and (part := os.read(self._file, length)):  # which returns 2 GiB at most
            parts.append(part)
            length -= len(part)
        return b"".join(parts)


def _lock(file: int) -> None:
    if sys.platform != "win32":
        fcntl.flock(file, fcntl.LOCK_EX)


def _unlock(file: int) -> None:
    if sys.platform != "win32":
        fcntl.flock(file, fcntl.LOCK_UN)
