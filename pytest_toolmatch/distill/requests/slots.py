"""The slots of one hand-written request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.distill.requests.said import CODES, MAKERS, WORDS, Said

if TYPE_CHECKING:
    from pytest_toolmatch.distill.generator.world import World

BY_CODE = 0.3
"""Share of requests that name airports, airlines and currencies by their codes, half of them beside the names."""

_TRIES = 200
_ALONE = ("today", "tomorrow", "in ", "a ", "two ", "this ", "the day")
_CODED = ("from", "to", "airline", "cur")
_ADDRESS = ("street", "postcode", "town", "land")
_SAME = {"from": "airport", "to": "airport", "len": "length", "wid": "length", "hei": "length"}


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
            return f"on {text}" if not text.startswith(_ALONE) else text
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
        tried = 0
        while True:
            tried += 1
            made = MAKERS[kind](self.world)
            if self.coded and kind in _CODED:
                made = (made[1] if self.world.dice.chance(0.5) else f"{made[0]} ({made[1]})"), made[1]
            early = name == "date2" and made[1] <= self.get("date")[1]
            if made[1] not in taken and not (early and tried < _TRIES):  # nothing is later than the last day there is
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
