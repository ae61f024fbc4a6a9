"""What tools reply: rows to choose from, records, that something is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from pytest_toolmatch.distill.generator.naming import plain
from pytest_toolmatch.distill.generator.parameters import PATTERNS
from pytest_toolmatch.distill.generator.texts import fill
from pytest_toolmatch.distill.generator.vocabulary import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.distill.generator.parameters import Parameter
    from pytest_toolmatch.distill.generator.world import World


class Field(msgspec.Struct, frozen=True, gc=False):
    """A field that rows differ by, and how requests name the row with the least or the most of it."""

    field: str
    value: str
    least: tuple[str, ...]
    most: tuple[str, ...]


FIELDS = msgspec.convert(read("fields"), tuple[Field, ...])


MANY = 4


class Rows(NamedTuple):
    """What a search found, the ids that a request is about (none: none will do), how it names them, its limit."""

    rows: list[dict[str, Any]]
    chosen: tuple[Any, ...]
    named: str
    limit: str = ""


def rows_of(world: World, target: Parameter, *, limited: bool) -> Rows:
    """Return rows with an id each, of which a request means the one that its words, or its limit, tell."""
    dice = world.dice
    by = FIELDS[0] if limited else dice.pick(FIELDS)
    name, other = by.field, dice.pick([field for field in FIELDS if field is not by])
    count = dice.pick((2, 3, 3, 4))
    key = dice.pick((target.key, "id", target.key))
    keys, others = _distinct(world, by.value, count), _distinct(world, other.value, count)
    ids = _ids(world, target, count)
    rows = [{key: i, name: k, other.field: o} for i, k, o in zip(ids, keys, others, strict=True)]
    if dice.chance(0.4) and count < MANY:
        label = dice.pick(("name", "title", "label"))
        rows = [{key: r[key], label: world.made_up().capitalize(), **r} for r in rows]
    if limited:
        return _below(world, rows, key, name)
    if "name" in rows[0] and dice.chance(0.3):
        row = dice.pick(rows)
        return Rows(rows, (row[key],), dice.pick(("the one named {}", "{}", "the one called {}")).format(row["name"]))
    if dice.chance(0.12):
        return Rows(rows, tuple(row[key] for row in rows), dice.pick(world.phrases["all"]))
    lowest = dice.chance(0.5)
    row = (min if lowest else max)(rows, key=lambda row: row[name])
    return Rows(rows, (row[key],), dice.pick(by.least if lowest else by.most))


def _below(world: World, rows: list[dict[str, Any]], key: str, name: str) -> Rows:
    """Return rows of which one costs less than the limit, or none."""
    dice = world.dice
    best = min(rows, key=lambda row: row[name])
    if dice.chance(0.4):
        return Rows(rows, (), "it", f"{max(1, int(best[name]) - dice.whole(1, 9))} euros")
    limit = round(best[name] + dice.whole(1, 9))
    kept = [row for row in rows if row is best or row[name] > limit]
    return Rows(kept, (best[key],), "it", f"{limit} euros")


def _ids(world: World, target: Parameter, count: int) -> list[Any]:
    dice = world.dice
    whole_numbers = target.schema["type"] == "integer"
    pattern = target.pattern
    if not whole_numbers and dice.chance(0.25):
        stem = fill(world, dice.pick(("@@@-@@@-####-", "@@-####-", "####/")))
        return [stem + letter for letter in (dice.some("ABCDEFGH", count) if dice.chance(0.5) else "ABCDEFGH"[:count])]
    found: dict[str, None] = {}
    while len(found) < count:
        found[fill(world, pattern)] = None
    return [int(one) for one in found] if whole_numbers else list(found)


def _distinct(world: World, kind: str, count: int) -> list[Any]:
    dice = world.dice
    makers: dict[str, Callable[[], Any]] = {
        "money": lambda: dice.whole(15, 900) + dice.pick((0, 0, 0, 0.5, 0.9)),
        "number": lambda: dice.whole(5, 99) / 10,
        "whole": lambda: dice.whole(1, 240),
        "date": lambda: f"{dice.whole(2025, 2027)}-{dice.whole(1, 12):02}-{dice.whole(1, 28):02}",
        "time": lambda: f"{dice.whole(5, 23):02}:{dice.pick((0, 10, 15, 20, 35, 40, 55)):02}",
    }
    found: dict[Any, None] = {}
    while len(found) < count:
        found[makers[kind]()] = None
    return list(found)


OUTCOMES: tuple[Any, ...] = ({"ok": True}, {"state": "done"}, {"status": "ok"}, "done", {"result": "success"})


def outcome(world: World) -> str:
    """Return what a tool says when it has done something."""
    told = world.dice.pick(OUTCOMES)
    return to_json({**told, "reference": fill(world, world.dice.pick(PATTERNS))} if "status" in told else told)


def plain_key(thing: str) -> str:
    """Return a thing as a key of a JSON object."""
    return plain(thing).replace(" ", "_") + "s"


def to_json(value: Any) -> str:
    """Return what a model is shown of a reply."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
