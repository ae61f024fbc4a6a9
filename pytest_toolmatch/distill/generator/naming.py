"""Names and descriptions of tools and parameters, in many styles."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_toolmatch.distill.generator.vocabulary import Verb
    from pytest_toolmatch.distill.generator.world import World

UNITS = ("_kg", "_cm", "_km", "_l", "_g", "_c", "_s", "_min", "_percent")


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
    "{D} {o}.", "{D} {o}.", "{D} {o}", "Use this to {d} {o}.", "{d} {o}", "Tool to {d} {o}.",
    "Call it when somebody wants to {d} {o}.",
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
