"""The named values of a parameter: what they are in a schema, and what else they may be called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.schema import resolve
from pytest_toolmatch.fuzzing.relations.naming import STYLES
from pytest_toolmatch.fuzzing.relations.words import parts, places

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNIONS = ("anyOf", "oneOf")


def inlined(schema: Any, root: Any) -> dict[str, Any]:
    """Return a parameter's schema with references resolved in itself, its items and the members of its union."""
    found = dict(resolve(schema, root))
    if isinstance(found.get("items"), dict):
        found["items"] = inlined(found["items"], root) if found["items"].keys() & {"$ref", "allOf"} else found["items"]
    for key in found.keys() & {*_UNIONS}:
        found[key] = [resolve(part, root) for part in found[key]]
    return found


def enum_of(schema: Any) -> list[str]:
    """Return the texts that a schema, its items or the members of its union list as its values."""
    if not isinstance(schema, dict):
        return []
    below = [schema.get("items"), *(part for key in _UNIONS for part in schema.get(key, ()))]
    here = [value for value in schema.get("enum", ()) if isinstance(value, str)]
    return list(dict.fromkeys([*here, *(value for part in below for value in enum_of(part))]))


def with_enum(schema: Any, values: dict[str, Any]) -> Any:
    """Return a schema with its values renamed, wherever ``enum_of`` finds them, and in defaults and examples."""
    if not isinstance(schema, dict):
        return schema
    changed = dict(schema)
    for key in schema.keys() & {"enum", "examples", "default", "const"}:
        changed[key] = _renamed(schema[key], values)
    if "items" in schema:
        changed["items"] = with_enum(schema["items"], values)
    for key in schema.keys() & {*_UNIONS}:
        changed[key] = [with_enum(part, values) for part in schema[key]]
    return changed


def _renamed(value: Any, values: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_renamed(one, values) for one in value]
    return values.get(value, value) if isinstance(value, str) else value


def styles_of(key: str, values: list[str], query: str) -> Iterator[dict[str, Any]]:
    """Yield names for all of the values: in the other styles and, where the query has none of them, behind a prefix."""
    words = [parts(value) for value in values]
    if not values or not all(words):
        return
    kinds = [[style(one) for one in words] for style in STYLES]
    if not any(places(value, query) for value in values):
        kinds += [[f"{key}_{value}" for value in values], [f"{value}_option" for value in values]]
    for kind in kinds:
        if kind != values and len({*kind}) == len(values) and not {*kind} & {*values} - _unchanged(values, kind):
            yield dict(zip(values, kind, strict=True))


def _unchanged(values: list[str], kind: list[str]) -> set[str]:
    return {value for value, other in zip(values, kind, strict=True) if value == other}
