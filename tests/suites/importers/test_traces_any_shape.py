from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.suites.importers.writing import Logs

WORDS = ("chat", "execute_tool", "LLM", "user", "tool", "text", "tool_call", "GENERATION", "[[1]]", '[{"role": 3}]')
KEYS = (
    *(
        "resourceSpans",
        "scopeSpans",
        "spans",
        "batches",
        "data",
        "trace",
        "observations",
        "attributes",
        "events",
        "key",
    ),
    *(
        "value",
        "name",
        "tags",
        "logs",
        "fields",
        "references",
        "status",
        "role",
        "content",
        "parts",
        "tool_calls",
        "type",
    ),
    *("function", "arguments", "messages", "contents", "config", "tools", "choices", "message", "response", "kwargs"),
    *("gen_ai.prompt.0.role", "gen_ai.prompt", "gen_ai.input.messages", "gen_ai.output.messages", "llm.input_messages"),
    *("gen_ai.tool.definitions", "gen_ai.operation.name", "llm.tools", "input.value", "output.value", "function_call"),
    *("metadata", "input", "output", "usageDetails", "modelParameters", "additional_kwargs", "toolCallId", "text"),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)
attributes = st.dictionaries(st.sampled_from(KEYS), anything, max_size=6)
ids = st.sampled_from("123")
strange = (
    anything
    | st.fixed_dictionaries(
        {
            "context": st.fixed_dictionaries({"trace_id": st.just("t"), "span_id": ids}),
            "parent_id": ids,
            "attributes": attributes,
            "events": anything,
        }
    )
    | st.fixed_dictionaries(
        {
            "traceId": st.just("t"),
            "id": ids,
            "type": st.sampled_from(["GENERATION", "TOOL", "AGENT"]),
            "input": anything,
            "output": anything,
            "metadata": st.fixed_dictionaries({"attributes": attributes}),
        }
    )
)


@pytest.mark.parametrize("form", ["otel", "langfuse", "claude-code-otel"])
@given(documents=st.lists(strange, min_size=1, max_size=4))
@settings(max_examples=60, suppress_health_check=[*HealthCheck])
def test_json_of_any_shape_is_read_or_reported_and_never_a_crash(
    tmp_path: Path, form: str, documents: list[Any]
) -> None:
    logs = Logs(tmp_path)
    logs.lines("a.jsonl", *documents)
    found = logs.read(form, replies=True)
    assert found.records or form == "claude-code-otel"
