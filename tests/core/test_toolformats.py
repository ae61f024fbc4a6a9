from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from pytest_toolmatch.core.errors import SuiteError, ToolError
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.toolformats import tools_from_json, with_effects

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = Tool(name="weather", description="Tell the weather.", parameters=SCHEMA)
ABOUT = {"name": "weather", "description": "Tell the weather."}
GEMINI = {
    **ABOUT,
    "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]},
}
FORMS = {
    "OpenAI Chat": {"type": "function", "function": {**ABOUT, "parameters": SCHEMA, "strict": True}},
    "OpenAI Responses": {"type": "function", **ABOUT, "parameters": SCHEMA, "strict": None},
    "Anthropic": {**ABOUT, "input_schema": SCHEMA, "cache_control": {"type": "ephemeral"}},
    "Gemini": {"functionDeclarations": [GEMINI]},
    "Gemini SDK": {"function_declarations": [GEMINI]},
    "Gemini JSON Schema": {"functionDeclarations": [{**ABOUT, "parametersJsonSchema": SCHEMA}]},
    "MCP": {**ABOUT, "inputSchema": SCHEMA, "outputSchema": {"type": "object"}, "title": "Weather"},
    "MCP answer": {"jsonrpc": "2.0", "id": 1, "result": {"tools": [{**ABOUT, "inputSchema": SCHEMA}]}},
    "ours": {**ABOUT, "parameters": SCHEMA},
    "BFCL": {
        **ABOUT,
        "parameters": {**SCHEMA, "type": "dict", "properties": {"city": {"type": "String"}}},
        "response": {},
    },
}


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize(
    "wrap", [lambda d: d, lambda d: [d], lambda d: {"tools": [d], "model": "x"}], ids=["bare", "list", "wrapper"]
)
def test_every_form_is_the_same_tool(data: Any, wrap: Any) -> None:
    (found,) = tools_from_json(wrap(data))
    assert replace(found, returns=None) == TOOL


def test_mcp_says_what_is_returned() -> None:
    assert tools_from_json(FORMS["MCP"])[0].returns == {"type": "object"}
    assert tools_from_json(FORMS["MCP answer"])[0].returns is None


def test_forms_may_be_mixed_and_order_is_kept() -> None:
    data = [
        {"name": "a"},
        {"functionDeclarations": [{"name": "b"}, {"name": "c"}]},
        {"type": "function", "function": {"name": "d"}},
    ]
    assert [tool.name for tool in tools_from_json(data)] == ["a", "b", "c", "d"]


def test_no_tools() -> None:
    assert tools_from_json([]) == tools_from_json({"tools": []}) == ()


def test_a_tool_without_a_schema_declares_nothing() -> None:
    assert tools_from_json({"type": "bash_20250124", "name": "bash"}) == (Tool(name="bash"),)


def test_nullable_and_near_types_are_proper_in_gemini_form() -> None:
    when = {"type": "STRING", "nullable": True, "maxLength": "9"}
    (tool,) = tools_from_json(
        {"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT", "properties": {"w": when}}}]}
    )
    assert tool.parameters == {"type": "object", "properties": {"w": {"type": ["string", "null"], "maxLength": 9}}}


@pytest.mark.parametrize(
    ("extra", "effect"),
    [
        ({}, None),
        ({"annotations": {}}, None),
        ({"annotations": {"title": "x", "openWorldHint": True}}, None),
        ({"annotations": {"readOnlyHint": True}}, "read"),
        ({"annotations": {"readOnlyHint": False}}, "write"),
        ({"annotations": {"destructiveHint": False}}, "write"),
        ({"annotations": {"readOnlyHint": True, "destructiveHint": True}}, "read"),
        ({"effect": "read"}, "read"),
        ({"effect": "write", "annotations": {"readOnlyHint": True}}, "write"),
    ],
)
def test_effects(extra: dict[str, Any], effect: str | None) -> None:
    assert tools_from_json({"name": "f", "inputSchema": SCHEMA, **extra})[0].effect == effect


@pytest.mark.parametrize("key", ["output", "output_schema", "execution", "execution_mode", "response"])
def test_keys_of_others_are_no_typos(key: str) -> None:
    assert tools_from_json({**ABOUT, "input_schema": SCHEMA, key: {}}) == (TOOL,)


def test_effect_and_reply_may_stand_beside_openais_function() -> None:
    (tool,) = tools_from_json({"type": "function", "function": {"name": "f"}, "effect": "write", "reply": {"ok": True}})
    assert tool == Tool(name="f", effect="write", reply={"ok": True})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            [{"name": "a"}, {"name": "a"}],
            "t.json: [1]: a second tool named 'a', after [0]: rename or remove one of them",
        ),
        ([{"name": "a"}, 3], "t.json: [1]: 3 where a tool was expected: write it as OpenAI,"),
        ({"tools": [None]}, "t.json: tools[0]: null where a tool was expected"),
        ({"tools": "x"}, "t.json: tools: text where a tool was expected"),
        ({"function": []}, "t.json: top level: a list where a tool was expected"),
        ([{"type": "web_search"}], "t.json: [0]: a tool of type 'web_search' without a name"),
        ({"name": ""}, "t.json: top level: a tool without a name"),
        ({"name": "a", "description": 3}, "t.json: top level (a): description is 3: write text"),
        ({"name": "a", "paramters": {}}, "t.json: top level (a): unknown key 'paramters'; did you mean 'parameters'?"),
        ({"name": "a", "parameters": []}, "t.json: top level (a): parameters is a list: write a JSON Schema"),
        ({"name": "a", "effect": "raed"}, "t.json: top level (a): effect is 'raed': write 'read' or 'write'"),
        ({"name": "a", "effect": ["read"]}, "t.json: top level (a): effect is ['read']: write 'read' or 'write'"),
        (
            {
                "functionDeclarations": [
                    {"name": "a", "parameters": {"type": "OBJECT", "properties": {"d": {"type": "strnig"}}}}
                ]
            },
            "t.json: functionDeclarations[0]: tool 'a': parameters.properties.d.type: 'strnig' is no JSON Schema type",
        ),
        (
            {"name": "a", "parameters": {"type": "object", "properties": {"d": {"type": "dict"}}}},
            "parameters.properties.d.type: 'dict' is no JSON Schema type; did you mean 'object'?",
        ),
        ({"functionDeclarations": [{"name": "a", "parameters": {"type": [[]]}}]}, "tool 'a': parameters.type"),
        ({"name": "a", "input_schema": {"properties": []}}, "t.json: top level: tool 'a': parameters.properties: []"),
    ],
)
def test_faults_say_where_what_and_what_next(data: Any, message: str) -> None:
    with pytest.raises(ToolError) as raised:
        tools_from_json(data, where="t.json")
    assert message in str(raised.value)


def test_without_a_place_the_message_starts_at_the_path() -> None:
    with pytest.raises(ToolError, match=r"^tools\[0\]: null"):
        tools_from_json({"tools": [None]})


def test_effects_from_a_table() -> None:
    tools = [
        Tool(name="mcp__shop__get_order"),
        Tool(name="cancel"),
        Tool(name="think", effect="read"),
        Tool(name="other"),
        Tool(name="mcp__shop__cancel"),
    ]
    table = {
        "get_order": "ToolType.READ",
        "cancel": "WRITE",
        "think": "GENERIC",
        "mcp__shop__cancel": "read",
        "gone": "write",
    }
    assert [tool.effect for tool in with_effects(tools, table)] == ["read", "write", "read", None, "read"]


def test_an_effect_that_is_none() -> None:
    with pytest.raises(
        SuiteError, match=r"types\.json: cancel: effect is 'delete': write 'read', 'write' or 'generic'"
    ):
        with_effects([Tool(name="cancel")], {"cancel": "delete"}, where="types.json")
