"""Dialects: how the attributes of a span hold a request to a model and its answer.

Every dialect gives the raw input and output; reading the messages in them is the same for all. Facts about a request
that stand beside its messages (model, tokens, tools) are looked up by the names that any dialect has for them.
Sources: OpenTelemetry's semantic conventions for generative AI (1.28 to 1.38), OpenInference's, OpenLLMetry's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from pytest_toolmatch.suites.importers.traces.observations import PREFIX
from pytest_toolmatch.suites.importers.traces.span import Span
from pytest_toolmatch.suites.importers.traces.values import opened, unflatten


class Said(NamedTuple):
    """Input and output as found, and the system prompt where it stands beside them; tools where they do."""

    input: Any
    output: Any
    system: Any = None


Dialect: TypeAlias = Callable[[Span], Said | None]


def _indexed(span: Span) -> Said | None:
    """``gen_ai.prompt.N.*`` and ``gen_ai.completion.N.*``: OpenLLMetry and those after it."""
    asked = unflatten(span.attributes, "gen_ai.prompt")
    return Said(asked, unflatten(span.attributes, "gen_ai.completion")) if asked else None


def _openinference(span: Span) -> Said | None:
    """``llm.input_messages.N.message.*`` and ``llm.output_messages.N.message.*``."""
    asked = unflatten(span.attributes, "llm.input_messages")
    said = unflatten(span.attributes, "llm.output_messages")
    return Said(_inference_messages(asked), _inference_messages(said)) if asked or said else None


def _inference_messages(messages: list[Any]) -> list[Any]:
    return [{**one, **one.pop("message")} if _wraps_message(one) else one for one in messages]


def _wraps_message(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("message"), dict)


def _structured(span: Span) -> Said | None:
    """``gen_ai.input.messages`` and ``gen_ai.output.messages``, as attributes or on an event."""
    for held in (span.attributes, *(attributes for _, attributes in span.events)):
        if "gen_ai.input.messages" in held or "gen_ai.output.messages" in held:
            system = held.get("gen_ai.system_instructions")
            return Said(held.get("gen_ai.input.messages"), held.get("gen_ai.output.messages"), system)
    return None


_EVENT_ROLES = MappingProxyType(
    {f"gen_ai.{role}.message": role for role in ("system", "user", "assistant", "tool")} | {"gen_ai.choice": ""}
)


def _events(span: Span) -> Said | None:
    """One event per message: ``gen_ai.user.message`` … ``gen_ai.choice``."""
    found = [(name, data) for name, data in _all_events(span) if name in _EVENT_ROLES]
    asked = [_event_body(data) | {"role": _EVENT_ROLES[name]} for name, data in found if name != "gen_ai.choice"]
    said = [{"role": "assistant", **_choice(_event_body(data))} for name, data in found if name == "gen_ai.choice"]
    return Said(asked, said) if found else None


def _all_events(span: Span) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from span.events
    listed = opened(span.attributes.get("events"))
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict):
            yield str(one.get("event.name") or ""), one


def _event_body(data: dict[str, Any]) -> dict[str, Any]:
    body = opened(data.get("event_body") or data.get("body"))
    return {**data, **body} if isinstance(body, dict) else data


def _choice(data: dict[str, Any]) -> dict[str, Any]:
    message = opened(data.get("message"))
    return {**data, **message} if isinstance(message, dict) else data


def _content_events(span: Span) -> Said | None:
    """``gen_ai.prompt`` and ``gen_ai.completion`` as JSON, on ``gen_ai.content.*`` events or on the span."""
    held: dict[str, Any] = dict(span.attributes)
    for _, attributes in span.events:
        held |= attributes
    asked = held.get("gen_ai.prompt")
    return Said(asked, held.get("gen_ai.completion")) if asked else None


def _pair(asked: str, *said: str) -> Dialect:
    """Return the dialect of two attributes that hold a request and its answer."""

    def dialect(span: Span) -> Said | None:
        value = span.attributes.get(asked)
        answers = [span.attributes[key] for key in said if span.attributes.get(key)]
        return Said(value, answers[0] if len(answers) == 1 else answers) if value not in (None, "", "{}") else None

    return dialect


DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "indexed": _indexed,
        "openinference": _openinference,
        "structured": _structured,
        "events": _events,
        "content": _content_events,
        "adk": _pair("gcp.vertex.agent.llm_request", "gcp.vertex.agent.llm_response"),
        "ai-sdk": _pair("ai.prompt.messages", "ai.response.text", "ai.response.toolCalls"),
        "ai-sdk-outer": _pair("ai.prompt", "ai.response.text", "ai.response.toolCalls"),
        "langfuse": _pair(f"{PREFIX}.input", f"{PREFIX}.output"),
        "value": _pair("input.value", "output.value"),
    }
)
"""Name → dialect, the richest first: where a span speaks several, the first that says something counts."""
