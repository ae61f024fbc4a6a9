"""A small value that fits a JSON Schema, for replies of tools that are not run: the same schema, the same value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_toolmatch.core.errors import ToolError
from pytest_toolmatch.core.schema import resolve

if TYPE_CHECKING:
    from collections.abc import Callable

FALLBACK: dict[str, Any] = {"status": "ok"}
"""What stands for a value where there is no schema, or none that a small value can be found for."""

_DEEPEST = 12
_LARGEST = 1000
_FAR = 1 << 60
_FORMATS = {
    "date": "2026-01-15",
    "date-time": "2026-01-15T09:30:00Z",
    "time": "09:30:00Z",
    "duration": "PT1H30M",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/1",
    "uuid": "00000000-0000-4000-8000-000000000001",
    "decimal": "12.50",
    "path": "example.txt",
}
_NAMED = {  # the first word that ends, or stands in, a property's name
    "email": _FORMATS["email"],
    "url": _FORMATS["uri"],
    "uuid": _FORMATS["uuid"],
    "timestamp": _FORMATS["date-time"],
    "date": _FORMATS["date"],
    "time": "09:30",
    "phone": "+1 555 0100",
    "currency": "EUR",
    "country": "Norway",
    "city": "Oslo",
    "status": "ok",
    "language": "en",
    "title": "Example",
    "name": "Ada Example",
    "id": "1001",
}
_PROBES = ("A1", "a", "A", "1", "ABC", "abc", "ABCD", "123", "1234", "AB12", "ab-1", "12.5", *_FORMATS.values())
_STATED = ("const", "examples", "example", "default", "enum")
_KEYWORDS = {
    "object": ("properties", "required", "additionalProperties", "patternProperties", "minProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"),
    "string": ("pattern", "format", "minLength", "maxLength"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}


def simulated(schema: dict[str, Any] | None) -> Any:
    """Return a JSON value that satisfies the schema, or ``FALLBACK`` where none is known or found.

    What the schema states (``const``, ``examples``, ``default``, ``enum``) is preferred; then all properties are
    filled in; where that does not satisfy it, only the required ones are.
    """
    import jsonschema_rs  # noqa: PLC0415 - start-up stays cheap

    if not schema:
        return dict(FALLBACK)
    try:
        validator = jsonschema_rs.validator_for(schema, validate_formats=False, retriever=_refuse_remote)
    except ValueError:  # jsonschema_rs.ValidationError is one
        return dict(FALLBACK)
    for options in ((True, True), (True, False), (False, True), (False, False)):
        try:
            value = _Simulation(schema, *options).value(schema, "", 0, 0)
            if validator.is_valid(value):
                return value
        except (ToolError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError, re.error):
            continue  # a schema that can't be satisfied this way, or at all
    return dict(FALLBACK)


def _refuse_remote(uri: str) -> NoReturn:
    raise ToolError(f"{uri} is not local")


class _Simulation:
    """One way to fill a schema in: with optional properties or without, with what is stated or without."""

    def __init__(self, root: dict[str, Any], optional: bool, stated: bool) -> None:
        self._root = root
        self._optional = optional
        self._keys = _STATED if stated else ("const", "enum")

    def value(self, schema: Any, name: str, place: int, depth: int) -> Any:
        """Return a value; ``place`` tells the items of a list apart, so that they may have to be unique."""
        if depth > _DEEPEST:
            raise ToolError("the schema only ends in itself")
        schema = self._resolved(schema)
        for key in self._keys:
            if key in schema:
                several = key in ("enum", "examples") and isinstance(schema[key], list) and schema[key]
                return several[place % len(several)] if several else schema[key]
        return _WRITERS[_kind(schema)](self, schema, name, place, depth)

    def _resolved(self, schema: Any) -> dict[str, Any]:
        """Return the effective schema, decided for the first branch that is not just null."""
        found = resolve(schema, self._root)
        for key in ("anyOf", "oneOf"):
            while branches := found.get(key):
                first = next((branch for branch in branches if branch != {"type": "null"}), branches[0])
                rest = {word: part for word, part in found.items() if word != key}
                found = resolve({"allOf": [rest, first]}, self._root)
        return found

    def object(self, schema: dict[str, Any], _name: str, place: int, depth: int) -> dict[str, Any]:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        extra = schema.get("additionalProperties", {})
        optional = self._optional and depth <= _DEEPEST // 3
        names = [name for name in properties if name in required or (optional and properties[name] is not False)]
        names += [name for name in required if name not in properties]
        names += [f"key{number}" for number in range(1, _small(schema.get("minProperties", 0)) - len(names) + 1)]
        return {name: self.value(properties.get(name, extra), name, place, depth + 1) for name in names}

    def array(self, schema: dict[str, Any], name: str, _place: int, depth: int) -> list[Any]:
        first = schema.get("prefixItems", [])
        wanted = 1 if self._optional and depth <= _DEEPEST // 3 and "items" in schema else 0
        count = _small(min(max(wanted, len(first), schema.get("minItems", 0)), schema.get("maxItems", _FAR)))
        parts = [*first, *[schema.get("contains", schema.get("items", {}))] * (count - len(first))]
        return [self.value(part, name.removesuffix("s"), place, depth + 1) for place, part in enumerate(parts[:count])]

    def string(self, schema: dict[str, Any], name: str, place: int, _depth: int) -> str:
        length = _small(schema.get("minLength", 0))
        text = _FORMATS.get(schema.get("format", "")) or _text_of(name)
        text = f"{text}-{place + 1}" if place else text
        if pattern := schema.get("pattern"):
            matching = [probe for probe in (text, *_PROBES) if re.search(pattern, probe)]
            text = matching[place % len(matching)]
        return text.ljust(length, "x")[: schema.get("maxLength")]

    def number(self, schema: dict[str, Any], _name: str, place: int, _depth: int) -> Any:
        step = schema.get("multipleOf", 1)
        open_ends = (schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum"))
        low = max([schema[key] for key in ("minimum", "exclusiveMinimum") if key in schema], default=-_FAR)
        high = min([schema[key] for key in ("maximum", "exclusiveMaximum") if key in schema], default=_FAR)
        low, high = min(low, high) if low == -_FAR else low, max(low, high) if high == _FAR else high
        up, down = -(-min(max(1, low), high) // step) * step, high // step * step
        tries = [up, up + step, down, down - step]
        if "multipleOf" not in schema and "integer" not in schema.get("type", ""):
            tries.append((low + high) / 2)
        fits = [value for value in tries if low <= value <= high and value not in open_ends]
        apart = fits[0] + place * step
        return apart if apart <= high and apart not in open_ends else fits[0] - place * step


def _small(size: float) -> int:
    if size > _LARGEST:
        raise ToolError(f"a size of {size} is more than a reply should have")
    return int(size)


def _kind(schema: dict[str, Any]) -> str:
    named = schema.get("type")
    kinds = named if isinstance(named, list) else [named] if named else []
    found = next((kind for kind in kinds if kind != "null"), "null" if kinds else "")
    guessed = next((kind for kind, words in _KEYWORDS.items() if not schema.keys().isdisjoint(words)), "string")
    return found or guessed


def _text_of(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_")
    return next((text for word, text in _NAMED.items() if word in words), name or "example")


_WRITERS: dict[str, Callable[[_Simulation, dict[str, Any], str, int, int], Any]] = {
    "object": _Simulation.object,
    "array": _Simulation.array,
    "string": _Simulation.string,
    "number": _Simulation.number,
    "integer": _Simulation.number,
    "boolean": lambda *_: True,
    "null": lambda *_: None,
}
