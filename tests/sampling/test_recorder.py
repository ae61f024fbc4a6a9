from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_toolmatch.core.errors import RecordingError
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.sampling.recorder import Recorder
from pytest_toolmatch.sampling.recordings import Record, append_records, encode, read_recording

if TYPE_CHECKING:
    from collections.abc import Iterator

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs flock and signals")


def record(draw: int, *, case: str = "rome", text: str = "", model: str = "big") -> Record:
    sample = Sample(case=case, role="teacher", draw=draw, outcome="answered", text=text)
    return Record(key=f"{case}-{draw}", model=model, sample=sample)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recordings" / "trips" / "big.jsonl"


@pytest.fixture
def recorder(path: Path) -> Iterator[Recorder]:
    recorder = Recorder(path)
    yield recorder
    recorder.close()


def read(path: Path) -> list[Record]:
    return list(read_recording(path, "big").by_key.values())


def test_each_record_is_there_as_soon_as_it_is_written(recorder: Recorder, path: Path) -> None:
    for draw in range(3):
        assert recorder.write(record(draw)) == record(draw)
        assert len(read(path)) == draw + 1


def test_nothing_is_made_before_something_is_written(recorder: Recorder, path: Path) -> None:
    assert not path.parent.exists()
    recorder.open()
    assert path.read_bytes() == b""


def test_the_first_of_two_stands(recorder: Recorder, path: Path) -> None:
    recorder.write(record(0, text="first"))
    assert recorder.write(record(0, text="second")) == record(0, text="first")
    assert recorder.write(record(1)) == record(1)
    assert path.read_bytes() == encode([record(0, text="first"), record(1)])


def test_what_another_wrote_since_the_last_look_stands(recorder: Recorder, path: Path) -> None:
    recorder.write(record(0))
    with Recorder(path) as other:
        other.write(record(1, text="theirs, über"))
        assert recorder.write(record(1, text="ours")) == record(1, text="theirs, über")
        assert other.write(record(0, text="late")) == record(0)
        assert recorder.write(record(2)) == other.write(record(2, text="late")) == record(2)
    assert read(path) == [record(0), record(1, text="theirs, über"), record(2)]


def test_what_was_recorded_before_stands(recorder: Recorder, path: Path) -> None:
    append_records(path, [record(0, text="old"), record(1)])
    assert recorder.write(record(0, text="new")) == record(0, text="old")
    assert len(read(path)) == 2


def test_a_closed_recorder_opens_again(recorder: Recorder, path: Path) -> None:
    recorder.write(record(0))
    recorder.close()
    recorder.close()
    recorder.write(record(1))
    assert read(path) == [record(0), record(1)]


def test_an_incomplete_last_line_of_a_killed_writer_is_removed(recorder: Recorder, path: Path) -> None:
    recorder.write(record(0))
    with path.open("ab") as file:
        file.write(encode([record(1)])[:-7])
    recorder.write(record(2))
    assert path.read_bytes() == encode([record(0), record(2)])


def test_a_last_line_that_lacks_only_its_newline_stands(recorder: Recorder, path: Path) -> None:
    recorder.write(record(0))
    with path.open("ab") as file:
        file.write(encode([record(1, text="theirs")])[:-1])
    assert recorder.write(record(1)).sample.text == "theirs"
    assert path.read_bytes() == encode([record(0), record(1, text="theirs")])


def test_windows_line_ends_and_blank_lines_are_no_trouble(recorder: Recorder, path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\r\n" + encode([record(0, text="old")]).replace(b"\n", b"\r\n") + b"\n")
    assert recorder.write(record(0)).sample.text == "old"
    recorder.write(record(1))
    assert read(path) == [record(0, text="old"), record(1)]


def test_a_file_may_be_larger_than_what_one_read_returns(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append_records(path, map(record, range(9)))
    read_once = os.read
    monkeypatch.setattr(os, "read", lambda file, length: read_once(file, min(length, 100)))
    append_records(path, [record(9)])
    monkeypatch.undo()
    assert path.read_bytes() == encode(map(record, range(10)))


@posix
def test_a_file_that_was_replaced_meanwhile_is_written_on(recorder: Recorder, path: Path) -> None:
    recorder.write(record(0))
    recorder.write(record(1))
    path.unlink()
    recorder.write(record(2))
    assert read(path) == [record(2)]
    other = path.with_suffix(".new")
    other.write_bytes(encode([record(7, text="merged")]))
    other.replace(path)
    assert recorder.write(record(7)).sample.text == "merged"
    assert recorder.write(record(0)) == record(0)
    assert read(path) == [record(7, text="merged"), record(0)]


def test_a_file_that_was_cut_meanwhile_is_read_again(recorder: Recorder, path: Path) -> None:
    recorder.write(record(0))
    recorder.write(record(1))
    os.truncate(path, len(encode([record(0)])))
    recorder.write(record(1))
    assert path.read_bytes() == encode([record(0), record(1)])


# What keeps it from writing.


def test_a_file_of_another_model_is_not_written_to(recorder: Recorder, path: Path) -> None:
    recorder.write(record(0))
    with pytest.raises(RecordingError, match="holds samples of 'big': give 'small' another name"):
        recorder.write(record(1, model="small"))
    assert read(path) == [record(0)]


def test_a_line_that_is_no_record_is_named_by_its_number(recorder: Recorder, path: Path) -> None:
    recorder.write(record(0))
    with path.open("ab") as file:
        file.write(b"\n<<<<<<< HEAD\n")
    with pytest.raises(RecordingError, match=rf"{path}:3: not a recording line"):
        recorder.write(record(1))


def test_a_directory_in_the_place_of_the_file_is_told_before_anything_is_paid(recorder: Recorder, path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(RecordingError, match=rf"can't write {path}: Is a directory"):
        recorder.open()


def run_python(code: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


BEGIN = """
    import sys
    from pathlib import Path
    from pytest_toolmatch.core.errors import RecordingError
    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.sampling.recorder import Recorder
    from pytest_toolmatch.sampling.recordings import Record

    who, recorder = sys.argv[1], Recorder(Path(sys.argv[2]))

    def record(draw, size=0):
        sample = Sample(case="rome", role="teacher", draw=draw, outcome="answered", text=who * size)
        return Record(key=f"rome-{draw}", model="big", sample=sample)
"""


@posix
def test_a_full_disk_costs_only_the_sample_that_did_not_fit(path: Path) -> None:
    code = """
    import resource
    recorder.write(record(0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
    for size in (9000, 9000, 0):
        try:
            recorder.write(record(1, size))
            print("written")
        except RecordingError as error:
            print(error)
            print(recorder.path.read_bytes().count(b"\\n"), recorder.path.read_bytes()[-1:])
    """
    out, _ = run_python(BEGIN + code, "a", str(path)).communicate(timeout=20)
    assert out.splitlines() == [f"can't write {path}: File too large", "1 b'\\n'"] * 2 + ["written"]
    assert [len(one.sample.text) for one in read(path)] == [0, 0]


@posix
def test_two_processes_that_record_the_same_lose_and_double_nothing(path: Path) -> None:
    code = """
    print("ready", flush=True)
    input()
    mine = 0
    for n in range(400):
        draw = n if who == "a" else 399 - n
        one = record(draw, 1 + 499 * (n % 9))
        stands = recorder.write(one)
        assert stands.key == one.key
        mine += stands is one
    print(mine)
    """
    writers = [run_python(BEGIN + code, who, str(path)) for who in "ab"]
    for writer in writers:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("\n")
        writer.stdin.flush()
    counts = [int(writer.communicate(timeout=30)[0]) for writer in writers]
    assert sum(counts) == 400
    assert sorted(one.sample.draw for one in read(path)) == list(range(400))
    assert len(path.read_bytes().splitlines()) == 400
    by_whom = [one.sample.text[0] for one in read(path)]
    assert [by_whom.count(who) for who in "ab"] == counts


@posix
def test_a_killed_writer_loses_at_most_the_line_it_was_writing(path: Path) -> None:
    code = """
    for draw in range(10**6):
        recorder.write(record(draw, 2000))
        print(draw, flush=True)
    """
    writer = run_python(BEGIN + code, "a", str(path))
    assert writer.stdout
    for _ in range(50):
        writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    told = [49, *(int(line) for line in writer.stdout.read().split("\n")[:-1] if line)][-1]
    writer.communicate()
    append_records(path, [record(10**7)])
    draws = [one.sample.draw for one in read(path)]
    assert draws[: told + 1] == list(range(told + 1))
    assert len(draws) in (told + 2, told + 3)
    assert draws[-1] == 10**7
