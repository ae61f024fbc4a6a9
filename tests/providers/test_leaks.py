from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.providers.leaks import broken_name, leaked, lost_in_error

OFFERED = {"search", "get_weather"}

LEAKS = {
    "harmony": '<|channel|>commentary to=functions.search <|constrain|>json<|message|>{"q": "x"}<|call|>',
    "harmony, special tokens dropped": 'commentary to=functions.search json{"q": "x"}',
    "hermes": '<tool_call>\n{"name": "search", "arguments": {"q": "x"}}\n</tool_call>',
    "hermes, cut": 'Let me look.\n<tool_call>{"name": "sea',
    "hermes, a tool nobody offered": '<tool_call>{"name": "find", "arguments": {}}</tool_call>',
    "granite": '<|tool_call|>[{"name": "search", "arguments": {}}]',
    "glm": "<tool_call>search\n<arg_key>q</arg_key><arg_value>x</arg_value></tool_call>",
    "glm, no arguments": "<tool_call>search\n</tool_call>",
    "qwen3-coder": "<tool_call>\n<function=search>\n<parameter=q>\nx\n</parameter>\n</function>\n</tool_call>",
    "llama tag": '<function=search>{"q": "x"}</function>',
    "llama python": '<|python_tag|>search.call(q="x")',
    "llama plain": '{"name": "search", "parameters": {"q": "x"}}',
    "llama plain list": '[{"name": "search", "parameters": {}}, {"name": "get_weather", "parameters": {}}]',
    "openai form": '{"type": "function", "function": {"name": "search", "arguments": "{}"}}',
    "mistral": '[TOOL_CALLS] [{"name": "search", "arguments": {}}]',
    "mistral v11": '[TOOL_CALLS]search[ARGS]{"q": "x"}',
    "deepseek": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>search",
    "kimi": "<|tool_calls_section_begin|><|tool_call_begin|>functions.search:0",
    "minimax": '<invoke name="search"><parameter name="q">x</parameter></invoke>',
    "fenced": 'I will search.\n```json\n{"name": "search", "arguments": {"q": "x"}}\n```',
    "fenced, no language": '```\n{"name": "get_weather", "arguments": {}}\n```',
}
PROSE = {
    "names a tool": "I could use search or get_weather, but I know the answer.",
    "tells of the tag": "Models write calls between <tool_call> and </tool_call> tags.",
    "tells of the tag, quoted": "Put the call into a `<tool_call>` element, then close it.",
    "tells of functions": "Call functions.search with a query.",
    "json about something else": '```json\n{"name": "Ada", "arguments": {"born": 1815}}\n```',
    "json of a tool without arguments": '```json\n{"name": "search"}\n```',
    "a person named like a tool": '{"name": "search", "age": 3}',
    "code": "```python\nsearch(q='x')\n```",
    "broken json": '```json\n{"name": "search", \n```',
    "html": "<b>bold</b> and <function> and [1] and {x}",
    "tells of a token": "Mistral puts [TOOL_CALLS] before its calls.",
    "heading": "The constant TOOL_CALLS is a list.",
    "empty": "",
}


@pytest.mark.parametrize("text", LEAKS.values(), ids=LEAKS)
def test_a_leaked_call_is_found(text: str) -> None:
    assert leaked(text, OFFERED)


@pytest.mark.parametrize("text", PROSE.values(), ids=PROSE)
def test_prose_is_no_leak(text: str) -> None:
    assert not leaked(text, OFFERED)


def test_plain_json_is_a_leak_only_where_the_tool_is_offered() -> None:
    text = '{"name": "search", "arguments": {}}'
    assert leaked(text, ["search"])
    assert not leaked(text, ["find"])


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert leaked(text, OFFERED) in (True, False)


@given(st.text("abcdefghijklmnopqrstuvwxyz ,.\n'\"()_", min_size=1))
def test_words_are_no_leak(text: str) -> None:
    assert not leaked(text, OFFERED)


@pytest.mark.parametrize("part", [" ", "```", "```{ ", "<tool_call>", "[TOOL_CALLS] a", "{", "<tool_call>a "])
def test_long_texts_are_read_fast(part: str) -> None:
    started = time.perf_counter()
    leaked("```{" + part * 50_000, OFFERED)
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "name",
    [
        "functions.search<|channel|>commentary",
        "search<|channel|>json",
        "search<|constrain|>json",
        "functions.search",
        "<tool_call>search",
        "",
        " ",
    ],
)
def test_residue_in_a_name_is_broken(name: str) -> None:
    assert broken_name(name, OFFERED)


@pytest.mark.parametrize("name", ["search", "serach", "mcp__files__read", "a.b", "Functions", "search-2"])
def test_an_unknown_name_that_is_clean_is_not_broken(name: str) -> None:
    assert not broken_name(name, OFFERED)


def test_a_name_on_offer_is_never_broken() -> None:
    assert not broken_name("functions.search", ["functions.search"])


@pytest.mark.parametrize(
    "message",
    [
        '{"error":{"message":"Failed to call a function.","code":"tool_use_failed","failed_generation":"<function"}}',
        "error parsing tool call: raw='{\"q\":', err=unexpected end of JSON input",
        'unexpected tokens remaining in message header: Some("to=functions.search")',
        "Failed to parse input at pos 12: <|channel|>commentary",
    ],
)
def test_an_error_may_tell_of_a_lost_call(message: str) -> None:
    assert lost_in_error(message)
    assert not lost_in_error("rate limit reached for gpt-oss-20b")
