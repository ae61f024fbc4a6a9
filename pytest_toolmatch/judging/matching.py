"""Does a student's chain match a teacher's? The schema is compiled once per set of tools."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.chain import Call, Chain, chain_of
from pytest_toolmatch.core.declared import declared_tools
from pytest_toolmatch.core.errors import ConfigError, SuiteError, ToolError, did_you_mean
from pytest_toolmatch.core.rules import MODES as MODE_NAMES
from pytest_toolmatch.core.rules import Arguments, Mode, Overrides, Rules
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.validation import check_schema
from pytest_toolmatch.judging.equality import ByType, Compiler
from pytest_toolmatch.judging.keys import UNPARSED, Never, exact_number, json_key
from pytest_toolmatch.judging.modes import MODES, Steps
from pytest_toolmatch.judging.paths import unknown_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class Keyed(msgspec.Struct, frozen=True):
    """A chain made ready for comparison: its keys, and whether they need assignment instead of counting.

    A ``raw`` chain has arguments that are no object: such a call equals nothing, so the chain does not match itself.
    """

    steps: Steps
    fuzzy: bool = False
    raw: bool = False


class Matcher:
    """Compares chains of one set of tools under one set of rules.

    Chains are given as in ``core.chain``, as plain lists of steps, or as JSON text of such.

    Args:
        tools: the declared tools: ``Tool`` objects, plain functions, or OpenAI, Anthropic, Gemini or MCP JSON.
        mode: the match mode; ``ordered`` unless the rules say otherwise.
        arguments: ``schema`` compares by the tools' JSON Schema (the default), ``json`` by plain JSON equality.
        overrides: tool → argument path → how that argument is compared, as in ``{"casefold": True}``.
        rules: all of this and more as one value; what stands beside it has the say.

    Raises ConfigError for an unknown mode, SuiteError for a tool or an override that is none, or that no tool has,
    ToolError for a schema that is none: JSON is checked whole, that of a ``Tool`` object as far as comparing by it
    shows.
    """

    def __init__(
        self,
        tools: Iterable[Any],
        *,
        mode: Mode | None = None,
        arguments: Arguments | None = None,
        overrides: Mapping[str, Mapping[str, Any]] | None = None,
        rules: Rules | None = None,
    ) -> None:
        said = {"match": mode, "arguments": arguments, "overrides": overrides and _overrides(overrides)}
        changes = {name: value for name, value in said.items() if value is not None}
        self.rules: Rules = msgspec.structs.replace(rules or Rules(), **changes)
        _check("mode", self.rules.match, MODE_NAMES)
        _check("arguments", self.rules.arguments, ("schema", "json"))
        self.tools = declared_tools(tools)
        # Not those of the rules: a case may have other tools than its suite, whose rules they are.
        for name, path in ((name, path) for name, paths in (overrides or {}).items() for path in paths):
            if fault := unknown_place(name, path, self.tools):
                raise SuiteError(fault)
        self._unparsed = _unparsed if self.rules.arguments == "json" else _never
        self._makers = _Makers(_of_object(json_key, self._unparsed))
        self._fuzzy: set[str] = set()
        schemas = dict.fromkeys(self.rules.overrides) | {tool.name: tool.parameters for tool in self.tools}
        for name, schema in schemas.items():
            self._compile(name, schema if self.rules.arguments == "schema" else None)

    def _compile(self, name: str, schema: dict[str, Any] | None) -> None:
        compiler = Compiler(schema, self.rules.overrides.get(name, {}), name)
        try:
            maker = compiler.compile()
        except (ToolError, TypeError, ValueError, AttributeError, LookupError):
            check_schema(Tool(name=name, parameters=schema))  # says what is wrong; most schemas were checked before
            raise
        self._makers[name] = _of_object(maker, self._unparsed)
        if compiler.fuzzy:
            self._fuzzy.add(name)

    def matches(self, student: Any, teacher: Any, *, mode: Mode | None = None) -> bool:
        """Say whether the student's chain matches the teacher's under the mode of the rules, or another one."""
        mode = mode or self.rules.match
        if mode in _BY_PLACE and type(student) is str and type(teacher) is str:
            with suppress(msgspec.DecodeError, RecursionError):  # the slower reading below says what is wrong
                ours, theirs = _decode_written(student), _decode_written(teacher)
                if [*map(len, ours)] == [*map(len, theirs)] == [1] * len(ours):
                    return all(map(self._same_text, ours, theirs))
        key = self.names if mode == "names" else self._calls
        return self.compare(key(_chain(student)), key(_chain(teacher)), mode=mode)

    def compare(self, student: Keyed, teacher: Keyed, *, mode: Mode | None = None) -> bool:
        """Say whether two keyed chains match; the cheap half of ``matches``."""
        mode = mode or self.rules.match
        if mode not in MODES:
            _check("mode", mode, MODE_NAMES)
        if student is teacher and student.raw:
            return False
        fuzzy = student.fuzzy or teacher.fuzzy
        try:
            # Calls that are equal one by one, step by step, match in every mode.
            return (not fuzzy and student.steps == teacher.steps) or MODES[mode](student.steps, teacher.steps, fuzzy)
        except RecursionError:  # arguments nested hundreds of levels deep
            return False

    def _same_text(self, ours: tuple[_Written, ...], theirs: tuple[_Written, ...]) -> bool:
        """Say whether two steps of one call each are equal; arguments in the same words need no reading."""
        (student,), (teacher,) = ours, theirs
        name, said = student.name, student.arguments
        if name != teacher.name:
            return False
        if said == teacher.arguments and name not in self._fuzzy and bytes(said)[:1] == b"{":
            return True
        maker = self._makers[name]
        return bool(maker(_decode_value(said)) == maker(_decode_value(teacher.arguments)))

    def keyed(self, chain: Chain) -> Keyed:
        """Return the chain with the keys that the mode of the rules compares: calls, or their names."""
        return self.names(chain) if self.rules.match == "names" else self._calls(chain)

    def names(self, chain: Chain) -> Keyed:
        """Return the chain with the names of the calls as their keys."""
        return Keyed(tuple([tuple([call.name for call in step]) for step in chain]))

    def equal(self, student: Call, teacher: Call) -> bool:
        """Say whether two calls name the same tool with equal arguments."""
        return self.compare(self._calls(((student,),)), self._calls(((teacher,),)), mode="sequence")

    def _calls(self, chain: Chain) -> Keyed:
        makers = self._makers
        steps = tuple([tuple([(call.name, makers[call.name](call.arguments)) for call in step]) for step in chain])
        fuzzy = bool(self._fuzzy) and any(call.name in self._fuzzy for step in chain for call in step)
        return Keyed(steps, fuzzy, any(type(key[1]) is Never for step in steps for key in step))


class _Makers(dict[str, "Callable[[Any], Any]"]):
    """Makers of the keys of arguments by name of the tool; those of an undeclared tool are ``plain`` JSON."""

    def __init__(self, plain: Callable[[Any], Any]) -> None:
        super().__init__()
        self.plain = plain

    def __missing__(self, name: str) -> Callable[[Any], Any]:
        return self.plain


def _unparsed(arguments: Any) -> Any:
    """Return the key, under plain JSON equality, of arguments that are no object: equal to the same alone."""
    return (UNPARSED, json_key(arguments))


def _never(_: Any) -> Any:
    return Never()


def _of_object(maker: Callable[[Any], Any], unparsed: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a maker for whatever came as arguments: an object, nothing, or what did not parse to an object."""
    maker = maker[dict] if isinstance(maker, ByType) else maker

    def key(arguments: Any) -> Any:
        if type(arguments) is not dict and arguments is not None:
            return unparsed(arguments)
        try:
            return maker(arguments or {})
        except RecursionError:  # nested hundreds of levels deep
            return Never()

    return key


def matches(
    student: Any,
    teacher: Any,
    *,
    tools: Iterable[Any] = (),
    mode: Mode = "ordered",
    arguments: Arguments = "schema",
) -> bool:
    """Say whether a student's chain matches a teacher's.

    Args:
        student: a list of steps, each a list of calls ``{"name": …, "arguments": {…}}``; or its JSON text.
        teacher: the same; the order that counts is the teacher's.
        tools: the declared tools: ``Tool`` objects, plain functions, or OpenAI, Anthropic, Gemini or MCP JSON.
        mode: ``strict``, ``ordered``, ``sequence``, ``unordered``, ``subset``, ``superset`` or ``names``.
        arguments: ``schema`` compares by the tools' JSON Schema, ``json`` by plain JSON equality.

    Raises:
        ConfigError: an unknown mode, or a chain of another shape.
        ToolError: a tool whose schema is no schema; that of a ``Tool`` object is checked only as far as comparing by
            it shows.
    """
    return Matcher(tools, mode=mode, arguments=arguments).matches(student, teacher)


_BY_PLACE = frozenset({"ordered", "strict", "sequence"})
"""Modes that compare call by call where every step of both sides is a single call."""


class _Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A call whose arguments are still text."""

    name: str
    arguments: msgspec.Raw = msgspec.Raw(b"null")


_decode_written = msgspec.json.Decoder(tuple[tuple[_Written, ...], ...]).decode
_decode_value = msgspec.json.Decoder(float_hook=exact_number).decode
_decode = msgspec.json.Decoder(Chain, float_hook=exact_number).decode


def _chain(chain: Any) -> Chain:
    try:
        if type(chain) is str or type(chain) is bytes:
            return _without_empty(_decode(chain))
        return chain if _is_chain(chain) else chain_of(chain)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConfigError(
            f"not a chain: {error}; expected a list of steps, each a list of {{'name': …, 'arguments': {{…}}}}"
        ) from None


def _without_empty(chain: Chain) -> Chain:
    return tuple([step for step in chain if step]) if () in chain else chain


def _is_chain(chain: Any) -> bool:
    return type(chain) is tuple and all(type(step) is tuple and step and type(step[0]) is Call for step in chain)


def _overrides(overrides: Mapping[str, Mapping[str, Any]]) -> Overrides:
    try:
        return msgspec.convert(overrides, Overrides)
    except msgspec.ValidationError as error:
        raise SuiteError(f"overrides: {error}; write {{tool: {{argument: {{'casefold': True}}}}}}") from None


def _check(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ConfigError(f"unknown {what} {value!r}: one of {', '.join(known)}{did_you_mean(value, known)}")
