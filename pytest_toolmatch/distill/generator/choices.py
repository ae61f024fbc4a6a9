"""Enums of random words: as they are spelt in a schema, and as requests say them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_toolmatch.distill.generator.vocabulary import Kind
    from pytest_toolmatch.distill.generator.world import World


def choose_choices(
    world: World, kind: Kind, *, required: bool
) -> tuple[tuple[tuple[str, Any], ...], dict[str, Any], str]:
    """Return (text, value) pairs, the schema, and a hint for the description where values have other names."""
    dice = world.dice
    shape = dice.pick((_lower, _lower, str.upper, str.title)) if dice.chance(0.4) else _lower
    words = _words(world, dice.whole(2, 6), made_up=kind.value == "made_enum" or dice.chance(0.3))
    values = [shape(word.replace(" ", dice.pick(("_", "_", "-", " ")))) for word in words]
    pairs = [(_text(world, word, value), value) for word, value in zip(words, values, strict=True)]
    hint = ""
    if dice.chance(0.1):
        meanings = _words(world, len(values), made_up=False)
        pairs = list(zip(meanings, values, strict=True))
        hint = f" {', '.join(f'{value}: {meaning}' for meaning, value in pairs)}."
    item: dict[str, Any] = {"type": "string", "enum": values} if dice.chance(0.7) else {"enum": values}
    if kind.value == "enum_list":
        return tuple(pairs), {"type": "array", "items": item}, hint
    if not required and dice.chance(0.3):
        item["default"] = dice.pick(values)
    return tuple(pairs), item, hint


def _lower(word: str) -> str:
    return word


def _words(world: World, count: int, *, made_up: bool) -> list[str]:
    """Return so many words or pairs of words that share no word."""
    dice = world.dice
    found: list[str] = []
    seen: set[str] = set()
    while len(found) < count:
        if made_up:
            word = world.made_up()
        elif dice.chance(0.2):
            word = dice.pick(world.words["pairs"])[0]
        else:
            word = dice.pick(world.words["qualities"])
        parts = set(word.split())
        if parts & seen:
            continue
        seen |= parts
        found.append(word)
    return found


def _text(world: World, word: str, value: str) -> str:
    if world.dice.chance(0.6):
        return word
    text: str = world.dice.pick((value, word.capitalize(), word.replace(" ", "-")))
    return text
