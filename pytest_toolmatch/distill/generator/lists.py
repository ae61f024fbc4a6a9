"""Values of several parts: lists and objects; each is (text, value)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_toolmatch.distill.generator.texts import city, fill, listed, person, street

if TYPE_CHECKING:
    from pytest_toolmatch.distill.generator.parameters import Parameter
    from pytest_toolmatch.distill.generator.world import World


def enum_list(world: World, parameter: Parameter) -> tuple[str, list[Any]]:
    """Return some of the choices."""
    chosen = world.dice.some(parameter.choices, world.dice.whole(1, min(3, len(parameter.choices))))
    return listed(world, [text for text, _ in chosen]), [value for _, value in chosen]


def text_list(world: World, _: Parameter) -> tuple[str, list[str]]:
    """Return two or three words."""
    words = {world.made_up() if world.dice.chance(0.5) else world.dice.pick(world.words["qualities"]) for _ in range(3)}
    chosen = sorted(words)[: world.dice.whole(2, 3)]
    return listed(world, chosen), chosen


def person_list(world: World, _: Parameter) -> tuple[str, list[str]]:
    """Return two to four people."""
    chosen = list(dict.fromkeys(person(world)[0] for _ in range(world.dice.whole(2, 4))))
    return listed(world, chosen), chosen


def address(world: World, parameter: Parameter) -> tuple[str, dict[str, str]]:
    """Return a postal address in one line."""
    road, town = street(world, parameter)[0], city(world, parameter)[0]
    postcode = fill(world, world.dice.pick(("#####", "####", "##-###")))
    return f"{road}, {postcode} {town}", {"street": road, "postcode": postcode, "city": town}


def measures(world: World, _: Parameter) -> tuple[str, dict[str, int]]:
    """Return length, width and height."""
    sizes = [world.dice.whole(3, 180) for _ in range(3)]
    a, b, c = sizes
    patterns = (
        "{} x {} x {} cm",
        "{} by {} by {} cm",
        "{} cm long, {} cm wide and {} cm high",
        "{} × {} × {} cm",
        "{} cm by {} cm by {} cm",
    )
    text: str = world.dice.pick(patterns)
    return text.format(a, b, c), {"length": a, "width": b, "height": c}


def people(world: World, parameter: Parameter) -> tuple[str, list[dict[str, Any]]]:
    """Return people as objects."""
    return _objects(world, parameter, person_list(world, parameter)[1], ("{} ({})", "{}, {} years old", "{}, aged {}"))


def articles(world: World, parameter: Parameter) -> tuple[str, list[dict[str, Any]]]:
    """Return articles as objects, by code."""
    pattern = world.dice.pick(("@@@-##", "@####", "##-@@"))
    codes = list(dict.fromkeys(fill(world, pattern) for _ in range(world.dice.whole(1, 3))))
    patterns = ("{1} x {0}", "{1} of {0}", "{0} ({1} pieces)", "{1} {0}", "{0} times {1}")
    return _objects(world, parameter, codes, patterns)


def _objects(
    world: World, parameter: Parameter, firsts: list[str], patterns: tuple[str, ...]
) -> tuple[str, list[dict[str, Any]]]:
    """Return objects of a text and a number; where the number is optional, it is said of some."""
    shape = parameter.schema["items"]
    first, *numbers = shape["properties"]
    pattern = world.dice.pick(patterns)
    texts: list[str] = []
    values: list[dict[str, Any]] = []
    for one in firsts:
        amount = world.dice.whole(2, 60)
        counted = bool(numbers) and (numbers[0] in shape["required"] or world.dice.chance(0.6))
        texts.append(pattern.format(one, amount) if counted else one)
        values.append({first: one, **({numbers[0]: amount} if counted else {})})
    return listed(world, texts), values
