from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.errors import ToolError
from pytest_toolmatch.core.schema import NEAR_TYPES, TYPES, normalise_near_schema, nullable, resolve, subschemas

ROOT = {
    "$defs": {
        "City": {"type": "string", "description": "a city"},
        "Alias": {"$ref": "#/$defs/City", "minLength": 2},
        "a/b~c d": {"type": "null"},
        "Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}},
        "Loop": {"$ref": "#/$defs/Pool"},
        "Pool": {"allOf": [{"$ref": "#/$defs/Loop"}]},
    },
    "definitions": {"Old": {"type": "integer"}},
    "oneOf": [{"type": "boolean"}],
}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, {"type": "string"}),
        (True, {}),
        (False, {"not": {}}),
        ({"$ref": "#/$defs/City"}, {"type": "string", "description": "a city"}),
        ({"$ref": "#/$defs/Alias"}, {"type": "string", "description": "a city", "minLength": 2}),
        ({"$ref": "#/definitions/Old"}, {"type": "integer"}),
        ({"$ref": "#/oneOf/0"}, {"type": "boolean"}),
        ({"$ref": "#/$defs/a~1b~0c%20d"}, {"type": "null"}),
        (
            {"$ref": "#/$defs/City", "description": "from here", "default": "Oslo"},
            {"type": "string", "description": "from here", "default": "Oslo"},
        ),
        ({"allOf": [{"$ref": "#/$defs/City"}], "maxLength": 3}, {**ROOT["$defs"]["City"], "maxLength": 3}),
        (
            {
                "allOf": [
                    {"properties": {"a": {"type": "string"}}, "required": ["a"], "title": "x"},
                    {"properties": {"b": {}}, "required": ["a", "b"], "title": "y"},
                ],
                "properties": {"a": {"minLength": 1}},
            },
            {
                "properties": {"a": {"allOf": [{"type": "string"}, {"minLength": 1}]}, "b": {}},
                "required": ["a", "b"],
                "title": "y",
            },
        ),
    ],
)
def test_the_effective_schema(schema: Any, expected: dict[str, Any]) -> None:
    assert resolve(schema, ROOT) == expected


def test_resolving_is_shallow_so_that_recursive_schemas_end() -> None:
    node = resolve({"$ref": "#/$defs/Node"}, ROOT)
    assert node["properties"]["next"] == {"$ref": "#/$defs/Node"}
    assert resolve(node["properties"]["next"], ROOT) == node


def test_a_reference_to_the_root_is_no_cycle() -> None:
    root = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    assert resolve(root["properties"]["next"], root) == root


def test_resolving_leaves_the_schema_as_it_was() -> None:
    schema = {"allOf": [{"required": ["a"]}, {"required": ["b"]}], "required": ["c"]}
    assert resolve(schema, schema)["required"] == ["a", "b", "c"]
    assert schema == {"allOf": [{"required": ["a"]}, {"required": ["b"]}], "required": ["c"]}


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("#/$defs/Nowhere", "there is no 'Nowhere'"),
        ("#/oneOf/7", "there is no '7'"),
        ("#/$defs/City/type/x", "there is no 'x'"),
        ("https://example.org/city", "is not local"),
        ("City", "is not local"),
        (3, "is not local"),
        ("#/$defs/Loop", "leads to itself"),
    ],
)
def test_references_that_lead_nowhere(ref: Any, message: str) -> None:
    with pytest.raises(ToolError, match=message):
        resolve({"$ref": ref}, ROOT)


@pytest.mark.parametrize("root", [{"$ref": "#"}, {"allOf": [{"$ref": "#"}]}])
def test_a_root_that_is_only_a_reference_to_itself(root: dict[str, Any]) -> None:
    with pytest.raises(ToolError, match="leads to itself"):
        resolve(root, root)


def test_subschemas_are_found_wherever_one_may_stand_and_nowhere_else() -> None:
    leaf = {"type": "null"}
    schema = {
        "properties": {"type": leaf, "properties": leaf},
        "items": leaf,
        "prefixItems": [leaf, True],
        "additionalProperties": False,
        "anyOf": [{"not": leaf}],
        "$defs": {"x": leaf},
        "if": leaf,
        "default": {"items": leaf},
        "enum": [leaf],
    }
    found = list(subschemas(schema))
    assert found[0] is schema
    assert sum(part is leaf for part in found) == 7
    assert len(found) == 9


@pytest.mark.parametrize(
    ("near", "proper"),
    [
        ({"type": "dict"}, {"type": "object"}),
        ({"type": "float"}, {"type": "number"}),
        ({"type": "tuple", "items": {"type": "any"}}, {"type": "array", "items": {}}),
        ({"type": "any", "description": "x"}, {"description": "x"}),
        ({"type": ""}, {}),
        ({"type": "HashMap"}, {"type": "object"}),
        ({"type": "ArrayList"}, {"type": "array"}),
        ({"type": "long"}, {"type": "integer"}),
        ({"type": "STRING"}, {"type": "string"}),
        ({"type": ["dict", "null"]}, {"type": ["object", "null"]}),
        ({"type": "strnig"}, {"type": "strnig"}),
        ({"type": "STRING", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "nullable": False}, {"type": "string"}),
        ({"type": "string", "enum": ["a"], "nullable": True}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"$ref": "#/$defs/x", "nullable": True}, {"anyOf": [{"$ref": "#/$defs/x"}, {"type": "null"}]}),
        ({"anyOf": [{"type": "INTEGER"}], "nullable": True}, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (
            {"allOf": [{"$ref": "#/$defs/x"}], "description": "y", "default": None, "nullable": True},
            {"anyOf": [{"allOf": [{"$ref": "#/$defs/x"}]}, {"type": "null"}], "description": "y", "default": None},
        ),
        ({"type": "ARRAY", "minItems": "3"}, {"type": "array", "minItems": 3}),
        (
            {"type": "tuple", "items": [{"type": "float"}]},
            {"type": "array", "prefixItems": [{"type": "number"}]},
        ),
        ({"type": "array", "enum": ["a"]}, {"type": "array", "items": {"enum": ["a"]}}),
        ({"type": "integer", "enum": ["1"]}, {"anyOf": [{"type": "integer"}, {"enum": ["1"]}]}),
        ({"type": "boolean", "enum": ["True"]}, {"anyOf": [{"type": "boolean"}, {"enum": ["True"]}]}),
        ({"type": "float", "enum": [1, 2]}, {"type": "number", "enum": [1, 2]}),
        (
            {"type": "dict", "properties": {"type": {"type": "float"}, "dict": {"default": {"type": "float"}}}},
            {"type": "object", "properties": {"type": {"type": "number"}, "dict": {"default": {"type": "float"}}}},
        ),
    ],
)
def test_near_schemas_become_proper(near: dict[str, Any], proper: dict[str, Any]) -> None:
    assert normalise_near_schema(near) == proper


near_schemas = st.recursive(
    st.fixed_dictionaries({"type": st.sampled_from(sorted(NEAR_TYPES))}, optional={"nullable": st.booleans()}),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"type": st.just("dict"), "properties": st.dictionaries(st.text(max_size=3), inner)}),
        st.fixed_dictionaries({"type": st.just("tuple"), "items": st.one_of(inner, st.lists(inner, min_size=1))}),
        *(
            st.fixed_dictionaries(
                {word: st.lists(inner, min_size=1, max_size=3)},
                optional={"nullable": st.booleans(), "type": st.sampled_from(["dict", "str"]), "title": st.just("x")},
            )
            for word in ("anyOf", "oneOf", "allOf")
        ),
        st.fixed_dictionaries({"not": inner}, optional={"nullable": st.booleans()}),
        st.fixed_dictionaries({"if": inner, "then": inner}, optional={"nullable": st.booleans()}),
        st.fixed_dictionaries({"const": st.sampled_from([None, "", 0, []])}, optional={"nullable": st.booleans()}),
    ),
    max_leaves=8,
)


@given(near_schemas)
def test_what_comes_out_is_json_schema_and_normal_already(near: dict[str, Any]) -> None:
    proper = normalise_near_schema(near)
    jsonschema.Draft202012Validator.check_schema(proper)
    assert normalise_near_schema(proper) == proper


@given(near_schemas.map(normalise_near_schema))
def test_nullable_accepts_null_and_all_that_was_accepted(schema: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(schema)
    wider = jsonschema.Draft202012Validator(nullable(schema))
    assert wider.is_valid(None)
    assert nullable(nullable(schema)) == nullable(schema)
    for value in ("", 0, 1.5, True, [], {}):
        assert wider.is_valid(value) == validator.is_valid(value)


def test_every_json_schema_type_is_its_own_near_name() -> None:
    assert {name: NEAR_TYPES[name] for name in TYPES} == dict(zip(TYPES, TYPES, strict=True))
