"""The ledger of one model's batches: what is under way, and what has come back for draws that are not finished yet.

JSON Lines, one line a fact, appended as it becomes true and rewritten without what nobody needs any more when the run
ends. That a batch is going to be sent is on the disk before it is: a run that dies in between leaves a batch without
its provider's name, which the next run looks for. Only one run at a time may have a ledger open.
"""

from __future__ import annotations

import hashlib
import os
import sys
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from pytest_toolmatch.core.errors import ModelUnavailable, RecordingError, at
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.sampling.replies import Reply

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pytest_toolmatch.core.conversation import Conversation

_DIGEST = 24


class _Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="is", tag=str.lower):
    """One line of the file."""


class Planned(_Line, frozen=True, kw_only=True):
    """A batch is about to be sent: its name, when (seconds since 1970), and the names of its requests in order."""

    name: str
    at: float
    requests: tuple[str, ...]


class Sent(_Line, frozen=True, kw_only=True):
    """A planned batch is the provider's ``batch``, or may be it where that is ``guessed``."""

    name: str
    batch: str
    guessed: bool = False


class Ended(_Line, frozen=True, kw_only=True):
    """Nothing more is to be expected of a batch."""

    name: str


class Answered(_Line, frozen=True, kw_only=True):
    """A request was answered, or ``rejected`` for good."""

    request: str
    turn: Turn | None = None
    rejected: str = ""


class Lost(_Line, frozen=True, kw_only=True):
    """A request came back without an answer, ``times`` so far, for a reason that may pass."""

    request: str
    why: str
    times: int


class Replied(_Line, frozen=True, kw_only=True):
    """A tool was run for a draw: its reply to the ``number``-th call of that digest."""

    draw: str
    call: str
    number: int
    reply: Reply


class Recorded(_Line, frozen=True, kw_only=True):
    """A draw is finished."""

    draw: str


Fact: TypeAlias = Planned | Sent | Ended | Answered | Lost | Replied | Recorded

_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Fact)


def draw_id(case: str, key: str) -> str:
    """Return what a draw is called in a ledger."""
    return _digest([case, key])


def request_id(draw: str, conversation: Conversation) -> str:
    """Return what the request of a draw is called that shows this conversation; providers take it as a name."""
    return f"{draw}-{_digest(conversation)}"


def draw_of(request: str) -> str:
    """Return the draw that a request belongs to."""
    return request.partition("-")[0]


def call_id(call: Any) -> str:
    """Return what a call of a tool is called."""
    return _digest(call)


class Ledger:
    """The facts of one file, which is made when there is something to note.

    Raises ModelUnavailable where another run has it open, RecordingError where it can't be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.planned: dict[str, Planned] = {}
        self.sent: dict[str, list[Sent]] = {}
        self.answers: dict[str, Answered] = {}
        self.lost: dict[str, Lost] = {}
        self.replies: dict[tuple[str, str, int], Reply] = {}
        self._recorded: set[str] = set()
        self._file = -1
        self._is_read = False

    def open(self) -> None:
        """Read what is noted, and keep all others out."""
        try:
            self._open()
            whole, _, rest = self._read().rpartition(b"\n")
            for number, line in enumerate(whole.split(b"\n"), 1):
                if line:
                    self._apply(self._decoded(line, number))
            if rest:  # of a writer that was killed
                os.ftruncate(self._file, len(whole) + bool(whole))
        except OSError as error:
            raise RecordingError(f"can't write {self.path}: {error.strerror}") from None
        self._is_read = True

    def note(self, fact: Fact, *, safe: bool = False) -> None:
        """Append a fact; ``safe`` waits until it is on the disk."""
        try:
            _write(self._file, _encoder.encode(fact) + b"\n")
            if safe:
                os.fsync(self._file)
        except OSError as error:
            raise RecordingError(f"can't write {self.path}: {error.strerror}") from None
        self._apply(fact)

    def under_way(self) -> set[str]:
        """Return the names of all requests that are."""
        return {request for planned in self.planned.values() for request in planned.requests}

    def close(self) -> None:
        """Leave only what the next run needs, and no file where that is nothing; safe to call twice.

        A file that could not be read is left as it is: it may tell of batches that are paid for.
        """
        if self._file < 0:
            return
        try:
            if self._is_read:
                self._tidy()
        except OSError as error:
            raise RecordingError(f"can't write {self.path}: {error.strerror}") from None
        finally:
            os.close(self._file)
            self._file = -1

    def _apply(self, fact: Fact) -> None:
        match fact:
            case Planned():
                self.planned[fact.name] = fact
            case Sent():
                self.sent.setdefault(fact.name, []).append(fact)
            case Ended():
                self.planned.pop(fact.name, None)
                self.sent.pop(fact.name, None)
            case Answered():
                self.answers.setdefault(fact.request, fact)
            case Lost():
                self.lost[fact.request] = fact
            case Replied():
                self.replies[fact.draw, fact.call, fact.number] = fact.reply
            case Recorded():
                self._recorded.add(fact.draw)

    def _needed(self) -> Iterable[Fact]:
        for name, planned in self.planned.items():
            yield planned
            yield from self.sent.get(name, ())
        # What is given up is asked again, but not before all else has come back: or it would never end.
        if self.planned:
            yield from (one for one in self.lost.values() if draw_of(one.request) not in self._recorded)
        for request, answer in self.answers.items():
            if draw_of(request) not in self._recorded and (answer.turn or self.planned):
                yield answer
        for (draw, call, number), reply in self.replies.items():
            if draw not in self._recorded:
                yield Replied(draw=draw, call=call, number=number, reply=reply)

    def _tidy(self) -> None:
        facts = list(self._needed())
        if facts:
            self._replace(facts)
        else:
            self.path.unlink(missing_ok=True)

    def _replace(self, facts: Iterable[Fact]) -> None:
        new = self.path.with_suffix(".new")
        with new.open("wb") as file:
            file.writelines(_encoder.encode(fact) + b"\n" for fact in facts)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        while True:
            self._file = os.open(self.path, flags, 0o666)
            self._lock()
            if self._is_in_place():
                return
            os.close(self._file)

    def _lock(self) -> None:
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            self._file = -1
            raise ModelUnavailable(f"another run has {self.path} open: wait until it has ended") from None

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self._file))
        except FileNotFoundError:
            return False

    def _read(self) -> bytes:
        size = os.fstat(self._file).st_size
        return b"".join(iter(lambda: os.read(self._file, size or 1), b""))

    def _decoded(self, line: bytes, number: int) -> Fact:
        try:
            fact: Fact = _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise RecordingError(f"{at(self.path, number)}: no line of a ledger of batches ({error})") from None
        return fact


def _write(file: int, line: bytes) -> None:
    while line:
        line = line[os.write(file, line) :]


def _digest(value: Any) -> str:
    return hashlib.sha256(_encoder.encode(value)).hexdigest()[:_DIGEST]
