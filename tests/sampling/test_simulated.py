from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.sampling.simulated import FALLBACK, simulated


def is_valid(value: Any, schema: dict[str, Any]) -> bool:
    return bool(jsonschema_rs.validator_for(schema, validate_formats=False).is_valid(value))


FLIGHT = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "minimum": 100},
        "price": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "departureDate": {"type": "string"},
        "contact_email": {"type": "string"},
        "leaves": {"type": "string", "format": "date-time"},
        "cabin": {"enum": ["economy", "business"]},
        "gate": {"type": "string", "pattern": "^[A-Z][0-9]$"},
        "seats": {"type": "array", "items": {"type": "string"}, "minItems": 2, "uniqueItems": True},
        "note": {"anyOf": [{"type": "null"}, {"type": "string", "default": "none"}]},
    },
    "required": ["id"],
    "additionalProperties": False,
}


def test_a_reply_looks_like_what_its_names_say() -> None:
    value = simulated(FLIGHT)
    assert value == {
        "id": 100,
        "price": 0.5,
        "departureDate": "2026-01-15",
        "contact_email": "ada@example.com",
        "leaves": "2026-01-15T09:30:00Z",
        "cabin": "economy",
        "gate": "A1",
        "seats": ["seat", "seat-2"],
        "note": "none",
    }
    assert is_valid(value, FLIGHT)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer", "examples": [7], "default": 8}, 7),
        ({"type": "integer", "default": 8}, 8),
        ({"type": "integer", "examples": ["seven"]}, 1),
        ({"const": None}, None),
        ({"type": ["null", "boolean"]}, True),
        ({"type": "integer", "multipleOf": 5, "exclusiveMinimum": 5}, 10),
        ({"type": "integer", "maximum": -3}, -3),
        ({"type": "string", "minLength": 9}, "examplexx"),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": True}, [1, 2, 3]),
        ({"type": "array", "prefixItems": [{"type": "string"}, {"type": "null"}]}, ["example", None]),
        ({"type": "object"}, {}),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "object", "properties": {"x": {"const": 1}}}}}, {"x": 1}),
        ({"allOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}]}, {"a": 1, "b": 2}),
    ],
)
def test_small_values(schema: dict[str, Any], value: Any) -> None:
    assert simulated(schema) == value
    assert is_valid(value, schema)


def test_a_schema_that_holds_itself_ends() -> None:
    tree = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#"}}}}
    assert is_valid(simulated(tree), tree)


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {},
        {"not": {}},
        {"type": "strnig"},
        {"$ref": "https://example.com/schema"},
        {"$ref": "#/$defs/gone"},
        {"type": "object", "properties": {"x": {"$ref": "#"}}, "required": ["x"]},
        {"type": "array", "items": {"type": "null"}, "minItems": 10**9},
        {"type": "string", "pattern": "^(never){3}guessed$"},
    ],
)
def test_without_a_value_there_is_a_fallback(schema: dict[str, Any] | None) -> None:
    assert simulated(schema) == FALLBACK


NAMES = st.sampled_from(["id", "name", "createdAt", "x"])
LEAVES = st.one_of(
    st.just({}),
    st.builds(lambda low, size: {"type": "integer", "minimum": low, "maximum": low + size}, st.integers(), st.just(9)),
    st.builds(lambda low: {"type": "number", "exclusiveMinimum": low}, st.integers(-9, 9)),
    st.builds(
        lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more}, *[st.integers(0, 9)] * 2
    ),
    st.builds(lambda values: {"enum": values}, st.lists(st.integers() | st.text(), min_size=1)),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"type": "string", "format": "date"}, {"const": [1]}]),
)


def objects(below: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    properties = st.dictionaries(NAMES, below, max_size=3)
    return st.builds(
        lambda known, required, open_: {
            "type": "object",
            "properties": known,
            "required": sorted(required),
            "additionalProperties": open_ or not required <= known.keys(),
        },
        properties,
        st.sets(NAMES, max_size=2),
        st.booleans(),
    )


def arrays(below: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(lambda items, low: {"type": "array", "items": items, "minItems": low}, below, st.integers(0, 3))


SCHEMAS = st.recursive(
    LEAVES,
    lambda below: (
        objects(below)
        | arrays(below)
        | st.builds(lambda parts: {"anyOf": parts}, st.lists(below, min_size=1, max_size=3))
        | st.builds(lambda part: {"oneOf": [{"type": "null"}, part]}, objects(below))
        | st.builds(lambda part: {"$ref": "#/$defs/A", "$defs": {"A": part}}, LEAVES)
    ),
    max_leaves=6,
).filter(lambda schema: "$ref" not in repr(schema) or "$ref" in schema)


@given(SCHEMAS)
def test_the_value_satisfies_its_schema(schema: dict[str, Any]) -> None:
    value = simulated(schema)
    if schema:
        assert is_valid(value, schema)
    assert simulated(schema) == value


KEYWORDS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["object", "array", "string", "number", "integer", ["null", "string"]]),
        "properties": st.dictionaries(st.text(), st.sampled_from([True, False, {"type": "string"}])),
        "required": st.lists(st.text(), unique=True, max_size=3),
        "items": st.sampled_from([True, False, {"type": "integer"}]),
        "minItems": st.integers(0, 5),
        "uniqueItems": st.booleans(),
        "minimum": st.floats(allow_nan=False, allow_infinity=False),
        "maximum": st.integers(),
        "multipleOf": st.floats(min_value=0, exclude_min=True, allow_infinity=False),
        "minLength": st.integers(0, 10**20),
        "pattern": st.sampled_from(["^a", "[0-9]+$", "^$", "x{2}"]),
        "enum": st.lists(st.none() | st.integers() | st.text(), min_size=1),
        "const": st.none() | st.lists(st.booleans()),
        "default": st.integers(),
    },
)


@given(KEYWORDS)
def test_any_schema_gives_a_valid_value_or_the_fallback(schema: dict[str, Any]) -> None:
    value = simulated(schema)
    assert value == FALLBACK or is_valid(value, schema)
