"""The fresh records of one suite where they lie on disk: where each begins is kept, and what it says is read again."""

from __future__ import annotations

from array import array
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from pytest_toolmatch.core.errors import RecordingError
from pytest_toolmatch.sampling.recordings import decode_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pytest_toolmatch.sampling.recordings import Record

Integers: TypeAlias = "NDArray[np.int64]"


class _Lines(NamedTuple):
    """Lines of one model by case: ``rows`` are file, start and end; those of a case are between two ``bounds``."""

    rows: Integers
    bounds: Integers


class Recorded:
    """Records by model, and by the number of their case in the suite."""

    def __init__(self, cases: int) -> None:
        self._cases = cases
        self._files: list[Path] = []
        self._added: dict[str, array[int]] = defaultdict(lambda: array("q"))
        self._lines: dict[str, _Lines] = {}

    def add(self, model: str, case: int, path: Path, start: int, end: int) -> None:
        """Note where one more record lies; files come one after the other."""
        if not self._files or self._files[-1] is not path:
            self._files.append(path)
        self._added[model].extend((case, len(self._files) - 1, start, end))

    @property
    def models(self) -> list[str]:
        """All models with a record, in the order in which they were seen."""
        return list(self._added)

    def of(self, model: str, cases: Sequence[int]) -> list[list[Record]]:
        """Read the records of a model on some cases, in the order in which they were noted.

        Raises RecordingError where a file is not what it was.
        """
        if model not in self._added:
            return [[] for _ in cases]
        if model not in self._lines:
            self._lines[model] = self._sorted(model)
        rows, bounds = self._lines[model]
        wanted = [rows[bounds[case] : bounds[case + 1]] for case in cases]
        every = np.concatenate([rows[:0], *wanted])
        read = iter(self._read(every))
        return [[next(read) for _ in mine] for mine in wanted]

    def _sorted(self, model: str) -> _Lines:
        rows = np.frombuffer(self._added[model], np.int64).reshape(-1, 4)
        rows = rows[np.argsort(rows[:, 0], kind="stable")]
        self._added[model] = array("q")
        return _Lines(rows[:, 1:].copy(), np.searchsorted(rows[:, 0], np.arange(self._cases + 1)))

    def _read(self, rows: Integers) -> list[Record]:
        """Return records in the order of the rows; every file is opened once."""
        found: dict[tuple[int, int], Record] = {}
        for number in np.unique(rows[:, 0]).tolist():
            found.update(self._of_file(number, rows[rows[:, 0] == number, 1:].tolist()))
        return [found[number, start] for number, start, _ in rows.tolist()]

    def _of_file(self, number: int, places: Sequence[Sequence[int]]) -> Iterator[tuple[tuple[int, int], Record]]:
        path = self._files[number]
        try:
            with path.open("rb") as file:
                for start, end in places:
                    file.seek(start)
                    yield (number, start), decode_line(file.read(end - start), str(path))
        except OSError as error:
            raise RecordingError(f"can't read {path}: {error.strerror}") from None
