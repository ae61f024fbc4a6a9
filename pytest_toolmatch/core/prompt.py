"""What a student is told in other words than its teacher: instructions, descriptions, and examples to go by."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.conversation import Conversation, Message
from pytest_toolmatch.core.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_toolmatch.core.tool import Tool


class ToolTexts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a tool is described by: ``description``, and those of its parameters by path (``items[].price``)."""

    description: str | None = None
    parameters: dict[str, str] = {}


class Example(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A conversation shown before the query: what was asked, the calls made, the replies. ``case`` is whose it is."""

    conversation: tuple[Message, ...]
    case: str = ""

    def answers(self, case: str, conversation: Conversation) -> bool:
        """Say whether it tells a case its answer: it is of that case, of the one that it varies, or asks the same."""
        own = bool(self.case) and (case == self.case or case.startswith(f"{self.case}~"))
        return own or bool(conversation and self.conversation[: len(conversation)] == conversation)


class Prompt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What one model is told instead of what the suite says; what is absent is the suite's own."""

    instructions: str | None = None
    tools: dict[str, ToolTexts] = {}
    examples: tuple[Example, ...] = ()

    def shown(self, case: str, conversation: Conversation) -> Conversation:
        """Return the examples' messages, to stand before a case's conversation.

        Without those of the case itself, or of what varies it: they would say what is to be answered.
        """
        shown = (one.conversation for one in self.examples if not one.answers(case, conversation))
        return tuple(chain.from_iterable(shown))

    @property
    def told(self) -> str:
        """What is said in other words, counted: ``own instructions, 2 descriptions, 3 examples``; empty for nothing."""
        described = sum((one.description is not None) + len(one.parameters) for one in self.tools.values())
        counted = ((described, "description"), (len(self.examples), "example"))
        parts = ["own instructions"] if self.instructions is not None else []
        return ", ".join([*parts, *(f"{count} {noun}{'s' * (count > 1)}" for count, noun in counted if count)])

    def describe(self, tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
        """Return the tools with these texts; the same value where none of them has any."""
        if not any(tool.name in self.tools for tool in tools):
            return tools
        return tuple(_described(tool, self.tools.get(tool.name, ToolTexts())) for tool in tools)

    def faults(self, tools: Iterable[Tool]) -> Iterator[tuple[str, str]]:
        """Yield what does not fit: its key, and what is wrong with it. Without tools, nothing is known of them."""
        known: dict[str, set[str]] = {}
        for tool in tools:
            known.setdefault(tool.name, set()).update(path for path, _ in parameters(tool))
        for name, texts in self.tools.items() if known else ():
            if name not in known:
                yield f"tools.{name}", f"no tool is named {name!r}{did_you_mean(name, known)}"
                continue
            for path in texts.parameters.keys() - known[name]:
                yield f"tools.{name}", f"{name} has no parameter {path!r}{did_you_mean(path, known[name])}"
        for place, one in enumerate(self.examples):
            if fault := _unfinished(one.conversation):
                yield f"examples[{place}]", fault


def parameters(tool: Tool) -> Iterator[tuple[str, str]]:
    """Yield the path and description of every parameter of a tool, outer ones first; references are not followed."""
    yield from _parameters(tool.parameters or {}, "")


def _parameters(schema: Any, prefix: str) -> Iterator[tuple[str, str]]:
    for path, inner in _inner(schema, prefix):
        if not path.endswith("[]"):
            yield path, str(inner.get("description", ""))
        yield from _parameters(inner, path)


def _inner(schema: Any, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    properties = schema.get("properties")
    for name, inner in (properties if isinstance(properties, dict) else {}).items():
        if isinstance(inner, dict):
            yield f"{prefix}.{name}".removeprefix("."), inner
    if isinstance(items := schema.get("items"), dict):
        yield f"{prefix}[]", items


def _described(tool: Tool, texts: ToolTexts) -> Tool:
    description = tool.description if texts.description is None else texts.description
    schema = tool.parameters
    if schema is not None and texts.parameters:
        schema = _with_texts(schema, texts.parameters, "")
    return msgspec.structs.replace(tool, description=description, parameters=schema)


def _with_texts(schema: dict[str, Any], texts: dict[str, str], prefix: str) -> dict[str, Any]:
    """Return a schema whose parameters have these descriptions, by path; all else keeps its place."""
    changed = dict(schema)
    if prefix in texts:
        changed["description"] = texts[prefix]
    inner = {path: _with_texts(one, texts, path) for path, one in _inner(schema, prefix)}
    if isinstance(properties := schema.get("properties"), dict):
        named = {name: f"{prefix}.{name}".removeprefix(".") for name in properties}
        changed["properties"] = {name: inner.get(path, properties[name]) for name, path in named.items()}
    if isinstance(schema.get("items"), dict):
        changed["items"] = inner[f"{prefix}[]"]
    return changed


def _unfinished(messages: Sequence[Message]) -> str:
    """Say why a conversation can't stand before another query, or nothing."""
    if not messages or messages[0].role != "user":
        return "an example begins with what the user says"
    if messages[-1].role != "assistant" or messages[-1].calls:
        return "an example ends with what the assistant says once its calls are answered"
    return ""
