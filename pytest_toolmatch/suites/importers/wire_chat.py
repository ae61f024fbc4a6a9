"""Chat Completions, as OpenAI and everyone after it writes it: Cohere, Ollama and Inspect among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.sample import Outcome, Usage
from pytest_toolmatch.suites.importers.contents import ROLES, count, dicts, mapping, string, text_of
from pytest_toolmatch.suites.importers.fields import parsed
from pytest_toolmatch.suites.importers.wire import Answered, Asked, without_instructions

STOPS: dict[str, Outcome] = {
    "length": "truncated",
    "max_tokens": "truncated",
    "model_length": "truncated",
    "content_filter": "refused",
}


def asked(body: dict[str, Any]) -> Asked:
    """Return what a request asks."""
    instructions, messages = without_instructions(messages_of(body.get("messages")))
    tools = [*dicts(body.get("tools")), *dicts(body.get("functions"))]
    return Asked(messages=messages, instructions=instructions, tools=tools, model=string(body.get("model")))


def answered(body: dict[str, Any]) -> Answered | None:
    """Return what a response says; None where there is no message in it."""
    choices = dicts(body.get("choices"))
    choice = choices[0] if choices else body
    said = choice.get("message")
    message = message_of(said | {"role": "assistant"}) if isinstance(said, dict) else None
    if message is None:
        return None
    refused = bool(mapping(said).get("refusal"))
    stop = STOPS.get(str(choice.get("finish_reason") or "").lower())
    return Answered(
        message=message,
        stop="refused" if refused else stop,
        usage=_usage(mapping(body.get("usage"))),
        model=string(body.get("model")),
        id=string(body.get("id")),
        others=sum(len(list(_calls(mapping(other.get("message"))))) for other in choices[1:]),
    )


def messages_of(data: Any) -> list[Message]:
    """Return the messages of a list; those of roles that nobody knows are left out."""
    return [message for entry in dicts(data) if (message := message_of(entry))]


def message_of(entry: dict[str, Any]) -> Message | None:
    """Return one message."""
    role = ROLES.get(string(entry.get("role")))
    content = text_of(entry.get("content")) or string(entry.get("refusal"))
    if role == "assistant":
        found = list(_calls(entry))
        return Message("assistant", content, tuple(call for _, call in found), ids=tuple(key for key, _ in found))
    if role == "tool":
        name = string(entry.get("name")) or string(entry.get("function"))
        failed = bool(entry.get("error"))
        return Message("tool", content, name=name, reply_to=string(entry.get("tool_call_id")), error=failed)
    return Message(role, content) if role else None


def _calls(entry: dict[str, Any]) -> Iterator[tuple[str, Call]]:
    for call in dicts(entry.get("tool_calls")):
        yield string(call.get("id")), _call(call)
    if not entry.get("tool_calls") and isinstance(entry.get("function_call"), dict):
        yield "", _call({"function": entry["function_call"]})


def _call(call: dict[str, Any]) -> Call:
    """Return a call: nested under ``function`` or flat; free text of a custom tool goes under ``input``."""
    if isinstance(custom := call.get("custom"), dict):
        return Call(string(custom.get("name")), {"input": custom.get("input")})
    function = call.get("function")
    told = function if isinstance(function, dict) else call
    name = string(told.get("name")) or string(function)
    return Call(name, parsed(told.get("arguments")))


def _usage(tokens: dict[str, Any]) -> Usage | None:
    if not tokens.keys() & {"prompt_tokens", "completion_tokens"}:
        return None
    prompt = mapping(tokens.get("prompt_tokens_details"))
    completion = mapping(tokens.get("completion_tokens_details"))
    return Usage(
        input=count(tokens.get("prompt_tokens")),
        cached=count(prompt.get("cached_tokens")),
        output=count(tokens.get("completion_tokens")),
        reasoning=count(completion.get("reasoning_tokens")),
    )
