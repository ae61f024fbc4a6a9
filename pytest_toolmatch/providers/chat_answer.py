"""What an answer of Chat Completions means, in the dialects of all who speak it: pure.

A call that the server lost is told from an answer without a call: see ``leaks``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.errors import ServiceFault
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.turn import Stop, Turn
from pytest_toolmatch.providers.exchanges import distinct, read_arguments
from pytest_toolmatch.providers.leaks import broken_name, leaked

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

NATIVE = "chat"
"""What ``native`` says under ``provider`` where it is a message of this wire."""

REASONING = ("reasoning_content", "reasoning", "reasoning_details")
"""Where services put what a model thought: to be sent back with the message."""

_JUST_THE_END = 1
_STOPS: dict[str | None, Stop] = {
    "length": "truncated",
    "max_tokens": "truncated",
    "model_length": "truncated",
    "content_filter": "refused",
}
_CALLING = ("tool_calls", "function_call")


class _Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: Any = None


class _ToolCall(msgspec.Struct):
    id: Any = None
    function: _Function | None = None
    extra_content: Any = None


class _Answer(msgspec.Struct):
    content: Any = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None
    function_call: _Function | None = None
    reasoning_content: Any = None
    reasoning: Any = None
    reasoning_details: Any = None


class _Choice(msgspec.Struct):
    message: _Answer | None = None
    finish_reason: str | None = None
    error: Any = None


class _Details(msgspec.Struct, gc=False):
    cached_tokens: float | None = None
    reasoning_tokens: float | None = None


class _Tokens(msgspec.Struct):
    prompt_tokens: float | None = None
    completion_tokens: float | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None


class Completion(msgspec.Struct):
    """An answer as it came: only what is read of it."""

    choices: list[_Choice] | None = None
    usage: _Tokens | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(Completion)
_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)


def from_wire(response: dict[str, Any], offered: Collection[str] = ()) -> Turn:
    """Return the turn that a response is; ``offered`` are the names of the tools in the request.

    Raises ServiceFault where it is no chat completion.
    """
    try:
        return turn_of(msgspec.convert(response, Completion), offered)
    except _UNREADABLE as error:
        raise ServiceFault(f"the answer is no chat completion: {error}") from None


def read_answer(body: bytes, offered: Collection[str] = ()) -> Turn:
    """Return the turn that a response's body is; ServiceFault where it can't be read."""
    try:
        return turn_of(_decoder.decode(body), offered)
    except _UNREADABLE as error:
        raise ServiceFault(f"the answer is no chat completion: {error}") from None


def turn_of(completion: Completion, offered: Collection[str] = ()) -> Turn:
    """Return the turn that a decoded response is; ServiceFault where there is nothing in it."""
    choice = completion.choices[0] if completion.choices else _Choice()
    failed = completion.error or choice.error
    if choice.message is None or failed or choice.finish_reason == "error":
        raise ServiceFault(f"the answer holds no message: {_short(failed or 'no choices')}")
    return _turn(choice.message, choice.finish_reason, completion.usage, offered)


def _turn(answer: _Answer, finish: str | None, tokens: _Tokens | None, offered: Collection[str]) -> Turn:
    entries = answer.tool_calls or ([_ToolCall(function=answer.function_call)] if answer.function_call else [])
    calls = tuple(_called(entry.function or _Function()) for entry in entries)
    text, thoughts = _text(answer.content), _text(answer.reasoning_content or answer.reasoning)
    stop = _STOPS.get(finish, "done")
    if answer.refusal:
        stop, text = "refused", text or answer.refusal
    elif stop == "done" and _lost([call.name for call in calls], text, thoughts, offered, due=_due(finish, tokens)):
        stop, text = "lost_by_server", text if text.strip() else thoughts
    return Turn(
        calls=calls,
        ids=distinct([str(entry.id or "") for entry in entries], set()),
        text=text,
        stop=stop,
        usage=_usage(tokens),
        native=_native(answer, entries),
    )


def _lost(names: list[str], text: str, thoughts: str, offered: Collection[str], *, due: bool) -> bool:
    """Whether a call was lost on its way; ``due`` says that the server owes one, or text."""
    if any(broken_name(name, offered) for name in names) or leaked(text, offered):
        return True
    # A model may think about how to write a call, and then write it, or answer.
    return not names and not text.strip() and (due or leaked(thoughts, offered))


def _due(finish: str | None, tokens: _Tokens | None) -> bool:
    # One token is that of the end: a model that has no more to say. More of them stood for something.
    return finish in _CALLING or bool(tokens and (tokens.completion_tokens or 0) > _JUST_THE_END)


def _text(content: Any) -> str:
    """Return the text of a content that is text, or a list of parts of which some are text."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if isinstance(part, dict) and _is_text(part))
    return content if isinstance(content, str) else ""


def _is_text(part: dict[str, Any]) -> bool:
    return part.get("type", "text") in ("text", "output_text") and isinstance(part.get("text"), str)


def _called(function: _Function) -> Call:
    return Call(function.name or "", read_arguments(function.arguments))


def _usage(tokens: _Tokens | None) -> Usage | None:
    if tokens is None:
        return None
    prompt, completion = tokens.prompt_tokens_details, tokens.completion_tokens_details
    return Usage(
        input=int(tokens.prompt_tokens or 0),
        cached=int(prompt.cached_tokens or 0) if prompt else 0,
        output=int(tokens.completion_tokens or 0),
        reasoning=int(completion.reasoning_tokens or 0) if completion else 0,
    )


def _native(answer: _Answer, entries: list[_ToolCall]) -> dict[str, Any] | None:
    """Return what a later request has to hold: thoughts, and what Google signs its calls with."""
    kept = dict(_kept(answer, entries))
    return {"provider": NATIVE, **kept} if kept else None


def _kept(answer: _Answer, entries: list[_ToolCall]) -> Iterator[tuple[str, Any]]:
    yield from ((name, value) for name in REASONING if (value := getattr(answer, name)))
    if any(entry.extra_content for entry in entries):
        yield "extra_content", [entry.extra_content for entry in entries]


def _short(said: Any) -> str:
    text = said if isinstance(said, str) else msgspec.json.encode(said).decode()
    return text if len(text) <= 200 else f"{text[:199]}…"  # noqa: PLR2004
