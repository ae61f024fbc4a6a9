"""Samples drawn anew take the place of the old ones, and of nothing else."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import pytest

from pytest_toolmatch.core.errors import RecordingError
from pytest_toolmatch.core.sample import Sample, SampleRole
from pytest_toolmatch.sampling.recorder import Recorder
from pytest_toolmatch.sampling.recordings import Record, append_records, encode, read_records
from pytest_toolmatch.sampling.refreshed import merge_refreshed, refresh_path

if TYPE_CHECKING:
    from pathlib import Path


def record(case: str, draw: int, text: str, *, question: str = "q", role: SampleRole = "student") -> Record:
    sample = Sample(case=case, role=role, draw=draw, outcome="answered", text=text)
    return Record(key=f"{question}/{role}/{draw}", model="small", sample=sample)


def merged(tmp_path: Path, old: list[Record], new: list[Record]) -> list[Record]:
    path = tmp_path / "small.jsonl"
    path.write_bytes(encode(old))
    refresh_path(path).write_bytes(encode(new))
    merge_refreshed(path)
    assert [one.name for one in tmp_path.iterdir()] == ["small.jsonl"]
    return read_records(path)


def test_new_draws_replace_the_old_ones(tmp_path: Path) -> None:
    old = [record("a", draw, "old") for draw in range(3)]
    new = [record("a", draw, "new") for draw in range(2)]
    assert merged(tmp_path, old, new) == [old[2], *new]


def test_other_cases_and_roles_stay(tmp_path: Path) -> None:
    old = [record("a", 0, "old"), record("b", 0, "old"), record("a", 0, "old", role="teacher")]
    new = [record("a", 0, "new")]
    assert merged(tmp_path, old, new) == [*old[1:], *new]


def test_draws_of_another_question_go_where_the_case_was_asked_anew(tmp_path: Path) -> None:
    old = [record("a", draw, "old", question="before") for draw in range(3)]
    new = [record("a", 0, "new", question="after")]
    assert merged(tmp_path, old, new) == new


def test_nothing_new_changes_nothing(tmp_path: Path) -> None:
    old = [record("a", 0, "old")]
    assert merged(tmp_path, old, []) == old


def test_where_nothing_waits_nothing_is_done(tmp_path: Path) -> None:
    merge_refreshed(tmp_path / "small.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_the_first_recording_may_be_a_refreshed_one(tmp_path: Path) -> None:
    path = tmp_path / "small.jsonl"
    refresh_path(path).write_bytes(encode([record("a", 0, "new")]))
    merge_refreshed(path)
    assert read_records(path) == [record("a", 0, "new")]


@pytest.mark.skipif(sys.platform == "win32", reason="needs flock")
def test_what_others_write_meanwhile_is_not_lost(tmp_path: Path) -> None:
    path, over, written = tmp_path / "small.jsonl", threading.Event(), [0]
    append_records(path, [record("old", 0, "old")])

    def write() -> None:
        with Recorder(path) as beside, Recorder(refresh_path(path)) as anew:
            while not over.is_set():
                beside.write(record(f"beside-{written[0]}", 0, "other"))
                anew.write(record(f"anew-{written[0]}", 0, "other"))
                written[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    for number in range(20):
        append_records(refresh_path(path), [record(f"mine-{number}", 0, "new")])
        merge_refreshed(path)
    over.set()
    writer.join()
    merge_refreshed(path)
    wanted = [f"{name}-{number}" for name in ("beside", "anew") for number in range(written[0])]
    wanted += ["old", *(f"mine-{number}" for number in range(20))]
    assert sorted(one.sample.case for one in read_records(path)) == sorted(wanted)


def test_what_cannot_be_put_in_place_stays_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "small.jsonl"
    refresh_path(path).write_bytes(encode([record("a", 0, "new")]))
    path.with_name("small.jsonl.merging").mkdir()
    with pytest.raises(RecordingError, match=r"can't write .*small\.jsonl: .*; the new samples are in .*\.refreshed"):
        merge_refreshed(path)
    assert read_records(refresh_path(path)) == [record("a", 0, "new")]
