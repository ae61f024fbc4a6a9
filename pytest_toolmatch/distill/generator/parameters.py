"""Random parameters: named, described and typed in many styles."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from pytest_toolmatch.distill.generator.choices import choose_choices
from pytest_toolmatch.distill.generator.naming import plain, spelt
from pytest_toolmatch.distill.generator.objects import OBJECTS
from pytest_toolmatch.distill.generator.texts import fill
from pytest_toolmatch.distill.generator.vocabulary import GRAMMAR, Kind
from pytest_toolmatch.distill.generator.world import World

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

    ``formal`` says that the schema tells in which form a value comes (a date in ISO, a phone number in digits);
    without, it is copied as it was said. ``unit`` says that the unit is told.
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


def make_parameter(world: World, kind: Kind, *, required: bool | None = None) -> Parameter:
    """Return a parameter of a kind under one of its names, or under a made-up one."""
    dice = world.dice
    kind = _renamed(world, kind) if kind.said and dice.chance(_MADE_UP) else kind
    name, made = dice.pick(kind.names), False
    no_choices: tuple[tuple[str, Any], ...] = ()
    if kind.value == "integer" and dice.chance(0.25):
        name, made = f"{dice.pick(('num', 'number_of'))}_{world.made_up()}s", True
    if required is None:
        required = kind.value in ("address", "measures") or (dice.chance(0.55) and kind.value != "flag")
    human = plain(name)
    schema: dict[str, Any] = {"type": TYPE_OF.get(kind.value, "string")}
    pattern, choices = "", no_choices
    if kind.value == "code":
        pattern = dice.pick(ROOMS if kind.names[0] in ("room", "seat") else PATTERNS)
    if kind.value in ("enum", "made_enum", "enum_list"):
        choices, schema, hint = choose_choices(world, kind, required=required)
    else:
        hint = f" Such as {fill(world, pattern)}." if pattern and dice.chance(0.4) else ""
    if kind.value == "hours" and dice.chance(0.3):
        schema = {"enum": [24, 48, 72]}
    if kind.value in ("text_list", "person_list"):
        schema["items"] = {"type": "string"}
    if kind.value in OBJECTS:
        schema = OBJECTS[kind.value](world)
    if dice.chance(0.85) or hint or kind.value in CODED:
        example = fill(world, "@@###")
        about = f"How many {human.split(' ')[-1]}." if made else dice.pick(kind.about).format(n=human, x=example)
        schema["description"] = about[:1].upper() + about[1:] + hint
    return described(world, name, kind, schema, required=required, pattern=pattern, choices=choices)


def described(
    world: World,
    name: str,
    kind: Kind,
    schema: dict[str, Any],
    *,
    required: bool,
    pattern: str = "",
    choices: tuple[tuple[str, Any], ...] = (),
) -> Parameter:
    """Return a parameter of a name and a schema, which may be told more (a format, a default, null)."""
    _decorate(world, kind, schema, required)
    told = f"{name} {schema.get('description', '')}"
    kind = msgspec.structs.replace(kind, said=_fitting(kind, told))
    formal = kind.value not in FORMS or "format" in schema or any(form in told for form in FORMS[kind.value])
    unit = not UNIT_WORDS.isdisjoint(told.lower().replace("_", " ").replace(".", " ").replace(",", " ").split())
    key = spelt(name, camel=world.camel)
    return Parameter(key, plain(name), kind, schema, required, pattern, choices, formal, unit)


def _fitting(kind: Kind, told: str) -> tuple[str, ...]:
    """Return the ways of saying a value that do not speak of another of the kind's names than the schema does."""
    own = _stems(told)
    others = {stem for name in kind.names for stem in _stems(name)} - own
    return tuple(said for said in kind.said if _stems(said) & own or not _stems(said) & others) or kind.said


def _stems(text: str) -> set[str]:
    return {word[:4] for word in _WORD.findall(text.lower())}


_WORD = re.compile(r"(?<![a-z{])[a-z]{4,}")


def _renamed(world: World, kind: Kind) -> Kind:
    """Return a kind of the same values under a made-up name, which is said with each of them."""
    word = world.made_up()
    if kind.value == "flag":
        said, unsaid = (tuple(one.format(n=word) for one in GRAMMAR[name]) for name in ("switched_on", "switched_off"))
        return Kind(names=(word,), about=("With {n}.", "Whether {n} is wanted."), said=said, unsaid=unsaid)
    ends = ("", "", "_name", "_value", "_of_it", f"_{kind.names[0]}")
    told = kind.about if kind.value not in _PLAIN else ("The {n}.", "Which {n}.", "{n}.", "The {n} that is meant.")
    names = tuple(word + world.dice.pick(ends) for _ in range(2))
    return Kind(names=names, about=told, said=tuple(GRAMMAR["named"]), value=kind.value, ask="Which {n}?")


_MADE_UP = 0.2
_PLAIN = frozenset(
    ("person", "city", "street", "code", "topic", "sentence", "title", "integer", "number", "enum", "made_enum")
) | {"made_text", "enum_list", "text_list", "person_list", "people", "articles"}

CODED = frozenset({"country", "currency", "airport", "airline", "joined"})
"""Kinds of which only a description tells what the value is."""

FORMS = {
    "date": ("YYYY-MM-DD",),
    "month": ("YYYY-MM",),
    "time": ("HH:MM",),
    "moment": ("YYYY-MM-DDTHH",),
    "phone": ("digits only", "+49"),
}
"""What tells in which form a value comes, besides a format."""

UNIT_WORDS = frozenset(GRAMMAR["units"])


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


def make_target(world: World, thing: str) -> Parameter:
    """Return the parameter that says which thing is meant: its code, or its name."""
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
