"""Gemini's ``generateContent`` in plain JSON: requests and turns."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.errors import ServiceFault
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.turn import Stop, Turn
from pytest_toolmatch.providers.exchanges import Exchange, distinct, exchanges
from pytest_toolmatch.providers.wire import OWN_SETTINGS, model_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.core.conversation import Message
    from pytest_toolmatch.core.request import Request

PREFIX = "google"
_ID = re.compile(r".+", re.DOTALL)
_UNSIGNED = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
"""The documented signature (``skip_thought_signature_validator``) of a call that another model made: without one,
Gemini 3 refuses the conversation."""

_CONFIG = {"max_tokens": "maxOutputTokens", "max_completion_tokens": "maxOutputTokens", "stop": "stopSequences"}
_HTTP = {"extra_headers": "headers", "extra_body": "extraBody"}
_THINKING = {
    "thinking_budget": "thinkingBudget",
    "thinking_level": "thinkingLevel",
    "reasoning_effort": "thinkingLevel",
}
_MODES = {"auto": "AUTO", "any": "ANY", "required": "ANY", "none": "NONE", "validated": "VALIDATED"}
_STOPS: dict[str, Stop] = {
    "STOP": "done",
    "MAX_TOKENS": "truncated",
    "CONTINUATION": "truncated",
    **dict.fromkeys(("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"), "refused"),
    **dict.fromkeys(("MODEL_ARMOR", "ESCALATION", "PUP_LIMITED_DISABLED", "NO_IMAGE"), "refused"),
    **dict.fromkeys(("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_OTHER", "IMAGE_RECITATION"), "refused"),
    **dict.fromkeys(("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"), "lost_by_server"),
    **dict.fromkeys(("MISSING_THOUGHT_SIGNATURE", "MALFORMED_RESPONSE"), "lost_by_server"),
}


def to_wire(request: Request) -> dict[str, Any]:
    """Return ``{model, contents, config}`` in JSON, as ``generate_content`` takes them.

    Settings: ``max_tokens``, ``stop``, ``tool_choice``, ``extra_headers``, ``extra_body`` and what has to do with
    thinking are translated, all others are fields of GenerateContentConfig.
    """
    found = exchanges(request.conversation, PREFIX, _ID)
    system = [one.message.content for one in found if one.message.role == "system"]
    config: dict[str, Any] = {}
    if instructions := "\n\n".join(filter(None, [request.instructions, *system])):
        config["systemInstruction"] = instructions
    if request.tools:
        config["tools"] = [{"functionDeclarations": [_declaration(tool.shown()) for tool in request.tools]}]
    for name, value in request.settings.items():
        if name not in OWN_SETTINGS:
            _set(config, name, value)
    if options := {_HTTP[name]: request.settings[name] for name in _HTTP if request.settings.get(name)}:
        config["httpOptions"] = {**config.get("httpOptions", {}), **options}
    contents = [content for one in found if one.message.role != "system" for content in _contents(one)]
    return {"model": model_name(request.model), "contents": contents, "config": config}


def from_wire(response: dict[str, Any]) -> Turn:
    """Return the turn that a response's JSON holds; ServiceFault where it holds no candidate and was not blocked."""
    blocked = (response.get("promptFeedback") or {}).get("blockReason")
    candidates = response.get("candidates") or []
    usage = _usage(response.get("usageMetadata"))
    if not candidates and blocked:
        return Turn(text=f"the prompt was blocked: {blocked}", stop="refused", usage=usage)
    if not candidates:
        raise ServiceFault(f"{response.get('modelVersion', 'the model')}: the answer holds no candidate")
    content = candidates[0].get("content") or {}
    parts = content.get("parts") or []
    calls = [part["functionCall"] for part in parts if part.get("functionCall")]
    text = "".join(part.get("text") or "" for part in parts if not part.get("thought"))
    stop = _STOPS.get(candidates[0].get("finishReason", "STOP"), "done")
    return Turn(
        calls=tuple(Call(call.get("name") or "", call.get("args") or {}) for call in calls),
        ids=distinct([call.get("id") for call in calls], set()),
        text=text if stop in ("done", "truncated") else _reason(text, candidates[0]),
        stop=stop,
        usage=usage,
        native={"provider": PREFIX, "content": {"role": "model", **content}} if parts else None,
    )


def _contents(exchange: Exchange) -> Iterator[dict[str, Any]]:
    if exchange.message.role == "user":
        yield {"role": "user", "parts": [{"text": exchange.message.content}]}
        return
    content = _back(exchange) or {"role": "model", "parts": [*_spoken(exchange)]}
    if content["parts"]:
        yield content
    calls = [part["functionCall"] for part in content["parts"] if part.get("functionCall")]
    replies = [_reply(call, reply) for call, reply in zip(calls, exchange.replies, strict=True)]
    if replies:
        yield {"role": "user", "parts": replies}


def _back(exchange: Exchange) -> dict[str, Any]:
    """Return what the model itself said, nothing where that is not known; calls have an id only where it gave one."""
    content = (exchange.native or {}).get("content") or {}
    parts = content.get("parts") or []
    if not parts or sum(bool(part.get("functionCall")) for part in parts) != len(exchange.ids):
        return {}
    ids = iter(exchange.ids)
    return {**content, "parts": [_named(part, next(ids)) if part.get("functionCall") else part for part in parts]}


def _named(part: dict[str, Any], name: str) -> dict[str, Any]:
    call = part["functionCall"]
    return {**part, "functionCall": {**call, "id": name}} if call.get("id") else part


def _spoken(exchange: Exchange) -> Iterator[dict[str, Any]]:
    message = exchange.message
    if message.content:
        yield {"text": message.content}
    signature = {"thoughtSignature": _UNSIGNED}
    for call, name in zip(message.calls, exchange.ids, strict=True):
        arguments = call.arguments if isinstance(call.arguments, dict) else {}
        yield {"functionCall": {"id": name, "name": call.name, "args": arguments}, **signature}
        signature = {}


def _reply(call: dict[str, Any], reply: Message) -> dict[str, Any]:
    named = {"id": call["id"]} if call.get("id") else {}
    return {"functionResponse": {**named, "name": call.get("name") or "", "response": _said(reply)}}


def _said(reply: Message) -> dict[str, Any]:
    if reply.error:
        return {"error": reply.content}
    try:
        found = json.loads(reply.content)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {"output": reply.content}


def _declaration(shown: dict[str, Any]) -> dict[str, Any]:
    declared = {"name": shown["name"], "description": shown["description"]}
    return declared if shown["parameters"] is None else {**declared, "parametersJsonSchema": shown["parameters"]}


def _set(config: dict[str, Any], name: str, value: Any) -> None:
    if name == "tool_choice":
        config["toolConfig"] = {"functionCallingConfig": _choice(value)}
    elif name in _THINKING:
        level = value.upper() if isinstance(value, str) else value
        config["thinkingConfig"] = {**config.get("thinkingConfig", {}), _THINKING[name]: level}
    elif name == "thinking":
        config["thinkingConfig"] = {**config.get("thinkingConfig", {}), **value}
    elif name == "stop":
        config[_CONFIG[name]] = [value] if isinstance(value, str) else value
    else:
        config[_CONFIG.get(name) or _camel(name)] = value


def _choice(value: Any) -> Any:
    if isinstance(value, str):
        return {"mode": _MODES.get(value.lower(), value)}
    name = value.get("name") or (value.get("function") or {}).get("name")
    return {"mode": "ANY", "allowedFunctionNames": [name]} if name else value


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def _reason(text: str, candidate: dict[str, Any]) -> str:
    """Return the text with why the turn ended, which is all that is left of a lost call."""
    said = ": ".join(filter(None, [candidate.get("finishReason"), candidate.get("finishMessage")]))
    return "\n".join(filter(None, [text, said]))


def _usage(usage: dict[str, Any] | None) -> Usage | None:
    if not usage:
        return None
    count = {name: value or 0 for name, value in usage.items() if name.endswith("TokenCount")}
    return Usage(
        input=count.get("promptTokenCount", 0) + count.get("toolUsePromptTokenCount", 0),
        cached=count.get("cachedContentTokenCount", 0),
        output=count.get("candidatesTokenCount", 0) + count.get("thoughtsTokenCount", 0),
        reasoning=count.get("thoughtsTokenCount", 0),
    )
