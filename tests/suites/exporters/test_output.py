"""Files that appear whole, all of them or none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.suites.exporters import FORMATS, find_format
from pytest_toolmatch.suites.exporters.output import Output
from pytest_toolmatch.suites.exporters.row import Line


def below(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def put(folder: Path, *parts: str) -> None:
    with Output(folder) as output:
        for part in parts:
            output.write([Line({"a": 1})], part)


def test_a_directory_has_a_file_for_each_part_and_those_that_lines_name(tmp_path: Path) -> None:
    with Output(tmp_path / "new" / "out") as output:
        output.write([Line({"a": 1}), Line({"b": 2}, "answers/x.json")], "train")
        output.write([Line({"a": 3})], "test")
        assert below(tmp_path / "new" / "out") == {}
    assert below(tmp_path) == {
        "new/out/train.jsonl": '{"a":1}\n',
        "new/out/train/answers/x.json": '{"b":2}\n',
        "new/out/test.jsonl": '{"a":3}\n',
    }


def test_one_file_holds_all_parts(tmp_path: Path) -> None:
    with Output(tmp_path / "out.jsonl") as output:
        output.write([Line({"a": 1})], "train")
        output.write([Line({"a": 2})], "test")
    assert below(tmp_path) == {"out.jsonl": '{"a":1}\n{"a":2}\n'}


@pytest.mark.parametrize("name", [".", "there", "new", "new/er"])
def test_any_directory_will_do(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    put(Path(name), "train")
    assert below(tmp_path / name) == {"train.jsonl": '{"a":1}\n'}
    assert not list(tmp_path.rglob(".export*"))


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ConfigError])
def test_what_ends_early_leaves_nothing(tmp_path: Path, stop: type[BaseException]) -> None:
    def interrupted() -> None:
        with Output(tmp_path / "out") as output:
            output.write([Line({"a": 1})], "train")
            raise stop

    with pytest.raises(stop):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text("mine")
    with pytest.raises(ConfigError, match=r"train.jsonl exists already: choose another place with -o"):
        Output(tmp_path / "train.jsonl")
    with pytest.raises(ConfigError, match="exists already"):
        put(tmp_path, "validation", "train")
    assert below(tmp_path) == {"train.jsonl": "mine"}
    (tmp_path / "plain").write_text("mine")
    with pytest.raises(ConfigError, match="exists already"):
        Output(tmp_path / "plain")


def test_a_disk_that_does_not_take_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match=r"file/out: can't be written: .*; choose another place with -o"):
        put(tmp_path / "file" / "out", "train")


def full(folder: Path) -> Output:
    """Return an output whose file ``train`` has a line that the disk takes no more: what it says when it is closed."""
    staged = folder / f".export-{os.getpid()}"
    staged.mkdir()
    (staged / "train.jsonl").symlink_to("/dev/full")
    output = Output(folder)
    output.write([Line({"a": 1})], "train")
    return output


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk here is always full")
def test_a_disk_that_is_full_at_the_end_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match=r"can't be written: No space left on device; choose another place"),
        full(tmp_path),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyboardInterrupt), full(tmp_path):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_every_format_has_the_same_names() -> None:
    for name in FORMATS:
        form = find_format(name)
        assert name == form.NAME
        assert form.SUMMARY
        assert form.UNIT in ("sample", "case")
        assert form.REPLIES in (True, False)
        assert form.NEXT.format(out="OUT", train="TRAIN") is not None
        assert callable(form.write)
