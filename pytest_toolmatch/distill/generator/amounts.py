"""Numbers and quantities as people say them; each is (text, value)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.distill.generator.parameters import Parameter
    from pytest_toolmatch.distill.generator.world import World


def count(world: World, value: int) -> str:
    """Return a whole number as text: in words to twelve, with commas from a thousand on."""
    words = world.words["numbers"]
    if 0 < value < len(words) and world.dice.chance(0.4):
        return str(words[value])
    return f"{value:,}" if value > 999 and world.dice.chance(0.5) else str(value)  # noqa: PLR2004


def integer(world: World, _: Parameter) -> tuple[str, int]:
    """Return a small number, mostly."""
    value = world.dice.whole(2, 12) if world.dice.chance(0.7) else world.dice.whole(2, 400)
    return count(world, value), value


def number(world: World, _: Parameter) -> tuple[str, float]:
    """Return a number with at most two decimals."""
    value = world.dice.whole(1, 9) + world.dice.pick((0, 0.5, 0.25, 0.1, 0.8))
    return f"{value:g}", value


def money(world: World, parameter: Parameter) -> tuple[str, float]:
    """Return an amount of euros, as people write them."""
    dice = world.dice
    if parameter.unit and dice.chance(0.15):
        cents = dice.whole(10, 99) * 10
        return f"{cents} cents", cents / 100
    value = dice.whole(2, 40) * 5 if dice.chance(0.6) else dice.whole(3, 2400)
    if dice.chance(0.2):
        exact = value + dice.pick((0.5, 0.9, 0.99, 0.25))
        text = f"{exact:.2f}"
        return dice.pick((f"{text} euros", f"€{text}", f"{text.replace('.', ',')} €", f"EUR {text}")), exact
    text = f"{value:,}" if value > 999 and dice.chance(0.4) else str(value)  # noqa: PLR2004
    return dice.pick((f"{text} euros", f"€{text}", f"{text} €", f"{text} EUR", f"{text} euro")), value


def percent(world: World, _: Parameter) -> tuple[str, int]:
    """Return per cent."""
    value = world.dice.whole(1, 19) * 5 if world.dice.chance(0.5) else world.dice.whole(1, 99)
    return world.dice.pick((f"{value}%", f"{value} per cent", f"{value} percent", f"{value} %")), value


def fraction(world: World, _: Parameter) -> tuple[str, float]:
    """Return a share between 0 and 1, said as such or in per cent."""
    value = world.dice.whole(1, 99)
    text = world.dice.pick((f"{value}%", f"{value} percent", f"{value / 100:g}", f"{value / 100:g}"))
    return text, value / 100


def in_unit(*units: tuple[str, float], high: int, step: float = 1) -> Callable[[World, Parameter], tuple[str, Any]]:
    """Return a maker of quantities: units are (name, how much of the wanted unit it is)."""
    same = tuple(unit for unit in units if unit[1] == 1)

    def make(world: World, parameter: Parameter) -> tuple[str, Any]:
        name, factor = world.dice.pick(same if world.dice.chance(0.5) or not parameter.unit else units)
        value = world.dice.whole(1, max(2, int(high / factor))) * (step if factor >= 1 else 1)
        value = int(value) if value == int(value) else value
        amount = round(value * factor, 6)
        text = count(world, value) if isinstance(value, int) else f"{value:g}"
        gap = "" if len(name) < 3 and text[0].isdigit() and world.dice.chance(0.4) else " "  # noqa: PLR2004
        return f"{text}{gap}{name}", int(amount) if amount == int(amount) else amount

    return make


_hours = in_unit(("hours", 1), ("hours", 1), ("h", 1), ("days", 24), high=72)


def hours(world: World, parameter: Parameter) -> tuple[str, int]:
    """Return hours, or days in hours; of an enum one of its values."""
    if "enum" not in parameter.schema:
        return _hours(world, parameter)
    value = world.dice.pick(parameter.schema["enum"])
    days = value // 24
    texts = [f"{value} hours", f"{count(world, days)} days" if days > 1 else "a day"]
    return (world.dice.pick(texts) if value % 24 == 0 else texts[0]), value
