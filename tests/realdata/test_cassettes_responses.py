from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_toolmatch.providers.openai_responses import from_wire

CASSETTES = Path(__file__).parents[3] / "shared" / "realdata" / "http_cassettes"
pytestmark = pytest.mark.skipif(not CASSETTES.is_dir(), reason=f"the recorded data is not here ({CASSETTES})")


def responses() -> list[Any]:
    """Return every successful answer of the Responses API, from OpenAI and from Bedrock."""
    if not CASSETTES.is_dir():
        return []
    found: list[tuple[str, Any]] = []
    for path in sorted(CASSETTES.glob("*/*/*.yaml")):
        if b"/v1/responses" not in (text := path.read_bytes()):
            continue
        data = yaml.load(text, yaml.CSafeLoader)
        found += [
            (path.stem, one["response"]["parsed_body"])
            for one in data["interactions"]
            if one["request"]["uri"].endswith("/v1/responses") and one["response"]["status"]["code"] // 100 == 2
        ]
    with gzip.open(CASSETTES / "pydantic-ai_requests_responses.jsonl.gz") as lines:
        rows = [json.loads(line) for line in lines]
    found += [(f"{row['cassette']}.gz", row["response"]) for row in rows if row["url"].endswith("/v1/responses")]
    return [pytest.param(body, id=f"{name}-{index}") for index, (name, body) in enumerate(found)]


ALL = responses()


@pytest.mark.parametrize("body", ALL)
def test_a_recorded_answer(body: dict[str, Any]) -> None:
    turn = from_wire(body)
    called = [item for item in body["output"] if item["type"] == "function_call"]
    assert [(call.name, call.arguments) for call in turn.calls] == [
        (one["name"], json.loads(one["arguments"])) for one in called
    ]
    assert turn.ids == tuple(one["call_id"] for one in called)
    assert turn.calls or turn.text
    assert turn.stop == "done"
    assert turn.native == {"provider": "openai-responses", "output": body["output"]}
    assert turn.usage is not None
    assert turn.usage.input + turn.usage.output == body["usage"]["total_tokens"]


def test_how_many_there_are() -> None:
    assert len(ALL) == 22
