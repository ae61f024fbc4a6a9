"""Whatever stands in a log where something else was expected: it is reported or passed over, never a crash."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.suites.importers import test_benchmarks_of_tools, test_codex, test_gemini_cli, test_inspect_ai
from tests.suites.importers.test_requests import STREAMS, TALK
from tests.suites.importers.wires import WIRES
from tests.suites.importers.writing import Logs

EXCHANGES = [line for wire in WIRES for line in wire.log(TALK, instructions="Be brief.")]
STREAMED = [one | {"response": STREAMS[wire.name](one["response"])} for wire in WIRES for one in wire.log(TALK)[:1]]
COMPACTED = {"type": "compacted", "payload": {"message": "x", "replacement_history": []}}
LOGS: dict[str, list[Any]] = {
    "bashkit": [
        {"model": "m", "results": [{"task": test_benchmarks_of_tools.TASK, "trace": test_benchmarks_of_tools.TRACE}]}
    ],
    "codex": [*test_codex.SESSION, COMPACTED],
    "gemini-cli": [test_gemini_cli.session(*test_gemini_cli.TALK), *test_gemini_cli.TALK, {"$rewindTo": "4"}],
    "inspect-ai": [test_inspect_ai.HEAD | {"samples": [test_inspect_ai.sample()]}],
    "requests": [*EXCHANGES, *STREAMED],
    "tool-calling-benchmark": [
        {"prompts": ["Rain?"], "tools": [{"name": "rain"}]},
        {"model_name": "m", "runs": [[test_benchmarks_of_tools.answer({"name": "rain", "arguments": "{"})]]},
    ],
}

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 9) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "text", "id"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths to all that a value holds, at any depth."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in items for found in places(item, (*path, key)))]


@pytest.mark.parametrize("form", LOGS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_may_stand_anywhere(logs: Logs, form: str, data: st.DataObject) -> None:
    records = copy.deepcopy(LOGS[form])
    for _ in range(data.draw(st.integers(1, 3))):
        found = [path for path in places(records) if path]
        *path, key = data.draw(st.sampled_from(found))
        inside: Any = records
        for step in path:
            inside = inside[step]
        inside[key] = data.draw(anything)
    lines = [json.dumps(record).encode() for record in records]
    cut = data.draw(st.integers(0, len(lines[-1])))
    logs.raw("a.jsonl", b"\n".join([*lines[:-1], lines[-1][:cut]]))
    read = logs.read(form, replies=True)
    assert all("\n" not in problem for problem in read.problems)
