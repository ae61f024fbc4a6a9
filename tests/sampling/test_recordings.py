from __future__ import annotations

import re
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.errors import RecordingError, ToolmatchWarning
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.sampling.recorder import Recorder
from pytest_toolmatch.sampling.recordings import Record, append_records, encode, read_recording, recording_path

texts = st.text(max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(texts, below, max_size=3),
)


def record(draw: int, *, case: str = "rome", model: str = "big", text: str = "", arguments: Any = None) -> Record:
    chain = ((Call("search", arguments),),)
    sample = Sample(case=case, role="teacher", draw=draw, outcome="called", chain=chain, text=text, latency=0.5)
    return Record(key=f"{case}-{draw}", model=model, sample=sample)


RECORDS = [record(0, text="über\nzwei"), record(1), record(0, case="oslo")]
LINES = encode(RECORDS).splitlines(keepends=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recordings" / "trips" / "big.jsonl"


def written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def read(path: Path, model: str = "big") -> list[Record]:
    return list(read_recording(path, model).by_key.values())


def refusal(path: Path, model: str = "big") -> str:
    with pytest.raises(RecordingError) as caught:
        read_recording(path, model)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_records_come_back_as_they_were_appended(path: Path) -> None:
    assert append_records(path, RECORDS) == 3
    assert read(path) == RECORDS


@given(st.lists(json_values, max_size=4), texts)
def test_any_arguments_and_texts_come_back(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], text: str
) -> None:
    path = tmp_path_factory.mktemp("recordings") / "big.jsonl"
    records = [record(draw, text=text, arguments=value) for draw, value in enumerate(values)]
    append_records(path, records)
    assert read(path) == records
    assert len(path.read_bytes().splitlines()) == len(records)


@given(st.floats(0, 1))
def test_a_confidence_comes_back(tmp_path_factory: pytest.TempPathFactory, confidence: float) -> None:
    path = tmp_path_factory.mktemp("recordings") / "big.jsonl"
    sure = msgspec.structs.replace(record(0), sample=msgspec.structs.replace(record(0).sample, confidence=confidence))
    append_records(path, [sure])
    assert read(path) == [sure]


def test_a_line_without_a_confidence_is_as_it_was() -> None:
    assert b"confidence" not in b"".join(LINES)


def test_a_confidence_that_is_no_probability_is_refused(path: Path) -> None:
    line = LINES[1].replace(b'"latency":0.5', b'"latency":0.5,"confidence":1.5')
    assert line != LINES[1]
    assert refusal(written(path, LINES[0] + line)).startswith(f"{path}:2")


def test_draws_of_a_case_are_in_order_whatever_their_lines(path: Path) -> None:
    append_records(path, [record(2), record(0, case="oslo"), record(0), record(1)])
    by_case = read_recording(path, "big").by_case
    assert {case: [one.sample.draw for one in records] for case, records in by_case.items()} == {
        "rome": [0, 1, 2],
        "oslo": [0],
    }


def test_every_line_says_its_version_its_key_and_its_model(path: Path) -> None:
    append_records(path, RECORDS)
    for line in path.read_bytes().splitlines():
        assert list(msgspec.json.decode(line)) == ["v", "key", "model", "sample"]


def test_an_absent_file_has_no_records(path: Path) -> None:
    assert read(path) == []


def test_an_empty_file_has_no_records(path: Path) -> None:
    assert read(written(path, b"")) == read(written(path, b"\n\n")) == []


def test_lines_may_end_as_on_windows_and_be_set_apart(path: Path) -> None:
    assert read(written(path, b"\n" + b"\r\n\r\n".join(line.strip() for line in LINES) + b"\r\n")) == RECORDS


# One key twice: the first line counts.


def test_the_first_of_two_lines_with_one_key_counts(path: Path) -> None:
    first, second = record(0, text="first"), record(0, text="second")
    recording = read_recording(written(path, encode([first, record(1), second])), "big")
    assert recording.by_case["rome"] == [first, record(1)]


def test_one_run_writes_a_key_once(path: Path) -> None:
    assert append_records(path, [record(0, text="first"), record(0, text="second")]) == 1
    assert read(path) == [record(0, text="first")]


def test_a_later_run_does_not_write_what_is_known(path: Path) -> None:
    append_records(path, RECORDS)
    assert append_records(path, [*RECORDS, record(7)]) == 1
    assert path.read_bytes() == encode([*RECORDS, record(7)])


def test_a_run_that_knows_nothing_changes_nothing_that_is_read(path: Path) -> None:
    append_records(path, [record(0, text="first")])
    append_records(path, [record(0, text="second")])
    assert read(path) == [record(0, text="first")]


# A writer that was stopped in the middle of a line.


@pytest.mark.parametrize("length", range(1, len(LINES[-1]) - 1))
def test_a_last_line_cut_anywhere_costs_only_itself(path: Path, length: int) -> None:
    whole = b"".join(LINES[:-1])
    written(path, whole + LINES[-1][:length])
    with pytest.warns(ToolmatchWarning) as caught:
        assert read(path) == RECORDS[:-1]
    assert [str(one.message).split(": ")[0] for one in caught] == [f"{path}:3"]
    assert append_records(path, RECORDS[-1:]) == 1
    assert path.read_bytes() == whole + LINES[-1]


def test_a_last_line_that_lacks_only_its_newline_counts(path: Path) -> None:
    written(path, b"".join(LINES)[:-1])
    assert read(path) == RECORDS
    append_records(path, [record(7)])
    assert path.read_bytes() == encode([*RECORDS, record(7)])


def test_a_file_that_holds_only_a_cut_line_is_no_dead_end(path: Path) -> None:
    written(path, LINES[0][:20])
    with pytest.warns(ToolmatchWarning, match=rf"{path}:1: incomplete last line"):
        assert read(path) == []
    append_records(path, RECORDS)
    assert read(path) == RECORDS


def test_a_line_cut_inside_a_character_is_a_cut_line(path: Path) -> None:
    cut = LINES[0].index("ü".encode()) + 1
    written(path, LINES[1] + LINES[0][:cut])
    with pytest.warns(ToolmatchWarning, match="big.jsonl:2: incomplete last line"):
        assert read(path) == [RECORDS[1]]


# What can't be read names its place.


def test_a_version_of_the_future_says_what_to_do(path: Path) -> None:
    written(path, LINES[0] + b'{"v": 2, "key": "k", "model": "big", "sample": {}}\n')
    message = refusal(path)
    assert message.startswith(f"{path}:2: recording format 2, this toolmatch reads 1")
    assert "upgrade pytest-toolmatch" in message


def test_a_version_of_the_future_of_the_same_shape_is_refused_too(path: Path) -> None:
    written(path, LINES[0] + LINES[1].replace(b'"v":1', b'"v":2'))
    assert refusal(path).startswith(f"{path}:2: recording format 2")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"v":2,"key":"k","model":"big","sample":{"outcome":"brand_new"}}', "recording format 2, "),
        (LINES[1].strip().replace(b'"called"', b'"brand_new"'), "not a recording line (Invalid enum value"),
        (b"{}", "not a recording line (Object missing required field"),
    ],
)
def test_a_whole_last_line_of_another_form_is_no_cut_line(path: Path, line: bytes, why: str) -> None:
    written(path, LINES[0] + line)
    assert refusal(path).startswith(f"{path}:2: {why}")
    recorder = Recorder(path)
    for _ in range(2):
        with pytest.raises(RecordingError, match=re.escape(f"{path}:2: {why}")):
            recorder.write(record(7))
    recorder.close()
    assert path.read_bytes() == LINES[0] + line


def test_a_line_of_another_model_is_named(path: Path) -> None:
    written(path, LINES[0] + encode([record(0, model="small")]))
    assert refusal(path).startswith(f"{path}:2: a recording of 'small' where 'big' is expected")


@given(st.lists(st.sampled_from([b"", b"\r\n", b"\n\n", b" \n"]), min_size=4, max_size=4), st.integers(0, 2))
def test_blank_lines_are_counted(tmp_path_factory: pytest.TempPathFactory, blanks: list[bytes], place: int) -> None:
    path = tmp_path_factory.mktemp("recordings") / "big.jsonl"
    lines = [LINES[0], LINES[1], LINES[2]]
    lines[place] = encode([record(9, model="small")])
    text = b"".join(blank + line for blank, line in zip(blanks, [*lines, b""], strict=True))
    path.write_bytes(text)
    number = text[: text.index(b'"small"')].count(b"\n") + 1
    assert refusal(path).startswith(f"{path}:{number}: a recording of 'small'")


@pytest.mark.parametrize(
    "garbage",
    [b"<<<<<<< HEAD\n", b"=======\n", b"{}\n", b"[]\n", b"7\n", b'{"v": 1}\n', b"\xff\xfe\n", LINES[0][:-2] + b"\n"],
)
def test_a_line_that_is_no_record_is_named(path: Path, garbage: bytes) -> None:
    written(path, LINES[0] + b"\n" + garbage + LINES[1])
    message = refusal(path)
    assert message.startswith(f"{path}:3: not a recording line (")
    assert message.endswith("restore it from version control or delete it")


def test_another_encoding_is_no_crash(path: Path) -> None:
    written(path, b"".join(LINES).decode().encode("utf-16"))
    assert refusal(path).startswith(f"{path}:1: not a recording line (")
    written(path, b"".join(LINES).decode().encode("latin-1"))
    assert refusal(path).startswith(f"{path}:1: not a recording line (")


def test_a_directory_in_the_place_of_the_file_is_named(path: Path) -> None:
    path.mkdir(parents=True)
    assert refusal(path) == f"can't read {path}: Is a directory"
    with pytest.raises(RecordingError, match=rf"can't write {path}: Is a directory"):
        append_records(path, RECORDS)


def test_a_file_that_may_not_be_read_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    assert refusal(path) == f"can't read {path}: Permission denied"


def test_a_directory_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    written(tmp_path / "file", b"")
    path = tmp_path / "file" / "trips" / "big.jsonl"
    with pytest.raises(RecordingError, match=rf"can't write {path}: "):
        append_records(path, RECORDS)
    assert refusal(path).startswith(f"can't read {path}: ")


# Several writers at once.

WRITER = """
    import sys
    from pathlib import Path
    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.sampling.recordings import Record, append_records

    who, path = sys.argv[1], Path(sys.argv[2])
    texts = enumerate("x" * 997 * (n % 7) for n in range(300))
    samples = (Sample(case=who, role="teacher", draw=n, outcome="answered", text=text) for n, text in texts)
    print("ready", flush=True)
    input()
    append_records(path, (Record(key=f"{who}-{one.draw}", model="big", sample=one) for one in samples))
"""


@pytest.mark.parametrize("start", [b"", b"".join(LINES), LINES[0] + LINES[1][:-1], LINES[0] + LINES[1][:40]])
def test_writers_at_the_same_time_lose_nothing(path: Path, start: bytes) -> None:
    written(path, start)
    command = [sys.executable, "-c", textwrap.dedent(WRITER)]
    writers = [
        subprocess.Popen([*command, who, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for who in "ab"
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    assert [writer.wait(timeout=30) for writer in writers] == [0, 0]
    for writer in writers:
        writer.communicate()
    by_case = read_recording(path, "big").by_case
    assert [len(by_case[who]) for who in "ab"] == [300, 300]
    assert "rome" in by_case or not start


def test_reading_whole_files_warns_of_nothing(path: Path) -> None:
    append_records(path, RECORDS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(path) == RECORDS


# Where a model's recording lies.


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("anthropic:claude-opus-4-5", "anthropic-claude-opus-4-5.jsonl"),
        ("local:qwen3-4b@http://localhost:8000/v1", "local-qwen3-4b@http-localhost-8000-v1.jsonl"),
        ("../../etc/passwd", "etc-passwd.jsonl"),
        ("scripted:teacher", "scripted-teacher.jsonl"),
    ],
)
def test_a_model_s_file_has_a_name_that_every_file_system_takes(model: str, name: str) -> None:
    assert recording_path(Path("r"), model) == Path("r") / name


@given(st.permutations(["a/b", "a:b", "a-b", "A:B"]), st.integers(0, 3))
def test_models_whose_names_come_to_the_same_have_files_of_their_own(
    tmp_path_factory: pytest.TempPathFactory, models: list[str], gone: int
) -> None:
    folder = tmp_path_factory.mktemp("recordings")
    for model in models:
        append_records(recording_path(folder, model), [record(0, model=model)])
    recording_path(folder, models[gone]).unlink()
    for model in models[:gone] + models[gone + 1 :]:
        assert read(recording_path(folder, model), model) == [record(0, model=model)]


def test_the_file_of_a_model_whose_name_is_another_is_not_passed_over(tmp_path: Path) -> None:
    append_records(tmp_path / "small.jsonl", [record(0)])
    assert recording_path(tmp_path, "small") == tmp_path / "small.jsonl"
