"""Whatever a session looks like, every call of it is imported or counted as left out, and none twice."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_toolmatch.core.chain import calls_of
from pytest_toolmatch.suites.importers.assemble import assemble
from pytest_toolmatch.suites.importers.source import Imported, Skipped
from tests.suites.importers.writing import Logs

SOME = st.sampled_from(["a", "b", "c", "d", "e", None])
FLAGS = st.fixed_dictionaries(
    {},
    optional={
        "isSidechain": st.booleans(),
        "isMeta": st.booleans(),
        "isApiErrorMessage": st.booleans(),
        "isCompactSummary": st.booleans(),
        "logicalParentUuid": SOME,
        "requestId": SOME,
    },
)
TEXTS = st.sampled_from(["Go", "[Request interrupted by user]", "<command-name>/x</command-name>", ""])
ASKED = st.tuples(st.just("user"), TEXTS | st.lists(st.sampled_from(["t0", "t1", "t2"]), max_size=2))
SAID = st.tuples(
    st.just("assistant"),
    st.tuples(SOME, st.sampled_from(["m", "n", "<synthetic>"]), st.lists(st.just("go"), max_size=3)),
)
RECORDS = st.lists(st.tuples(ASKED | SAID, SOME, SOME, FLAGS), max_size=14)


def written(records: list[Any]) -> tuple[list[dict[str, Any]], int]:
    """Return the records as they stand in a log, and how many calls are in them; every call has an id of its own."""
    lines, calls = [], 0
    for (kind, content), uuid, parent, flags in records:
        if kind == "user":
            blocks = [{"type": "tool_result", "tool_use_id": call, "content": "ok"} for call in content]
            message: dict[str, Any] = {"content": content if isinstance(content, str) else blocks}
        else:
            response, model, names = content
            blocks = [{"type": "tool_use", "id": f"t{calls + n}", "name": name} for n, name in enumerate(names)]
            message = {"id": response, "model": model, "content": blocks}
            calls += len(names)
        lines.append({"type": kind, "uuid": uuid, "parentUuid": parent, "message": message, **flags})
    return lines, calls


@settings(max_examples=300)
@given(records=RECORDS)
def test_every_call_of_any_session_is_accounted_for_once(records: list[Any]) -> None:
    lines, calls = written(records)
    with tempfile.TemporaryDirectory() as folder:
        logs = Logs(Path(folder))
        logs.lines("s.jsonl", *lines)
        read = logs.read("claude-code").records
    imported = sum(len(calls_of(record.chain)) for record in read if isinstance(record, Imported))
    skipped = sum(record.calls for record in read if isinstance(record, Skipped))
    assert imported + skipped == calls


@settings(max_examples=150)
@given(sessions=st.lists(st.tuples(RECORDS, st.integers(1, 2)), min_size=1, max_size=3))
def test_copies_are_counted_as_copies(sessions: list[tuple[list[Any], int]]) -> None:
    total = 0
    with tempfile.TemporaryDirectory() as folder:
        logs = Logs(Path(folder))
        for number, (records, copies) in enumerate(sessions):
            lines, calls = written(records)
            for copy in range(copies):
                logs.lines(f"{number}-{copy}.jsonl", *lines)
            total += calls * copies
        records_read = logs.read("claude-code").records
    if not any(isinstance(record, Imported) for record in records_read):
        return
    counts = assemble("mine", records_read).counts
    assert sum(count for what, count in counts.items() if what.startswith("calls")) == total
