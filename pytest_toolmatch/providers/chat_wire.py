"""The Chat Completions wire, as OpenAI and everyone after it speaks it: pure translation both ways.

A call that the server lost is told from an answer without a call: see ``leaks``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.errors import ConfigError, ServiceFault
from pytest_toolmatch.core.model import PROVIDERS
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.turn import Stop, Turn
from pytest_toolmatch.providers.leaks import broken_name, leaked

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from pytest_toolmatch.core.conversation import Message
    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.core.tool import Tool

OWN_SETTINGS = frozenset({"api_key_env", "cache", "extra_headers", "extra_body"})
"""Settings that are no part of the body: the variable of the key, prompt caching, headers; or that hold parts of it."""

_ONE_ANSWER: dict[str, Any] = {"stream": False, "n": 1}
_REASONING = ("reasoning_content", "reasoning", "reasoning_details")
_NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}
_JUST_THE_END = 1
_STOPS: dict[str | None, Stop] = {
    "length": "truncated",
    "max_tokens": "truncated",
    "model_length": "truncated",
    "content_filter": "refused",
}
_CALLING = ("tool_calls", "function_call")


def to_wire(request: Request) -> dict[str, Any]:
    """Return the body of a request; settings stand beside the messages as they are."""
    return body_of(request, [_tool(tool) for tool in request.tools])


def body_of(request: Request, tools: Any) -> dict[str, Any]:
    """Return the body with ``tools`` as they are given: plain JSON, or JSON that is already encoded."""
    body = {"model": model_name(request.model), "messages": _messages(request)}
    if request.tools:
        body["tools"] = tools
    plain = {name: value for name, value in request.settings.items() if name not in OWN_SETTINGS}
    return body | plain | (request.settings.get("extra_body") or {})


def encoded_tools(tools: Iterable[Tool]) -> msgspec.Raw:
    """Return the tools as JSON that an encoder takes over unchanged."""
    return msgspec.Raw(msgspec.json.encode([_tool(tool) for tool in tools]))


def model_name(identity: str) -> str:
    """Return a model's name without its provider; the name itself may hold colons."""
    provider, _, name = identity.partition(":")
    return name if provider in PROVIDERS else identity


def check_settings(model: Model) -> None:
    """Raise ConfigError for settings that would change what an answer is."""
    settings = model.settings
    wrong = [name for name, value in _ONE_ANSWER.items() if settings.get(name) not in (None, value)]
    if wrong:
        raise ConfigError(
            f"{model.identity}: settings.{wrong[0]}: an answer is read whole, and one at a time: leave it out "
            "(for more answers, raise the number of samples)"
        )


def _tool(tool: Tool) -> dict[str, Any]:
    parameters = _NO_PARAMETERS if tool.parameters is None else tool.parameters
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": parameters},
    }


def _messages(request: Request) -> list[dict[str, Any]]:
    ids = _Ids()
    told = [{"role": "system", "content": request.instructions}] if request.instructions else []
    return told + [_message(message, ids) for message in request.conversation]


def _message(message: Message, ids: _Ids) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": ids.answered(message.reply_to), "content": message.content}
    if message.role != "assistant":
        return {"role": message.role, "content": message.content}
    native = message.native if isinstance(message.native, dict) and message.native.get("provider") == "chat" else {}
    said = {"role": "assistant", "content": message.content} | {k: native[k] for k in _REASONING if k in native}
    if message.calls:
        said["tool_calls"] = _calls(message, ids, native.get("extra_content") or [])
    return said


def _calls(message: Message, ids: _Ids, extras: list[Any]) -> list[dict[str, Any]]:
    made = ids.called(message.ids, len(message.calls))
    padded = [*extras, *[None] * len(made)]
    return [_call(*parts) for parts in zip(message.calls, made, padded, strict=False)]


def _call(call: Call, name: str, extra: Any) -> dict[str, Any]:
    written = {"name": call.name, "arguments": _arguments_text(call.arguments)}
    told = {"id": name, "type": "function", "function": written}
    return told | {"extra_content": extra} if extra else told


def _arguments_text(arguments: Any) -> str:
    if isinstance(arguments, str):
        return arguments
    return "{}" if arguments is None else msgspec.json.encode(arguments).decode()


class _Ids:
    """Names the calls of one conversation, each once, and tells which call a reply answers."""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._waiting: list[tuple[str, str]] = []
        """(the id as it was given, the id that is sent) of the last assistant's calls without a reply."""

    def called(self, given: tuple[str, ...], count: int) -> list[str]:
        """Return one unused id for each call: servers repeat theirs from turn to turn, and logs have none."""
        names = given if len(given) == count else ("",) * count
        made = [self._unused(name) for name in names]
        self._waiting = list(zip(names, made, strict=True))
        return made

    def answered(self, reply_to: str) -> str:
        """Return the id of the call that a reply belongs to: the one it names, else the next in order."""
        if not self._waiting:
            return reply_to
        named = (index for index, (given, _) in enumerate(self._waiting) if reply_to and given == reply_to)
        return self._waiting.pop(next(named, 0))[1]

    def _unused(self, given: str) -> str:
        name, number = given, len(self._used)
        while not name or name in self._used:
            name, number = f"call_{number}", number + 1
        self._used.add(name)
        return name


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
        ids=tuple(_Ids().called(tuple(str(entry.id or "") for entry in entries), len(entries))),
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
    return Call(function.name or "", _arguments(function.arguments))


def _arguments(arguments: Any) -> Any:
    """Return the object that the text stands for; text that is no JSON object stays text, nothing is ``{}``."""
    if arguments is None or arguments == "":
        return {}
    if not isinstance(arguments, str):
        return arguments
    try:
        value = msgspec.json.decode(arguments)
    except _UNREADABLE:
        return arguments
    return value if isinstance(value, dict) else arguments


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
    return {"provider": "chat", **kept} if kept else None


def _kept(answer: _Answer, entries: list[_ToolCall]) -> Iterator[tuple[str, Any]]:
    yield from ((name, value) for name in _REASONING if (value := getattr(answer, name)))
    if any(entry.extra_content for entry in entries):
        yield "extra_content", [entry.extra_content for entry in entries]


def _short(said: Any) -> str:
    text = said if isinstance(said, str) else msgspec.json.encode(said).decode()
    return text if len(text) <= 200 else f"{text[:199]}…"  # noqa: PLR2004
