"""What was finished is there again, to the bit; what was torn off is done anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from pytest_toolmatch.curating.finished import NOTHING, Finished

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCKS = [[0.1, None], [], [1 / 3], [2.0]]


def blocks(after: int) -> Iterator[list[float | None]]:
    yield from BLOCKS[after:]


@pytest.mark.parametrize("stopped", range(5))
@pytest.mark.parametrize("torn", [b"", b"[0.5"])
def test_a_stage_goes_on_where_it_was_stopped(tmp_path: Path, stopped: int, torn: bytes) -> None:
    made = Finished(tmp_path, ["a"]).blocks("judged", list[float | None], blocks)
    assert [next(made) for _ in range(stopped)] == BLOCKS[:stopped]
    made.close()  # type: ignore[attr-defined]
    for path in tmp_path.rglob("*.jsonl"):
        path.write_bytes(path.read_bytes() + torn)
    asked: list[int] = []
    again = Finished(tmp_path, ["a"])
    assert (
        list(again.blocks("judged", list[float | None], lambda after: asked.append(after) or blocks(after))) == BLOCKS
    )
    assert asked == [stopped]
    assert list(again.blocks("judged", list[float | None], lambda _: [])) == BLOCKS


def test_arrays_are_made_once_and_not_for_anything_else(tmp_path: Path) -> None:
    rows, made = np.arange(6, dtype=np.float32).reshape(2, 3), Finished(tmp_path, ["a", "b"])
    assert made.stages == []
    assert made.arrays("rows", lambda: [rows])[0] is rows
    assert made.stages == ["rows"]
    again = Finished(tmp_path, ["a", "b"]).arrays("rows", list)
    assert again[0].dtype == rows.dtype
    assert np.array_equal(again[0], rows)
    assert Finished(tmp_path, ["a", "c"]).arrays("rows", list) == []
    made.forget()
    assert not tmp_path.exists()


def test_where_nothing_can_be_written_a_run_goes_on_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for kept in (NOTHING, Finished(tmp_path / "file" / "folder", ["a"])):
        assert list(kept.blocks("judged", list[float | None], blocks)) == BLOCKS
        assert len(kept.arrays("rows", lambda: [np.zeros(1)])) == 1
