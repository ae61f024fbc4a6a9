"""Needle in this process, through the package cactus-needle: ``needle:3``, ``needle:2``, ``needle:FILE.cact``.

Its engine and weights come from a download of its own. Decoding is deterministic: it takes no temperature and no seed,
and all draws of a case are the same. It reads the user's words and the tools' replies; what a conversation says the
assistant has said, it has no way to hear, and of instructions it takes facts alone.
"""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.errors import ConfigError, ModelUnavailable, RequestRejected, did_you_mean
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.providers.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_toolmatch.core.conversation import Conversation
    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.core.tool import Tool

_GENERATIONS = {"3": 3, "2": 2}
_NO_CHANCE = ("temperature", "seed", "top_p", "top_k")
_MAX_TOKENS = 512
_AGENTS_KEPT = 8
_ENGINE = threading.Lock()
"""There is one engine in a process, whoever asks."""


class Provider:
    """Keeps an agent for each list of tools; one request at a time, from the start of its conversation."""

    def __init__(self, needle: Any, name: str, model: str) -> None:
        self._needle = needle
        self._model = model
        generation = _GENERATIONS.get(name)
        self._which = {"generation": generation} if generation else {"weights": name}
        self._agents: OrderedDict[bytes, Any] = OrderedDict()

    async def complete(self, request: Request) -> Turn:
        """Ask for one turn, in a thread of its own."""
        try:
            limit = read_settings(self._model, request.settings)
        except ConfigError as error:  # two models of one name share a provider, and it was opened for the other
            raise RequestRejected(str(error)) from None
        return await in_thread(partial(self._ask, request, limit), "toolmatch-needle")

    async def aclose(self) -> None:
        """Close the agents."""
        with _ENGINE:
            for agent in self._agents.values():
                agent.close()
            self._agents.clear()

    def _ask(self, request: Request, limit: int) -> Turn:
        texts = to_wire(request.conversation)
        if not texts:
            raise RequestRejected(f"{self._model}: the conversation has no words of a user, and no reply of a tool")
        with _ENGINE:
            agent = self._agent(request)
            began = time.perf_counter()
            try:
                agent.reset()
                for text in texts:
                    # It would warn of a long conversation, which its own loop has as well.
                    agent._turns = 0  # noqa: SLF001
                    answer = agent.complete(text, max_new_tokens=limit)
            except Exception as error:  # noqa: BLE001 - RuntimeError, ValueError, whatever its engine says
                raise RequestRejected(f"{self._model}: {_line(error)}") from None
            took = time.perf_counter() - began
        return msgspec.structs.replace(from_wire(answer, self._model), latency=took)

    def _agent(self, request: Request) -> Any:
        key = msgspec.json.encode([[tool.shown() for tool in request.tools], request.instructions])
        agent = self._agents.pop(key, None)
        if agent is None:
            agent = self._opened(request)
        self._agents[key] = agent
        if len(self._agents) > _AGENTS_KEPT:
            self._agents.popitem(last=False)[1].close()
        return agent

    def _opened(self, request: Request) -> Any:
        try:
            # Without auto_date: today's date is no part of the request, and would change the answer from day to day.
            return self._needle.Needle(
                tools=tools_to_wire(request.tools), system=request.instructions, auto_date=False, **self._which
            )
        except Exception as error:  # noqa: BLE001 - its download, its engine, its weights
            how = "" if "weights" in self._which else "; where there is no network, run `needle fetch` beforehand"
            raise ModelUnavailable(f"{self._model} can't be loaded: {_line(error)}{how}") from None


def to_wire(conversation: Conversation) -> list[str]:
    """Return what to say to the engine, one text after the other; replies to a step go together, as a JSON list."""
    texts: list[str] = []
    replies: list[Any] = []
    for message in conversation:
        if message.role == "tool":
            replies.append(_value(message.content))
            continue
        if replies:
            texts.append(msgspec.json.encode(replies).decode())
            replies = []
        if message.role == "user":
            texts.append(message.content)
    return [*texts, msgspec.json.encode(replies).decode()] if replies else texts


def tools_to_wire(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """Return tools as the engine compiles them to a grammar."""
    empty = {"type": "object", "properties": {}}
    return [{**tool.shown(), "parameters": tool.parameters or empty} for tool in tools]


def from_wire(answer: Any, model: str = "needle") -> Turn:
    """Return the engine's answer as a turn; RequestRejected where the engine says that it failed."""
    try:
        said = msgspec.convert(answer, _Answer)
    except msgspec.ValidationError as error:
        raise RequestRejected(f"{model} answered in a form of its own: {error}") from None
    if said.error:
        if "budget" in said.error:  # of tokens
            return Turn(stop="truncated")
        raise RequestRejected(f"{model}: {said.error}")
    calls = tuple(Call(call.name, call.arguments) for call in said.function_calls)
    sure = said.confidence if said.confidence is not None and 0 <= said.confidence <= 1 else None
    return Turn(calls=calls, ids=tuple(f"call_{place}" for place in range(len(calls))), confidence=sure)


def open_provider(model: Model) -> Provider:
    """Return the provider of a Needle.

    Raises ConfigError for an unknown name or setting, ModelUnavailable where the package is another one of that name,
    ModuleNotFoundError where there is none.
    """
    if model.name not in _GENERATIONS and not model.name.endswith(".cact"):
        raise ConfigError(
            f"{model.identity}: write {' or '.join(f'needle:{name}' for name in _GENERATIONS)}, or the file of tuned "
            "weights, needle:FILE.cact"
        )
    read_settings(model.identity, model.settings)
    # Before it is imported: it counts calls at its maker's otherwise.
    os.environ["NEEDLE_TELEMETRY"] = "0"
    os.environ["DO_NOT_TRACK"] = "1"
    needle = importlib.import_module("needle")
    if not hasattr(needle, "Needle"):
        raise ModelUnavailable(
            f"{model.identity}: {getattr(needle, '__file__', 'needle')} is another package of that name: "
            "pip uninstall needle && pip install 'pytest-toolmatch[needle]'"
        )
    return Provider(needle, model.name, model.identity)


def read_settings(model: str, settings: dict[str, Any]) -> int:
    """Return the most tokens of a turn; raises ConfigError for any setting but that one."""
    for name in settings:
        if name in _NO_CHANCE:
            raise ConfigError(f"{model}: there is no {name}: Needle always takes what is likeliest; leave it out")
        if name != "max_tokens":
            hint = did_you_mean(name, ["max_tokens"])
            raise ConfigError(f"{model}: there is no setting {name!r}{hint}; there is max_tokens")
    limit = settings.get("max_tokens", _MAX_TOKENS)
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise ConfigError(f"{model}: max_tokens is {limit!r}: write a whole number above 0")
    return limit


class _Called(msgspec.Struct):
    name: str
    arguments: dict[str, Any] = {}


class _Answer(msgspec.Struct):
    """What is read of an answer; ``confidence`` is of all of it."""

    function_calls: list[_Called] = []
    error: str | None = None
    confidence: float | None = None


def _value(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(".")
