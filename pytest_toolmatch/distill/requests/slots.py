"""Values for the slots of hand-written requests, and how each is said."""

from __future__ import annotations

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
BY_CODE = 0.3
"""Share of requests that name airports, airlines and currencies by their codes, half of them beside the names."""

Said = tuple[str, Any]


class Slots:
    """The values of one request: each is made when it is first asked for, no two of one kind are the same."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.said: dict[str, Said] = {}
        self.coded = world.dice.chance(BY_CODE)

    def text(self, name: str) -> str:
        """Return how a slot is said; ``on_date`` and ``on_at`` have a preposition where they need one."""
        if name.startswith("on_"):
            text = self.get(name[3:])[0]
            return f"on {text}" if text[0].isdigit() or text.split(" ")[0] not in _ALONE else text
        return str(self.get(name)[0])

    def get(self, name: str) -> Said:
        """Return text and value of a slot."""
        if name not in self.said:
            kind = name.rstrip("23")
            self.said[name] = self._address(name) if name in _ADDRESS else self._new(name, kind)
        return self.said[name]

    def _new(self, name: str, kind: str) -> Said:
        same = _SAME.get(kind, kind)
        taken = {
            said[1] for other, said in self.said.items() if _SAME.get(other.rstrip("23"), other.rstrip("23")) == same
        }
        while True:
            made = MAKERS[kind](self.world)
            if self.coded and kind in _CODED:
                made = (made[1] if self.world.dice.chance(0.5) else f"{made[0]} ({made[1]})"), made[1]
            if made[1] not in taken and not (name == "date2" and made[1] <= self.get("date")[1]):
                return made

    def _address(self, name: str) -> Said:
        street, postcode, town, land = self.world.dice.pick(WORDS["addresses"])
        code = CODES["countries"][land]
        self.said |= {
            "street": (street, street),
            "postcode": (postcode, postcode),
            "town": (town, town),
            "land": (land, code),
        }
        return self.said[name]


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
    texts = (
        f"{plain} euros",
        f"€{plain}",
        f"{plain} €",
        f"{plain} EUR",
        f"{plain.replace('.', ',')} €",
        f"{cents} cents",
    )
    return world.dice.pick(texts), value


def _since(world: World) -> Said:
    text, day = say_date(world)
    while world.today and day >= world.today.isoformat():
        day = (
            (world.today.fromisoformat(day)).replace(year=world.today.year - 1).isoformat()
            if day[5:] != "02-29"
            else "2024-02-29"
        )
        text = f"{int(day[8:])} {world.words['months'][int(day[5:7]) - 1]} {day[:4]}"
    return text, f"{day}T00:00:00{world.offset}"


def _at(world: World) -> Said:
    date, day = say_date(world)
    time, clock = say_time(world)
    return f"{date} at {time}", f"{day}T{clock}:00{world.offset}"


_ALONE = frozenset(["today", "tomorrow", "in", "the", "a", "two", "this"]) - {"the"}
_CODED = ("from", "to", "airline", "cur")
_ADDRESS = ("street", "postcode", "town", "land")
_SAME = {"from": "airport", "to": "airport", "len": "length", "wid": "length", "hei": "length"}

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
    "kg": _weight,
    "weight": _weight,
    "len": _length,
    "wid": _length,
    "hei": _length,
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
