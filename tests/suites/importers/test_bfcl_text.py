from __future__ import annotations

from typing import Any

import pytest

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.suites.importers.bfcl_text import calls_in, looks_like_calls

GO = (Call("go", {"to": "Oslo"}),)

READ = [
    ('[go(to="Oslo")]', GO),
    ("go(to='Oslo')", GO),
    ("\n\n[go(to='Oslo'),]", GO),
    ("I will call this:\n[go(to='Oslo')]\nIs that fine?", GO),
    ("```python\n[go(to='Oslo')]\n```", GO),
    ("<|start_header_id|>assistant_tool<|end_header_id|>\n\n", ()),
    ("<|end_header_id|>\n\ngo(to='Oslo')", GO),
    ('{"name": "go", "arguments": {"to": "Oslo"}}', GO),
    ('[{"function_name": "go", "parameters": {"to": "Oslo"}}]', GO),
    ('```json\n{"name": "go", "parameters": "{\\"to\\": \\"Oslo\\"}"}\n```', GO),
    ('\n{"tool_calls": [{"name": "go", "arguments": {"to": "Oslo"}}]}', GO),
    ('{"tool_calls": []}', ()),
    ("[]", ()),
    ("[go({'to': 'Oslo'})]", GO),
    ("go(to='Oslo'), a.b.c(n=-1)", (*GO, Call("a.b.c", {"n": -1}))),
    ("[f(a=[1, {'b': None}], c=(1, 2.5), d=True)]", (Call("f", {"a": [1, {"b": None}], "c": [1, 2.5], "d": True}),)),
    ("[f(a=true, b=[x, 1], c=2 * 3, d=g(h=1), e={1})]",
     (Call("f", {"a": "true", "b": "[x, 1]", "c": "2 * 3", "d": "g(h=1)", "e": [1]}),)),
    ("[f(b'bytes', a=b'x', c=1j)]", (Call("f", {"a": "b'x'", "c": "1j"}),)),
    ("[f({to: 'Oslo'}, **rest)]", (Call("f", {"to": "Oslo"}),)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "calls"), READ)
def test_calls_are_read_in_every_form(text: str, calls: Any) -> None:
    assert calls_in(text) == calls


NO_CALLS = [
    "The weather is fine.",
    "I have no tool for that: [see above].",
    "['go(to=1)']",
    "go(to=['Oslo'])",
    "[go, to='Oslo']",
    "[go(to='Oslo')",
    "[1, 2]",
    "None",
    "5 + 5",
    "(lambda: 0)()",
    '{"to": "Oslo"}',
    '["go"]',
    "",
    "[" * 5000,
    "go(to='\0')",
]


@pytest.mark.parametrize("text", NO_CALLS)
def test_text_that_is_no_call_has_none(text: str) -> None:
    assert calls_in(text) == ()


def test_nothing_is_run() -> None:
    assert calls_in("[f(a=__import__('os').system('false'))]") == (
        Call("f", {"a": "__import__('os').system('false')"}),
    )


@pytest.mark.parametrize(("text", "missed"), [("go(to=['Oslo'])", True), ("Fine.", False), ("[]", False), ("", False)])
def test_a_call_that_missed_the_form_is_noticed(text: str, missed: bool) -> None:
    assert looks_like_calls(text) is missed
