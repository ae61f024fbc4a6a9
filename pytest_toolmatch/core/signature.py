"""Tools from Python functions: the signature and the docstring say what a model is shown."""

from __future__ import annotations

import functools
import inspect
import typing
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, overload

from pytest_toolmatch.core.errors import ToolError, at
from pytest_toolmatch.core.hints import MISSING, UNREADABLE, Field, HintWriter, json_value, read_docstring, unreadable
from pytest_toolmatch.core.tool import EFFECTS, Effect, Tool

if TYPE_CHECKING:
    from collections.abc import Callable

_CANNOT = {
    inspect.Parameter.VAR_POSITIONAL: "a model names every argument, so *{} can get none: take one list instead",
    inspect.Parameter.POSITIONAL_ONLY: "a model names every argument, but {} is positional-only: remove the / after it",
}


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...


@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    effect: Effect | None = None,
    execute: bool = False,
    reply: Any = None,
) -> Callable[[Callable[..., Any]], Tool]: ...


def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    effect: Effect | None = None,
    execute: bool = False,
    reply: Any = None,
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Declare a function as a tool: ``@tool``, or ``@tool(effect="read")``.

    The result is a Tool, which can still be called. ``name`` and ``description`` replace the function's own; ``effect``
    says whether a call changes the world (``write``) or not (``read``). Only functions that read are run for the
    models, others with ``execute=True``; ``reply`` is a canned reply (a JSON value, or a function of the same
    arguments) that is given instead. Raises ToolError as ``tool_of_function`` does.
    """
    __tracebackhide__ = True
    if function is not None and not callable(function):
        raise ToolError(f"@tool takes its keys by name: write @tool(name={function!r}) if that is the tool's name")
    declare = functools.partial(
        tool_of_function, name=name, description=description, effect=effect, execute=execute, reply=reply
    )
    return declare if function is None else declare(function)


def tool_of_function(
    function: Callable[..., Any],
    *,
    name: str | None = None,
    description: str | None = None,
    effect: Effect | None = None,
    execute: bool = False,
    reply: Any = None,
) -> Tool:
    """Return the tool that a function is, described by its signature, type hints and docstring.

    A parameter without a hint accepts anything. A default is stated in the schema where it is JSON; where it is not (a
    sentinel, an object) the parameter is optional without a stated default. A default of None makes a parameter
    nullable. ``**kwargs`` admits further arguments, a leading ``self`` or ``cls`` is left out. What the function
    returns is described where its annotation says so. Raises ToolError, with the function's place, for ``*args``,
    positional-only parameters, and hints of parameters that have no JSON Schema.
    """
    __tracebackhide__ = True
    if effect not in EFFECTS:
        _fail(function, f"effect is {effect!r}: write 'read' or 'write'")
    docs = read_docstring(inspect.getdoc(function) if _has_own_doc(function) else None)
    return Tool(
        name=name or _name(function),
        description=docs.description if description is None else description,
        parameters=_parameters(function, docs.fields),
        effect=effect,
        implementation=function,
        reply=reply,
        execute=execute,
        returns=_returns(function),
    )


def _parameters(function: Callable[..., Any], docs: dict[str, str]) -> dict[str, Any]:
    __tracebackhide__ = True
    parameters, hints = _signature(function), _hints(function)
    writer = HintWriter()
    extra: Any = False
    fields = []
    for parameter in parameters:
        hint = hints.get(parameter.name, Any)
        if parameter.kind in _CANNOT:
            _fail(function, f"{parameter.name}: {_CANNOT[parameter.kind].format(parameter.name)}")
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            extra = hint
        else:
            fields.append(_field(parameter, hint))
    try:
        schema = writer.object(fields, docs)
        more = extra if extra is False else (writer.schema(extra) or True)
    except ToolError as error:
        _fail(function, str(error))
    return {**schema, "additionalProperties": more, **({"$defs": writer.definitions} if writer.definitions else {})}


def _returns(function: Callable[..., Any]) -> dict[str, Any] | None:
    """Return the schema of the returned value; None where the annotation is missing or says nothing (None, Any)."""
    writer = HintWriter()
    try:
        schema = writer.schema(_hints(function).get("return", Any))
    except ToolError:  # a generator, an open file: no model is shown this schema, so it is no fault
        return None
    if not schema or schema == {"type": "null"}:
        return None
    return {**schema, **({"$defs": writer.definitions} if writer.definitions else {})}


def _field(parameter: inspect.Parameter, hint: Any) -> Field:
    default = parameter.default
    if type(default).__module__ == "pydantic.fields":  # ``x: int = Field(3, ge=0)``: notes and default in one
        hint = Annotated[hint, default]
        required = default.is_required()
        stated = MISSING if required or default.default_factory else default.default
    else:
        required = default is inspect.Parameter.empty
        stated = MISSING if required else default
    return Field(parameter.name, hint, required, json_value(stated) if stated is not None else None)


def _signature(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        _fail(function, "it has no signature to read: wrap it in a function of yours")
    return parameters[1:] if parameters and parameters[0].name in ("self", "cls") else parameters


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    bare = _bare(function)
    try:
        return typing.get_type_hints(bare, include_extras=True)
    except UNREADABLE as error:
        _fail(function, unreadable(error))


def _bare(function: Any) -> Any:
    """Return the plain function behind partials and callable objects, where hints and code are."""
    while isinstance(function, functools.partial):
        function = function.func
    if isinstance(function, type):
        return function.__init__  # type: ignore[misc]
    return function if inspect.isroutine(function) else type(function).__call__


def _name(function: Any) -> str:
    bare = function.func if isinstance(function, functools.partial) else function
    return str(getattr(bare, "__name__", type(bare).__name__))


def _has_own_doc(function: Any) -> bool:
    return not isinstance(function, functools.partial)  # whose docstring is that of partial itself


def _fail(function: Callable[..., Any], message: str) -> NoReturn:
    __tracebackhide__ = True
    code = getattr(inspect.unwrap(_bare(function)), "__code__", None)
    place = at(code.co_filename, code.co_firstlineno) if code else _name(function)
    raise ToolError(f"{place}: tool {_name(function)}: {message}") from None
