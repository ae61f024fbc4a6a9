"""Values for the slots of hand-written requests, each as (how it is said, value)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.distill.generator.amounts import count
from pytest_toolmatch.distill.generator.dates import say_date, say_month, say_time
from pytest_toolmatch.distill.generator.texts import email, fill, phone
from pytest_toolmatch.distill.generator.vocabulary import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.distill.generator.world import World

DATA = Path(__file__).parent / "data"
CODES: dict[str, dict[str, str]] = read("codes")
WORDS: dict[str, list[Any]] = msgspec.yaml.decode((DATA / "words.yaml").read_bytes())
Said = tuple[str, Any]


def _coded(name: str) -> Callable[[World], Said]:
    pairs = list(CODES[name].items())
    return lambda world: world.dice.pick(pairs)


def _listed(name: str) -> Callable[[World], Said]:
    def make(world: World) -> Said:
        one = world.dice.pick(WORDS[name])
        return (one, one) if isinstance(one, str) else (one[0], one[1])

    return make


def _coded_text(pattern: str) -> Callable[[World], Said]:
    def make(world: World) -> Said:
        text = fill(world, pattern)
        return text, text

    return make


def _flight(world: World) -> Said:
    airline, number = world.dice.pick(list(CODES["airlines"].values())), world.dice.whole(11, 3999)
    return f"{airline}{' ' if world.dice.chance(0.5) else ''}{number}", f"{airline}{number}"


def _flight_id(world: World) -> Said:
    start, end = world.dice.some(list(CODES["airports"].values()), 2)
    text = f"{start}-{end}-{world.dice.whole(1, 12):02}{world.dice.whole(1, 28):02}-{world.dice.pick('ABC')}"
    return text, text


def _name(world: World) -> Said:
    text = f"{world.dice.pick(world.words['first'])} {world.dice.pick(world.words['last'])}"
    return text, text


def _number(low: int, high: int) -> Callable[[World], Said]:
    def make(world: World) -> Said:
        value = world.dice.whole(low, high)
        return count(world, value), value

    return make


def _length(world: World) -> Said:
    value = world.dice.whole(20, 140)
    texts = (f"{value} cm", f"{value} cm", f"{value}cm", f"{value * 10} mm", f"{value / 100:g} m")
    return world.dice.pick(texts), value


def _weight(world: World) -> Said:
    grams = world.dice.whole(1, 60) * 250
    value = grams // 1000 if grams % 1000 == 0 else grams / 1000
    texts = (f"{value:g} kg", f"{value:g} kg", f"{value:g}kg", f"{value:g} kilos", f"{grams} g", f"{grams} grams")
    return world.dice.pick(texts), value


def _amount(world: World) -> Said:
    value = world.dice.pick((world.dice.whole(5, 990), world.dice.whole(20, 900) * 10, world.dice.whole(1, 90) * 100))
    return (f"{value:,}" if world.dice.chance(0.5) else str(value)), value


def _euros(world: World) -> Said:
    cents = world.dice.pick((world.dice.whole(3, 60) * 100, world.dice.whole(10, 300) * 10))
    value = cents // 100 if cents % 100 == 0 else cents / 100
    plain = f"{value}" if isinstance(value, int) else f"{value:.2f}"
    comma = plain.replace(".", ",")
    texts = (f"{plain} euros", f"€{plain}", f"{plain} €", f"{plain} EUR", f"{comma} €", f"{cents} cents")
    return world.dice.pick(texts), value


def _since(world: World) -> Said:
    """Return a day that has been, as the moment at which it begins."""
    assert world.today
    day = world.today - dt.timedelta(days=world.dice.whole(3, 300))
    text = f"{day.day} {world.words['months'][day.month - 1]} {day.year}"
    return text, f"{day}T00:00:00{world.offset}"


def _at(world: World) -> Said:
    date, day = say_date(world)
    time, clock = say_time(world)
    return f"{date} at {time}", f"{day}T{clock}:00{world.offset}"


MAKERS: dict[str, Callable[[World], Said]] = {
    "from": _coded("airports"),
    "to": _coded("airports"),
    "airline": _coded("airlines"),
    "cur": _coded("currencies"),
    "country": _coded("countries"),
    "date": say_date,
    "month": say_month,
    "time": say_time,
    "cabin": _listed("cabins"),
    "meal": _listed("meals"),
    "hold": _listed("holds"),
    "people": _number(2, 9),
    "bags": _number(2, 5),
    "few": _number(2, 6),
    "flight": _flight,
    "fid": _flight_id,
    "ref": _coded_text("@?@?@#"),
    "name": _name,
    "seat": _coded_text("##@"),
    **dict.fromkeys(("kg", "weight"), _weight),
    **dict.fromkeys(("len", "wid", "hei"), _length),
    "amount": _amount,
    "order": _coded_text("F-#####"),
    "sku": _coded_text("@@@-##"),
    "email": lambda world: email(world, None),  # type: ignore[arg-type]  # it asks nothing of a parameter
    "phone": lambda world: phone(world, None),  # type: ignore[arg-type]  # same
    "euros": _euros,
    "since": _since,
    "at": _at,
    "store": _listed("stores"),
    "topic": _listed("topics"),
    "language": _listed("languages"),
    "product": _listed("products"),
    "voucher": _listed("vouchers"),
    "company": _listed("companies"),
}
