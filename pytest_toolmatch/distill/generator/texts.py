"""Values that are copied: names, places, codes, words; each is (text, value)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.distill.generator.vocabulary import GRAMMAR

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.distill.generator.parameters import Parameter
    from pytest_toolmatch.distill.generator.world import World

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
EITHER = LETTERS + "23456789"
_UNFIT = re.compile(r"[^A-Za-z]")


def fill(world: World, pattern: str) -> str:
    """Return a code by a pattern: # is a digit, @ a letter, ? either."""
    pick = world.dice.pick
    return "".join(
        pick("0123456789") if c == "#" else pick(LETTERS) if c == "@" else pick(EITHER) if c == "?" else c
        for c in pattern
    )


def person(world: World, _: Parameter | None = None) -> tuple[str, str]:
    """Return a name: a first name, or both; some are made up."""
    dice, words = world.dice, world.words
    first = dice.pick(words["first"]) if dice.chance(0.7) else world.made_up().capitalize()
    last = dice.pick(words["last"]) if dice.chance(0.7) else world.made_up().capitalize()
    name = first if dice.chance(0.2) else f"{first} {last}"
    return name, name


def city(world: World, _: Parameter) -> tuple[str, str]:
    """Return a city; some are made up."""
    name = world.dice.pick(world.words["cities"]) if world.dice.chance(0.6) else _place(world)
    return name, name


def _place(world: World) -> str:
    """Return a made-up place of one word or two."""
    name: str = world.dice.pick(GRAMMAR["places"])
    return name.format(world.made_up().capitalize())


def street(world: World, _: Parameter) -> tuple[str, str]:
    """Return a street and a number."""
    dice = world.dice
    made: str = dice.pick(GRAMMAR["roads"]) if dice.chance(0.5) else ""
    road = made.format(world.made_up().capitalize()) if made else dice.pick(world.words["streets"])
    number = f"{dice.whole(1, 180)}{dice.pick('abc') if dice.chance(0.1) else ''}"
    text = f"{number} {road}" if dice.chance(0.2) else f"{road} {number}"
    return text, text


def code(world: World, parameter: Parameter) -> tuple[str, Any]:
    """Return a code by its pattern."""
    text = fill(world, parameter.pattern)
    return text, int(text) if parameter.schema.get("type") == "integer" else text


def email(world: World, _: Parameter) -> tuple[str, str]:
    """Return an e-mail address in lower case."""
    dice = world.dice
    first, last = (_UNFIT.sub("", dice.pick(world.words[name])) for name in ("first", "last"))
    name = dice.pick((first, f"{first}.{last}", f"{first}_{dice.whole(2, 99)}", f"{world.made_up()}.{last}"))
    text = f"{name}@{dice.pick(world.words['domains'])}".lower()
    return text, text


def phone(world: World, _: Parameter) -> tuple[str, str]:
    """Return a phone number with blanks or without, and as + and digits."""
    dice = world.dice
    parts = [
        f"+{dice.pick((1, 30, 33, 34, 39, 44, 46, 47, 49, 48, 351, 353))}",
        fill(world, "###"),
        fill(world, "######"),
    ]
    return dice.pick((" ", "", "-", " ")).join(parts), "".join(parts)


def url(world: World, _: Parameter) -> tuple[str, str]:
    """Return a web address."""
    text = f"https://{world.made_up()}.{world.dice.pick(('example', 'test'))}/{world.made_up()}"
    return text, text


def topic(world: World, _: Parameter | None = None) -> tuple[str, str]:
    """Return a few words that something is about."""
    dice = world.dice
    if dice.chance(0.45):
        text = dice.pick(world.words["topics"])
    else:
        first = dice.pick(world.words["qualities"]) if dice.chance(0.6) else world.made_up()
        text = f"{first} {dice.pick(world.nouns['things']) if dice.chance(0.7) else world.made_up() + 's'}"
    return text, text


def sentence(world: World, _: Parameter) -> tuple[str, str]:
    """Return a sentence to quote."""
    text = world.dice.pick(world.words["sentences"])
    if world.dice.chance(0.3):
        text = f"{text}, {world.dice.pick(world.words['first'])}"
    return text, text


def title(world: World, _: Parameter) -> tuple[str, str]:
    """Return a title."""
    text = topic(world)[0]
    text = text if world.dice.chance(0.3) else text.title()
    return text, text


def coded(name: str) -> Callable[[World, Parameter], tuple[str, str]]:
    """Return a maker of what has a code: a country, a currency; sometimes the code itself is said."""

    def make(world: World, _: Parameter) -> tuple[str, str]:
        text, code = world.dice.pick(world.vocabulary.codes[name])
        return world.dice.pick((text, text, code, f"{text} ({code})")), code

    return make


def joined(world: World, _: Parameter) -> tuple[str, str]:
    """Return letters and a number that belong together, sometimes with a space between them."""
    letters, number = fill(world, world.dice.pick(("@@", "@@", "@@@", "@"))), str(world.dice.whole(7, 4200))
    return f"{letters}{world.dice.pick((' ', ''))}{number}", letters + number


def made_text(world: World, _: Parameter) -> tuple[str, str]:
    """Return a made-up name."""
    text = world.made_up()
    text = text if world.dice.chance(0.4) else text.capitalize()
    return text, text


def enum(world: World, parameter: Parameter) -> tuple[str, Any]:
    """Return one of the choices."""
    text, value = world.dice.pick(parameter.choices)
    return text, value


def listed(world: World, texts: list[str]) -> str:
    """Return several texts as one says them: a, b and c."""
    if len(texts) == 1:
        return texts[0]
    pattern: str = world.dice.pick(world.phrases["lists"])
    return pattern.format(l=", ".join(texts[:-1]), z=texts[-1])
