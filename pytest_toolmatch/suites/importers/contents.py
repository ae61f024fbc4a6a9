"""What messages hold, in the ways that all wires and logs write it: texts, lists of parts, JSON that is no text."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from pytest_toolmatch.core.conversation import Role

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "model": "assistant",
    "tool": "tool",
    "function": "tool",
}
"""How logs name who speaks → how a Message does."""

_TEXTS = ("text", "input_text", "output_text", "summary_text")
_UNSEEN = ("thinking", "redacted_thinking", "reasoning")
"""Parts that are a model's own thoughts: no part of what was said."""


def dicts(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; nothing for what is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def mapping(value: Any) -> dict[str, Any]:
    """Return the value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def string(value: Any) -> str:
    """Return the value where it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def text_of(content: Any) -> str:
    """Return a content as text: the texts of its parts, a picture or a file as ``[type]``, an object as JSON."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, dict) and "type" not in content:
        return json.dumps(content, ensure_ascii=False)
    parts = content if isinstance(content, list) else [content]
    return "\n".join(filter(None, map(_part, parts)))


def _part(part: Any) -> str:
    if not isinstance(part, dict):
        return string(part) or ("" if part is None else json.dumps(part, ensure_ascii=False))
    kind = part.get("type", "text")
    if kind in _TEXTS:
        return string(part.get("text"))
    if kind == "refusal":
        return string(part.get("refusal"))
    return "" if kind in _UNSEEN else f"[{kind}]"


def joined(texts: Iterable[str]) -> str:
    """Return the texts that are not empty, a line each."""
    return "\n".join(filter(None, texts))


def count(value: Any) -> int:
    """Return a number of tokens; 0 for what is no number."""
    if isinstance(value, float):
        return int(value) if math.isfinite(value) else 0
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
