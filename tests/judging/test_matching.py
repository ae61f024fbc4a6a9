"""What a matcher takes, and what it refuses."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.errors import ConfigError, ToolError
from pytest_toolmatch.core.rules import MODES, Override, Rules
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.judging.keys import exact_number
from pytest_toolmatch.judging.matching import Matcher, matches

WORDS = (
    *("type", "properties", "required", "items", "anyOf", "allOf", "patternProperties", "additionalProperties"),
    *("default", "$ref", "$defs", "uniqueItems", "format", "not", "enum", "a", "b"),
)
PARAMETERS: dict[str, Any] = {"type": "object", "properties": {"n": {"type": "number", "default": 1}}}
DIM = {"name": "dim", "parameters": PARAMETERS}


def dim(number: str) -> str:
    return f'[[{{"name": "dim", "arguments": {{"n": {number}}}}}]]'


# Chains


@pytest.mark.parametrize(
    "chain",
    [
        [[{"name": "dim", "arguments": {"n": 2}}]],
        (({"name": "dim", "arguments": {"n": 2}},),),
        ((Call("dim", {"n": 2}),),),
        [[Call("dim", {"n": 2})]],
        [[], [{"name": "dim", "arguments": {"n": 2}}], []],
        dim("2"),
        dim("2.0").encode(),
        '[[], [{"name": "dim", "arguments": {"n": 2}}]]',
    ],
)
def test_chain_in_any_form(chain: Any) -> None:
    teacher = [[{"name": "dim", "arguments": {"n": 2.0}}]]
    assert all(matches(chain, teacher, tools=[DIM], mode=mode) for mode in MODES)
    assert all(matches(teacher, chain, tools=[DIM], mode=mode) for mode in MODES)


@pytest.mark.parametrize(
    "chain",
    [
        *("no JSON", "[[", "{}", "[1]", '[{"name": "dim"}]', '[[{"arguments": {}}]]', '[[{"name": 1}]]'),
        *("[" * 5000, b"\xff", 5, None, [[{"name": None}]], [[["dim"]]]),
    ],
)
def test_no_chain(chain: Any) -> None:
    with pytest.raises(ConfigError, match=r"^not a chain: .*expected a list of steps") as raised:
        matches(chain, [], tools=[DIM])
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("0.1", "0.10000000000000000001", False),
        ("0.1", "0.1000000000000000000000", True),
        ("1e23", "100000000000000000000000", True),
        ("1e23", "99999999999999991611392", False),
        ("9007199254740993.0", "9007199254740993", True),
        ("9007199254740993.0", "9007199254740992", False),
        ("1e400", "1E+400", True),
        ("1e400", "1e401", False),
        ("1e-400", "0", False),
        ("1E2", "100", True),
    ],
)
def test_numbers_in_text_are_exact(one: str, other: str, expected: bool) -> None:
    assert matches(dim(one), dim(other), tools=[DIM]) is expected
    assert matches(dim(other), dim(one), tools=[DIM]) is expected
    union = {"type": "object", "properties": {"n": {"anyOf": [PARAMETERS, {"type": "number"}]}}}
    assert matches(dim(one), dim(other), tools=[{"name": "dim", "parameters": union}]) is expected


@pytest.mark.parametrize("text", ["0.1", "1.5e3", "-0.0", "0.30000000000000004", "1e-300", "123456789.12345"])
def test_number_that_a_float_can_hold_is_one(text: str) -> None:
    assert type(exact_number(text)) is float
    assert exact_number(text) == float(text)


@pytest.mark.parametrize("text", ["1e23", "1e400", "0.10000000000000000001", "9007199254740993.0"])
def test_number_that_no_float_can_hold_is_a_decimal(text: str) -> None:
    assert exact_number(text) == Decimal(text)


def test_exponent_beyond_all_bounds() -> None:
    assert matches(dim("1e99999999999999999999"), dim("1e99999999999999999999"), tools=[DIM])


def test_near_decimals() -> None:
    matcher = Matcher([DIM], overrides={"dim": {"n": Override(tolerance=0)}})
    assert matcher.matches(dim("0.10000000000000000001"), dim("0.10000000000000000001"))
    assert not matcher.matches(dim("0.10000000000000000001"), dim("0.1"))


@pytest.mark.parametrize("text", [r"\ud800", r"\u0000"])
@pytest.mark.parametrize("schema", [{"type": "string"}, {"anyOf": [{"type": "string", "format": "date-time"}, {}]}])
def test_text_that_is_hardly_text(schema: Any, text: str) -> None:
    tools = [{"name": "say", "parameters": {"type": "object", "properties": {"words": schema}}}]
    chain = [[{"name": "say", "arguments": {"words": json.loads(f'"{text}"')}}]]
    assert matches(chain, [[{"name": "say", "arguments": {"words": json.loads(f'"{text}"')}}]], tools=tools)
    assert not matches(chain, [[{"name": "say", "arguments": {"words": "a"}}]], tools=tools)


@pytest.mark.parametrize("depth", [300, 400, 5000])
@pytest.mark.parametrize("schema", [None, {"type": "object", "properties": {"n": {"anyOf": [PARAMETERS, {}]}}}])
def test_arguments_nested_too_deep_match_nothing_or_themselves(schema: Any, depth: int) -> None:
    value: Any = 1
    for _ in range(depth):
        value = {"n": [value]}
    chain = [[{"name": "dim", "arguments": {"n": value}}]]
    tools = [{"name": "dim", "parameters": schema}]
    assert {matches(chain, chain, tools=tools, mode=mode) for mode in MODES} <= {True, False}
    assert not matches(chain, [[{"name": "dim", "arguments": {"n": 1}}]], tools=tools)


def test_chain_with_unparsed_arguments_does_not_match_itself() -> None:
    chain = [[{"name": "dim", "arguments": '{"n": '}]]
    assert [mode for mode in MODES if matches(chain, chain, tools=[DIM], mode=mode)] == ["names"]


def test_long_chains() -> None:
    chain = [[{"name": "dim", "arguments": {"n": number}}] for number in range(500)]
    together = [[call for step in chain for call in step]]
    reversed_steps = chain[::-1]
    assert [mode for mode in MODES if matches(reversed_steps, together, tools=[DIM], mode=mode)] == [
        *("ordered", "unordered", "subset", "superset", "names")
    ]


# Rules


def test_ordered_is_the_default() -> None:
    teacher = [[{"name": "dim"}, {"name": "ring"}]]
    assert matches([[{"name": "ring"}], [{"name": "dim"}]], teacher, tools=[DIM])
    assert not matches([[{"name": "dim"}], [{"name": "ring"}]], [[{"name": "ring"}], [{"name": "dim"}]], tools=[DIM])


def test_arguments_as_json() -> None:
    assert matches(dim("1"), [[{"name": "dim"}]], tools=[DIM])
    assert not matches(dim("1"), [[{"name": "dim"}]], tools=[DIM], arguments="json")
    assert matches(dim("1"), dim("1.0"), tools=[DIM], arguments="json")


def test_unknown_mode() -> None:
    with pytest.raises(ConfigError, match=r"^unknown mode 'orderd': one of strict, .*; did you mean 'ordered'\?$"):
        Matcher([DIM], mode="orderd")
    with pytest.raises(ConfigError, match=r"^unknown mode 'set': one of strict, "):
        Matcher([DIM]).matches([], [], mode="set")


def test_unknown_arguments() -> None:
    with pytest.raises(ConfigError, match=r"^unknown arguments 'yaml': one of schema, json"):
        Matcher([DIM], arguments="yaml")


@pytest.mark.parametrize("rule", MODES)
@pytest.mark.parametrize("mode", MODES)
def test_mode_of_one_comparison_wins_over_the_rule(rule: Any, mode: Any) -> None:
    student, teacher = [[{"name": "dim"}]], [[{"name": "dim", "arguments": {"n": 2}}]]
    assert Matcher([DIM], mode=rule).matches(student, teacher, mode=mode) is (mode == "names")


@pytest.mark.parametrize("rule", MODES)
def test_keyed_chains_compare_like_chains(rule: Any) -> None:
    matcher = Matcher([DIM], rules=Rules(match=rule))
    chains = [((Call("dim"),),), ((Call("dim", {"n": 1.0}),),), ((Call("dim", {"n": 2}),),), ()]
    keys = [matcher.keyed(chain) for chain in chains]
    for student, ours in zip(chains, keys, strict=True):
        for teacher, theirs in zip(chains, keys, strict=True):
            assert matcher.compare(ours, theirs) is matcher.matches(student, teacher)


def test_equal_calls() -> None:
    matcher = Matcher([DIM], mode="names")
    assert matcher.equal(Call("dim"), Call("dim", {"n": 1.0}))
    assert not matcher.equal(Call("dim"), Call("dim", {"n": 2}))
    assert not matcher.equal(Call("dim"), Call("ring"))


# Tools


def test_tools_as_objects_or_as_json() -> None:
    for tools in ([DIM], [Tool(name="dim", parameters=PARAMETERS)], (DIM,), iter([DIM])):
        assert matches(dim("1"), [[{"name": "dim"}]], tools=tools)


def test_tool_whose_schema_is_none() -> None:
    with pytest.raises(ToolError, match="dim"):
        matches([], [], tools=[{"name": "dim", "parameters": {"type": "obejct"}}])


junk = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["objct", "string", "#", "#/x"]),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.sampled_from(WORDS), below, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50)
@example({"type": "objct", "properties": 5})
@example({"properties": {"a": {"required": 3}}})
@given(st.dictionaries(st.sampled_from(WORDS), junk, max_size=4))
def test_objects_whose_schema_is_none_are_compared_or_refused_by_name(schema: dict[str, Any]) -> None:
    chain = [[{"name": "dim", "arguments": {"a": 1, "b": {"a": [None, "x"]}}}]]
    fault = ""
    try:
        assert matches(chain, chain, tools=[Tool(name="dim", parameters=schema)])
    except ToolError as error:
        fault = str(error)
    assert fault.startswith("tool 'dim': parameters" if fault else "")


def test_union_that_is_a_branch_of_itself() -> None:
    definitions = {"A": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "string", "format": "date-time"}]}}
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": definitions}
    matcher = Matcher([{"name": "wake", "parameters": schema}])
    texts = ["2025-01-01T00:00:00Z", "2025-01-01T01:00:00+01:00", "2025-01-01T01:00:01+01:00"]
    chains = [[[{"name": "wake", "arguments": {"a": text}}]] for text in texts]
    assert matcher.matches(chains[0], chains[1])
    assert not matcher.matches(chains[0], chains[2])
