"""What answers a call: a canned reply, the tool itself, or a simulated reply, in this order."""

from __future__ import annotations

import asyncio
import functools
import inspect
import pathlib
import typing
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from pytest_toolmatch.core.errors import ToolmatchError
from pytest_toolmatch.core.rollout import Rollout
from pytest_toolmatch.providers.threads import in_thread
from pytest_toolmatch.sampling.simulated import simulated

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from pytest_toolmatch.core.chain import Call
    from pytest_toolmatch.core.tool import Tool

Kind: TypeAlias = Literal["canned", "run", "simulated", "refused"]


class Reply(msgspec.Struct, frozen=True, gc=False):
    """What a call is answered with. ``error`` marks a fault of the tool, or of the call where it is ``refused``."""

    text: str
    error: bool = False
    kind: Kind = "run"


Answer: TypeAlias = "Callable[[Call], Awaitable[Reply]]"


class Replies:
    """Answers calls. ``timeout`` bounds one run of a tool, in seconds; running longer is a fault of the tool."""

    def __init__(self, timeout: float = Rollout().timeout) -> None:
        self._timeout = timeout

    def answerer(self, tools: Iterable[Tool]) -> Answer:
        """Return what answers the calls of these tools.

        A tool that is not known to only read is run only where it says ``execute``. Whatever a tool raises becomes an
        error reply of its type and message, as an agent would send it to the model; only a ToolmatchError, which is
        no fault of the call (a dead MCP server, say), is raised. Arguments are taken to be valid.
        """
        known = {tool.name: tool for tool in tools}
        simulations: dict[str, str] = {}

        async def answer(call: Call) -> Reply:
            tool = known.get(call.name)
            if tool is None or not isinstance(call.arguments, dict | None):
                return Reply(f"{call.name}: no such tool, or no JSON object as arguments", error=True, kind="refused")
            if callable(tool.reply):
                return await self._run(tool.reply, call, "canned")
            if tool.reply is not None:
                return Reply(as_text(tool.reply), kind="canned")
            if tool.runs:
                return await self._run(tool.implementation, call, "run")
            if call.name not in simulations:
                simulations[call.name] = as_text(simulated(tool.returns))
            return Reply(simulations[call.name], kind="simulated")

        return answer

    async def _run(self, function: Callable[..., Any], call: Call, kind: Kind) -> Reply:
        limit = asyncio.timeout(self._timeout)
        try:
            async with limit:
                result = await _result(function, call.arguments or {})
            return result if isinstance(result, Reply) else Reply(as_text(result), kind=kind)
        except ToolmatchError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a user's tool raises
            if limit.expired():
                return Reply(f"TimeoutError: no reply within {self._timeout:g} s", error=True, kind=kind)
            return Reply(_clean(f"{type(error).__name__}: {error}"), error=True, kind=kind)


async def _result(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Call a function as what it is: a coroutine function on the loop, any other in a thread of its own."""
    call = functools.partial(function, **_converted(function, arguments))
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004
        return await call()
    result = await in_thread(call, "toolmatch-tool")
    return await result if inspect.isawaitable(result) else result


def _converted(function: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments as the function's hints want them (dates, enums, dataclasses), or else as they came."""
    try:
        hints = typing.get_type_hints(function if inspect.isroutine(function) else type(function).__call__)
    except Exception:  # noqa: BLE001 - hints may be any expression
        return arguments
    return {name: _as_hinted(value, hints.get(name, Any)) for name, value in arguments.items()}


def _as_hinted(value: Any, hint: Any) -> Any:
    try:
        return msgspec.convert(value, hint, dec_hook=_foreign)
    except Exception:  # noqa: BLE001 - also what a foreign class raises
        return value


def _foreign(kind: Any, value: Any) -> Any:
    if hasattr(kind, "model_validate"):
        return kind.model_validate(value)
    if isinstance(kind, type) and issubclass(kind, pathlib.PurePath):
        return kind(value)
    raise NotImplementedError


def as_text(value: Any) -> str:
    """Return what a model is shown of a result: text as it is, anything else as JSON, or as Python shows it."""
    if isinstance(value, str):
        return _clean(value)
    try:
        return msgspec.json.encode(value, enc_hook=_plain).decode()
    except Exception:  # noqa: BLE001 - also what a foreign class raises
        return _clean(str(value))


def _plain(value: Any) -> Any:
    for method in ("model_dump", "tolist", "to_dict"):  # pydantic, numpy, pandas and many more
        if callable(found := getattr(value, method, None)):
            return found()
    return str(value)


def _clean(text: str) -> str:
    """Return the text without lone surrogates, which no request can carry."""
    return text.encode("utf-8", "replace").decode()
