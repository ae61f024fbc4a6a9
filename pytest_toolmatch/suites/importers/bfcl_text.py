"""Calls that a model wrote as text: a Python list of calls, JSON in several forms, or no call at all.

Text is parsed with ``ast`` and never run. What a reply has to look like is what BFCL's prompts ask for: the calls in
one pair of brackets, with or without prose around it, or a bare call where the reply has no brackets at all. A bare
call with a list among its arguments is therefore no call, nor is a call in quotes: such a reply missed the form.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.suites.importers.fields import parsed
from pytest_toolmatch.suites.importers.files import decode

_SPECIAL = re.compile(r"<\|[^|]*\|>")
_FENCED = re.compile(r"```(?:json|python)?\s*(.*?)\s*```", re.DOTALL)
_BRACKETS = re.compile(r"\[.*\]", re.DOTALL)
_MAX_TEXT = 1 << 20
"""Characters; a longer text is no list of calls, and the parser's memory grows with it."""


def calls_in(text: str) -> tuple[Call, ...]:
    """Return the calls in a reply; none where it does not decode as a whole."""
    text = _SPECIAL.sub("", text[:_MAX_TEXT]).strip()
    if fenced := _FENCED.fullmatch(text):
        text = fenced[1]
    try:
        return _of_json(decode(text.encode("utf-8", "replace")))
    except ValueError:
        pass
    try:
        return tuple(call for call, _ in python_calls(text))
    except ValueError:
        return ()


def looks_like_calls(text: str) -> bool:
    """Return whether a reply without calls would have been some, had it kept to the form."""
    try:
        body = _parsed(text.strip("`\n "))
    except ValueError:
        return False
    parts = body.elts if isinstance(body, ast.Tuple | ast.List) else [body]
    return bool(parts) and all(isinstance(part, ast.Call) for part in parts)


def _of_json(data: Any) -> tuple[Call, ...]:
    """Read ``{name, arguments}`` under its various names, alone, in a list or below ``tool_calls``."""
    if isinstance(data, dict):
        data = data.get("tool_calls", [data])
    data = [data] if isinstance(data, dict) else data
    if not isinstance(data, list) or not all(isinstance(entry, dict) for entry in data):
        raise ValueError
    return tuple(_json_call(entry) for entry in data)


def _json_call(entry: dict[str, Any]) -> Call:
    name = entry.get("function_name") or entry.get("name")
    if not isinstance(name, str):
        raise ValueError  # noqa: TRY004 - what decides is whether the text decodes
    return Call(name, parsed(entry.get("parameters", entry.get("arguments"))))


def python_calls(text: str) -> list[tuple[Call, list[Any]]]:
    """Return the calls of ``[f(a=1), g.h(b=2)]`` or ``f(a=1)``, each with its positional arguments.

    A positional object counts as the arguments themselves. Raises ValueError where the text is anything else.
    """
    text = text.strip("`\n ")
    found = _BRACKETS.search(text)
    body = _parsed(found[0] if found else text)
    parts = body.elts if isinstance(body, ast.List | ast.Tuple) else [body]
    return [_python_call(part) for part in parts]


def _parsed(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the text's own escapes and literals
            return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(str(error)) from None


def _python_call(node: ast.expr) -> tuple[Call, list[Any]]:
    if not isinstance(node, ast.Call):
        raise ValueError  # noqa: TRY004 - what decides is whether the text decodes
    arguments: dict[str, Any] = {}
    positional = []
    for value in node.args:
        if isinstance(value, ast.Dict) and all(value.keys):
            keys = [_value(key) for key in value.keys if key]
            arguments |= {str(key): _value(item) for key, item in zip(keys, value.values, strict=True)}
        else:
            positional.append(_value(value))
    arguments |= {keyword.arg: _value(keyword.value) for keyword in node.keywords if keyword.arg}
    return Call(_dotted(node.func), arguments), positional


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Name):
        return node.id
    raise ValueError(ast.unparse(node))


def _value(node: ast.expr) -> Any:
    """Return a literal's value; whatever else stands there (a name, a sum, a call) stays source text."""
    try:
        return _plain(ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return ast.unparse(node)


def _plain(value: Any) -> Any:
    """Return a JSON value for a Python literal; ValueError for one that JSON has not."""
    match value:
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case set():
            return sorted((_plain(item) for item in value), key=repr)
        case None | bool() | int() | float() | str():
            return value
    raise ValueError(type(value).__name__)
