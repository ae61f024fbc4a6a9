"""What tools reply: rows to choose from, records, that something is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.distill.generator.naming import plain
from pytest_toolmatch.distill.generator.parameters import PATTERNS
from pytest_toolmatch.distill.generator.texts import fill
from pytest_toolmatch.distill.generator.vocabulary import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.distill.generator.schemas import Plan
    from pytest_toolmatch.distill.generator.world import World


class Field(msgspec.Struct, frozen=True, gc=False):
    """A field that rows differ by, and how requests name the row with the least or the most of it."""

    field: str
    value: str
    least: tuple[str, ...]
    most: tuple[str, ...]


FIELDS = msgspec.convert(read("fields"), tuple[Field, ...])


MANY = 4


def rows_of(world: World, user: Plan, *, limited: bool) -> tuple[list[dict[str, Any]], str | None, Any, str]:
    """Return rows with ids, the limit in the request, the id to choose (or None), and how the request names the row."""
    dice = world.dice
    assert user.target
    by = FIELDS[0] if limited else dice.pick(FIELDS)
    name, other = by.field, dice.pick([field for field in FIELDS if field is not by])
    count = dice.pick((2, 3, 3, 4))
    ids = _ids(world, user, count)
    key = dice.pick((user.target.key, "id", user.target.key))
    keys, others = _distinct(world, by.value, count), _distinct(world, other.value, count)
    rows = [{key: i, name: k, other.field: o} for i, k, o in zip(ids, keys, others, strict=True)]
    if dice.chance(0.4) and count < MANY:
        label = dice.pick(("name", "title", "label"))
        rows = [{key: r[key], label: world.made_up().capitalize(), **r} for r in rows]
    if limited:
        best = min(rows, key=lambda row: row[name])
        works = dice.chance(0.6)
        limit = round(best[name] + dice.whole(1, 9)) if works else max(1, int(best[name]) - dice.whole(1, 9))
        second = sorted(row[name] for row in rows)[1]
        if works and second <= limit:
            rows = [best, *(row for row in rows if row[name] > limit)]
        return rows, f"{limit} euros", best[key] if works and best[name] < limit else None, "it"
    if label_row := (rows if dice.chance(0.2) and "name" in rows[0] else None):
        row = dice.pick(label_row)
        return rows, None, row[key], dice.pick((f"the one named {row['name']}", f"{row['name']}"))
    lowest = dice.chance(0.5)
    row = (min if lowest else max)(rows, key=lambda row: row[name])
    return rows, None, row[key], dice.pick(by.least if lowest else by.most)


def _ids(world: World, user: Plan, count: int) -> list[Any]:
    dice = world.dice
    assert user.target
    whole_numbers = user.target.schema["type"] == "integer"
    pattern = user.target.pattern
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
