"""Which of the recorded wires are spoken here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from pytest_toolmatch.core.errors import ServiceFault
from pytest_toolmatch.providers import anthropic_messages, chat_wire, google_genai, openai_responses
from tests.realdata.cassettes import answers, exchanges, needed

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.core.turn import Turn

pytestmark = needed

FROM_WIRE: dict[str, Callable[[Any], Turn]] = {
    "/v1/messages": anthropic_messages.from_wire,
    "/chat/completions": chat_wire.from_wire,
    "/v1/responses": openai_responses.from_wire,
    ":generateContent": google_genai.from_wire,
}
SPOKEN = tuple(FROM_WIRE)
FOREIGN = {"/converse": 6, "/v2/chat": 6, "/api/chat": 1}
"""Bedrock's Converse (Bedrock is reached through the SDKs' own clients), Cohere's and Ollama's own forms (both serve
Chat Completions, too)."""


def test_every_wire_is_spoken_or_known_to_be_foreign() -> None:
    wires = Counter(next((end for end in (*SPOKEN, *FOREIGN) if one.url.endswith(end)), one.url) for one in exchanges())
    assert {wire: count for wire, count in wires.items() if wire not in SPOKEN} == FOREIGN
    assert wires.keys() >= set(SPOKEN)


def foreign_to(ending: str) -> list[Any]:
    """Return every recorded answer of another wire, as parameters of a test."""
    others = [one for one in (*SPOKEN, *FOREIGN) if one != ending]
    return [
        pytest.param(FROM_WIRE[ending], *one.values, id=f"{ending}-{one.id}") for end in others for one in answers(end)
    ]


@pytest.mark.parametrize(("from_wire", "body"), [one for ending in FROM_WIRE for one in foreign_to(ending)])
def test_the_answer_of_another_wire_is_a_fault_and_never_a_silent_answer(
    from_wire: Callable[[Any], Turn], body: dict[str, Any]
) -> None:
    with pytest.raises(ServiceFault):
        from_wire(body)
