from __future__ import annotations

import gzip
import json
import pickle
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from pytest_toolmatch.suites.importers import find_format, read_log
from pytest_toolmatch.suites.importers.parts import Block, Elsewhere
from pytest_toolmatch.suites.importers.source import (
    Ignored,
    Imported,
    Offered,
    Options,
    Problem,
    Question,
    Record,
    Skipped,
    Source,
)


def travelled(function: Callable[[Block], bytes], blocks: Iterable[Block]) -> Iterator[bytes]:
    """Do as workers on other machines do: nothing gets there and back but what can be pickled."""
    there = pickle.loads(pickle.dumps(function))  # noqa: S301 - our own
    return (there(pickle.loads(pickle.dumps(block))) for block in blocks)  # noqa: S301


class Logs:
    """Writes small logs and reads them back: what can be read in parts, in parts, too, with the same result."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def raw(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def lines(self, name: str, *records: Any, broken: bytes = b"") -> Path:
        return self.raw(name, b"".join(json.dumps(record).encode() + b"\n" for record in records) + broken)

    def packed(self, name: str, *records: Any) -> Path:
        return self.raw(name, gzip.compress(self.lines("unpacked", *records).read_bytes()))

    def document(self, name: str, data: Any) -> Path:
        return self.raw(name, json.dumps(data, indent=1).encode())

    def read(self, form: str, *sources: Path | str, **options: Any) -> Read:
        parsed = [Source.parse(str(source)) for source in sources or (self.folder,)]
        records = list(read_log(form, parsed, Options(**options)))
        if hasattr(find_format(form), "read_parts"):
            assert list(read_log(form, parsed, Options(**options), Elsewhere(travelled, size=256))) == records
        return Read(records)


class Read:
    """What came out of a log, by kind."""

    def __init__(self, records: list[Record]) -> None:
        self.records = records
        self.runs = [record for record in records if isinstance(record, Imported)]
        self.questions = [record for record in records if isinstance(record, Question)]
        self.skipped = {record.reason: record.calls for record in records if isinstance(record, Skipped)}
        self.ignored = [Path(record.where).name for record in records if isinstance(record, Ignored)]
        self.offered = [tool for record in records if isinstance(record, Offered) for tool in record.tools]
        self.problems = [str(record) for record in records if isinstance(record, Problem)]
