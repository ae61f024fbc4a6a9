"""Finds calls that a server lost: leaked into text, into a call's name, or into an error message.

A model writes its calls in a format of its own, which the server has to parse. Where that fails, what is left looks
like an answer without a call, which would be blamed on the model.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_TOKENS = re.compile(
    r"<\|channel\|>|<\|call\|>|<\|constrain\|>"  # harmony: gpt-oss
    r"|\bto=functions\.\w"
    r"|<\|python_tag\|>"  # Llama 3
    r"|\[TOOL_CALLS\]\s*(?:[\[{]|[\w.-]+\s*(?:\[ARGS\]|\{))"  # Mistral
    r"|<\|tool_calls?(?:_section)?_begin\|>"  # Kimi
    r"|<｜tool▁calls?▁begin｜>"  # DeepSeek
    r"|<\|START_ACTION\|>"  # Command
    r"|<start_function_call>"  # FunctionGemma
)
"""What only a template writes: special tokens, which no tokenizer makes of plain words."""

_TAGGED = re.compile(
    r"<\|?tool_call\|?>\s*(?:[\[{]|<function=|[\w.-]+\s*<arg_key>)"  # Hermes, Granite, GLM
    r"|<function=[\w.-]+>\s*(?:<parameter=|\{|</function>)"  # Qwen3-Coder, Llama 3
    r"|<invoke name=[\"']?[\w.-]+[\"']?>"  # MiniMax, DeepSeek V3.2
)
"""Tags that a person may also write: a leak only where a call begins right behind them."""

_NAMED = re.compile(r"<tool_call>\s*([\w.-]+)\s*</tool_call>")  # GLM, without arguments
_FENCED = re.compile(r"```[\w-]*\s*([\[{].*?)```", re.DOTALL)
_HARMONY_PREFIX = "functions."
_BROKEN_NAME = re.compile(r"<\||\|>|<｜|</?tool_call|<function")
_LOST_IN_ERRORS = re.compile(
    r"tool_use_failed"  # Groq
    r"|error parsing tool call"  # Ollama
    r"|HarmonyError|unexpected tokens remaining in message header"  # vLLM
    r"|Failed to parse input at pos",  # llama.cpp
    re.IGNORECASE,
)
_ARGUMENTS = ("arguments", "parameters", "args")


def leaked(text: str, offered: Collection[str] = ()) -> bool:
    """Whether a text holds a call that the server should have parsed.

    ``offered`` are the names of the tools: plain JSON is a leaked call only where it names one of them, so prose and
    examples that mention a tool are none.
    """
    if not _may_leak(text):
        return False
    if _TOKENS.search(text) or _TAGGED.search(text):
        return True
    if any(match[1] in offered for match in _NAMED.finditer(text)):
        return True
    return any(_is_call(value, offered) for value in _json_in(text))


def broken_name(name: str, offered: Collection[str] = ()) -> bool:
    """Whether a call's name is residue of the model's format; an unknown but clean name is the model's own mistake."""
    if name in offered:
        return False
    return not name.strip() or bool(_BROKEN_NAME.search(name)) or name.startswith(_HARMONY_PREFIX)


def lost_in_error(message: str) -> bool:
    """Whether an error says that the server could not parse what the model wrote as a call."""
    return bool(_LOST_IN_ERRORS.search(message))


def _may_leak(text: str) -> bool:
    return "<" in text or "[" in text or "{" in text or "to=functions." in text


def _json_in(text: str) -> Iterator[Any]:
    """Yield what is JSON: the whole text, and every fenced block."""
    for block in map(str.strip, (text, *(match[1] for match in _FENCED.finditer(text)))):
        if block[:1] in ("{", "["):
            try:
                value = msgspec.json.decode(block)
            except (msgspec.MsgspecError, UnicodeError, RecursionError):
                continue
            yield from value if isinstance(value, list) else (value,)


def _is_call(value: Any, offered: Collection[str]) -> bool:
    if not isinstance(value, dict):
        return False
    inner = value.get("function", value)
    call = inner if isinstance(inner, dict) else value
    named = call.get("name") in offered if isinstance(call.get("name"), str) else False
    return named and any(isinstance(call.get(key), dict | str) for key in _ARGUMENTS)
