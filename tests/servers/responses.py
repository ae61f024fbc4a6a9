"""What OpenAI's Responses API says and takes: bodies to answer with, and a check of what came by the SDK's types."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from openai.types.responses import FunctionToolParam, Response, ResponseInputItemParam
from pydantic import TypeAdapter

from tests.servers.loopback import Answer

if TYPE_CHECKING:
    from tests.servers.loopback import Received

_item = TypeAdapter(ResponseInputItemParam)
_tool = TypeAdapter(FunctionToolParam)
_KNOWN = {
    *("model", "input", "store", "include", "instructions", "tools", "tool_choice", "reasoning", "text"),
    *("temperature", "max_output_tokens", "top_p", "parallel_tool_calls", "metadata"),
}


def call(name: str, arguments: str, call_id: str) -> dict[str, Any]:
    item = {"type": "function_call", "id": f"fc_{call_id}", "call_id": call_id, "name": name}
    return {**item, "arguments": arguments, "status": "completed"}


def text(said: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": said, "annotations": [], "logprobs": []}
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}


def refusal(said: str) -> dict[str, Any]:
    return {**text(""), "content": [{"type": "refusal", "refusal": said}]}


def reasoning(secret: str) -> dict[str, Any]:
    return {"type": "reasoning", "id": "rs_1", "summary": [], "content": [], "encrypted_content": secret}


def body(*output: dict[str, Any], status: str = "completed", **more: Any) -> dict[str, Any]:
    """Return a response; the SDK's own type takes it."""
    response = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1783719075,
        "model": "gpt-5.6",
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "output": list(output),
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": 20,
            "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 0},
            "output_tokens": 18,
            "output_tokens_details": {"reasoning_tokens": 11},
            "total_tokens": 38,
        },
        **more,
    }
    Response.model_validate_json(json.dumps(response))
    return response


def says(*output: dict[str, Any], **more: Any) -> Answer:
    return Answer(body(*output, **more))


def error(status: int, message: str, **headers: str) -> Answer:
    """Return an error in OpenAI's form."""
    told = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return Answer({"error": told}, status=status, headers=headers)


def checked(received: Received) -> dict[str, Any]:
    """Return the request's JSON once the SDK's own types took every part of it."""
    sent = received.json
    for item in sent["input"]:
        _item.validate_json(json.dumps(item))
    for tool in sent.get("tools", ()):
        _tool.validate_json(json.dumps(tool))
    assert sent.keys() <= _KNOWN
    return sent
