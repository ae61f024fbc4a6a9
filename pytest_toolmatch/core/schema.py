"""JSON Schema as tools use it: references and ``allOf`` resolved, near-JSON-Schema made proper."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pytest_toolmatch.core.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")
"""The type names of JSON Schema."""

# Foreign names in lower case; the empty string stands for "no type". Sources: BFCL's question files and the tables of
# its Java and JavaScript checkers; Gemini's and Python's own names differ only in case or are listed.
NEAR_TYPES = {
    **{name: name for name in TYPES},
    **dict.fromkeys(("", "any", "type_unspecified"), ""),
    **dict.fromkeys(("str", "char", "character", "text"), "string"),
    **dict.fromkeys(("float", "double", "decimal"), "number"),
    **dict.fromkeys(("int", "long", "short", "byte", "bigint", "biginteger"), "integer"),
    **dict.fromkeys(("bool",), "boolean"),
    **dict.fromkeys(("dict", "map", "hashmap", "hashtable"), "object"),
    **dict.fromkeys(("list", "tuple", "set", "arraylist", "queue", "stack"), "array"),
    **dict.fromkeys(("none", "nonetype", "nil"), "null"),
}
"""Foreign type name in lower case → name in JSON Schema, or the empty string for any type."""

_PYTHON: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "object": dict,
    "array": list,
    "null": type(None),
}
_NULL = {"type": "null"}
_ONE = (
    *("items", "additionalItems", "additionalProperties", "unevaluatedItems", "unevaluatedProperties", "contains"),
    *("propertyNames", "not", "if", "then", "else", "contentSchema"),
)
_MANY = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_NAMED = ("properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions")
_CLOSED = ("$ref", "allOf", "oneOf", "not", "if", "const")
"""Keywords that may refuse null whatever stands beside them."""
_SAID = ("title", "description", "default", "examples", "deprecated", "$defs", "definitions")
"""Keywords that say something of a value, or hold what references lead to, and refuse nothing."""
_COUNTS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")


def resolve(schema: Any, root: Any) -> dict[str, Any]:
    """Return the effective schema: ``$ref`` followed and ``allOf`` merged, at the top level only.

    ``root`` is what local references (``#``, ``#/$defs/…``) point into. Keywords beside a ``$ref`` count and win over
    its target's; of two ``allOf`` members the later wins, but properties are merged and ``required`` is united. What
    stands below is left as it is, to be resolved when it is visited, so that recursive schemas end. ``True`` becomes
    ``{}``, ``False`` becomes ``{"not": {}}``. Raises ToolError for a reference that leads nowhere or to itself.
    """
    return _resolve(schema, root, ())


def _resolve(schema: Any, root: Any, seen: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(schema, dict):
        return {} if schema is True else {"not": {}}
    if "$ref" not in schema and "allOf" not in schema:
        return schema
    parts = []
    if "$ref" in schema:
        ref = schema["$ref"]
        if ref in seen:
            raise ToolError(f"$ref {ref!r} leads to itself ({' → '.join((*seen, ref))}): point it at a schema")
        parts.append(_resolve(follow(ref, root), root, (*seen, ref)))
    parts += (_resolve(part, root, seen) for part in schema.get("allOf", ()))
    parts.append({key: value for key, value in schema.items() if key not in ("$ref", "allOf")})
    return _merged(parts)


def follow(ref: Any, root: Any) -> Any:
    """Return what a local JSON pointer (``#`` or ``#/a/b``) points at; ToolError where there is nothing."""
    if not isinstance(ref, str) or not (ref == "#" or ref.startswith("#/")):
        raise ToolError(f"$ref {ref!r} is not local: write #/$defs/… and put its target under $defs")
    here = root
    for part in unquote(ref).split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            here = here[int(key)] if isinstance(here, list) else here[key]
        except (LookupError, TypeError, ValueError):
            raise ToolError(f"$ref {ref!r} leads nowhere: there is no {key!r} on its way") from None
    return here


def change_subschemas(schema: dict[str, Any], change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Return the schema with ``change`` applied to every schema directly below it, wherever one may stand.

    What is no schema (``True``, a property list, a broken value) stays as it is.
    """
    changed = dict(schema)
    for key in schema.keys() & {*_ONE, *_MANY, *_NAMED}:
        below = schema[key]
        if isinstance(below, dict) and key in _ONE:
            changed[key] = change(below)
        elif isinstance(below, list) and key in _MANY:
            changed[key] = [change(part) if isinstance(part, dict) else part for part in below]
        elif isinstance(below, dict) and key in _NAMED:
            changed[key] = {name: change(part) if isinstance(part, dict) else part for name, part in below.items()}
    return changed


def subschemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the schema and every schema below it, references not followed."""
    below: list[dict[str, Any]] = []

    def keep(part: dict[str, Any]) -> dict[str, Any]:
        below.append(part)
        return part

    change_subschemas(schema, keep)
    yield schema
    for part in below:
        yield from subschemas(part)


def normalise_near_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return proper JSON Schema (2020-12) for the dialects of BFCL, Gemini and OpenAPI 3.0; for imports only.

    Type names are translated (``dict``, ``float``, ``tuple``, ``any``, ``HashMap``, ``STRING``, …) and unknown ones
    left, to be refused by the schema check. ``nullable`` becomes the type ``null``, a list under ``items`` becomes
    ``prefixItems``, counts written as text become numbers. An ``enum`` without one value of its type, which nothing
    could satisfy, moves to the items of an array, or else is accepted beside the type.
    """
    near = change_subschemas(schema, normalise_near_schema)
    for step in (_proper_type, _proper_items, _proper_counts, _proper_enum, _proper_null):
        near = step(near)
    return near


def _proper_type(schema: dict[str, Any]) -> dict[str, Any]:
    if "type" not in schema:
        return schema
    given = schema["type"]
    names = [
        NEAR_TYPES.get(n.lower(), n) if isinstance(n, str) else n
        for n in (given if isinstance(given, list) else [given])
    ]
    if "" in names:
        return {key: value for key, value in schema.items() if key != "type"}
    return {**schema, "type": _union(names, []) if isinstance(given, list) else names[0]}


def _proper_items(schema: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(schema.get("items"), list):
        return schema
    return {"prefixItems" if key == "items" else key: value for key, value in schema.items()}


def _proper_counts(schema: dict[str, Any]) -> dict[str, Any]:
    numbers = {key: int(schema[key]) for key in _COUNTS if isinstance(schema.get(key), str) and schema[key].isdecimal()}
    return {**schema, **numbers}


def _proper_enum(schema: dict[str, Any]) -> dict[str, Any]:
    kind, values = schema.get("type"), schema.get("enum")
    if kind not in TYPES or not isinstance(values, list) or any(_is_of(kind, value) for value in values):
        return schema
    rest = {key: value for key, value in schema.items() if key not in ("type", "enum")}
    if kind != "array":
        return {**rest, "anyOf": [{"type": kind}, {"enum": values}]}
    items = schema.get("items")
    return {**rest, "type": kind, "items": {**(items if isinstance(items, dict) else {}), "enum": values}}


def _is_of(kind: str, value: Any) -> bool:
    return isinstance(value, _PYTHON[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _proper_null(schema: dict[str, Any]) -> dict[str, Any]:
    if "nullable" not in schema:
        return schema
    rest = {key: value for key, value in schema.items() if key != "nullable"}
    return nullable(rest) if schema["nullable"] is True else rest


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema that accepts ``null`` too."""
    if any(key in schema for key in _CLOSED):
        said = {key: value for key, value in schema.items() if key in _SAID}
        return {**said, "anyOf": [{key: value for key, value in schema.items() if key not in _SAID}, _NULL]}
    wider = dict(schema)
    if "enum" in schema and None not in schema["enum"]:
        wider["enum"] = [*schema["enum"], None]
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        wider["type"] = _union(kinds, ["null"]) if kinds != ["null"] else "null"
    if "anyOf" in schema:
        wider["anyOf"] = [*(part for part in schema["anyOf"] if part != _NULL), _NULL]
    return wider


def _merged(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            merged[key] = _JOIN[key](merged[key], value) if key in merged and key in _JOIN else value
    return merged


def _both(first: Any, second: Any) -> Any:
    return first if first == second else {"allOf": [first, second]}


def _both_by_name(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    return {**first, **{name: _both(first[name], s) if name in first else s for name, s in second.items()}}


def _both_by_place(first: list[Any], second: list[Any]) -> list[Any]:
    shared = [_both(one, other) for one, other in zip(first, second, strict=False)]
    return [*shared, *first[len(shared) :], *second[len(shared) :]]


def _union(first: list[Any], second: list[Any]) -> list[Any]:
    united: list[Any] = []
    for item in (*first, *second):
        if item not in united:  # a broken schema may hold what no set can
            united.append(item)
    return united


_JOIN: dict[str, Callable[[Any, Any], Any]] = {
    "properties": _both_by_name,
    "patternProperties": _both_by_name,
    "required": _union,
    "items": _both,
    "prefixItems": _both_by_place,
    "uniqueItems": operator.or_,
    "additionalProperties": _both,
}
