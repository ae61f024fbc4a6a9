"""Several calls in order: the second needs what the first returned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.distill.generator.compose import body_of, call_of, phrasing_of, values_for, whole
from pytest_toolmatch.distill.generator.phrasing import Draft
from pytest_toolmatch.distill.generator.schemas import PATTERNS, Plan, make_plan, plain
from pytest_toolmatch.distill.generator.toolbox import some_thing, some_verb
from pytest_toolmatch.distill.generator.values import Said, fill

if TYPE_CHECKING:
    from pytest_toolmatch.distill.generator.world import World


class Chain(NamedTuple):
    """A request whose calls follow on one another: steps with the reply to each call; the last may be cut by a condition.

    ``alone`` says that no other tool for the same thing may be on offer.
    """

    text: str
    steps: tuple[tuple[Call, ...], ...]
    replies: tuple[tuple[str, ...], ...]
    plans: list[Plan]
    phrasing: str
    alone: bool = False


FIELDS: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("price", "money", ("the cheapest one", "the cheapest", "whichever costs least", "the least expensive one"),
     ("the dearest one", "the most expensive one", "the priciest")),
    ("rating", "number", ("the worst rated one", "the one with the lowest rating"), ("the best rated one", "the best", "the top rated one")),
    ("distance_km", "number", ("the nearest one", "the closest", "the one closest to me"), ("the farthest one", "the one farthest away")),
    ("date", "date", ("the earliest one", "the oldest", "the first by date"), ("the latest one", "the newest", "the most recent one")),
    ("departs", "time", ("the earliest one", "the first of the day", "the morning's first"), ("the last one of the day", "the latest one")),
    ("weight_kg", "number", ("the lightest one", "the lightest"), ("the heaviest one", "the heaviest")),
    ("stock", "whole", ("the one with the fewest left", "the scarcest one"), ("the one with most left", "the one with the most in stock")),
    ("minutes", "whole", ("the shortest one", "the quickest", "the fastest one"), ("the longest one", "the slowest one")),
)  # fmt: skip


def find_and_use(world: World) -> Chain:
    """Return a request to find things and to do something with one of the rows found."""
    dice = world.dice
    thing = some_thing(world)
    finder = make_plan(world, some_verb(world, "find"), thing)
    user = make_plan(world, some_verb(world, "act"), thing)
    while user.target is None or user.target.kind.value != "code":
        user = make_plan(world, some_verb(world, "act"), thing)
    limited = dice.chance(0.25)
    rows, limit, chosen, which = rows_of(world, user, limited=limited)
    draft = Draft(world)
    values, extra = values_for(world, finder, share=0.4), values_for(world, user, share=0.3)
    pattern, first, after = body_of(draft, finder, None, values)
    _, then, rest = body_of(draft, user, None, extra, several=which)
    if limit is not None:
        then = draft.choose("limits").format(v=draft.mark(limit), t=then)
    order = draft.choose("then")
    text = whole(draft, pattern, order.format(first=first.removesuffix("?"), then=then.removesuffix("?")), after + rest)
    steps: list[tuple[Call, ...]] = [(call_of(finder, None, values),)]
    replies = [(to_json(dice.pick((rows, {"results": rows}, {plain_key(thing): rows, "total": len(rows)}))),)]
    if chosen is not None:
        steps.append((call_of(user, Said("", chosen), extra),))
        replies.append((outcome(world),))
    return Chain(text, tuple(steps), tuple(replies), [finder, user], f"find.{phrasing_of(draft)}")


MANY = 4


def rows_of(world: World, user: Plan, *, limited: bool) -> tuple[list[dict[str, Any]], str | None, Any, str]:
    """Return rows with ids, a limit in the request, the id to choose (None: none is), and how the request names the row."""
    dice = world.dice
    assert user.target
    name, kind, low, high = FIELDS[0] if limited else dice.pick(FIELDS)
    other = dice.pick([f for f in FIELDS if f[0] != name])
    count = dice.pick((2, 3, 3, 4))
    ids = _ids(world, user, count)
    key = dice.pick((user.target.key, "id", user.target.key))
    keys, others = _distinct(world, kind, count), _distinct(world, other[1], count)
    rows = [{key: i, name: k, other[0]: o} for i, k, o in zip(ids, keys, others, strict=True)]
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
    return rows, None, row[key], dice.pick(low if lowest else high)


def _ids(world: World, user: Plan, count: int) -> list[Any]:
    dice = world.dice
    assert user.target
    whole_numbers = user.target.schema["type"] == "integer"
    pattern = user.target.pattern
    if not whole_numbers and dice.chance(0.25):
        stem = fill(world, dice.pick(("@@@-@@@-####-", "@@-####-", "####/")))
        return (
            [stem + letter for letter in dice.some("ABCDEFGH", count)]
            if dice.chance(0.5)
            else [stem + "ABCDEFGH"[i] for i in range(count)]
        )
    found: dict[str, None] = {}
    while len(found) < count:
        found[fill(world, pattern)] = None
    return [int(one) for one in found] if whole_numbers else list(found)


def _distinct(world: World, kind: str, count: int) -> list[Any]:
    dice = world.dice
    makers = {
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


def outcome(world: World) -> str:
    """Return what a tool says when it has done something."""
    dice = world.dice
    return to_json(
        dice.pick(
            (
                {"ok": True},
                {"state": "done"},
                {"status": "ok", "reference": fill(world, dice.pick(PATTERNS))},
                "done",
                {"result": "success"},
            )
        )
    )


def plain_key(thing: str) -> str:
    """Return a thing as a key of a JSON object."""
    return plain(thing).replace(" ", "_") + "s"


def to_json(value: Any) -> str:
    """Return what a model is shown of a reply."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
