"""Google's ``generateContent``, and the parts of its contents, in which Gemini CLI writes what tools gave back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.sample import Outcome, Usage
from pytest_toolmatch.suites.importers.contents import count, dicts, joined, mapping, string, text_of
from pytest_toolmatch.suites.importers.wire import Answered, Asked, without_instructions

STOPS: dict[str, Outcome] = {
    "MAX_TOKENS": "truncated",
    "MALFORMED_FUNCTION_CALL": "lost_by_server",
    "UNEXPECTED_TOOL_CALL": "lost_by_server",
    **dict.fromkeys(("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"), "refused"),
}


def asked(body: dict[str, Any]) -> Asked:
    """Return what a request asks; the model stands in the URL, not in the body."""
    system = body.get("systemInstruction") or body.get("system_instruction")
    said = [message for content in dicts(body.get("contents")) for message in _messages(content)]
    instructions, messages = without_instructions(said, parts_text(mapping(system).get("parts")))
    return Asked(messages=messages, instructions=instructions, tools=dicts(body.get("tools")))


def answered(body: dict[str, Any]) -> Answered | None:
    """Return what a response says; None where it holds no candidate."""
    candidates = dicts(body.get("candidates"))
    if not candidates:
        return None
    candidate, *others = candidates
    tokens = mapping(body.get("usageMetadata"))
    return Answered(
        message=_said(_parts(candidate)),
        stop=STOPS.get(string(candidate.get("finishReason"))),
        usage=_usage(tokens) if tokens else None,
        model=string(body.get("modelVersion")),
        id=string(body.get("responseId")),
        others=sum(len(_said(_parts(other)).calls) for other in others),
    )


def _parts(candidate: dict[str, Any]) -> Any:
    return mapping(candidate.get("content")).get("parts")


def parts_text(parts: Any) -> str:
    """Return the texts of some parts, thoughts left out; other parts by their kind, as in ``[inlineData]``."""
    if not isinstance(parts, list):
        return text_of(parts)
    return joined(map(_part_text, parts))


def _part_text(part: Any) -> str:
    if not isinstance(part, dict):
        return string(part)
    if part.get("thought") is True or "functionCall" in part:
        return ""
    if isinstance(part.get("text"), str):
        return str(part["text"])
    return next((f"[{key}]" for key in part if key != "thoughtSignature"), "")


def result_text(response: Any) -> str:
    """Return what a function gave back: its ``output`` or ``error`` where that is all."""
    told = mapping(response)
    only = next(iter(told.values())) if len(told) == 1 and told.keys() <= {"output", "error", "result"} else response
    return text_of(only)


def _messages(content: dict[str, Any]) -> Iterator[Message]:
    parts = content.get("parts")
    if content.get("role") == "model":
        yield _said(parts)
        return
    replies = [part for part in dicts(parts) if isinstance(part.get("functionResponse"), dict)]
    for part in replies:
        told = part["functionResponse"]
        text = result_text(told.get("response"))
        yield Message("tool", text, name=string(told.get("name")), reply_to=string(told.get("id")))
    others = [part for part in dicts(parts) if part not in replies]
    if others:
        yield Message("user", parts_text(others))


def _said(parts: Any) -> Message:
    called = [mapping(part["functionCall"]) for part in dicts(parts) if "functionCall" in part]
    calls = tuple(Call(string(call.get("name")), mapping(call.get("args"))) for call in called)
    return Message("assistant", parts_text(parts or []), calls, ids=tuple(string(call.get("id")) for call in called))


def _usage(tokens: dict[str, Any]) -> Usage:
    thought = count(tokens.get("thoughtsTokenCount"))
    return Usage(
        input=count(tokens.get("promptTokenCount")),
        cached=count(tokens.get("cachedContentTokenCount")),
        output=count(tokens.get("candidatesTokenCount")) + thought,
        reasoning=thought,
    )
