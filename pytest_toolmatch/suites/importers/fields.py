"""Fields that logs write in more than one way, or wrongly: arguments and token counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_toolmatch.suites.importers.files import decode


def parsed(arguments: Any) -> Any:
    """Return the object that JSON text stands for; text that is no JSON stays text, nothing is ``{}``."""
    if arguments is None or arguments == "":
        return {}
    if not isinstance(arguments, str):
        return arguments
    try:
        value = decode(arguments.encode("utf-8", "replace"))
    except ValueError:
        return arguments
    return value if isinstance(value, dict) else arguments


def tokens(usages: Iterable[Mapping[str, Any]], key: str) -> int:
    """Add up one count over several usages; what is no number counts nothing."""
    counts = (usage.get(key) for usage in usages)
    return sum(count for count in counts if isinstance(count, int))


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: ``1 case``, ``2,541 cases``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def amount(count: int, what: str) -> str:
    """Return ``1 call of subagents`` for what is counted as ``calls of subagents``."""
    noun, _, more = what.partition(" ")
    return f"{counted(count, noun.removesuffix('s'))} {more}".rstrip()
