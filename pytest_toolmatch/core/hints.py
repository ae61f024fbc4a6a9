"""Type hints as JSON Schema, the classes they name gathered under ``$defs``.

Written here, not by pydantic (an extra: a tool's schema must not change with what is installed) and not by msgspec
(which refuses unions of two array types and sees neither a plain text in ``Annotated`` nor a set's uniqueness). What
this module does not know is asked of msgspec; a class that brings its own pydantic schema is asked of pydantic.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime as dt
import decimal
import enum
import functools
import json
import pathlib
import re
import types
import typing
import uuid
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from pytest_toolmatch.core.errors import ToolError
from pytest_toolmatch.core.schema import nullable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_Read = typing.TypeVar("_Read")

MISSING: Any = dataclasses.MISSING
"""Stands for "no default"."""

_REFERENCE = "#/$defs/{name}"
_SCALARS: dict[Any, dict[str, Any]] = {
    Any: {},
    object: {},
    None: {"type": "null"},
    type(None): {"type": "null"},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    dt.datetime: {"type": "string", "format": "date-time"},
    dt.date: {"type": "string", "format": "date"},
    dt.time: {"type": "string", "format": "time"},
    uuid.UUID: {"type": "string", "format": "uuid"},
    decimal.Decimal: {"type": "string", "format": "decimal"},
    pathlib.PurePath: {"type": "string", "format": "path"},
}
_BOUNDS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
}
_TEXTS = {"title": "title", "description": "description", "documentation": "description", "pattern": "pattern"}
_LENGTHS = {"string": "Length", "array": "Items", "object": "Properties"}


class Field(NamedTuple):
    """One argument of a function or field of a class; ``default`` is MISSING where there is none, or none to state."""

    name: str
    hint: Any
    required: bool
    default: Any = MISSING


class Docs(NamedTuple):
    """What a docstring says: of the whole, and of each parameter or attribute."""

    description: str
    fields: dict[str, str]


class HintWriter:
    """Writes type hints as JSON Schema; ``definitions`` fills with the classes they name."""

    def __init__(self) -> None:
        self.definitions: dict[str, dict[str, Any]] = {}
        self._owners: dict[str, Any] = {}

    def schema(self, hint: Any) -> dict[str, Any]:
        """Return the schema of a hint; ToolError where it has none."""
        hint = _plain(hint)
        origin = get_origin(hint)
        if origin is Annotated:
            kind, *notes = get_args(hint)
            return _noted(self.schema(kind), notes)
        try:
            write = _WRITERS.get(origin or hint)
        except TypeError:  # unhashable: a list, a dict, no type
            return self._foreign(hint)
        return write(self, get_args(hint)) if write else self._class(hint, origin or hint)

    def object(self, fields: Iterable[Field], docs: dict[str, str]) -> dict[str, Any]:
        """Return the schema of an object with these fields, in their order."""
        fields = list(fields)
        properties = {field.name: self._property(field, docs.get(field.name, "")) for field in fields}
        required = [field.name for field in fields if field.required]
        return {"type": "object", "properties": properties, **({"required": required} if required else {})}

    def _property(self, field: Field, doc: str) -> dict[str, Any]:
        try:
            schema = self.schema(field.hint)
        except ToolError as error:
            raise ToolError(f"{field.name}: {error}") from None
        schema = nullable(schema) if field.default is None else dict(schema)
        if doc:
            schema.setdefault("description", doc)
        default = json_value(field.default)
        return schema if default is MISSING else {**schema, "default": default}

    def _class(self, hint: Any, cls: Any) -> dict[str, Any]:
        if cls in _SCALARS:
            return dict(_SCALARS[cls])
        if not isinstance(cls, type):
            return self._foreign(hint)
        if issubclass(cls, enum.Enum):
            return _choices([member.value for member in cls])
        if hasattr(cls, "__get_pydantic_core_schema__"):
            return self._pydantic(cls)
        for read in (_typed_dict_fields, _dataclass_fields, _struct_fields):
            if (fields := read(cls)) is not None:
                return self._record(cls, fields)
        base = next((base for base in cls.__mro__[1:-1] if base in _SCALARS), None)
        return dict(_SCALARS[base]) if base else self._foreign(hint)

    def _record(self, cls: type, fields: Iterable[Field]) -> dict[str, Any]:
        name = _definition_name(cls)
        if name in self.definitions and self._owners.get(name) is not cls:
            raise ToolError(f"two classes are named {name}: rename one of them")
        if name not in self.definitions:
            self._owners[name] = cls
            self.definitions[name] = {}  # a class that holds itself refers to this place while it is being filled
            docs = read_docstring(_own_doc(cls))
            schema = self.object(fields, docs.fields)
            self.definitions[name] = {**({"description": docs.description} if docs.description else {}), **schema}
        return {"$ref": _REFERENCE.format(name=name)}

    def _pydantic(self, cls: Any) -> dict[str, Any]:
        import pydantic  # noqa: PLC0415 - the class itself came from it

        schema = pydantic.TypeAdapter(cls).json_schema(ref_template=_REFERENCE.replace("{name}", "{model}"))
        name = _definition_name(cls)
        for inner, definition in schema.pop("$defs", {}).items():
            self._define(inner, definition)
        if "properties" not in schema:
            return schema
        self._define(name, schema)
        return {"$ref": _REFERENCE.format(name=name)}

    def _define(self, name: str, schema: dict[str, Any]) -> None:
        if self.definitions.setdefault(name, schema) != schema:
            raise ToolError(f"two classes are named {name}: rename one of them")

    def _foreign(self, hint: Any) -> dict[str, Any]:
        try:
            (schema,), definitions = msgspec.json.schema_components((hint,), ref_template=_REFERENCE)
        except (TypeError, RuntimeError):
            raise ToolError(
                f"{_shown(hint)} has no JSON Schema: use JSON's own types, an Enum, a dataclass or a TypedDict, "
                "or leave the annotation out to accept anything"
            ) from None
        for name, definition in definitions.items():
            self._define(name, definition)
        return schema


def _array(writer: HintWriter, args: Sequence[Any]) -> dict[str, Any]:
    items = writer.schema(args[0]) if args else {}
    return {"type": "array", **({"items": items} if items else {})}


def _set(writer: HintWriter, args: Sequence[Any]) -> dict[str, Any]:
    return {**_array(writer, args), "uniqueItems": True}


def _tuple(writer: HintWriter, args: Sequence[Any]) -> dict[str, Any]:
    if not args or args[-1] is Ellipsis:
        return _array(writer, args[:1])
    parts = [writer.schema(arg) for arg in args if arg != ()]
    return {"type": "array", "prefixItems": parts, "minItems": len(parts), "maxItems": len(parts)}


def _mapping(writer: HintWriter, args: Sequence[Any]) -> dict[str, Any]:
    keys, values = (writer.schema(arg) for arg in args or (str, Any))
    names = {"propertyNames": keys} if keys.keys() & {"enum", "pattern"} else {}
    return {"type": "object", **({"additionalProperties": values} if values else {}), **names}


def _any_of(writer: HintWriter, args: Sequence[Any]) -> dict[str, Any]:
    parts = [writer.schema(arg) for arg in args if arg is not type(None)]
    schema = parts[0] if len(parts) == 1 else {"anyOf": parts}
    return nullable(schema) if type(None) in args else schema


def _literal(_writer: HintWriter, args: Sequence[Any]) -> dict[str, Any]:
    return _choices([arg.value if isinstance(arg, enum.Enum) else arg for arg in args])


def _choices(values: list[Any]) -> dict[str, Any]:
    """Return ``enum`` with the one type that all values have, where they do."""
    kinds = {type(value) for value in values}
    if not kinds <= {str, int, float, bool, type(None)}:
        raise ToolError(f"the values {values!r} are not all text, numbers, true, false or null: use such values")
    return {**(_SCALARS[kinds.pop()] if len(kinds) == 1 else {}), "enum": values}


_Writer: typing.TypeAlias = "Callable[[HintWriter, Sequence[Any]], dict[str, Any]]"
_abc = collections.abc
_WRITERS: dict[Any, _Writer] = {
    **dict.fromkeys((Union, types.UnionType), _any_of),
    **dict.fromkeys(
        (list, collections.deque, _abc.Sequence, _abc.MutableSequence, _abc.Collection, _abc.Iterable), _array
    ),
    **dict.fromkeys((set, frozenset, _abc.Set, _abc.MutableSet), _set),
    **dict.fromkeys((dict, _abc.Mapping, _abc.MutableMapping), _mapping),
    tuple: _tuple,
    Literal: _literal,
}


def _plain(hint: Any) -> Any:
    """Return what a NewType, a ``type`` alias, or Required, NotRequired and ReadOnly stand for."""
    while True:
        if getattr(get_origin(hint), "_name", "") in ("Required", "NotRequired", "ReadOnly"):
            hint = get_args(hint)[0]
        elif hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        elif type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__
        else:
            return hint


def _noted(schema: dict[str, Any], notes: Iterable[Any]) -> dict[str, Any]:
    """Return the schema with what ``Annotated`` adds: a text, msgspec's Meta, pydantic's Field, annotated-types.

    The three libraries name bounds and texts alike, so attributes are read, not classes. A bound that is no number (a
    date, a Decimal) has no keyword and is left out.
    """
    noted = dict(schema)
    for note in notes:
        if isinstance(note, str):
            noted["description"] = note
            continue
        noted |= {
            key: value for attribute, key in _TEXTS.items() if isinstance(value := getattr(note, attribute, None), str)
        }
        noted |= {
            key: value for attribute, key in _BOUNDS.items() if _is_number(value := getattr(note, attribute, None))
        }
        noted |= _length_bounds(noted, note)
        for extra in ("extra_json_schema", "json_schema_extra"):
            noted |= value if isinstance(value := getattr(note, extra, None), dict) else {}
        noted = _noted(noted, getattr(note, "metadata", ()))
    return noted


def _length_bounds(schema: dict[str, Any], note: Any) -> dict[str, Any]:
    kinds = schema.get("type", ())
    suffixes = [_LENGTHS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind in _LENGTHS]
    bounds = {"min": getattr(note, "min_length", None), "max": getattr(note, "max_length", None)}
    return {f"{end}{suffix}": value for end, value in bounds.items() if _is_number(value) for suffix in suffixes}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _typed_dict_fields(cls: type) -> Iterator[Field] | None:
    if not (issubclass(cls, dict) and hasattr(cls, "__required_keys__")):
        return None
    required: frozenset[str] = cls.__required_keys__
    hints = _hints(cls)
    # Postponed annotations hide Required and NotRequired from the class itself: what the hint says goes first.
    said = {name: getattr(get_origin(hint), "_name", "") for name, hint in hints.items()}
    return (
        Field(name, hint, required=said[name] == "Required" or (name in required and said[name] != "NotRequired"))
        for name, hint in hints.items()
    )


def _dataclass_fields(cls: type) -> Iterator[Field] | None:
    if not dataclasses.is_dataclass(cls):
        return None
    hints = _hints(cls)
    return (
        Field(f.name, hints[f.name], f.default is MISSING and f.default_factory is MISSING, f.default)
        for f in dataclasses.fields(cls)
        if f.init
    )


def _struct_fields(cls: type) -> Iterator[Field] | None:
    if not issubclass(cls, msgspec.Struct):
        return None
    return (
        Field(f.encode_name, f.type, f.required, MISSING if f.default is msgspec.NODEFAULT else f.default)
        for f in _readable(cls, msgspec.structs.fields)
    )


def _hints(cls: type) -> dict[str, Any]:
    return _readable(cls, functools.partial(typing.get_type_hints, include_extras=True))


def _readable(cls: type, read: Callable[[Any], _Read]) -> _Read:
    try:
        return read(cls)
    except UNREADABLE as error:
        raise ToolError(f"{cls.__qualname__}: {unreadable(error)}") from None


UNREADABLE = (NameError, TypeError, AttributeError, SyntaxError)
"""What annotations end in that are no types, or whose names can't be looked up at run time."""


def unreadable(error: Exception) -> str:
    """Say what to do about annotations that ended in one of these."""
    if isinstance(error, NameError):
        return f"{error}: import it at the module's top level, outside `if TYPE_CHECKING:`"
    return f"its annotations can't be read: {error}: write types, and a text beside one as in Annotated[str, 'a city']"


def json_value(value: Any) -> Any:
    """Return the value as plain JSON data, or MISSING where it is none (a sentinel, infinity, an open file)."""
    try:
        return json.loads(json.dumps(msgspec.to_builtins(value, str_keys=True, enc_hook=_path_text), allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return MISSING


def _path_text(value: Any) -> str:
    if isinstance(value, pathlib.PurePath):
        return str(value)
    raise TypeError


def read_docstring(text: str | None) -> Docs:
    """Return what a Google, NumPy, Sphinx or epydoc docstring says; a note on ``a, b`` goes to both."""
    import docstring_parser  # noqa: PLC0415 - start-up stays cheap

    parsed = docstring_parser.parse(text or "")
    notes = ((name.strip(" *"), p.description) for p in parsed.params for name in p.arg_name.split(","))
    return Docs((parsed.description or "").strip(), {name: note.strip() for name, note in notes if note})


def _own_doc(cls: type) -> str:
    doc = cls.__dict__.get("__doc__") or ""
    return "" if doc.startswith(f"{cls.__name__}(") else doc  # a dataclass without a docstring gets its signature


def _definition_name(cls: type) -> str:
    return re.sub(r"[^\w.-]", "_", cls.__name__)


def _shown(hint: Any) -> str:
    return hint.__qualname__ if isinstance(hint, type) and get_origin(hint) is None else str(hint)
