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


def people(world: World, parameter: Parameter) -> tuple[str, list[dict[str, str]]]:
    """Return people as objects."""
    text, names = person_list(world, parameter)
    return text, [{"name": name} for name in names]


def articles(world: World, _: Parameter) -> tuple[str, list[dict[str, str]]]:
    """Return articles as objects, by code."""
    pattern = world.dice.pick(("@@@-##", "@####", "##-@@"))
    codes = list(dict.fromkeys(fill(world, pattern) for _ in range(world.dice.whole(1, 3))))
    return listed(world, codes), [{"sku": one} for one in codes]
