"""Tools, parameters and enum values under other names: the chain has to follow."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from pytest_toolmatch.core.chain import calls_of
from pytest_toolmatch.core.schema import resolve
from pytest_toolmatch.core.tool import find_tool
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.fuzzing.edits import Draft, Edit, Retool
from pytest_toolmatch.fuzzing.relation import NotApplicable, Relation
from pytest_toolmatch.fuzzing.relations.adapting import adapted
from pytest_toolmatch.fuzzing.relations.drawing import MOST, some_of
from pytest_toolmatch.fuzzing.relations.enums import enum_of, inlined, styles_of, with_enum
from pytest_toolmatch.fuzzing.relations.naming import fits, parameter_names, tool_names
from pytest_toolmatch.fuzzing.relations.words import called, called_before, listed, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import SearchStrategy

    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.fuzzing.variant import Subject

    Drawn: TypeAlias = SearchStrategy[tuple[Edit, ...]]

_MOST_PARAMETERS = 3
_TYING = frozenset(
    listed(
        "$ref $dynamicRef allOf anyOf oneOf not if then else dependentSchemas dependencies patternProperties",
        "propertyNames unevaluatedProperties",
    )
)
"""Keywords that may name an object's properties another time."""


def _tool_names(subject: Subject) -> Drawn:
    options = _new_names(subject)
    if not options:
        raise NotApplicable("no tool that can have another name: none, or those that there are are spoken of")
    edits = [Retool(tool.name, msgspec.structs.replace(tool, name=name)) for tool, names in options for name in names]
    return some_of(edits, MOST, lambda edit: edit.name)


def _new_names(subject: Subject) -> list[tuple[Tool, list[str]]]:
    """Return the tools with their other names, none of them twice; those that the chain calls alone where it can be."""
    taken, found = {tool.name for tool in subject.tools}, []
    spoken, calls = _spoken_of(subject), called(subject)
    for tool in subject.tools:
        names = [name for name in tool_names(tool.name) if name not in taken and fits(name)]
        if names and tool.name not in spoken:
            found.append((tool, names))
            taken.update(names)
    return [option for option in found if option[0].name in calls] or found


def _spoken_of(subject: Subject) -> set[str]:
    """Return the tools that the conversation has called, or that a text names by more than a plain word."""
    shown = [json.dumps(tool.parameters) + tool.description for tool in subject.tools]
    words = set(re.findall(r"[\w-]+", " ".join([subject.query, *told(subject), *shown])))
    return called_before(subject) | {word for word in words if not word.isalpha()}


def _parameter_names(subject: Subject) -> Drawn:
    tools = _called_tools(subject)
    options = [(at, *pair) for at, tool in enumerate(tools) for pair in _new_parameters(tool)]
    if not options:
        raise NotApplicable("no called tool with parameters of its own")

    def renamed(chosen: tuple[tuple[int, str, str], ...]) -> tuple[Edit, ...]:
        names: dict[int, dict[str, str]] = {}
        for at, old, new in chosen:
            names.setdefault(at, {})[old] = new
        return tuple(_with_parameters(tools[at], pairs) for at, pairs in names.items())

    return some_of(options, _MOST_PARAMETERS, lambda option: option[:2]).map(renamed)


def _called_tools(subject: Subject) -> list[Tool]:
    """Return the tools that the chain calls and the conversation has not called yet."""
    names = [name for name in called(subject) if name not in called_before(subject)]
    return [tool for name in names if (tool := find_tool(subject.tools, name))]


def _new_parameters(tool: Tool) -> list[tuple[str, str]]:
    """Return other names of a tool's parameters, old and new; none where its schema names them in several ways."""
    schema = tool.parameters or {}
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not _TYING.isdisjoint(schema) or '"#/properties' in json.dumps(schema):
        return []
    taken, found = set(properties), []
    for key in properties:
        names = [name for name in parameter_names(key) if name not in taken and fits(name)]
        found += [(key, name) for name in names]
        taken.update(names)
    return found


def _with_parameters(tool: Tool, names: dict[str, str]) -> Retool:
    schema = dict(tool.parameters or {})
    schema["properties"] = {names.get(key, key): value for key, value in schema["properties"].items()}
    if "required" in schema:
        schema["required"] = [names.get(key, key) for key in schema["required"]]
    if "dependentRequired" in schema:
        tied = schema["dependentRequired"].items()
        schema["dependentRequired"] = {names.get(k, k): [names.get(one, one) for one in of] for k, of in tied}
    return Retool(tool.name, adapted(tool, schema, names), names)


def _enum_values(subject: Subject) -> Drawn:
    edits = [_with_values(tool, *new) for tool in _called_tools(subject) for new in _new_values(tool, subject)]
    if not edits:
        raise NotApplicable("no called tool with a parameter of named values")
    return some_of(edits, 2, lambda edit: edit.name)


def _new_values(tool: Tool, subject: Subject) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each parameter of named values with other names for them, all in the same style."""
    schema = tool.parameters or {}
    properties = resolve(schema, schema).get("properties", {})
    for key in properties if _TYING.isdisjoint(schema) else ():
        values = enum_of(inlined(properties[key], schema))
        for renamed in styles_of(key, values, subject.query):
            changed = _with_values(tool, key, renamed)
            if _follows(subject, changed):
                yield key, renamed


def _with_values(tool: Tool, key: str, values: dict[str, Any]) -> Retool:
    schema = dict(tool.parameters or {})
    found = with_enum(inlined(schema["properties"][key], schema), values)
    schema["properties"] = {**schema["properties"], key: found}
    return Retool(tool.name, adapted(tool, schema, {}, {key: values}), {}, {key: values})


def _follows(subject: Subject, edit: Retool) -> bool:
    """Say whether calls that satisfied the old schema satisfy the new one when they are mapped."""
    old, new = ArgumentValidator(subject.tools), ArgumentValidator([edit.tool])
    calls = [call for call in calls_of(subject.chain or ()) if call.name == edit.name and old.valid(call)]
    renamed = edit.apply(Draft(query="", chain=(tuple(calls),))).chain or ()
    return all(new.valid(call) for call in calls_of(renamed))


TOOL_NAMES = Relation(
    name="tool_names", must="mapped", says="a tool under another name is called by that name", edits=_tool_names
)
PARAMETER_NAMES = Relation(
    name="parameter_names", must="mapped", says="arguments go under the parameters' other names", edits=_parameter_names
)
ENUM_VALUES = Relation(
    name="enum_values", must="mapped", says="named values go under their other names", edits=_enum_values
)
