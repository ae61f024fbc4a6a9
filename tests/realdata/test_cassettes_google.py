from __future__ import annotations

from typing import Any

import pytest

from pytest_toolmatch.providers.google_genai import from_wire
from tests.realdata.cassettes import answers, needed

pytestmark = needed
ALL = answers(":generateContent")


@pytest.mark.parametrize("body", ALL)
def test_a_recorded_answer(body: dict[str, Any]) -> None:
    turn = from_wire(body)
    content = body["candidates"][0]["content"]
    parts = content["parts"]
    called = [part["functionCall"] for part in parts if "functionCall" in part]
    assert [(call.name, call.arguments) for call in turn.calls] == [(one["name"], one["args"]) for one in called]
    assert turn.text == "".join(part["text"] for part in parts if "text" in part and not part.get("thought"))
    assert turn.calls or turn.text
    assert len(set(turn.ids)) == len(turn.calls)
    assert turn.stop == "done"
    assert turn.native == {"provider": "google", "content": content}
    assert turn.usage is not None
    assert turn.usage.input + turn.usage.output == body["usageMetadata"]["totalTokenCount"]


def test_how_many_there_are() -> None:
    assert len(ALL) == 28
