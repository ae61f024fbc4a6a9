from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_toolmatch.suites.importers import files
from pytest_toolmatch.suites.importers.files import Document, decode, documents, find, natural, read_file
from pytest_toolmatch.suites.importers.source import Problem, Source

THREE = b'{"n": 1}\n{"n": 2}\n{"n": 3}\n'


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def values(path: Path) -> list[Any]:
    return [item.data["n"] for item in read_file(path) if isinstance(item, Document)]


def problems(path: Path) -> list[str]:
    return [str(item) for item in read_file(path) if isinstance(item, Problem)]


@pytest.mark.parametrize("name", ["log.jsonl", "log.json", "log.txt"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_lines_are_told_by_content_and_unpacked_by_content(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
) -> None:
    path = write(tmp_path / name, pack(THREE))
    assert values(path) == [1, 2, 3]
    assert [item.where for item in read_file(path)] == [f"{path}:{line}" for line in (1, 2, 3)]


@pytest.mark.parametrize(
    "text", [b'{"n": 1}', b'{\n "n": 1\n}\n', b'\xef\xbb\xbf{"n": 1}\n', b'\xef\xbb\xbf{\n"n": 1}']
)
def test_one_value_per_file_with_and_without_a_byte_order_mark(tmp_path: Path, text: bytes) -> None:
    assert values(write(tmp_path / "log.json", text)) == [1]


BROKEN_LINES = [
    (b'{"n": 2, "cut', "not JSON, or cut off"),
    (b"\x89PNG\x00\x01\x02", "binary data"),
    (b'{"n": "\xff\xfe"}', "not UTF-8"),
    (b"[" * 100_000, "nested too deeply"),
    (b'{"n": 1} {"n": 2}', "not JSON"),
]


@pytest.mark.parametrize(("line", "what"), BROKEN_LINES, ids=["cut", "binary", "bytes", "deep", "two"])
def test_a_broken_line_is_named_and_the_rest_goes_on(tmp_path: Path, line: bytes, what: str) -> None:
    path = write(tmp_path / "log.jsonl", b'{"n": 1}\n' + line + b'\n{"n": 3}\n')
    assert values(path) == [1, 3]
    [problem] = problems(path)
    assert problem.startswith(f"{path}:2: ")
    assert what in problem


def test_a_cut_last_line_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", THREE[:-5])
    assert values(path) == [1, 2]
    assert problems(path)[0].startswith(f"{path}:3: not JSON, or cut off")


def test_nuls_left_by_a_crash_hide_no_record(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", b'{"n": 1}\n' + b"\0" * 5000 + b'{"n": 2}\n' + b"\0" * 100)
    assert values(path) == [1, 2]
    assert problems(path) == []


def test_a_truncated_archive_gives_what_came_before(tmp_path: Path) -> None:
    lines = b"".join(b'{"n": %d, "pad": "%s"}\n' % (n, hex(n**60).encode()) for n in range(3000))
    path = write(tmp_path / "log.jsonl.gz", gzip.compress(lines)[:-1000])
    read = values(path)
    assert read == list(range(len(read)))
    assert len(read) > 2000
    [problem] = problems(path)
    assert problem.startswith(f"{path}:{len(read) + 1}: can't be read on from here: Compressed file ended")


def test_an_archive_with_damage_inside_is_named(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(THREE))
    packed[12:20] = b"\xff" * 8
    assert "can't be read on" in problems(write(tmp_path / "log.jsonl.gz", bytes(packed)))[0]


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", gzip.compress(b"")], ids=["nothing", "bom", "packed"])
def test_an_empty_file_is_named(tmp_path: Path, data: bytes) -> None:
    path = write(tmp_path / "log.jsonl", data)
    assert problems(path) == [f"{path}:1: the file is empty"]


def test_a_missing_and_an_unreadable_file_are_named(tmp_path: Path) -> None:
    loop = tmp_path / "loop.jsonl"
    loop.symlink_to(loop)
    assert problems(tmp_path / "gone.jsonl") == [
        f"{tmp_path}/gone.jsonl:1: can't be read on from here: No such file or directory"
    ]
    assert "can't be read on from here: Too many levels of symbolic links" in problems(loop)[0]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_a_huge_line_is_passed_over_without_being_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(files, "MAX_LINE", 1000)
    huge = b'{"n": "' + b"x" * 3_000_000 + b'"}\n'
    path = write(tmp_path / "log.jsonl", pack(b'{"n": 1}\n' + huge + b'{"n": 3}\n'))
    assert values(path) == [1, 3]
    assert problems(path)[0].startswith(f"{path}:2: a line of over")


def test_a_huge_document_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_DOCUMENT", 1000)
    path = write(tmp_path / "log.json", b'{\n"n": "' + b"x" * 3000 + b'"}')
    assert "in one JSON value: passed over" in problems(path)[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (rb'"cut \ud83d here"', "cut \ufffd here"),
        (rb'{"\ud83d": ["\ude00"]}', {"\ufffd": ["\ufffd"]}),
        (rb'"whole \ud83d\ude00"', "whole \U0001f600"),
        (b'"tab\there"', "tab\there"),
        (b"[Infinity, 1e400, 123456789012345678901234567890]", [float("inf")] * 2 + [123456789012345678901234567890]),
    ],
)
def test_what_python_and_javascript_write_beyond_json_is_read(text: bytes, value: Any) -> None:
    assert decode(text) == value


def test_directories_are_walked_in_natural_order_and_foreign_files_are_left_alone(tmp_path: Path) -> None:
    for name in ("run_10.jsonl", "run_2.jsonl", "b/run_1.json.gz", "notes.md", "photo.png", "log.JSONL"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / name, b"{}")
    found = [path.relative_to(tmp_path).as_posix() for _, path in find([Source(tmp_path)])]
    assert found == ["b/run_1.json.gz", "log.JSONL", "run_2.jsonl", "run_10.jsonl"]
    assert natural(Path("a2b")) < natural(Path("a10b"))


def test_every_source_keeps_its_label(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", b"{}\n")
    found = list(documents([Source(path, "one"), Source(tmp_path, "two")]))
    assert [item.source.label for item in found if isinstance(item, Document)] == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "path", "label"),
    [
        ("logs/a.jsonl", "logs/a.jsonl", ""),
        ("gpt-4o=logs/a.jsonl", "logs/a.jsonl", "gpt-4o"),
        ("claude-code(agent)=a=b.json", "a=b.json", "claude-code(agent)"),
        ("logs/with=sign.jsonl", "logs/with=sign.jsonl", ""),
        ("=a.jsonl", "=a.jsonl", ""),
    ],
)
def test_a_label_stands_before_the_first_equals_sign(text: str, path: str, label: str) -> None:
    assert Source.parse(text) == Source(Path(path), label)


def test_a_path_that_exists_as_written_has_no_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a=b.jsonl", b"{}")
    assert Source.parse("a=b.jsonl") == Source(Path("a=b.jsonl"))
