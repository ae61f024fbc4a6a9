from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.chain import names_of
from pytest_toolmatch.suites.importers import FORMATS, read_log
from pytest_toolmatch.suites.importers.head import SIZE, completed, head_of
from pytest_toolmatch.suites.importers.recognise import RECOGNISERS, recognised
from pytest_toolmatch.suites.importers.source import Counted, Source
from tests.suites.importers.test_any_input import LOGS
from tests.suites.importers.tracing import conversation
from tests.suites.importers.tracing_containers import CONTAINERS
from tests.suites.importers.writing import Logs, Read

SESSION = [
    {"type": "summary", "summary": "Seats", "leafUuid": "x"},
    {"type": "user", "uuid": "a", "parentUuid": None, "message": {"role": "user", "content": "Seat me."}},
    {
        "type": "assistant",
        "uuid": "b",
        "parentUuid": "a",
        "message": {
            "id": "m",
            "model": "made-up-1",
            "content": [{"type": "tool_use", "id": "t", "name": "seat", "input": {}}],
        },
    },
]
EVENTS = [{"_type": "log", "name": "user_prompt", "attrs": {"event.name": "user_prompt", "session.id": "s"}}]
REACT = [
    {
        "task_id": "q",
        "question": "Who?",
        "model": "small-1",
        "runs": [{"steps": [{"action": "ask", "action_input": {}}]}],
    }
]
CHAT = [{"role": "user", "content": "Hi."}, {"role": "assistant", "tool_calls": [{"name": "look", "arguments": {}}]}]
TAU = [{"task_id": 1, "trial": 0, "traj": CHAT}]
TAU2 = [{"task_id": "1", "messages": CHAT}]
QUESTION = {"id": "simple_0", "question": [[{"role": "user", "content": "Hi."}]], "function": []}
EXAMPLES: dict[str, list[list[Any]]] = {
    **{form: [records] for form, records in LOGS.items()},
    "bfcl": [[QUESTION], [{"id": "simple_0", "ground_truth": []}], [{"id": "simple_0", "result": "[]"}]],
    "claude-code": [SESSION, SESSION[:1]],
    "claude-code-otel": [EVENTS],
    "langfuse": [
        CONTAINERS["observed"][1](conversation("langfuse")),
        [{"traceId": "t", "id": "o", "type": "GENERATION"}],
    ],
    "otel": [put(conversation("indexed")) for form, put in CONTAINERS.values() if form == "otel"],
    "react": [REACT],
    "tau-bench": [TAU, [TAU]],
    "tau2": [TAU2, [{"timestamp": "now", "simulations": []}], [{"config": {}, "task_results": []}]],
}


def noted(found: Read) -> dict[str, int]:
    notes: dict[str, int] = {}
    for record in found.records:
        if isinstance(record, Counted):
            notes[record.what] = notes.get(record.what, 0) + record.count
    return notes


def test_every_format_has_a_recogniser() -> None:
    assert set(RECOGNISERS) == set(FORMATS) - {"auto"}
    assert set(EXAMPLES) == set(RECOGNISERS)


@pytest.mark.parametrize(("form", "records"), [(form, one) for form, many in EXAMPLES.items() for one in many])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_format_is_recognised_by_its_first_records(
    logs: Logs, form: str, records: list[Any], indent: int | None
) -> None:
    alone = len(records) == 1 and indent
    path = logs.document("anything", records[0]) if alone else logs.lines("anything", *records)
    assert recognised(head_of(path).records) == form
    assert recognised(head_of(logs.packed("packed", *records)).records) == form


def test_a_document_of_any_size_is_recognised_by_its_beginning(logs: Logs) -> None:
    [trace] = CONTAINERS["jaeger"][1](conversation("indexed") * 400)
    path = logs.document("big", trace)
    assert path.stat().st_size > 4 * SIZE
    assert recognised(head_of(path).records) == "otel"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_values, min_size=1), st.data())
def test_what_is_completed_is_the_beginning_of_the_whole(value: dict[str, Any], data: st.DataObject) -> None:
    text = json.dumps(value).encode()
    begun = completed(text[: data.draw(st.integers(0, len(text)))])
    assert begun is None or [*begun.items()][:-1] == [*value.items()][: max(len(begun) - 1, 0)]
    assert completed(text) == value


def test_a_mixed_directory_is_sorted_out_and_imported(logs: Logs) -> None:
    logs.lines("projects/x/1.jsonl", *SESSION)
    logs.packed("projects/x/2.log", *SESSION[1:])
    (logs.folder / "unpacked").unlink()
    logs.lines("traces/t.json", *CONTAINERS["otlp"][1](conversation("structured")))
    logs.document("traces/l.json", CONTAINERS["observed"][1](conversation("langfuse"))[0])
    logs.raw("notes.txt", b"Remember the milk.")
    logs.raw("picture.png", b"\x89PNG\0\0")
    logs.raw("latin.json", b'{"caf\xe9": 1}')
    logs.raw("empty.jsonl", b"")
    logs.document("settings.json", {"theme": "dark"})
    found = logs.read("auto")
    assert noted(found) == {
        "files recognised as claude-code": 2,
        "files recognised as langfuse": 1,
        "files recognised as otel": 1,
        "files not recognised": 5,
    }
    assert sorted(len(names_of(run.chain)) for run in found.runs) == [1, 1, 1, 1, 3, 3]
    said = {Path(problem.partition(": ")[0]).name: problem.partition(": ")[2] for problem in found.problems}
    assert {name: what.partition(", or")[0][:36] for name, what in said.items()} == {
        "notes.txt": "not recognised: not JSON",
        "picture.png": "not recognised: binary data, no JSON",
        "latin.json": "not recognised: bytes that are not U",
        "empty.jsonl": "not recognised: the file is empty",
        "settings.json": "not recognised: JSON of a form that ",
    }


def test_a_half_written_log_is_recognised_and_read_as_far_as_it_goes(logs: Logs) -> None:
    lines = b"".join(json.dumps(one).encode() + b"\n" for one in SESSION)
    logs.raw("cut.jsonl", lines + b'{"type": "assi')
    logs.raw("cut.jsonl.gz", gzip.compress(lines * 500)[:-200])
    found = logs.read("auto")
    assert noted(found) == {"files recognised as claude-code": 2}
    assert len(found.problems) == 2
    assert found.runs


LINE = b'{"type": "user", "uuid": "a"}'


@pytest.mark.parametrize(
    ("data", "records"),
    [
        (LINE, 1),
        (LINE + b"\n" + LINE[:-4], 1),
        (LINE[5:] + b"\n" + LINE + b"\n" + LINE, 2),
        (b"[" + LINE + b", " + LINE + b"]", 2),
        (b"[\n" + LINE + b",\n" + LINE + b",\n" + LINE[:20], 3),
        (b"Said:\n" + LINE + b"\nand no more.", 1),
        (b"Said\n" + LINE + b"\nand no more.", 0),
        (b"{]", 0),
    ],
)
def test_records_are_lines_or_items_or_the_one_value(logs: Logs, data: bytes, records: int) -> None:
    assert len(head_of(logs.raw("a", data)).records) == records


def test_json_in_a_zip_file_and_the_keys_of_yaml_are_records(logs: Logs) -> None:
    with zipfile.ZipFile(logs.folder / "log.eval", "w") as archive:
        archive.writestr("notes.txt", "none")
        archive.writestr("header.json", json.dumps({"version": 2, "eval": {"task": "t"}}))
    assert head_of(logs.folder / "log.eval").records == ({"version": 2, "eval": {"task": "t"}},)
    cut = logs.raw("cut.eval", (logs.folder / "log.eval").read_bytes()[:60])
    assert "zip file that can't be read" in head_of(cut).problem
    yaml = head_of(logs.raw("a.yaml", b"---\ninteractions:\n- request:\n    uri: x\nversion: 1\n"))
    assert (yaml.records, yaml.problem) == (({"interactions": None, "version": None},), "not JSON")


def test_a_label_and_a_missing_file(logs: Logs) -> None:
    path = logs.lines("a.jsonl", *SESSION)
    found = logs.read("auto", f"mine={path}", logs.folder / "nowhere.jsonl")
    assert [run.model for run in found.runs] == ["mine"]
    assert "No such file" in found.problems[0]


def test_files_of_a_directory_that_are_no_logs_are_passed_over(logs: Logs) -> None:
    logs.lines("a.jsonl", *SESSION)
    tools = logs.document("tools.json", [{"name": "seat"}])
    other = frozenset({tools.resolve()})
    found = Read(list(read_log("auto", [Source(logs.folder, other=other)])))
    assert noted(found) == {"files recognised as claude-code": 1}
