"""What a tool's schema asks for, as flat slots; what can't be said in slots makes a tool that is never called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, get_args

from pytest_toolmatch.core.errors import ToolError
from pytest_toolmatch.core.schema import NEAR_TYPES, resolve
from pytest_toolmatch.core.validation import compile_schema
from pytest_toolmatch.pocket.numbers import unit_of
from pytest_toolmatch.pocket.text import name_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.core.tool import Tool

Kind: TypeAlias = Literal[
    "text",
    "date",
    "month",
    "time",
    "instant",
    "email",
    "url",
    "phone",
    "integer",
    "number",
    "boolean",
    "enum",
    "airport",
    "airline",
    "country",
    "currency",
    "joined",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

_FORMATS: dict[str, Kind] = {
    "date": "date",
    "date-time": "instant",
    "time": "time",
    "email": "email",
    "idn-email": "email",
    "uri": "url",
    "url": "url",
}
# What a description may say of the form of a text; the first that is found counts.
_HINTS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"YYYY-MM-DD[T ]?HH|date-time", re.IGNORECASE), "instant"),
    (re.compile(r"YYYY-MM-DD"), "date"),
    (re.compile(r"YYYY-MM\b"), "month"),
    (re.compile(r"\bHH:MM\b", re.IGNORECASE), "time"),
)
# What says that a text is a code for something with a name.
_CODES: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"airport.*\bIATA\b|\bIATA\b.*airport|airport.*code", re.IGNORECASE), "airport"),
    (re.compile(r"airline.*\bIATA\b|\bIATA\b.*airline|airline.*code", re.IGNORECASE), "airline"),
    (re.compile(r"(?:countr|nation).*(?:code|two-letter|ISO)|two-letter.*country", re.IGNORECASE), "country"),
    (re.compile(r"currenc.*(?:code|three-letter|ISO|such as [A-Z]{3})|code.*currenc", re.IGNORECASE), "currency"),
    (re.compile(r"without a space|no spaces", re.IGNORECASE), "joined"),
)
_PHONE = re.compile(r"phone|mobile|fax|callback", re.IGNORECASE)
_DIGITS_ONLY = re.compile(r"\bdigits only\b|\+\d\d|E\.?164", re.IGNORECASE)
_MOST_ITEMS = 12
_DEEPEST = 5
"""Objects in objects; what refers to itself has no end otherwise."""


class Slot(NamedTuple):
    """One argument to fill.

    ``options`` are the values of an enum; ``schema`` is what one value has to satisfy; ``many`` says that the argument
    is an array of such values, ``least`` to ``most`` long; ``wrap`` is the first property of the objects in that array,
    and ``of``, in the slots of their other properties, the array's path. ``path`` leads to the argument, through
    objects. ``unit`` is what a number counts.
    """

    path: tuple[str, ...]
    kind: Kind
    required: bool
    about: str
    schema: dict[str, Any]
    options: tuple[Any, ...] = ()
    many: bool = False
    least: int = 0
    most: int = _MOST_ITEMS
    unique: bool = False
    wrap: str = ""
    of: tuple[str, ...] = ()
    unit: tuple[str, float] | None = None

    @property
    def name(self) -> str:
        """The argument's own name, without its objects'."""
        return self.path[-1]


class Unsupported(Exception):  # noqa: N818 - it is read as a statement
    """A required argument that can't be said in slots; ``str`` says which and why."""


def slots_of(tool: Tool) -> tuple[Slot, ...]:
    """Return the slots of a tool in the order of its schema; raise Unsupported where a required one can't be filled."""
    root = tool.parameters or {}
    try:
        compile_schema(tool)
        return tuple(_properties(root, root, (), required=True))
    except (ToolError, TypeError, AttributeError) as error:
        raise Unsupported(f"{tool.name}: {error}") from None


def _properties(schema: Any, root: Any, path: tuple[str, ...], *, required: bool) -> Iterator[Slot]:
    schema = resolve(schema, root)
    needed = schema.get("required", ())
    for name, below in schema.get("properties", {}).items():
        must = required and name in needed
        try:
            yield from _slots(below, root, (*path, name), must)
        except Unsupported:
            if must:
                raise


def _slots(below: Any, root: Any, path: tuple[str, ...], required: bool) -> Iterator[Slot]:
    if len(path) > _DEEPEST:
        raise Unsupported(f"{'.'.join(path)}: objects too deep in objects")
    schema = _plain(below, root)
    about = str(schema.get("description") or (below.get("description") if isinstance(below, dict) else "") or "")
    kind = _kind(schema, path, about)
    if kind == "object":
        if not schema.get("properties"):
            raise Unsupported(f"{'.'.join(path)}: an object of any form")
        if not required and schema.get("required"):
            raise Unsupported(f"{'.'.join(path)}: an optional object with required parts")
        counted = unit_of(name_words(about))
        for slot in _properties(schema, root, path, required=required):
            numeric = slot.kind in ("integer", "number") and slot.unit is None
            yield slot._replace(unit=counted) if numeric else slot
    elif kind == "array":
        yield from _arrays(schema, root, path, about, required=required)
    else:
        yield _single(kind, schema, path, about, required=required)


def _single(kind: Any, schema: dict[str, Any], path: tuple[str, ...], about: str, *, required: bool) -> Slot:
    options = tuple(one for one in schema.get("enum", ()) if one is not None) if kind == "enum" else ()
    if "const" in schema and kind == "enum":
        options = (schema["const"],)
    if kind == "enum" and (not options or any(isinstance(one, (dict, list)) for one in options)):
        raise Unsupported(f"{'.'.join(path)}: an enum without plain values")
    counts = all(isinstance(one, (int, float)) for one in options) if options else kind in ("integer", "number")
    unit = unit_of(name_words(f"{path[-1]} {about}")) if counts else None
    return Slot(path, kind, required, about, schema, options, unit=unit)


def _arrays(schema: dict[str, Any], root: Any, path: tuple[str, ...], about: str, *, required: bool) -> Iterator[Slot]:
    """Yield the slot of an array; of an array of objects the slot of their first part, then those of the others."""
    if "prefixItems" in schema or "contains" in schema:
        raise Unsupported(f"{'.'.join(path)}: an array of fixed or counted items")
    items = _plain(schema.get("items", {"type": "string"}), root)
    shape: dict[str, Any] = {
        "many": True,
        "least": int(schema.get("minItems", 0)),
        "most": int(schema.get("maxItems", _MOST_ITEMS)),
        "unique": bool(schema.get("uniqueItems")),
    }
    if _kind(items, path, about) != "object":
        yield _part(items, path, f"{about} {items.get('description', '')}".strip(), required=required)._replace(**shape)
        return
    needed, parts = items.get("required", ()), items.get("properties", {})
    names = sorted(parts, key=lambda name: name not in needed)
    if not names:
        raise Unsupported(f"{'.'.join(path)}: an array of objects without parts")
    head = _part(_plain(parts[names[0]], root), (*path, names[0]), about, required=required)
    yield head._replace(path=path, wrap=names[0], **shape)
    for name in names[1:]:
        try:
            part = _plain(parts[name], root)
            yield _part(part, (*path, name), str(part.get("description", "")), required=name in needed)._replace(
                of=path
            )
        except Unsupported:
            if name in needed:
                raise


def _part(schema: dict[str, Any], path: tuple[str, ...], about: str, *, required: bool) -> Slot:
    kind = _kind(schema, path, about)
    if kind in ("object", "array"):
        raise Unsupported(f"{'.'.join(path)}: an array of arrays or of objects in objects")
    return _single(kind, schema, path, about, required=required)


def _plain(below: Any, root: Any) -> dict[str, Any]:
    """Return the schema of the first alternative that is not null, references followed."""
    schema = resolve(below, root)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            outside = {name: value for name, value in schema.items() if name != key}
            kept = [one for one in (resolve(part, root) for part in schema[key]) if one.get("type") != "null"]
            if not kept:
                raise Unsupported("nothing but null is allowed")
            return {
                **outside,
                **_plain(kept[0], root),
                **({"description": outside["description"]} if "description" in outside else {}),
            }
    return schema


def _kind(schema: dict[str, Any], path: tuple[str, ...], about: str) -> Any:
    """Return the kind of a slot, or ``object`` or ``array``."""
    if "enum" in schema or "const" in schema:
        return "enum"
    declared = schema.get("type", "string" if "properties" not in schema else "object")
    names = [declared] if isinstance(declared, str) else [name for name in declared if name != "null"]
    kind = NEAR_TYPES.get(str(names[0]).lower(), "string") if names else "string"
    if kind == "null":
        raise Unsupported(f"{'.'.join(path)}: nothing but null is allowed")
    return _text_kind(schema, path, about) if kind in ("string", "") else kind


def _text_kind(schema: dict[str, Any], path: tuple[str, ...], about: str) -> Kind:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    for pattern, kind in _HINTS:
        if pattern.search(about):
            return kind
    if _PHONE.search(f"{path[-1]} {about}") and _DIGITS_ONLY.search(about):
        return "phone"
    named = f"{path[-1]} {about}"
    return next((kind for pattern, kind in _CODES if pattern.search(named)), "text")
