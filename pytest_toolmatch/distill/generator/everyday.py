"""Everyday tools, written by hand, with what people say to have them called: ``data/plain``, a file for each field."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import yaml

from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.distill.generator.naming import spelt
from pytest_toolmatch.distill.generator.parameters import CODED, PATTERNS, TYPE_OF, Parameter, described
from pytest_toolmatch.distill.generator.values import Said, say_value
from pytest_toolmatch.distill.generator.vocabulary import DATA, Kind, vocabulary

if TYPE_CHECKING:
    from pytest_toolmatch.distill.generator.world import World

SLOT = re.compile(r"\{(\w+)\}")


class Slot(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """An argument: a kind of ``value``, one of ``words``, one of ``choices`` with how each is said, or yes and no."""

    names: tuple[str, ...]
    about: tuple[str, ...] = ("",)
    value: str = ""
    words: tuple[str, ...] = ()
    choices: dict[str, tuple[str, ...]] = {}
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    required: bool = False

    def kind(self) -> str:
        """Return what its values are made by."""
        return self.value or ("words" if self.words else "enum" if self.choices else "flag")


class Everyday(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A tool under several names and descriptions, with requests; the slots in one are the arguments of its call."""

    names: tuple[str, ...]
    about: tuple[str, ...]
    says: tuple[str, ...]
    slots: dict[str, Slot] = {}


class Made(NamedTuple):
    """A tool as it is on offer in one example."""

    told: Everyday
    tool: Tool
    parameters: dict[str, Parameter]


@functools.cache
def tools_of(*, held_out: bool) -> tuple[Everyday, ...]:
    """Return the tools of one half; those that are next to each other are alike."""
    files = [yaml.load(file.read_text(), yaml.BaseLoader) for file in sorted(DATA.glob("plain/*.yaml"))]  # noqa: S506 - texts alone
    words = vocabulary(held_out)
    return tuple(one for told in files for one in words.half(msgspec.convert(told, list[Everyday], strict=False)))


def make(world: World, told: Everyday) -> Made:
    """Return an everyday tool under one of its names, with its parameters under one of theirs."""
    dice = world.dice
    parameters = {name: _parameter(world, slot) for name, slot in told.slots.items()}
    if len({parameter.key for parameter in parameters.values()}) < len(parameters):
        return make(world, told)
    schema: dict[str, Any] = {"type": "object", "properties": {p.key: p.schema for p in parameters.values()}}
    if required := [p.key for p in parameters.values() if p.required]:
        schema["required"] = required
    name = spelt(dice.pick(told.names), camel=world.camel)
    return Made(told, Tool(name=name, description=dice.pick(told.about), parameters=schema), parameters)


def _parameter(world: World, slot: Slot) -> Parameter:
    kind = Kind(names=slot.names, about=slot.about, said=(), value=slot.kind())
    schema: dict[str, Any] = {"type": TYPE_OF.get(kind.value, "string")}
    if slot.choices:
        schema["enum"] = list(slot.choices)
    if kind.value == "person_list":
        schema["items"] = {"type": "string"}
    about = world.dice.pick([text for text in slot.about if text or kind.value not in CODED])
    choices = tuple((said, value) for value, texts in slot.choices.items() for said in (*texts, value))
    if about:
        schema["description"] = about
    name, pattern = world.dice.pick(slot.names), world.dice.pick(PATTERNS) if slot.value == "code" else ""
    return described(world, name, kind, schema, required=slot.required, pattern=pattern, choices=choices)


def value_of(world: World, slot: Slot, parameter: Parameter) -> Said:
    """Return a value of an argument, and how it is said."""
    if slot.words:
        word = world.dice.pick(slot.words)
        return Said(word, word)
    if slot.yes:
        value = world.dice.chance(0.6)
        return Said(world.dice.pick(slot.yes if value else slot.no), value)
    return say_value(world, parameter)
