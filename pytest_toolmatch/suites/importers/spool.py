"""Cases and samples on disk while a log is read, so that memory does not grow with the log.

The spool is SQLite's *temporary on-disk database*: a file without a name, which the system removes with the process
however that ends. What is read back is decoded one at a time.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, Generic, TypeVar, overload

import msgspec

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.errors import RecordingError
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.core.tool import Tool

_T = TypeVar("_T")
Mend = Callable[[bytes], bytes]

_CACHE = 8 << 10
"""KiB of the database that are kept in memory."""

_SETUP = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE cases (number INTEGER PRIMARY KEY, suite INTEGER, id TEXT, digest BLOB, tools BLOB, data BLOB);
CREATE UNIQUE INDEX case_ids ON cases (suite, id);
CREATE TABLE samples (number INTEGER PRIMARY KEY, series INTEGER, place INTEGER, draw INTEGER, outcome TEXT, data BLOB);
CREATE INDEX draws ON samples (series, place, draw, outcome);
CREATE TABLE runs (series INTEGER, identity BLOB, sample INTEGER, PRIMARY KEY (series, identity)) WITHOUT ROWID;
CREATE TABLE instructions (suite INTEGER, digest BLOB, text TEXT, runs INTEGER, PRIMARY KEY (suite, digest));
BEGIN;
"""

_encoder = msgspec.json.Encoder()
_sorted_encoder = msgspec.json.Encoder(order="sorted")
_cases = msgspec.json.Decoder(Case)
_samples = msgspec.json.Decoder(Sample)
_tools = msgspec.json.Decoder(tuple[Tool, ...])


class Spool:
    """The database. ``mend`` changes the bytes of whatever is read back."""

    def __init__(self, mend: Mend | None = None) -> None:
        self._base = sqlite3.connect("", isolation_level=None)
        weakref.finalize(self, self._base.close)
        self._base.executescript(f"PRAGMA cache_size = -{_CACHE};{_SETUP}")
        self._mend = mend or bytes

    def ask(self, query: str, *values: Any) -> sqlite3.Cursor:
        """Run a statement; RecordingError where the disk of temporary files is full."""
        try:
            return self._base.execute(query, values)
        except sqlite3.OperationalError as error:
            raise RecordingError(
                f"can't keep on disk what was read ({error}): set TMPDIR to a directory with room"
            ) from None

    def one(self, query: str, *values: Any) -> Any:
        """Return the first row, or None."""
        return self.ask(query, *values).fetchone()

    def put_case(self, suite: int, case: Case, digest: bytes) -> int:
        """Keep a case whose id is not taken; return its place."""
        row = (suite, case.id, digest, digest_of(case.tools), _encoder.encode(case))
        return self._put("INSERT INTO cases (suite, id, digest, tools, data) VALUES (?, ?, ?, ?, ?)", *row)

    def usual_tools(self, suite: int) -> tuple[Tool, ...]:
        """Return the tools that more than half of a suite's cases list for themselves; empty where there are none."""
        told = "SELECT min(number), count(*) AS n FROM cases WHERE suite = ? GROUP BY tools ORDER BY n DESC LIMIT 1"
        number, count = self.one(told, suite)
        if 2 * count <= self.one("SELECT count(*) FROM cases WHERE suite = ?", suite)[0]:
            return ()
        return self.read_case(self.one("SELECT data FROM cases WHERE number = ?", number)[0]).tools or ()

    def put_sample(self, series: int, place: int, sample: Sample) -> int:
        """Keep a sample of the case at a place; return its number."""
        row = (series, place, sample.draw, sample.outcome, _encoder.encode(sample))
        return self._put("INSERT INTO samples (series, place, draw, outcome, data) VALUES (?, ?, ?, ?, ?)", *row)

    def _put(self, query: str, *values: Any) -> int:
        number = self.ask(query, *values).lastrowid
        assert number is not None
        return number

    def swap_sample(self, number: int, sample: Sample) -> None:
        """Put another sample where one was; case and draw stay."""
        self.ask(
            "UPDATE samples SET outcome = ?, data = ? WHERE number = ?",
            sample.outcome,
            _encoder.encode(sample),
            number,
        )

    def sample(self, number: int) -> Sample:
        """Return a sample by its number."""
        return self.read_sample(self.one("SELECT data FROM samples WHERE number = ?", number)[0])

    def note_run(self, series: int, identity: str, number: int) -> None:
        """Remember which sample a run became; a run without an identity is like no other."""
        if identity:
            self.ask("INSERT INTO runs VALUES (?, ?, ?)", series, digest_of(identity), number)

    def find_run(self, series: int, identity: str) -> int | None:
        """Return the number of the sample that a run became already, or None."""
        look = "SELECT sample FROM runs WHERE series = ? AND identity = ?"
        row = self.one(look, series, digest_of(identity)) if identity else None
        return row[0] if row else None

    def read_case(self, data: bytes) -> Case:
        """Return a case from its bytes."""
        return _cases.decode(self._mend(data))

    def read_sample(self, data: bytes) -> Sample:
        """Return a sample from its bytes."""
        return _samples.decode(self._mend(data))

    def read_text(self, text: str) -> str:
        """Return a text as it is to be read back."""
        return self._mend(text.encode("utf-8", "replace")).decode()

    def read_tools(self, tools: Iterable[Tool]) -> tuple[Tool, ...]:
        """Return tools as they are to be read back."""
        return _tools.decode(self._mend(_encoder.encode(tuple(tools))))


class Spooled(Sequence[_T], Generic[_T]):
    """Rows of the spool as a sequence: each is decoded when it is asked for, and not kept."""

    def __init__(self, spool: Spool, rows: str, values: tuple[Any, ...], read: Callable[[bytes], _T]) -> None:
        self._spool, self._rows, self._values, self._read = spool, rows, values, read

    def __len__(self) -> int:
        count: int = self._spool.one(f"SELECT count(*) FROM ({self._rows})", *self._values)[0]  # noqa: S608 - ours
        return count

    def __iter__(self) -> Iterator[_T]:
        return (self._read(data) for (data,) in self._spool.ask(self._rows, *self._values))

    @overload
    def __getitem__(self, index: int) -> _T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[_T, ...]: ...
    def __getitem__(self, index: int | slice) -> _T | tuple[_T, ...]:
        if isinstance(index, slice):
            return tuple(self)[index]
        place = index + len(self) if index < 0 else index
        row = self._spool.one(f"{self._rows} LIMIT 1 OFFSET ?", *self._values, place) if place >= 0 else None
        if row is None:
            raise IndexError(index)
        return self._read(row[0])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]


def digest_of(*values: Any) -> bytes:
    """Return a hash of JSON values; the order of keys does not matter."""
    return blake2b(_sorted_encoder.encode(values), digest_size=16).digest()


class Drawn(Spooled[Sample]):
    """The samples of one suite and model, in order of case and draw, with what can be said of all of them."""

    def __init__(self, spool: Spool, series: int) -> None:
        rows = "SELECT data FROM samples WHERE series = ? ORDER BY place, draw"
        super().__init__(spool, rows, (series,), spool.read_sample)
        self._series = series

    def with_cases(self) -> Iterator[tuple[Case, Iterator[Sample]]]:
        """Yield every case that has samples, with these."""
        ask, series = self._spool.ask, self._series
        for (place,) in ask("SELECT DISTINCT place FROM samples WHERE series = ? ORDER BY place", series):
            case = self._spool.one("SELECT data FROM cases WHERE number = ?", place)[0]
            rows = ask("SELECT data FROM samples WHERE series = ? AND place = ? ORDER BY draw", series, place)
            yield self._spool.read_case(case), (self._spool.read_sample(data) for (data,) in rows)

    @property
    def outcomes(self) -> Counter[str]:
        """Count the samples by outcome."""
        query = "SELECT outcome, count(*) FROM samples WHERE series = ? GROUP BY outcome ORDER BY min(number)"
        return Counter(dict(self._spool.ask(query, self._series)))

    @property
    def spread(self) -> tuple[int, int, int]:
        """Return the number of cases, and the fewest and the most samples that one of them has."""
        drawn = "SELECT count(*) AS n FROM samples WHERE series = ? GROUP BY place"
        cases, fewest, most = self._spool.one(f"SELECT count(*), min(n), max(n) FROM ({drawn})", self._series)  # noqa: S608
        return cases, fewest or 0, most or 0

    def shared_with(self, other: Drawn) -> int:
        """Count the cases that both models have samples of."""
        places = "SELECT place FROM samples WHERE series = ?"
        both = f"SELECT count(*) FROM ({places} INTERSECT {places})"  # noqa: S608 - ours
        count: int = self._spool.one(both, self._series, other._series)[0]
        return count
