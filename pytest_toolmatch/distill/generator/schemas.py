"""Random tools: a verb, a thing and some parameters, named and described in many styles."""

from __future__ import annotations

from typing import Any, NamedTuple

from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.distill.generator.naming import describe, tool_name
from pytest_toolmatch.distill.generator.objects import OBJECTS, with_definitions
from pytest_toolmatch.distill.generator.parameters import Parameter, make_parameter, make_target
from pytest_toolmatch.distill.generator.vocabulary import Kind, Verb
from pytest_toolmatch.distill.generator.world import World


class Plan(NamedTuple):
    """A tool with all that is known about it; ``target`` is the parameter that says which thing is meant."""

    verb: Verb
    thing: str
    tool: Tool
    target: Parameter | None
    parameters: tuple[Parameter, ...]


def make_plan(world: World, verb: Verb, thing: str, least: int = 0, *, target: bool | None = None) -> Plan:
    """Return a tool for a verb and a thing, with so many parameters at least besides the one that says which."""
    dice = world.dice
    wanted = verb.form in ("act", "tell") if target is None else target
    aim = make_target(world, thing) if wanted else None
    most = dice.pick((0, 0, 1, 1, 2, 3)) if aim else dice.pick((1, 1, 2, 2, 3, 4, 5))
    kinds = _kinds(world, max(least, most))
    made = {parameter.key: parameter for parameter in (make_parameter(world, kind) for kind in kinds)}
    parameters = tuple(parameter for key, parameter in made.items() if aim is None or key != aim.key)
    if aim is None and parameters and not any(p.required for p in parameters) and verb.form != "find":
        parameters = (parameters[0]._replace(required=True), *parameters[1:])
    return Plan(
        verb, thing, _tool(world, verb, thing, [aim, *parameters] if aim else list(parameters)), aim, parameters
    )


def _kinds(world: World, count: int) -> list[Kind]:
    dice, words = world.dice, world.vocabulary
    found: list[Kind] = []
    taken: set[str] = set()
    while len(found) < count:
        kind = dice.pick(words.flags) if dice.chance(0.13) else dice.pick(words.kinds)
        clash = kind.value if kind.value in CLASHING else kind.names[0]
        if (
            clash in taken
            or kind.names[0] in taken
            or (kind.value == "enum" and sum(k.value == "enum" for k in found) > 1)
        ):
            continue
        taken |= {clash, kind.names[0]}
        found.append(kind)
    return found


CLASHING = {
    "money",
    "days",
    "hours",
    "minutes",
    "percent",
    "integer",
    "text_list",
    "enum_list",
    "person_list",
    "moment",
    "phone",
    *OBJECTS,
}
"""Kinds of which one tool has one: two could not be told apart in a request."""


def _tool(world: World, verb: Verb, thing: str, parameters: list[Parameter]) -> Tool:
    dice = world.dice
    ordered = parameters if dice.chance(0.7) else dice.some(parameters, len(parameters))
    schema: dict[str, Any] = {"type": "object", "properties": {p.key: p.schema for p in ordered}}
    if required := [p.key for p in ordered if p.required]:
        schema["required"] = required
    if dice.chance(0.3):
        schema["additionalProperties"] = False
    schema = with_definitions(world, schema)
    name = dice.pick(verb.names)
    return Tool(
        name=tool_name(world, name, thing, verb.form), description=describe(world, verb, name, thing), parameters=schema
    )
