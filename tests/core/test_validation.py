from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.errors import ToolError
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.validation import ArgumentValidator, Problem, check_schema

FLIGHTS = {
    "type": "object",
    "properties": {
        "date": {"type": "string", "format": "date"},
        "seats": {"type": "integer", "maximum": 9},
        "passengers": {"type": "array", "items": {"$ref": "#/$defs/Passenger"}},
    },
    "required": ["date"],
    "additionalProperties": False,
    "$defs": {"Passenger": {"type": "object", "properties": {"age": {"type": "integer"}}}},
}
OFFERED = (Tool(name="search_flights", parameters=FLIGHTS), Tool(name="wait"))


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def problem(name: str, arguments: Any) -> Problem | None:
    return ArgumentValidator(OFFERED).problem(Call(name, arguments))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("search_flights", {"date": "2026-01-01", "seats": 2, "passengers": [{"age": 3}]}),
        ("search_flights", {"date": "on Friday"}),  # a format is an annotation
        ("search_flights", {"date": "", "seats": 2.0}),  # in JSON Schema 2.0 is an integer
        ("search_flights", {"date": "", "seats": -(2**200)}),
        ("wait", None),
        ("wait", {}),
        ("wait", {"anything": [1, None, "x"]}),
        ("wait", nested(150)),
    ],
)
def test_calls_without_a_problem(name: str, arguments: Any) -> None:
    assert problem(name, arguments) is None


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        (
            "serch_flights",
            {},
            Problem("unknown_tool", "there is no tool 'serch_flights'; did you mean 'search_flights'?"),
        ),
        ("zzz", {}, Problem("unknown_tool", "there is no tool 'zzz'; there are search_flights, wait")),
        ("search_flights", None, Problem("schema_violation", 'search_flights: "date" is a required property')),
        (
            "search_flights",
            {"date": "", "passengers": [{}, {"age": "x"}]},
            Problem("schema_violation", 'search_flights: passengers[1].age: "x" is not of type "integer"'),
        ),
        (
            "search_flights",
            {"date": "", "seats": 2**70},
            Problem("schema_violation", f"search_flights: seats: {2**70} is greater than the maximum of 9"),
        ),
        (
            "wait",
            '{"seconds": ',
            Problem("malformed_json", "wait: the arguments are no JSON object but '{\"seconds\": '"),
        ),
        ("wait", [1], Problem("malformed_json", "wait: the arguments are no JSON object but [1]")),
        ("wait", nested(300), Problem("malformed_json", "wait: the arguments are nested more than 200 levels deep")),
    ],
)
def test_problems_say_where_and_what(name: str, arguments: Any, expected: Problem) -> None:
    assert problem(name, arguments) == expected


@pytest.mark.parametrize(
    "arguments",
    [{"date": "\ud800", "seats": "\ud800"}, {1: 2}, {"date": object()}],
    ids=["lone surrogate", "key that is no text", "Python object"],
)
def test_what_can_not_be_json_is_malformed(arguments: Any) -> None:
    found = problem("search_flights", arguments)
    assert found is not None
    assert found.reason == "malformed_json"


@pytest.mark.parametrize("arguments", [nested(200_000), [nested(200_000)], {"n": 10**6000}, {"n": float("inf")}])
def test_extreme_arguments_do_not_end_the_process(arguments: Any) -> None:
    found = ArgumentValidator([Tool(name="f", parameters={"type": "object"})]).problem(Call("f", arguments))
    assert found is None or found.reason == "malformed_json"


def test_many_faults_are_counted_and_long_values_cut() -> None:
    schema = {"properties": {f"p{i}": {"type": "integer"} for i in range(5)}}
    found = ArgumentValidator([Tool(name="f", parameters=schema)]).problem(
        Call("f", {f"p{i}": "x" * 1000 for i in range(5)})
    )
    assert found is not None
    assert found.message.endswith("…; and 2 more")
    assert len(found.message) < 700


def test_no_tools_are_on_offer() -> None:
    assert ArgumentValidator([]).problem(Call("f")) == Problem("unknown_tool", "there is no tool 'f'")


def test_a_tool_is_compiled_once_at_its_first_call() -> None:
    broken = Tool(name="broken", parameters={"type": "strnig"})
    validator = ArgumentValidator([*OFFERED, broken])
    assert validator.problem(Call("wait")) is None
    with pytest.raises(ToolError, match=r"tool 'broken': parameters\.type: 'strnig' is no JSON Schema type"):
        validator.problem(Call("broken"))
    compiled = validator._compiled["wait"]
    validator.problem(Call("wait"))
    assert validator._compiled["wait"] is compiled


def test_the_schema_may_name_its_draft() -> None:
    items = {"properties": {"a": {"items": [{"type": "string"}]}}}
    draft_7 = Tool(name="f", parameters={"$schema": "http://json-schema.org/draft-07/schema#", **items})
    assert ArgumentValidator([draft_7]).problem(Call("f", {"a": [1]})) is not None
    with pytest.raises(ToolError, match=r"parameters\.properties\.a\.items"):
        check_schema(Tool(name="f", parameters=items))


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "strnig"}, "'strnig' is no JSON Schema type; did you mean 'string'?"),
        (
            {"properties": {"d": {"type": "dict"}}},
            "properties.d.type: 'dict' is no JSON Schema type; did you mean 'object'?",
        ),
        ({"type": ["object", "nul"]}, "'nul' is no JSON Schema type; did you mean 'null'?"),
        ({"type": "zzz"}, "'zzz' is no JSON Schema type; there are string, number"),
        ({"properties": []}, 'parameters.properties: [] is not of type "object"'),
        ({"properties": {"a": {"pattern": "("}}}, '"(" is not a "regex"'),
        ({"properties": {"a": {"$ref": "#/$defs/b"}}}, "/$defs/b"),
        ({"properties": {"a": {"$ref": "http://127.0.0.1:9/x"}}}, "is not local"),
        ({"properties": {"a": {"$ref": "#/properties/a"}}}, "leads to itself"),
        ({"$ref": "#"}, "leads to itself"),
        ({"type": "array"}, "arguments are an object"),
        ({"$schema": "http://example.org/no-draft"}, "no-draft"),
        ({"enum": object()}, "can't be read as JSON"),
    ],
)
def test_what_is_no_schema_of_arguments(schema: Any, message: str) -> None:
    with pytest.raises(ToolError) as raised:
        check_schema(Tool(name="f", parameters=schema))
    assert str(raised.value).startswith("tool 'f': ")
    assert message in str(raised.value)


@pytest.mark.parametrize("schema", [None, {}, FLIGHTS, {"type": ["object", "null"]}, {"properties": {"x": True}}])
def test_what_is_one(schema: Any) -> None:
    check_schema(Tool(name="f", parameters=schema))
    assert ArgumentValidator([Tool(name="f", parameters=schema)]).problem(Call("f", {"date": ""})) is None


def test_the_validator_is_imported_where_it_is_used() -> None:
    code = "import sys, pytest_toolmatch.core.validation; print('jsonschema_rs' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


names = st.sampled_from(["a", "b", "c"])
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(-5, 5),
    st.integers(2**60, 2**70),
    st.sampled_from(["", "x", "xy"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=5,
)
schemas = st.recursive(
    st.one_of(
        st.booleans(),
        st.sampled_from(["string", "number", "integer", "boolean", "object", "array", "null"]).map(
            lambda t: {"type": t}
        ),
        st.fixed_dictionaries({}, optional={"minimum": st.integers(-3, 3), "maxLength": st.integers(0, 2)}),
        st.fixed_dictionaries({}, optional={"multipleOf": st.integers(1, 3), "uniqueItems": st.booleans()}),
        st.lists(scalars, min_size=1, max_size=3).map(lambda choices: {"enum": choices}),
        scalars.map(lambda value: {"const": value}),
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("object")},
            optional={
                "properties": st.dictionaries(names, inner, max_size=3),
                "required": st.lists(names, unique=True, max_size=2),
                "additionalProperties": inner,
            },
        ),
        st.fixed_dictionaries({"type": st.just("array")}, optional={"items": inner, "maxItems": st.integers(0, 2)}),
        st.fixed_dictionaries({"prefixItems": st.lists(inner, min_size=1, max_size=2)}),
        st.tuples(st.sampled_from(["allOf", "anyOf", "oneOf"]), st.lists(inner, min_size=1, max_size=3)).map(
            lambda pair: {pair[0]: pair[1]}
        ),
        inner.map(lambda schema: {"not": schema}),
    ),
    max_leaves=6,
)


@given(schemas, st.dictionaries(names, values, max_size=3))
def test_verdicts_are_those_of_the_reference_implementation(schema: Any, arguments: dict[str, Any]) -> None:
    parameters = {"type": "object", "properties": dict.fromkeys("abc", schema), "additionalProperties": False}
    found = ArgumentValidator([Tool(name="f", parameters=parameters)]).problem(Call("f", arguments))
    assert (found is None) == jsonschema.Draft202012Validator(parameters).is_valid(arguments)
    assert found is None or found.reason == "schema_violation"


@given(st.dictionaries(st.text(max_size=3), values, max_size=3))
def test_json_text_and_python_data_come_to_the_same(arguments: dict[str, Any]) -> None:
    read_back = json.loads(json.dumps(arguments))
    assert problem("search_flights", arguments) == problem("search_flights", read_back)
