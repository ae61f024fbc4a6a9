"""OpenAI's Responses: a list of items, of which several make up one answer; Codex writes its sessions in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.sample import Outcome, Usage
from pytest_toolmatch.suites.importers.contents import ROLES, count, dicts, mapping, string, text_of
from pytest_toolmatch.suites.importers.fields import parsed
from pytest_toolmatch.suites.importers.transcript import Response
from pytest_toolmatch.suites.importers.wire import Answered, Asked, without_instructions

_OURS = ("function_call", "custom_tool_call", "local_shell_call", "shell_call", "apply_patch_call", "computer_call")
"""Calls that the caller answers; all others (``web_search_call``, ``mcp_call``, …) OpenAI answers itself."""

_CALL = "_call"


def asked(body: dict[str, Any]) -> Asked:
    """Return what a request asks."""
    given = body.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else dicts(given)
    instructions, messages = without_instructions(list(messages_of(items)), text_of(body.get("instructions")))
    return Asked(
        messages=messages,
        instructions=instructions,
        tools=dicts(body.get("tools")),
        previous=string(body.get("previous_response_id")),
        kept=body.get("store") is not False,
        model=string(body.get("model")),
    )


def answered(body: dict[str, Any]) -> Answered | None:
    """Return what a response says; None where it is not finished, or holds no output."""
    if not isinstance(body.get("output"), list) or body.get("status", "completed") not in ("completed", "incomplete"):
        return None
    said = [part for item in dicts(body["output"]) if (part := part_of(item)) and part.role == "assistant"]
    response = Response(message=Message("assistant"))
    for part in said:
        response.extend(part)
    return Answered(
        message=response.message,
        stop=_stop(body),
        usage=_usage(mapping(body.get("usage"))),
        model=string(body.get("model")),
        id=string(body.get("id")),
        own=sum(_is_own(string(item.get("type"))) for item in dicts(body["output"])),
    )


def _stop(body: dict[str, Any]) -> Outcome | None:
    parts = [part for item in dicts(body["output"]) for part in dicts(item.get("content"))]
    if any(part.get("type") == "refusal" for part in parts):
        return "refused"
    if body.get("status") != "incomplete":
        return None
    reason = mapping(body.get("incomplete_details")).get("reason")
    return "refused" if reason == "content_filter" else "truncated"


def messages_of(items: Iterable[dict[str, Any]]) -> Iterator[Message]:
    """Return the messages of a list of items; neighbouring items of a model are one answer."""
    answer: Response | None = None
    for item in items:
        part = part_of(item)
        if part and part.role == "assistant":
            answer = answer or Response(message=Message("assistant"))
            answer.extend(part)
        elif part:
            yield from (answer.message,) if answer else ()
            answer = None
            yield part
    yield from (answer.message,) if answer else ()


def _is_own(kind: str) -> bool:
    return kind.endswith(_CALL) and kind not in _OURS


def part_of(item: dict[str, Any], *, own: bool = False) -> Message | None:
    """Return one item as a message, or as the part of an answer that it is; None for what is neither.

    Reasoning is nobody's message, nor are calls of the provider's own tools, unless ``own`` says that they count.
    """
    kind = string(item.get("type")) or "message"
    if kind == "message":
        role = ROLES.get(string(item.get("role")))
        return Message(role, text_of(item.get("content"))) if role else None
    if kind in _OURS or (own and _is_own(kind)):
        return Message("assistant", "", (call_of(item),), ids=(_key(item),))
    if kind.endswith("_call_output"):
        return Message("tool", output_text(item.get("output")), reply_to=_key(item))
    return None


def call_of(item: dict[str, Any]) -> Call:
    """Return an item as the call that it is: free text of a custom tool goes under ``input``."""
    kind, name = string(item.get("type")), string(item.get("name"))
    if kind == "custom_tool_call":
        return Call(name, {"input": item.get("input")})
    if kind in ("function_call", "mcp_call"):
        return Call(name, parsed(item.get("arguments")))
    known = next(filter(None, (mapping(item.get(key)) for key in ("action", "operation"))), None)
    return Call(name or kind.removesuffix(_CALL), known or parsed(item.get("arguments")))


def output_text(output: Any) -> str:
    """Return what a tool gave back; the wrapper ``{"output": …, "metadata": …}`` in JSON text is taken off."""
    told = parsed(output) if isinstance(output, str) and output.startswith('{"output"') else None
    if isinstance(told, dict) and isinstance(told.get("output"), str):
        return str(told["output"])
    if isinstance(output, dict) and isinstance(output.get("content"), str):
        return str(output["content"])
    return text_of(output)


def _key(item: dict[str, Any]) -> str:
    return string(item.get("call_id")) or string(item.get("id"))


def _usage(tokens: dict[str, Any]) -> Usage | None:
    return usage_of(tokens) if tokens else None


def usage_of(tokens: dict[str, Any]) -> Usage:
    """Return a count of tokens, as the API and, flat, as Codex writes it."""
    read, thought = mapping(tokens.get("input_tokens_details")), mapping(tokens.get("output_tokens_details"))
    return Usage(
        input=count(tokens.get("input_tokens")),
        cached=count(read.get("cached_tokens") or tokens.get("cached_input_tokens")),
        output=count(tokens.get("output_tokens")),
        reasoning=count(thought.get("reasoning_tokens") or tokens.get("reasoning_output_tokens")),
    )
