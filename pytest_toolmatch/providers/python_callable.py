"""A user's own agent or model: ``python:module:function``, or any callable given as a model's client."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import os
import pkgutil
import sys
import sysconfig
import traceback
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.errors import (
    ConfigError,
    ModelUnavailable,
    RequestRejected,
    ServiceFault,
    ToolmatchError,
    at,
    did_you_mean,
)
from pytest_toolmatch.providers.python_answer import from_wire
from pytest_toolmatch.providers.sdk_errors import environment_secrets, scrub
from pytest_toolmatch.providers.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.core.turn import Turn

__all__ = ["Provider", "from_wire", "open_provider"]

_OURS = str(Path(__file__).parents[1])
_STANDARD = sysconfig.get_paths()["stdlib"]


class Provider:
    """Calls a function with the Request; coroutines on the loop, all others in a thread.

    The function's own exceptions are RequestRejected: neither the network nor the model is at fault, and asking again
    would not help. To have it asked again, or to say that nothing will help, it raises our ServiceFault or
    ModelUnavailable itself.
    """

    def __init__(self, function: Callable[[Request], Any], model: str) -> None:
        self._function = function
        self._model = model

    async def complete(self, request: Request) -> Turn:
        """Call the function and read what it returns."""
        limit = request.rollout.timeout
        try:
            async with asyncio.timeout(limit):
                answer, error = await self._answer(request)
        except TimeoutError:
            raise ServiceFault(f"{self._model} did not answer in {limit:g} s: raise `timeout`") from None
        if error is not None:
            raise self._told(error)
        try:
            return from_wire(answer)
        except RequestRejected as rejected:
            raise RequestRejected(f"{self._model} {rejected}") from None

    async def aclose(self) -> None:
        """Nothing is open."""

    async def _answer(self, request: Request) -> tuple[Any, BaseException | None]:
        # The exception is handed over as a value: a future can't carry a StopIteration, and a SystemExit ends the loop.
        try:
            if _is_coroutine_function(self._function):
                return await self._function(request), None
            answer, error = await in_thread(partial(_call, self._function, request))
            return (await answer if inspect.isawaitable(answer) else answer), error
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the user's function raises
            return None, error

    def _told(self, error: BaseException) -> ToolmatchError:
        if isinstance(error, ToolmatchError):
            return error
        place = _place(error) or _home(self._function)
        return RequestRejected(f"{self._model} raised {_shown(error)} at {place}")


def open_provider(model: Model) -> Provider:
    """Return the provider of a function.

    Raises ConfigError for a name of another form, ModelUnavailable where the function can't be imported.
    """
    function = model.client if model.client is not None else _find(model)
    if not callable(function):
        raise ModelUnavailable(f"{model.identity} is no function but {type(function).__name__}")
    return Provider(function, model.identity)


def _find(model: Model) -> Any:
    module, _, path = model.name.partition(":")
    if not module or not path:
        raise ConfigError(f"{model.identity}: a function is written python:module:function")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)  # as ``python -m`` does
    found = _import(module, model.identity)
    try:
        return reduce(getattr, path.split("."), found)
    except AttributeError:
        hint = did_you_mean(path, [name for name in vars(found) if not name.startswith("_")])
        raise ModelUnavailable(f"{model.identity}: {found.__file__ or module} has no {path!r}{hint}") from None


def _import(module: str, model: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise ModelUnavailable(f"{model}: {module} can't be imported: {_why(error)}") from None
        hint = did_you_mean(module, [one.name for one in pkgutil.iter_modules([os.curdir])])
        raise ModelUnavailable(
            f"{model}: there is no module {error.name!r} in {Path.cwd()} or on sys.path{hint}"
        ) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the user's module raises
        raise ModelUnavailable(f"{model}: {module} can't be imported: {_why(error)}") from None


def _why(error: BaseException) -> str:
    place = _place(error)
    return f"{_shown(error)} at {place}" if place else _shown(error)


def _is_coroutine_function(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _call(function: Callable[[Request], Any], request: Request) -> tuple[Any, BaseException | None]:
    try:
        return function(request), None
    except BaseException as error:  # noqa: BLE001 - see Provider._answer
        return None, error


def _shown(error: BaseException) -> str:
    said = scrub(str(error), environment_secrets())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _place(error: BaseException) -> str:
    """Return the innermost place in the user's own files, or the empty string."""
    if isinstance(error, SyntaxError) and error.filename:
        return at(error.filename, error.lineno)
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if _is_theirs(frame.filename)]
    return at(theirs[-1].filename, theirs[-1].lineno) if theirs else ""


def _home(function: Any) -> str:
    """Return where a function is written: all there is to say of one that can't even be called with a request."""
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    return at(code.co_filename, code.co_firstlineno) if code else f"{type(function).__module__}"


def _is_theirs(path: str) -> bool:
    return not path.startswith(("<", _STANDARD, _OURS)) and "site-packages" not in path
