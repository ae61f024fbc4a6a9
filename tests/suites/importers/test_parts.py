"""A log that is read in parts is the log that is read at once."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.suites.importers import files, read_log
from pytest_toolmatch.suites.importers.parts import Block, Elsewhere, Part, here, parts_of
from pytest_toolmatch.suites.importers.source import Source
from tests.suites.importers.writing import Logs, travelled

LINES = st.sampled_from(
    [b'{"a": 1}', b'{"b": "x\\ny"}', b"[1,", b"", b"\0\0", b' {"c": [2]} \r', b"\xff", b"1", b'"' + b"x" * 90 + b'"']
)


def documents(part: Part) -> Iterator[Any]:
    for one in part.documents():
        yield (one.where, one.data) if isinstance(one, files.Document) else one


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(LINES, max_size=12),
    around=st.tuples(st.sampled_from([b"", b"\xef\xbb\xbf", b'{"begins": 1}\n']), st.sampled_from([b"", b"\n"])),
    name=st.sampled_from(["a.jsonl", "a.json", "a.json.gz"]),
    size=st.integers(1, 60),
)
def test_lines_are_the_same_wherever_a_file_is_cut(
    logs: Logs, lines: list[bytes], around: tuple[bytes, bytes], name: str, size: int
) -> None:
    data = around[0] + b"\n".join(lines) + around[1]
    source = Source(logs.raw(name, gzip.compress(data) if name.endswith("gz") else data))
    whole = list(here(documents, parts_of([source])))
    assert list(Elsewhere(travelled, size)(documents, parts_of([source]), lines=True)) == whole


def test_a_file_of_lines_is_cut_and_a_line_that_is_too_long_is_not_held(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_LINE", 1000)
    path = logs.raw("a.jsonl", b"".join(b'{"n": %d}\n' % number for number in range(500)) + b"x" * 5000 + b"\n{}\n")
    blocks: list[Block] = []

    def noted(function: Callable[[Block], bytes], given: Iterable[Block]) -> Iterator[bytes]:
        return travelled(function, (blocks.append(one) or one for one in given))

    found = Elsewhere(noted, 800)(documents, parts_of([Source(path)]), lines=True)
    first = [next(found) for _ in range(50)]
    assert len(blocks) == 1  # what is read is asked for little by little
    assert [*first, *found] == list(here(documents, parts_of([Source(path)])))
    assert len(blocks) > 5
    assert max(len(list(block.parts[0].documents())) for block in blocks) < 100


def test_small_files_are_read_together(logs: Logs) -> None:
    for number in range(150):
        logs.lines(f"{number}.jsonl", {"a": number})
    sizes: list[int] = []

    def noted(function: Callable[[Block], bytes], blocks: Iterable[Block]) -> Iterator[bytes]:
        return travelled(function, (sizes.append(len(one.parts)) or one for one in blocks))

    source = Source(logs.folder, other=frozenset({logs.folder / "7.jsonl"}))
    whole = list(here(documents, parts_of([source])))
    assert list(Elsewhere(noted)(documents, parts_of([source]))) == whole
    assert sizes == [64, 64, 21]


def test_what_is_nested_deeply_gets_there_and_back(logs: Logs) -> None:
    deep = b"[" * 800 + b"]" * 800
    block = b'{"type": "tool_use", "id": "t", "name": "go", "input": {"x": ' + deep + b"}}"
    message = b'{"id": "m", "model": "x", "content": [' + block + b"]}"
    asked = b'{"uuid": "a", "type": "user", "message": {"content": "Go."}}\n'
    said = b'{"uuid": "b", "parentUuid": "a", "type": "assistant", "message": ' + message + b"}\n"
    [run] = logs.read("claude-code", logs.raw("a.jsonl", asked + said)).runs  # here and there, as it compares both
    assert run.chain[0][0].arguments["x"][0][0] != []


@pytest.mark.parametrize("form", ["auto", "claude-code", "codex", "gemini-cli", "requests"])
def test_a_file_that_only_this_machine_has_is_one_line(logs: Logs, form: str) -> None:
    path = logs.lines("a.jsonl", {"sessionId": "x", "uuid": "a", "type": "user", "message": {"content": "Hi."}})

    def apart(function: Callable[[Block], bytes], blocks: Iterable[Block]) -> Iterator[bytes]:
        for block in blocks:
            path.rename(logs.folder / "b.moved")
            yield function(block)

    with pytest.raises(ConfigError, match=r"^[^\n]*a\.jsonl: can't be read on [^\n]* --engine ray out$"):
        list(read_log(form, [Source(logs.folder)], each=Elsewhere(apart)))


def test_paths_are_as_they_were_given(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    logs.lines("in/a.jsonl", {"a": 1})
    monkeypatch.chdir(logs.folder)

    def apart(function: Callable[[Block], bytes], blocks: Iterable[Block]) -> Iterator[bytes]:
        waiting = list(blocks)
        monkeypatch.chdir("/")
        yield from map(function, waiting)

    found = list(Elsewhere(apart)(documents, parts_of([Source(Path("in"))])))
    assert found == [("in/a.jsonl:1", {"a": 1})]
    assert Path.cwd() == Path("/")


REALDATA = Path(__file__).resolve().parents[4] / "shared" / "realdata"
RECORDED = {
    "claude-code": "claude_code_sessions",
    "codex": "codex_rollouts",
    "gemini-cli": "gemini_cli",
    "requests": "http_cassettes",
}


@pytest.mark.parametrize("form", RECORDED)
def test_recorded_logs_are_the_same_in_parts(form: str) -> None:
    folder = REALDATA / RECORDED[form]
    if not folder.is_dir():
        pytest.skip(f"the recorded data is not here ({folder})")
    read = partial(read_log, form, [Source(folder)])
    assert list(read()) == list(read(each=Elsewhere(travelled, 100_000)))
