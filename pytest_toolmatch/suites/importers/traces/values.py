"""Values of attributes: JSON in text, lists spelled in keys, the first of several names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_toolmatch.suites.importers.files import decode


def opened(value: Any) -> Any:
    """Return what JSON text stands for, even where it was encoded twice; other text stays as it is."""
    for _ in range(2):
        if not isinstance(value, str) or not value.lstrip().startswith(("{", "[", '"')):
            break
        try:
            value = decode(value.encode("utf-8", "replace"))
        except ValueError:
            break
    return value


def first(attributes: Mapping[str, Any], keys: Iterable[str]) -> Any:
    """Return the value of the first key that has one, or None."""
    return next((attributes[key] for key in keys if attributes.get(key) not in (None, "", [], {})), None)


def number(value: Any) -> int:
    """Return a count, which some containers keep as text; 0 for what is none."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return 0


def unflatten(attributes: Mapping[str, Any], prefix: str) -> list[Any]:
    """Return the list that keys like ``prefix.0.role`` spell, ordered by number; objects with numbers are lists."""
    if prefix in attributes:
        value = attributes[prefix]
        return value if isinstance(value, list) else [value]
    tree: dict[str, Any] = {}
    for key, value in attributes.items():
        if key.startswith(f"{prefix}."):
            *path, last = key[len(prefix) + 1 :].split(".")
            branch = tree
            for step in path:
                below = branch.setdefault(step, {})
                branch = below if isinstance(below, dict) else branch
            branch[last] = value
    listed = _listed(tree)
    return listed if isinstance(listed, list) else []


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdecimal() for key in value):
        return [_listed(value[key]) for key in sorted(value, key=int)]
    return {key: _listed(held) for key, held in value.items()}
