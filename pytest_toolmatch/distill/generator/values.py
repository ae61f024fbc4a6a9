"""Values and how requests say them; every value can be told from the text it is said by.

===========================  ================================================================================
value                        said as
===========================  ================================================================================
string of any free kind      itself, word by word (quoted or not); a phone number: with spaces, kept are + and digits
integer, number              digits, ``1,200``, ``12.5``; whole numbers to twelve in words
money (euros)                ``12 euros``, ``€12``, ``7,50 €``, ``490 cents``
percent; share of 0 to 1     ``15%``, ``15 per cent``; 0.15 for the share
unit in name or description  in that unit or in another: ``2500 g`` is 2.5 kg, ``two days`` are 48 hours
date                         (where a format or the description asks for one; else as it was said) ``3 March 2026``, ``March 3rd``, ``2026-03-03``, ``03.03.2026``, ``tomorrow``, ``Friday``,
                             ``in 3 days``: without a year it is the next such day, counted from the system's today
month                        ``March 2026``, ``March``: YYYY-MM
time, moment                 ``18:30``, ``6 pm``, ``noon``: HH:MM; a date ``at`` a time: ISO 8601, with the system's offset
country, currency            its code, or its name
object, list of objects      its parts, one after the other
enum                         the value with other case or with spaces, or the word its description gives for it
===========================  ================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_toolmatch.distill.generator.dates import say_date, say_moment, say_month, say_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.distill.generator.schemas import Parameter
    from pytest_toolmatch.distill.generator.world import World


class Said(NamedTuple):
    """A value and the text that says it."""

    text: str
    value: Any


def say_value(world: World, parameter: Parameter) -> Said:
    """Return a value for the parameter and how the request says it; where no form is asked for, it is copied."""
    text, value = MAKERS[parameter.kind.value](world, parameter)
    return Said(text, value if parameter.formal else text)


def fill(world: World, pattern: str) -> str:
    """Return a code by a pattern: # is a digit, @ a letter, ? either."""
    pick = world.dice.pick
    return "".join(
        pick("0123456789") if c == "#" else pick(LETTERS) if c == "@" else pick(EITHER) if c == "?" else c
        for c in pattern
    )


LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
EITHER = LETTERS + "23456789"


def person(world: World, _: Parameter | None = None) -> tuple[str, str]:
    dice, words = world.dice, world.words
    first = dice.pick(words["first"]) if dice.chance(0.8) else world.made_up().capitalize()
    name = first if dice.chance(0.2) else f"{first} {dice.pick(words['last'])}"
    return name, name


def city(world: World, _: Parameter) -> tuple[str, str]:
    name = world.dice.pick(world.words["cities"]) if world.dice.chance(0.8) else world.made_up().capitalize()
    return name, name


def street(world: World, _: Parameter) -> tuple[str, str]:
    name = f"{world.dice.pick(world.words['streets'])} {world.dice.whole(1, 180)}"
    return name, name


def code(world: World, parameter: Parameter) -> tuple[str, Any]:
    text = fill(world, parameter.pattern)
    return text, int(text) if parameter.schema.get("type") == "integer" else text


def email(world: World, _: Parameter) -> tuple[str, str]:
    dice = world.dice
    first, last = dice.pick(world.words["first"]), dice.pick(world.words["last"]).replace(" ", "").replace("'", "")
    name = dice.pick((first, f"{first}.{last}", f"{first}_{dice.whole(2, 99)}", f"{world.made_up()}.{last}"))
    text = f"{name}@{dice.pick(world.words['domains'])}".lower().replace("ö", "o")
    return text, text


def phone(world: World, _: Parameter) -> tuple[str, str]:
    dice = world.dice
    parts = [
        f"+{dice.pick((1, 30, 33, 34, 39, 44, 46, 47, 49, 48, 351, 353))}",
        fill(world, "###"),
        fill(world, "######"),
    ]
    return dice.pick((" ", "", "-", " ")).join(parts), "".join(parts)


def url(world: World, _: Parameter) -> tuple[str, str]:
    text = f"https://{world.made_up()}.{world.dice.pick(('example', 'test'))}/{world.made_up()}"
    return text, text


def topic(world: World, _: Parameter | None = None) -> tuple[str, str]:
    dice = world.dice
    if dice.chance(0.45):
        text = dice.pick(world.words["topics"])
    else:
        first = dice.pick(world.words["qualities"]) if dice.chance(0.6) else world.made_up()
        text = f"{first} {dice.pick(world.nouns['things']) if dice.chance(0.7) else world.made_up() + 's'}"
    return text, text


def sentence(world: World, _: Parameter) -> tuple[str, str]:
    text = world.dice.pick(world.words["sentences"])
    if world.dice.chance(0.3):
        text = f"{text}, {world.dice.pick(world.words['first'])}"
    return text, text


def title(world: World, _: Parameter) -> tuple[str, str]:
    text = topic(world)[0]
    text = text if world.dice.chance(0.3) else text.title()
    return text, text


def count(world: World, value: int) -> str:
    words = world.words["numbers"]
    if 0 < value < len(words) and world.dice.chance(0.4):
        return str(words[value])
    return f"{value:,}" if value > 999 and world.dice.chance(0.5) else str(value)  # noqa: PLR2004


def integer(world: World, _: Parameter) -> tuple[str, int]:
    value = world.dice.whole(2, 12) if world.dice.chance(0.7) else world.dice.whole(2, 400)
    return count(world, value), value


def number(world: World, _: Parameter) -> tuple[str, float]:
    value = world.dice.whole(1, 9) + world.dice.pick((0, 0.5, 0.25, 0.1, 0.8))
    return f"{value:g}", value


def money(world: World, parameter: Parameter) -> tuple[str, float]:
    dice = world.dice
    if parameter.unit and dice.chance(0.15):
        cents = dice.whole(10, 99) * 10
        return f"{cents} cents", cents / 100
    value = dice.whole(2, 40) * 5 if dice.chance(0.6) else dice.whole(3, 2400)
    if dice.chance(0.2):
        value = value + dice.pick((0.5, 0.9, 0.99, 0.25))
        text = f"{value:.2f}"
        return dice.pick((f"{text} euros", f"€{text}", f"{text.replace('.', ',')} €", f"EUR {text}")), value
    text = f"{value:,}" if value > 999 and dice.chance(0.4) else str(value)  # noqa: PLR2004
    return dice.pick((f"{text} euros", f"€{text}", f"{text} €", f"{text} EUR", f"{text} euro")), value


def percent(world: World, _: Parameter) -> tuple[str, int]:
    value = world.dice.whole(1, 19) * 5 if world.dice.chance(0.5) else world.dice.whole(1, 99)
    return world.dice.pick((f"{value}%", f"{value} per cent", f"{value} percent", f"{value} %")), value


def fraction(world: World, _: Parameter) -> tuple[str, float]:
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


def hours(world: World, parameter: Parameter) -> tuple[str, int]:
    if "enum" not in parameter.schema:
        return _hours(world, parameter)
    value = world.dice.pick(parameter.schema["enum"])
    days = value // 24
    texts = [f"{value} hours", f"{count(world, days)} days" if days > 1 else "a day"]
    return (world.dice.pick(texts) if value % 24 == 0 else texts[0]), value


def enum(world: World, parameter: Parameter) -> tuple[str, Any]:
    text, value = world.dice.pick(parameter.choices)
    return text, value


def enum_list(world: World, parameter: Parameter) -> tuple[str, list[Any]]:
    chosen = world.dice.some(parameter.choices, world.dice.whole(1, min(3, len(parameter.choices))))
    return listed(world, [text for text, _ in chosen]), [value for _, value in chosen]


def text_list(world: World, _: Parameter) -> tuple[str, list[str]]:
    words = {world.made_up() if world.dice.chance(0.5) else world.dice.pick(world.words["qualities"]) for _ in range(3)}
    chosen = sorted(words)[: world.dice.whole(2, 3)]
    return listed(world, chosen), chosen


def person_list(world: World, _: Parameter) -> tuple[str, list[str]]:
    chosen = list(dict.fromkeys(person(world)[0] for _ in range(world.dice.whole(2, 4))))
    return listed(world, chosen), chosen


def coded(name: str) -> Callable[[World, Parameter], tuple[str, str]]:
    """Return a maker of what has a code: a country, a currency; sometimes the code itself is said."""

    def make(world: World, _: Parameter) -> tuple[str, str]:
        text, code = world.dice.pick(world.vocabulary.codes[name])
        return world.dice.pick((text, text, code, f"{text} ({code})")), code

    return make


def address(world: World, parameter: Parameter) -> tuple[str, dict[str, str]]:
    road, town = street(world, parameter)[0], city(world, parameter)[0]
    postcode = fill(world, world.dice.pick(("#####", "####", "##-###")))
    return f"{road}, {postcode} {town}", {"street": road, "postcode": postcode, "city": town}


def measures(world: World, _: Parameter) -> tuple[str, dict[str, int]]:
    sizes = [world.dice.whole(3, 180) for _ in range(3)]
    a, b, c = sizes
    patterns = (
        "{} x {} x {} cm",
        "{} by {} by {} cm",
        "{} cm long, {} cm wide and {} cm high",
        "{}×{}×{}",
        "{} cm by {} cm by {} cm",
    )
    text: str = world.dice.pick(patterns)
    return text.format(a, b, c), {"length": a, "width": b, "height": c}


def people(world: World, parameter: Parameter) -> tuple[str, list[dict[str, str]]]:
    text, names = person_list(world, parameter)
    return text, [{"name": name} for name in names]


def articles(world: World, _: Parameter) -> tuple[str, list[dict[str, str]]]:
    pattern = world.dice.pick(("@@@-##", "@####", "##-@@"))
    codes = list(dict.fromkeys(fill(world, pattern) for _ in range(world.dice.whole(1, 3))))
    return listed(world, codes), [{"sku": one} for one in codes]


def made_text(world: World, _: Parameter) -> tuple[str, str]:
    text = world.made_up()
    text = text if world.dice.chance(0.4) else text.capitalize()
    return text, text


def listed(world: World, texts: list[str]) -> str:
    """Return several texts as one says them: a, b and c."""
    if len(texts) == 1:
        return texts[0]
    pattern: str = world.dice.pick(world.phrases["lists"])
    return pattern.format(l=", ".join(texts[:-1]), z=texts[-1])


_hours = in_unit(("hours", 1), ("hours", 1), ("h", 1), ("days", 24), high=72)

MAKERS: dict[str, Callable[[Any, Any], tuple[str, Any]]] = {
    "person": person,
    "city": city,
    "street": street,
    "code": code,
    "email": email,
    "phone": phone,
    "url": url,
    "topic": topic,
    "sentence": sentence,
    "title": title,
    "integer": integer,
    "number": number,
    "money": money,
    "percent": percent,
    "fraction": fraction,
    "minutes": in_unit(("minutes", 1), ("min", 1), ("hours", 60), high=180),
    "hours": hours,
    "seconds": in_unit(("seconds", 1), ("s", 1), ("minutes", 60), high=300),
    "days": in_unit(("days", 1), ("weeks", 7), high=60),
    "kilograms": in_unit(("kg", 1), ("kilos", 1), ("kilograms", 1), ("g", 0.001), ("grams", 0.001), high=9, step=0.5),
    "grams": in_unit(("g", 1), ("grams", 1), ("kg", 1000), high=4000),
    "centimetres": in_unit(("cm", 1), ("centimetres", 1), ("m", 100), ("mm", 0.1), high=400),
    "kilometres": in_unit(("km", 1), ("kilometres", 1), ("m", 0.001), ("metres", 0.001), high=40),
    "litres": in_unit(("litres", 1), ("l", 1), ("ml", 0.001), high=12),
    "degrees": in_unit(("degrees", 1), ("°C", 1), ("degrees Celsius", 1), high=40),
    "date": lambda world, _: say_date(world),
    "month": lambda world, _: say_month(world),
    "time": lambda world, _: say_time(world),
    "moment": lambda world, _: say_moment(world),
    "enum": enum,
    "made_enum": enum,
    "made_text": made_text,
    "enum_list": enum_list,
    "text_list": text_list,
    "person_list": person_list,
    "country": coded("countries"),
    "currency": coded("currencies"),
    "address": address,
    "measures": measures,
    "people": people,
    "articles": articles,
}
