"""Chat messages as templates take them: those of Chat Completions, with arguments as objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.request import Request
from pytest_toolmatch.providers.chat_wire import to_wire
from pytest_toolmatch.providers.exchanges import read_arguments

if TYPE_CHECKING:
    from pytest_toolmatch.core.conversation import Conversation


def messages_of(conversation: Conversation, instructions: str = "") -> list[dict[str, Any]]:
    """Return the messages of a conversation, the instructions as the first of them.

    A reply has the ``name`` of its tool beside the id of its call: templates go by the one or by the other. Arguments
    that were no object, earlier in the conversation, stand under the key that Anthropic advises.
    """
    request = Request(role="recorded", model="", conversation=conversation, instructions=instructions)
    names: dict[str, str] = {}
    return [_message(one, names) for one in to_wire(request)["messages"]]


def _message(message: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Return a message of Chat Completions as templates have it; ``names`` are those of the calls so far, by id."""
    if message["role"] == "tool":
        return {**message, "name": names[message["tool_call_id"]]}
    if "tool_calls" not in message:
        return message
    calls = [{**call, "function": _function(call["function"])} for call in message["tool_calls"]]
    names |= {call["id"]: call["function"]["name"] for call in calls}
    return {**message, "tool_calls": calls}


def _function(function: dict[str, Any]) -> dict[str, Any]:
    given = read_arguments(function["arguments"])
    return {**function, "arguments": given if isinstance(given, dict) else {"INVALID_JSON": given}}
