"""Argument equality derived from a tool's JSON Schema, compiled once into a maker of keys.

Two values are equal under a schema when their keys are. Objects: declared properties by their own subschema, defaults
filled in for missing optional ones, null for a missing optional nullable one, undeclared properties as they are.
Arrays: ordered, unless ``uniqueItems`` is true and the items are scalar. Strings under ``format: date-time``: instants.
Numbers: mathematical equality. ``anyOf`` and ``oneOf``: a branch counts where both values are valid in it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_toolmatch.core.schema import resolve
from pytest_toolmatch.judging.instants import instant_key
from pytest_toolmatch.judging.keys import ARRAY, FALSE, MISSING, OWN_KEYS, TRUE, Either, bag, json_key
from pytest_toolmatch.judging.overrides import is_fuzzy, override_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.core.rules import Override

    Maker: TypeAlias = Callable[[Any], Any]
    Members: TypeAlias = list[tuple[str, Maker]]
    Patterns: TypeAlias = list[tuple[re.Pattern[str], Any]]

_ROOT = "urn:toolmatch:arguments"
_OUTSIDE = -1  # stands where a branch's index does: the rules beside the union
_SCALARS = (str, int, float, Decimal, type(None))
_UNIONS = ("anyOf", "oneOf")
_MAY_REFER = frozenset({"$ref", "$dynamicRef"})
_OBJECT_WORDS = frozenset({"properties", "patternProperties", "additionalProperties"})
_ARRAY_WORDS = frozenset({"items", "prefixItems", "uniqueItems"})


class Compiler:
    """Compiles one tool's schema, with its overrides by path, into a maker of keys.

    ``fuzzy`` is true when some key may stand for an equality that is not transitive; it is final after ``compile``.
    A path of ``None`` means that no override lies there or below.
    """

    def __init__(self, schema: Any, overrides: dict[str, Override], tool: str) -> None:
        self.root = schema if isinstance(schema, dict) else {}
        self.overrides = overrides
        self.tool = tool
        self.fuzzy = any(is_fuzzy(override) for override in overrides.values())
        self._made: dict[tuple[str, str | None], Maker] = {}
        self._open: set[tuple[str, str | None]] = set()
        self._defaults: list[tuple[dict[str, Any], str, Maker, Any]] = []

    def compile(self) -> Maker:
        """Return the maker of keys for the tool's whole arguments object."""
        maker = self._maker(self.root, "" if self.overrides else None)
        # Only now: a default inside a recursive schema may need the maker that contains it.
        for missing, name, member, default in self._defaults:
            missing[name] = member(default)
        return maker

    def _maker(self, schema: Any, path: str | None) -> Maker:
        if path in self.overrides:
            return override_key(self.overrides[path], f"{self.tool}.{path}")
        if not isinstance(schema, dict):
            if path is None:
                return json_key
            schema = {}
        schema = _flattened(schema)
        # By content, not by identity: what stands below a merged schema is made anew each time it is resolved.
        seen = (repr(schema), path)
        if seen not in self._made:
            # A recursive schema meets itself while it is compiled: it gets the maker that is being made.
            self._made[seen] = lambda value: self._made[seen](value)  # noqa: PLW0108 - which is not there yet
            self._made[seen] = self._effective(resolve(schema, self.root), path)
        return self._made[seen]

    def _child(self, path: str | None, name: str) -> str | None:
        """Return the path of a member (``[]`` for items), or None where no override needs it."""
        if path is None:
            return None
        child = f"{path}.{name}" if path and name != "[]" else path + name
        return child if any(re.match(re.escape(child) + r"(\.|\[|$)", other) for other in self.overrides) else None

    def _effective(self, schema: dict[str, Any], path: str | None) -> Maker:
        unions = [word for word in _UNIONS if isinstance(schema.get(word), list)]
        if unions:
            return self._union(schema, unions[0], path)
        by_type: dict[type, Maker] = {}
        if _OBJECT_WORDS & schema.keys() or path is not None:
            by_type[dict] = self._object(schema, path)
        if _ARRAY_WORDS & schema.keys() or path is not None:
            by_type[list] = by_type[tuple] = self._array(schema, path)
        if schema.get("format") == "date-time":
            by_type[str] = instant_key
        return ByType(by_type) if by_type else json_key

    def _object(self, schema: dict[str, Any], path: str | None) -> Maker:
        patterns = _patterns(schema)
        declared = {**dict.fromkeys(self._named_below(path)), **(schema.get("properties") or {})}
        required = frozenset(schema.get("required") or ())
        missing: dict[str, Any] = dict.fromkeys(declared, MISSING)
        members: Members = []
        for name, alone in declared.items():
            below, subschema = self._child(path, name), _with_patterns(name, alone, patterns)
            maker = self._maker(subschema, below)
            members.append((name, maker))
            default = self._default(subschema, below, required=name in required)
            self._defaults += [(missing, name, maker, value) for value in default]
        return _object_key(members, missing, self._undeclared(schema, patterns))

    def _named_below(self, path: str | None) -> list[str]:
        """Return the members that overrides name below a path, so that undeclared ones can be overridden too."""
        if path is None:
            return []
        start = re.compile(re.escape(f"{path}." if path else "") + r"([^.\[\]]+)")
        return [found[1] for other in self.overrides if (found := start.match(other))]

    def _default(self, schema: Any, path: str | None, *, required: bool) -> list[Any]:
        """Return the value that stands for a missing member, if any; a schema of None is that of an undeclared one."""
        if path in self.overrides and self.overrides[path].ignore:
            return [None]
        if required or schema is None or schema is False:
            return []
        effective = resolve(schema, self.root)
        if "default" in effective:
            return [effective["default"]]
        return [None] if self._nullable(schema) else []

    def _undeclared(self, schema: dict[str, Any], patterns: Patterns) -> Callable[[str], Maker]:
        rest = self._maker(schema.get("additionalProperties"), None)
        makers = [(pattern, self._maker(subschema, None)) for pattern, subschema in patterns]
        if not makers:
            return lambda _: rest
        return lambda name: next((maker for pattern, maker in makers if pattern.search(name)), rest)

    def _array(self, schema: dict[str, Any], path: str | None) -> Maker:
        items, below = schema.get("items"), self._child(path, "[]")
        leading = schema.get("prefixItems") or (items if isinstance(items, list) else [])
        first = [self._maker(subschema, below) for subschema in leading]
        rest = self._maker(None if isinstance(items, list) else items, below)
        return _array_key(first, rest, unique=schema.get("uniqueItems") is True)

    def _union(self, schema: dict[str, Any], word: str, path: str | None) -> Maker:
        base = {name: value for name, value in schema.items() if name != word}
        whole = [resolve({"allOf": [base, branch]}, self.root) for branch in schema[word]]
        makers = [(branch, self._branch(merged, path)) for branch, merged in zip(schema[word], whole, strict=True)]
        outside = self._effective(base, path)
        if outside is json_key and all(maker in (None, json_key) for _, maker in makers):
            return json_key
        self.fuzzy = True
        branches = [(_validator(branch, self.root), maker) for branch, maker in makers if maker is not None]
        return partial(_union_key, branches, outside)

    def _branch(self, schema: dict[str, Any], path: str | None) -> Maker | None:
        """Return a branch's maker, or None for a union that is, through references, a branch of itself."""
        opened = (repr(schema), path)
        if opened in self._open:
            return None
        self._open.add(opened)
        try:
            return self._effective(schema, path)
        finally:
            self._open.remove(opened)

    def _nullable(self, schema: Any) -> bool:
        """Return whether null is valid."""
        kind = schema.get("type") if isinstance(schema, dict) else None
        if isinstance(kind, str) and kind != "null" and not _MAY_REFER & schema.keys():
            return False
        return _validator(schema, self.root)(None)


class ByType(dict[type, "Maker"]):
    """A maker of keys that depends on the type of the value; what has no maker is plain JSON."""

    def __missing__(self, kind: type) -> Maker:
        return json_key

    def __call__(self, value: Any) -> Any:
        """Return the key of a value."""
        return self[type(value)](value)


def _object_key(members: Members, missing: dict[str, Any], undeclared: Callable[[str], Maker]) -> Maker:
    """Return a maker of the members' keys in the order of the schema, and of those it does not declare."""
    known = frozenset(missing)

    def key(value: dict[str, Any]) -> Any:
        found = tuple([maker(value[name]) if name in value else missing[name] for name, maker in members])
        if known.issuperset(value):
            return found
        return (*found, frozenset((name, undeclared(name)(value[name])) for name in value if name not in known))

    return _flat_first(missing, key) if all(maker is json_key for _, maker in members) else key


def _flat_first(missing: dict[str, Any], otherwise: Maker) -> Maker:
    """Return a faster maker of the same keys, for members that are all declared and scalar."""
    count = len(missing)

    def key(value: dict[str, Any]) -> Any:
        filled = missing | value
        if len(filled) != count:
            return otherwise(value)
        keys = []
        for item in filled.values():
            kind = type(item)
            if kind in OWN_KEYS:
                keys.append(item)
            elif kind is bool:
                keys.append(TRUE if item else FALSE)
            else:
                return otherwise(value)
        return tuple(keys)

    return key


def _array_key(first: list[Maker], rest: Maker, *, unique: bool) -> Maker:
    def key(value: list[Any]) -> Any:
        keys = [maker(item) for maker, item in zip(first, value, strict=False)]
        keys += map(rest, value[len(first) :])
        if unique and all(isinstance(item, _SCALARS) for item in value):
            return bag(keys)
        return (ARRAY, *keys)

    return key


def _union_key(branches: list[tuple[Callable[[Any], bool], Maker]], outside: Maker, value: Any) -> Any:
    plain = json_key(value)
    if plain is value and not isinstance(value, str):
        return value
    keys = [(index, maker(value)) for index, (valid, maker) in enumerate(branches) if valid(value)]
    return Either([*keys, (_OUTSIDE, outside(value))])


def _validator(schema: Any, root: dict[str, Any]) -> Callable[[Any], bool]:
    """Return what says whether a value is valid under a part of the schema; its references still lead into the root."""
    import jsonschema_rs  # noqa: PLC0415 - few schemas need it

    branch = _based(schema) if isinstance(schema, dict) else {"allOf": [schema]}
    if "$schema" in root:
        branch = {"$schema": root["$schema"], **branch}
    registry = jsonschema_rs.Registry([(_ROOT, root)])
    is_valid = jsonschema_rs.validator_for(branch, registry=registry, validate_formats=False).is_valid

    def valid(value: Any) -> bool:
        try:
            return is_valid(value)
        except ValueError:  # a lone surrogate, an infinity: what JSON can't hold is valid nowhere
            return False

    return valid


def _based(schema: Any) -> Any:
    """Return the schema with its local references made absolute."""
    if isinstance(schema, list):
        return [_based(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    local = {"$ref": _ROOT + schema["$ref"]} if str(schema.get("$ref", "")).startswith("#") else {}
    return {name: _based(value) for name, value in schema.items()} | local


def _flattened(schema: Any) -> Any:
    """Open ``allOf`` inside ``allOf`` and keep the last of equal parts, so that merging recursive schemas ends."""
    if not isinstance(schema, dict) or schema.keys() != {"allOf"}:
        return schema
    parts = [inner for part in map(_flattened, schema["allOf"]) for inner in _parts(part)]
    return {"allOf": list({repr(part): part for part in reversed(parts)}.values())[::-1]}


def _parts(schema: Any) -> list[Any]:
    alone = isinstance(schema, dict) and schema.keys() == {"allOf"}
    return list(schema["allOf"]) if alone else [schema]


def _patterns(schema: dict[str, Any]) -> Patterns:
    """Return the pattern properties, without patterns that only other dialects of regular expressions know."""
    found = []
    for pattern, subschema in (schema.get("patternProperties") or {}).items():
        with suppress(re.error):
            found.append((re.compile(pattern), subschema))
    return found


def _with_patterns(name: str, schema: Any, patterns: Patterns) -> Any:
    """Return a declared property's schema together with those of the patterns that its name matches."""
    also = [subschema for pattern, subschema in patterns if pattern.search(name)]
    return {"allOf": [*also, schema]} if also and schema is not None else schema
