"""Recordings drawn anew: kept beside the old ones until the run is over, then put in their place.

So a refresh that is stopped half-way loses neither what was there nor what was paid for: what it left behind is put in
place by the next run that calls models.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pytest_toolmatch.core.errors import RecordingError
from pytest_toolmatch.sampling.recorder import Recorder
from pytest_toolmatch.sampling.recordings import encode, read_records

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pytest_toolmatch.sampling.recordings import Record


def refresh_path(path: Path) -> Path:
    """Return where the new samples of a recording wait."""
    return path.with_name(f"{path.name}.refreshed")


def merge_refreshed(path: Path) -> None:
    """Put what waits beside a recording into it; do nothing where nothing waits. Raises RecordingError.

    Others may go on writing to either file meanwhile.
    """
    waiting = refresh_path(path)
    if not waiting.exists():
        return
    try:
        with Recorder(path).replacing(), Recorder(waiting).replacing():
            _merge(path, waiting)
    except OSError as error:
        raise RecordingError(f"can't write {path}: {error.strerror}; the new samples are in {waiting}") from None


def _merge(path: Path, waiting: Path) -> None:
    new = read_records(waiting)
    merged = [*_standing(read_records(path), new), *new]
    unfinished = path.with_name(f"{path.name}.merging")
    unfinished.write_bytes(encode(merged))
    os.replace(unfinished, path)  # noqa: PTH105 - one step: a reader sees the old file or the new one
    waiting.unlink()


def _standing(old: Iterable[Record], new: Iterable[Record]) -> list[Record]:
    """Return the old records that the new ones do not replace: other draws of the same question, other cases."""
    replaced = {(one.sample.case, one.sample.role, one.sample.draw) for one in new}
    asked = {(one.sample.case, one.sample.role): one.key.partition("/")[0] for one in new}

    def stands(one: Record) -> bool:
        sample = one.sample
        question = one.key.partition("/")[0]
        same = asked.get((sample.case, sample.role), question) == question
        return same and (sample.case, sample.role, sample.draw) not in replaced

    return [one for one in old if stands(one)]
