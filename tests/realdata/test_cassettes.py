"""Which of the recorded wires are spoken here."""

from __future__ import annotations

from collections import Counter

from tests.realdata.cassettes import exchanges, needed

pytestmark = needed

SPOKEN = ("/v1/messages", "/chat/completions", "/v1/responses", ":generateContent")
FOREIGN = {"/converse": 6, "/v2/chat": 6, "/api/chat": 1}
"""Bedrock's Converse (Bedrock is reached through the SDKs' own clients), Cohere's and Ollama's own forms (both serve
Chat Completions, too)."""


def test_every_wire_is_spoken_or_known_to_be_foreign() -> None:
    wires = Counter(next((end for end in (*SPOKEN, *FOREIGN) if one.url.endswith(end)), one.url) for one in exchanges())
    assert {wire: count for wire, count in wires.items() if wire not in SPOKEN} == FOREIGN
    assert wires.keys() >= set(SPOKEN)
