"""Streamed responses, put together to what the service would have sent in one piece.

A stream is the text of server-sent events, or a list of what stands behind their ``data:``. One that lacks its end is
no answer: calls may be missing, and arguments may be cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import MappingProxyType
from typing import Any

from pytest_toolmatch.suites.importers.contents import dicts, mapping, string
from pytest_toolmatch.suites.importers.fields import parsed
from pytest_toolmatch.suites.importers.files import decode

_STARTS = ("data:", "event:", ":")


def is_stream(body: Any) -> bool:
    """Whether a body is a stream."""
    return isinstance(body, list) or (isinstance(body, str) and body.lstrip().startswith(_STARTS))


def whole(body: Any) -> dict[str, Any] | None:
    """Return the response that a stream comes to; None where it lacks its end, or is none that is known."""
    chunks = dicts(body) if isinstance(body, list) else _events(body)
    read = next((read for key, read in _READERS.items() for chunk in chunks[:1] if key in chunk), None)
    return read(chunks) if read else None


def _events(text: str) -> list[dict[str, Any]]:
    found = []
    for line in text.splitlines():
        data = line.removeprefix("data:").strip()
        if not line.startswith("data:") or data == "[DONE]":
            continue
        try:
            found.append(decode(data.encode()))
        except ValueError:
            return []
    return dicts(found)


def _chat(chunks: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    choices = [_choice(parts) for parts in _answers(chunks, "choices")]
    if not choices or choices[0]["finish_reason"] is None:
        return None
    usage = next((chunk["usage"] for chunk in reversed(chunks) if chunk.get("usage")), None)
    return {"id": chunks[0].get("id"), "model": chunks[0].get("model"), "choices": choices, "usage": usage}


def _answers(chunks: Sequence[dict[str, Any]], key: str) -> list[list[dict[str, Any]]]:
    """Return the parts of every answer to a request, which come mixed where it asked for several."""
    found: dict[int, list[dict[str, Any]]] = {}
    for chunk in chunks:
        for part in dicts(chunk.get(key)):
            found.setdefault(_index(part, 0), []).append(part)
    return [found[index] for index in sorted(found)]


def _choice(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    deltas = [mapping(part.get("delta")) for part in parts]
    made = _calls(part for delta in deltas for part in dicts(delta.get("tool_calls")))
    finish = next((part["finish_reason"] for part in reversed(parts) if part.get("finish_reason")), None)
    text, refusal = ("".join(string(delta.get(key)) for delta in deltas) for key in ("content", "refusal"))
    return {"message": {"content": text, "refusal": refusal or None, "tool_calls": made}, "finish_reason": finish}


def _calls(parts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the calls that parts come to; some services give one index to all of them, and only the ids differ."""
    made: list[dict[str, Any]] = []
    latest: dict[int, dict[str, Any]] = {}
    for part in parts:
        index = _index(part, len(made))
        if index not in latest or _is_another(part, latest[index]):
            latest[index] = {"name": "", "arguments": ""}
            made.append(latest[index])
        _grow(latest[index], part)
    return [{"id": call.get("id"), "function": call} for call in made]


def _is_another(part: dict[str, Any], call: dict[str, Any]) -> bool:
    """Whether a part begins a call; other services give every part of one call an id of its own, but no name."""
    named = bool(mapping(part.get("function")).get("name"))
    return named and bool(part.get("id") and call["id"]) and part["id"] != call["id"]


def _index(part: dict[str, Any], default: int) -> int:
    return part["index"] if isinstance(part.get("index"), int) else default


def _grow(call: dict[str, Any], part: dict[str, Any]) -> None:
    function = mapping(part.get("function"))
    call["id"] = part.get("id") or call.get("id")
    call["name"] = string(function.get("name")) or call["name"]
    call["arguments"] += string(function.get("arguments"))


def _typed(chunks: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Read the events of the Responses API, of which the last holds all, or of Anthropic's Messages."""
    last = next((chunk["response"] for chunk in reversed(chunks) if isinstance(chunk.get("response"), dict)), None)
    if last is not None:
        return last if last.get("status") in ("completed", "incomplete", "failed") else None
    if not any(chunk.get("type") == "message_stop" for chunk in chunks):
        return next(({"error": chunk["error"]} for chunk in chunks if chunk.get("type") == "error"), None)
    message: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        match chunk.get("type"):
            case "message_start":
                message = dict(mapping(chunk.get("message")))
            case "content_block_start":
                blocks[_index(chunk, 0)] = dict(mapping(chunk.get("content_block")))
            case "content_block_delta":
                _fill(blocks.setdefault(_index(chunk, 0), {}), mapping(chunk.get("delta")))
            case "message_delta":
                message["usage"] = {**mapping(message.get("usage")), **mapping(chunk.get("usage"))}
                message |= mapping(chunk.get("delta"))
    return message | {"content": [_block(block) for block in blocks.values()]}


def _fill(block: dict[str, Any], delta: dict[str, Any]) -> None:
    for key in ("text", "partial_json"):
        if isinstance(delta.get(key), str):
            block[key] = string(block.get(key)) + delta[key]


def _block(block: dict[str, Any]) -> dict[str, Any]:
    written = block.pop("partial_json", "")
    return block | {"input": parsed(written)} if written else block


def _google(chunks: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    candidates = [_candidate(parts) for parts in _answers(chunks, "candidates")]
    if not candidates or candidates[0]["finishReason"] is None:
        return None
    return {**chunks[-1], "candidates": candidates}


def _candidate(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    finish = next((candidate["finishReason"] for candidate in found if candidate.get("finishReason")), None)
    parts = [part for candidate in found for part in dicts(mapping(candidate.get("content")).get("parts"))]
    texts = "".join(string(part.get("text")) for part in parts if "text" in part and not part.get("thought"))
    calls = [part for part in parts if "functionCall" in part]
    return {"content": {"parts": [{"text": texts}, *calls] if texts else calls}, "finishReason": finish}


_READERS: MappingProxyType[str, Callable[[Sequence[dict[str, Any]]], dict[str, Any] | None]] = MappingProxyType(
    {"choices": _chat, "type": _typed, "candidates": _google}
)
"""Key of a stream's first chunk → how such a stream is read."""
