from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_toolmatch.providers.openai_responses import from_wire
from tests.realdata.cassettes import answers, needed

pytestmark = needed
ALL = answers("/v1/responses")


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
