"""Random tools: a verb, a thing and some parameters, named and described in many styles."""

from __future__ import annotations

from typing import Any, NamedTuple

from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.distill.generator.choices import choose_choices
from pytest_toolmatch.distill.generator.objects import OBJECTS, with_definitions
from pytest_toolmatch.distill.generator.values import fill
from pytest_toolmatch.distill.generator.vocabulary import Kind, Verb
from pytest_toolmatch.distill.generator.world import World

UNITS = ("_kg", "_cm", "_km", "_l", "_g", "_c", "_s", "_min", "_percent")
PATTERNS = (
    "@-#####",
    "@@@-##",
    "??????",
    "#####",
    "@@-####",
    "###-@",
    "@@@-@@@-####-@",
    "@@#####",
    "@@@/20##/##",
    "####",
    "@###",
)
ROOMS = ("##@", "###", "@##", "#.##")
TYPES = {
    "integer": ("integer", "percent", "minutes", "hours", "seconds", "days"),
    "number": ("number", "money", "fraction", "kilograms", "grams", "centimetres", "kilometres", "litres", "degrees"),
    "boolean": ("flag",),
    "array": ("enum_list", "text_list", "person_list"),
}
TYPE_OF = {kind: name for name, kinds in TYPES.items() for kind in kinds}
FORMATS = {"date": "date", "moment": "date-time", "email": "email", "url": "uri"}
TARGET = Kind(names=("id",), about=(), said=(), value="code")


class Parameter(NamedTuple):
    """One parameter of a tool: its key, its name in words, and what the value and its text are made from.

    ``formal`` says that the schema tells in which form a value comes (a date in ISO, a phone number in digits); without,
    it is copied as it was said. ``unit`` says that the unit is told.
    """

    key: str
    human: str
    kind: Kind
    schema: dict[str, Any]
    required: bool
    pattern: str = ""
    choices: tuple[tuple[str, Any], ...] = ()
    formal: bool = True
    unit: bool = False


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
    aim = _target(world, thing) if wanted else None
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


def make_parameter(world: World, kind: Kind, *, required: bool | None = None) -> Parameter:
    """Return a parameter of a kind under one of its names, or under a made-up one."""
    dice = world.dice
    name, made = dice.pick(kind.names), False
    if kind.value == "integer" and dice.chance(0.25):
        name, made = f"{dice.pick(('num', 'number_of'))}_{world.made_up()}s", True
    if required is None:
        required = kind.value in ("address", "measures") or (dice.chance(0.55) and kind.value != "flag")
    human = plain(name)
    schema: dict[str, Any] = {"type": TYPE_OF.get(kind.value, "string")}
    pattern, choices = "", ()
    if kind.value == "code":
        pattern = dice.pick(ROOMS if kind.names[0] in ("room", "seat") else PATTERNS)
    if kind.value in ("enum", "made_enum", "enum_list"):
        choices, schema, hint = choose_choices(world, kind, human, required=required)
    else:
        hint = f" Such as {fill(world, pattern)}." if pattern and dice.chance(0.4) else ""
    if kind.value == "hours" and dice.chance(0.3):
        schema = {"enum": [24, 48, 72]}
    if kind.value in ("text_list", "person_list"):
        schema["items"] = {"type": "string"}
    if kind.value in OBJECTS:
        schema = OBJECTS[kind.value](world)
    _decorate(world, kind, schema, required)
    if dice.chance(0.85) or hint or kind.value in ("country", "currency"):
        about = f"How many {human.split(' ')[-1]}." if made else dice.pick(kind.about).format(n=human)
        schema["description"] = about[:1].upper() + about[1:] + hint
    told = f"{name} {schema.get('description', '')}"
    formal = kind.value not in FORMS or "format" in schema or any(form in told for form in FORMS[kind.value])
    unit = not UNIT_WORDS.isdisjoint(told.lower().replace("_", " ").replace(".", " ").replace(",", " ").split())
    return Parameter(spelt(name, camel=world.camel), human, kind, schema, required, pattern, choices, formal, unit)


FORMS = {
    "date": ("YYYY-MM-DD",),
    "month": ("YYYY-MM",),
    "time": ("HH:MM",),
    "moment": ("YYYY-MM-DDTHH",),
    "phone": ("digits only", "+49"),
}
"""What tells in which form a value comes, besides a format."""

UNIT_WORDS = frozenset(
    ["kg", "kilograms", "grams", "cm", "centimetres", "km", "kilometres", "litres", "minutes", "min", "hours", "seconds", "days", "euros"]
)


def _decorate(world: World, kind: Kind, schema: dict[str, Any], required: bool) -> None:
    dice = world.dice
    if kind.value in FORMATS and dice.chance(0.8):
        schema["format"] = FORMATS[kind.value]
    if kind.value == "flag" and dice.chance(0.7):
        schema["default"] = False
    if kind.value == "integer" and dice.chance(0.3):
        schema["minimum"] = 1
    if not required and "type" in schema and kind.value not in ("flag", *OBJECTS) and dice.chance(0.2):
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
        schema["default"] = None


def _target(world: World, thing: str) -> Parameter:
    dice = world.dice
    noun = thing.replace(" ", "_")
    name = dice.pick(
        (f"{noun}_id", f"{noun}_id", "id", "reference", f"{noun}_number", noun, f"{noun}_code", f"which_{noun}")
    )
    titled = dice.chance(0.2)
    pattern = dice.pick(PATTERNS)
    kind = TARGET if not titled else Kind(names=("name",), about=(), said=(), value="title")
    schema: dict[str, Any] = {"type": "string"}
    if not titled and pattern in ("####", "#####") and dice.chance(0.5):
        schema, pattern = {"type": "integer"}, f"4{pattern[1:]}"
    about = dice.pick(
        (f"Id of the {thing}.", f"Which {thing}.", f"The {thing}'s reference.", f"The {thing} meant.", "")
    )
    if not titled and about and dice.chance(0.4):
        about = f"{about[:-1]}, such as {fill(world, pattern)}."
    if titled:
        about = f"Name of the {thing}."
    if about:
        schema["description"] = about
    return Parameter(spelt(name, camel=world.camel), thing, kind, schema, True, pattern)


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


def describe(world: World, verb: Verb, name: str, thing: str) -> str:
    """Return a description in one of many styles, or none."""
    dice = world.dice
    if dice.chance(0.12):
        return ""
    does = plain(name if dice.chance(0.7) else dice.pick(verb.names))
    things = (
        plural(thing)
        if verb.form == "find"
        else (f"{article(thing)} {thing}" if verb.form != "calc" else f"the {thing}")
    )
    style: str = dice.pick(STYLES)
    return style.format(D=does.capitalize(), d=does, o=things)


STYLES = (
    "{D} {o}.", "{D} {o}.", "{D} {o}", "Use this to {d} {o}.", "{d} {o}", "Tool to {d} {o}.", "Call it when somebody wants to {d} {o}.",
    "{D} {o} and return the outcome.", "Lets the user {d} {o}.", "{D} {o}; nothing else is touched.", "Can {d} {o}.",
)  # fmt: skip


def tool_name(world: World, verb: str, thing: str, form: str) -> str:
    """Return a tool's name in the naming style of the scene."""
    noun = plural(thing) if form == "find" else thing
    words = [*verb.split("_"), *noun.split(" ")]
    if world.naming == "camel":
        return words[0] + "".join(w.capitalize() for w in words[1:])
    if world.naming == "dotted":
        return f"{noun.replace(' ', '_')}.{verb}"
    return ("-" if world.naming == "kebab" else "_").join(words)


def spelt(name: str, *, camel: bool) -> str:
    """Return a name in snake_case, or in camelCase."""
    first, *rest = name.replace(" ", "_").split("_")
    return first + "".join(part.capitalize() for part in rest) if camel else "_".join((first, *rest))


def plain(name: str) -> str:
    """Return a name as words, without the unit that it ends in."""
    for unit in UNITS:
        name = name.removesuffix(unit)
    return name.replace("_", " ")


def article(word: str) -> str:
    """Return a or an."""
    return "an" if word[0] in "aeiou" else "a"


def plural(word: str) -> str:
    """Return the plural, roughly."""
    if word.endswith(("s", "x", "ch", "sh")):
        return word + "es"
    return word[:-1] + "ies" if word.endswith("y") and word[-2] not in "aeiou" else word + "s"
