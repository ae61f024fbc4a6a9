"""What is sent to Anthropic's Messages API, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_toolmatch.providers.anthropic_turns import wire_messages
from pytest_toolmatch.providers.wire import model_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.core.tool import Tool

_MAX_TOKENS = 4096
_ARGUMENTS = {
    *("max_tokens", "thinking", "output_config", "service_tier", "stop_sequences", "metadata", "container"),
    *("diagnostics", "inference_geo", "speed", "cache_control", "user_profile_id", "workspace_id"),
    *("extra_headers", "extra_query"),
}
_OURS = {"system", "tools", "tool_choice", "parallel_tool_calls", "effort", "betas", "cache", "extra_body"}
_CHOICES = {"auto": "auto", "any": "any", "required": "any", "none": "none"}


def to_wire(request: Request) -> dict[str, Any]:
    """Return the keyword arguments of ``messages.create``.

    Of the settings, ``max_tokens`` is 4096 where none is given; ``tool_choice`` may be ``auto``, ``any``, ``none`` or
    a tool's name; ``effort``, ``parallel_tool_calls`` and ``betas`` go where this API has them; ``system`` and
    ``tools`` are added to ours. ``cache`` is how long what all draws of a case share is kept (``5m``, the default, or
    ``1h``), ``false`` keeps nothing. Others that ``create`` knows are its arguments; all else goes into the body as it
    is: temperature, top_p and top_k too, which the SDK takes no other way.
    """
    settings = request.settings
    wire: dict[str, Any] = {
        "model": model_name(request.model),
        "max_tokens": _MAX_TOKENS,
        "messages": wire_messages(request.conversation),
        "system": _system(request),
        "tools": [*_tools(request.tools), *settings.get("tools", ())],
        "tool_choice": _tool_choice(settings),
    }
    wire |= {name: value for name, value in settings.items() if name in _ARGUMENTS}
    wire["output_config"] = _output_config(settings)
    wire["extra_headers"] = _headers(settings)
    unknown = {name: value for name, value in settings.items() if name not in _ARGUMENTS | _OURS}
    wire["extra_body"] = unknown | settings.get("extra_body", {})
    _mark_cached(wire, settings)
    return {name: value for name, value in wire.items() if value or name in ("max_tokens", "messages")}


def _system(request: Request) -> list[dict[str, Any]]:
    extra = request.settings.get("system", ())
    texts = [request.instructions, *(message.content for message in request.conversation if message.role == "system")]
    if isinstance(extra, str):
        texts, extra = [*texts, extra], ()
    return [*({"type": "text", "text": text} for text in texts if text.strip()), *map(dict, extra)]


def _tools(tools: Iterable[Tool]) -> Iterable[dict[str, Any]]:
    for tool in tools:
        described = {"description": tool.description} if tool.description else {}
        schema = {"type": "object"} | (tool.parameters or {})
        yield {"name": tool.name, **described, "input_schema": schema}


def _tool_choice(settings: dict[str, Any]) -> dict[str, Any]:
    choice = settings.get("tool_choice", {})
    if isinstance(choice, str):
        choice = {"type": _CHOICES[choice]} if choice in _CHOICES else {"type": "tool", "name": choice}
    if settings.get("parallel_tool_calls") is False:
        choice = {"type": "auto"} | choice | {"disable_parallel_tool_use": True}
    return dict(choice)


def _output_config(settings: dict[str, Any]) -> dict[str, Any]:
    effort = {"effort": settings["effort"]} if "effort" in settings else {}
    return {**effort, **settings.get("output_config", {})}


def _headers(settings: dict[str, Any]) -> dict[str, str]:
    betas = settings.get("betas", ())
    named = {"anthropic-beta": betas if isinstance(betas, str) else ",".join(betas)} if betas else {}
    return {**named, **settings.get("extra_headers", {})}


def _mark_cached(wire: dict[str, Any], settings: dict[str, Any]) -> None:
    """Mark where prefixes end that are asked for again: tools, system, the first query, the conversation so far.

    The first three serve all draws (and cases) of a suite, the last one the next step of the same draw; the API allows
    four marks.
    """
    kept = settings.get("cache", True)
    if not kept or "cache_control" in wire:
        return
    mark = {"type": "ephemeral"} | ({"ttl": kept} if isinstance(kept, str) else {})
    asked = [message["content"] for message in wire["messages"] if message["role"] == "user"]
    for blocks in (wire["tools"], wire["system"], *asked[:1], *asked[1:][-1:]):
        if blocks and blocks[-1].get("text", True):  # an empty text can't be marked
            blocks[-1] = blocks[-1] | {"cache_control": mark}
