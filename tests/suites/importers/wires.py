"""Writes one conversation as each wire logs it: a request with its response per answer of the model."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple, TypeAlias

from pytest_toolmatch.core.chain import Call

Talk: TypeAlias = tuple[tuple[str, tuple[tuple[tuple[Call, ...], tuple[str, ...]], ...], str], ...]
"""Turns of a prompt, steps of calls with their replies, and a final text."""

_PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
_TOOL = {"name": "weather", "description": "Weather."}
_numbers = count()


class Wire(NamedTuple):
    """How one wire writes what a user, a model and its tools say, and the bodies around it."""

    name: str
    asked: Callable[[str], Any]
    called: Callable[[tuple[Call, ...], list[str]], list[Any]]
    replied: Callable[[tuple[Call, ...], list[str], tuple[str, ...]], list[Any]]
    said: Callable[[str], list[Any]]
    request: Callable[[list[Any], str], dict[str, Any]]
    response: Callable[[list[Any]], dict[str, Any]]

    def log(self, talk: Talk, instructions: str = "") -> list[dict[str, Any]]:
        """Return the exchanges of a conversation, in their order."""
        history: list[Any] = []
        exchanges: list[dict[str, Any]] = []
        ids = count()

        def answer(parts: list[Any]) -> None:
            exchanges.append({"request": self.request(list(history), instructions), "response": self.response(parts)})
            history.extend(parts)

        for prompt, steps, text in talk:
            history.append(self.asked(prompt))
            for calls, replies in steps:
                keys = [f"call_{next(ids)}" for _ in calls]
                answer(self.called(calls, keys))
                history.extend(self.replied(calls, keys, replies))
            answer(self.said(text))
        return json.loads(json.dumps(exchanges))  # type: ignore[no-any-return]


def _chat_called(calls: tuple[Call, ...], keys: list[str]) -> list[Any]:
    made = [
        {"id": key, "type": "function", "function": {"name": call.name, "arguments": json.dumps(call.arguments)}}
        for call, key in zip(calls, keys, strict=True)
    ]
    return [{"role": "assistant", "content": None, "tool_calls": made}]


def _chat_request(history: list[Any], instructions: str) -> dict[str, Any]:
    system = [{"role": "system", "content": instructions}] if instructions else []
    tool = {"type": "function", "function": _TOOL | {"parameters": _PARAMETERS}}
    return {"model": "big", "messages": system + history, "tools": [tool]}


CHAT = Wire(
    name="chat",
    asked=lambda text: {"role": "user", "content": text},
    called=_chat_called,
    replied=lambda _, keys, replies: [
        {"role": "tool", "tool_call_id": key, "content": text} for key, text in zip(keys, replies, strict=True)
    ],
    said=lambda text: [{"role": "assistant", "content": text}],
    request=_chat_request,
    response=lambda parts: {
        "id": f"chatcmpl-{next(_numbers)}",
        "model": "big-1",
        "choices": [{"message": parts[0], "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2},
    },
)


def _items_called(calls: tuple[Call, ...], keys: list[str]) -> list[Any]:
    return [
        {"type": "function_call", "call_id": key, "name": call.name, "arguments": json.dumps(call.arguments)}
        for call, key in zip(calls, keys, strict=True)
    ]


RESPONSES = Wire(
    name="responses",
    asked=lambda text: {"role": "user", "content": [{"type": "input_text", "text": text}]},
    called=_items_called,
    replied=lambda _, keys, replies: [
        {"type": "function_call_output", "call_id": key, "output": text}
        for key, text in zip(keys, replies, strict=True)
    ],
    said=lambda text: [
        {"type": "reasoning", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]},
    ],
    request=lambda history, instructions: {
        "model": "big",
        "input": history,
        "instructions": instructions or None,
        "tools": [{"type": "function", **_TOOL, "parameters": _PARAMETERS}],
    },
    response=lambda parts: {
        "id": f"resp_{next(_numbers)}",
        "model": "big-1",
        "status": "completed",
        "error": None,
        "output": parts,
        "usage": {"input_tokens": 10, "output_tokens": 2},
    },
)


def _blocks_called(calls: tuple[Call, ...], keys: list[str]) -> list[Any]:
    uses = [
        {"type": "tool_use", "id": key, "name": call.name, "input": call.arguments}
        for call, key in zip(calls, keys, strict=True)
    ]
    return [{"role": "assistant", "content": uses}]


def _blocks_replied(_: tuple[Call, ...], keys: list[str], replies: tuple[str, ...]) -> list[Any]:
    results = [
        {"type": "tool_result", "tool_use_id": key, "content": [{"type": "text", "text": text}]}
        for key, text in zip(keys, replies, strict=True)
    ]
    return [{"role": "user", "content": results}]


MESSAGES = Wire(
    name="messages",
    asked=lambda text: {"role": "user", "content": text},
    called=_blocks_called,
    replied=_blocks_replied,
    said=lambda text: [{"role": "assistant", "content": [{"type": "text", "text": text}]}],
    request=lambda history, instructions: {
        "model": "big",
        "max_tokens": 100,
        "system": [{"type": "text", "text": instructions}],
        "messages": history,
        "tools": [_TOOL | {"input_schema": _PARAMETERS}],
    },
    response=lambda parts: {
        "id": f"msg_{next(_numbers)}",
        "type": "message",
        "model": "big-1",
        "content": parts[0]["content"],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 7, "cache_creation_input_tokens": 3, "output_tokens": 2},
    },
)


def _parts_called(calls: tuple[Call, ...], _: list[str]) -> list[Any]:
    return [
        {"role": "model", "parts": [{"functionCall": {"name": call.name, "args": call.arguments}} for call in calls]}
    ]


def _parts_replied(calls: tuple[Call, ...], _: list[str], replies: tuple[str, ...]) -> list[Any]:
    told = [
        {"functionResponse": {"name": call.name, "response": {"result": text}}}
        for call, text in zip(calls, replies, strict=True)
    ]
    return [{"role": "user", "parts": told}]


GOOGLE = Wire(
    name="google",
    asked=lambda text: {"role": "user", "parts": [{"text": text}]},
    called=_parts_called,
    replied=_parts_replied,
    said=lambda text: [{"role": "model", "parts": [{"text": "hm", "thought": True}, {"text": text}]}],
    request=lambda history, instructions: {
        "contents": history,
        "systemInstruction": {"parts": [{"text": instructions}]},
        "tools": [{"functionDeclarations": [_TOOL | {"parametersJsonSchema": _PARAMETERS}]}],
    },
    response=lambda parts: {
        "responseId": f"r{next(_numbers)}",
        "modelVersion": "big-1",
        "candidates": [{"content": parts[0], "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 2},
    },
)

WIRES = (CHAT, RESPONSES, MESSAGES, GOOGLE)
