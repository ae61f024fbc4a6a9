"""Answers in the real format of Chat Completions, for a loopback server."""

from __future__ import annotations

import json
from typing import Any

from tests.servers.loopback import Answer

USAGE = {
    "prompt_tokens": 120,
    "completion_tokens": 30,
    "total_tokens": 150,
    "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 12, "accepted_prediction_tokens": 0},
}


def tool_call(name: str, arguments: Any = None, call_id: str | None = "call_a") -> dict[str, Any]:
    """Return one call; arguments that are text stay as they are."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": text}}


def completion(
    content: str | None = None,
    *calls: dict[str, Any],
    finish: str | None = None,
    usage: dict[str, Any] | None = USAGE,
    **message: Any,
) -> dict[str, Any]:
    """Return one chat completion; ``message`` are more fields of the message."""
    said = {"role": "assistant", "content": content, "refusal": None, "annotations": []} | message
    if calls:
        said["tool_calls"] = list(calls)
    reason = finish or ("tool_calls" if calls else "stop")
    return {
        "id": "chatcmpl-B1",
        "object": "chat.completion",
        "created": 1760000000,
        "model": "gpt-oss-20b",
        "choices": [{"index": 0, "message": said, "logprobs": None, "finish_reason": reason}],
        "usage": usage,
        "service_tier": "default",
        "system_fingerprint": "fp_1",
    }


def failure(message: str, *, kind: str = "invalid_request_error", code: str | None = None) -> dict[str, Any]:
    """Return the body of an error."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


CALLED = Answer(completion(None, tool_call("search", {"q": "cheese"})))
PARALLEL = Answer(completion("", tool_call("search", {"q": "a"}), tool_call("book", {"id": 7}, "call_b")))
ANSWERED = Answer(completion("It is sunny."))
