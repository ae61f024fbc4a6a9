"""What the Gemini API says and takes: bodies to answer with, and a check of what came by the SDK's own types."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from google.genai import types

from tests.servers.loopback import Answer

if TYPE_CHECKING:
    from tests.servers.loopback import Received

USAGE = {
    "promptTokenCount": 20,
    "toolUsePromptTokenCount": 3,
    "cachedContentTokenCount": 5,
    "candidatesTokenCount": 7,
    "thoughtsTokenCount": 11,
    "totalTokenCount": 41,
}


def call(name: str, arguments: dict[str, Any], *, call_id: str = "", signature: str = "") -> dict[str, Any]:
    """Return a part that calls a function."""
    named = {"id": call_id} if call_id else {}
    signed = {"thoughtSignature": signature} if signature else {}
    return {"functionCall": {**named, "name": name, "args": arguments}, **signed}


def body(*parts: dict[str, Any], finish: str = "STOP", **candidate: Any) -> dict[str, Any]:
    """Return a response with one candidate."""
    content = {"content": {"role": "model", "parts": list(parts)}} if parts else {}
    return {
        "candidates": [{**content, "finishReason": finish, "index": 0, **candidate}],
        "usageMetadata": USAGE,
        "modelVersion": "gemini-3-flash",
        "responseId": "r-1",
    }


def says(*parts: dict[str, Any], **candidate: Any) -> Answer:
    return Answer(body(*parts, **candidate))


def error(status: int, message: str, *details: dict[str, Any], **headers: str) -> Answer:
    """Return an error in Google's form."""
    told = {"code": status, "message": message, "status": "INVALID_ARGUMENT", "details": list(details)}
    return Answer({"error": told}, status=status, headers=headers)


def checked(received: Received) -> dict[str, Any]:
    """Return the request's JSON once the SDK's own types took every part of it."""
    sent = received.json
    for content in sent["contents"]:
        types.Content.model_validate_json(json.dumps(content))
    for tool in sent.get("tools", ()):
        types.Tool.model_validate_json(json.dumps(tool))
    types.GenerationConfig.model_validate_json(json.dumps(sent.get("generationConfig", {})))
    types.ToolConfig.model_validate_json(json.dumps(sent.get("toolConfig", {})))
    known = {"contents", "tools", "toolConfig", "systemInstruction", "generationConfig", "safetySettings"}
    assert sent.keys() <= known
    return sent
