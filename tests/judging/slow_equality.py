"""Argument equality once more, slowly and straight from its definition: what the fast one is checked against."""

from __future__ import annotations

from datetime import datetime
from itertools import permutations
from typing import Any

import jsonschema

UNIONS = ("anyOf", "oneOf")


def equal_json(one: Any, other: Any) -> bool:
    """Plain JSON: 5 equals 5.0, a boolean is no number, key order is nothing, missing is not null."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal_json(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal_json, one, other))
    return bool(one == other)


def equal(schema: Any, one: Any, other: Any, root: Any) -> bool:
    """Equality under a schema of local references, ``allOf``, unions, objects and arrays."""
    schema = effective(schema, root)
    word = next((word for word in UNIONS if word in schema), None)
    if word is not None:
        return equal_in_union(schema, word, one, other, root)
    if isinstance(one, dict) and isinstance(other, dict):
        names = {*one, *other, *schema.get("properties", {})}
        return all(equal_member(schema, name, one, other, root) for name in names)
    if isinstance(one, list) and isinstance(other, list):
        return equal_arrays(schema, one, other, root)
    if isinstance(one, str) and isinstance(other, str) and schema.get("format") == "date-time":
        return instant(one) == instant(other)
    return equal_json(one, other)


def equal_in_union(schema: dict[str, Any], word: str, one: Any, other: Any, root: Any) -> bool:
    beside = {name: value for name, value in schema.items() if name != word}
    return equal(beside, one, other, root) or any(
        valid(branch, one, root) and valid(branch, other, root) and equal({"allOf": [beside, branch]}, one, other, root)
        for branch in schema[word]
    )


def equal_member(schema: dict[str, Any], name: str, one: Any, other: Any, root: Any) -> bool:
    if name not in schema.get("properties", {}):
        rest = schema.get("additionalProperties", {})
        return name in one and name in other and equal(rest, one[name], other[name], root)
    subschema = schema["properties"][name]
    if name not in one and name not in other:
        return True
    stand_in = [] if name in schema.get("required", []) else default(subschema, root)
    values = [[side[name]] if name in side else stand_in for side in (one, other)]
    return all(values) and equal(subschema, values[0][0], values[1][0], root)


def default(schema: Any, root: Any) -> list[Any]:
    """What a missing optional member stands for: its default, else null if that is valid, else nothing."""
    schema = effective(schema, root)
    if "default" in schema:
        return [schema["default"]]
    return [None] if valid(schema, None, root) else []


def equal_arrays(schema: dict[str, Any], one: list[Any], other: list[Any], root: Any) -> bool:
    items = schema.get("items", {})
    scalar = not any(isinstance(item, dict | list) for item in [*one, *other])
    orders = permutations(other) if scalar and schema.get("uniqueItems") is True else [other]
    return len(one) == len(other) and any(
        all(equal(items, mine, its, root) for mine, its in zip(one, order, strict=True)) for order in orders
    )


def instant(text: str) -> datetime | str:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return found if found.tzinfo else text


def valid(schema: Any, value: Any, root: Any) -> bool:
    whole = {**schema, "$defs": root.get("$defs", {})} if isinstance(schema, dict) else schema
    return bool(jsonschema.Draft202012Validator(whole).is_valid(value))


def effective(schema: Any, root: Any) -> dict[str, Any]:
    """The schema with its reference followed and its ``allOf`` merged."""
    if not isinstance(schema, dict):
        return {}
    parts = [effective(part, root) for part in schema.get("allOf", [])]
    if "$ref" in schema:
        parts.append(effective(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root))
    merged: dict[str, Any] = {}
    for part in [*parts, {name: value for name, value in schema.items() if name not in ("$ref", "allOf")}]:
        joined = {**merged.get("properties", {}), **part.get("properties", {})}
        required = [*merged.get("required", []), *part.get("required", [])]
        merged |= part
        merged |= {"properties": joined} if joined else {}
        merged |= {"required": required} if required else {}
    return merged
