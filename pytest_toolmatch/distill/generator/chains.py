"""Several calls in order: the second needs what the first returned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.distill.generator.compose import body_of, call_of, phrasing_of, values_for, whole
from pytest_toolmatch.distill.generator.phrasing import Draft
from pytest_toolmatch.distill.generator.replies import Rows, outcome, plain_key, rows_of, to_json
from pytest_toolmatch.distill.generator.schemas import Plan, make_plan
from pytest_toolmatch.distill.generator.toolbox import some_thing, some_verb
from pytest_toolmatch.distill.generator.values import Said

if TYPE_CHECKING:
    from pytest_toolmatch.distill.generator.world import World


class Chain(NamedTuple):
    """A request whose calls follow on one another: steps, with the reply to each call.

    ``alone`` says that no other tool for the same thing may be on offer.
    """

    text: str
    steps: tuple[tuple[Call, ...], ...]
    replies: tuple[tuple[str, ...], ...]
    plans: list[Plan]
    phrasing: str
    alone: bool = False


def find_and_use(world: World) -> Chain:
    """Return a request to find things and to do something with one of the rows found, or with all."""
    dice = world.dice
    finder, user, found = found_rows(world, limited=dice.chance(0.25))
    draft = Draft(world)
    values, extra = values_for(world, finder, share=0.4), values_for(world, user, share=0.3)
    pattern, first, after = body_of(draft, finder, None, values)
    _, then, rest = body_of(draft, user, None, extra, several=found.named)
    if found.limit:
        then = draft.choose("limits").format(v=draft.mark(found.limit), t=then)
    order = draft.choose("then")
    text = whole(draft, pattern, order.format(first=first.removesuffix("?"), then=then.removesuffix("?")), after + rest)
    steps: list[tuple[Call, ...]] = [(call_of(finder, None, values),)]
    replies: list[tuple[str, ...]] = [(listing(world, finder.thing, found.rows),)]
    if found.chosen:
        steps.append(tuple(call_of(user, Said("", one), extra) for one in found.chosen))
        replies.append(tuple(outcome(world) for _ in found.chosen))
    return Chain(text, tuple(steps), tuple(replies), [finder, user], f"find.{phrasing_of(draft)}")


def found_rows(world: World, *, limited: bool = False) -> tuple[Plan, Plan, Rows]:
    """Return a tool that finds things, one that does something with one of them, and what the first finds."""
    thing = some_thing(world)
    finder = make_plan(world, some_verb(world, "find"), thing)
    while True:
        user = make_plan(world, some_verb(world, "act"), thing)
        if user.target and user.target.kind.value == "code":
            return finder, user, rows_of(world, user.target, limited=limited)


_BY_ID = 0.1


def listing(world: World, thing: str, rows: list[dict[str, Any]]) -> str:
    """Return rows as a tool replies with them: one after the other, or the numbers of each field by the rows' ids."""
    key, *fields = rows[0]
    if world.dice.chance(_BY_ID) and all(isinstance(row[field], int | float) for row in rows for field in fields):
        return to_json({field: {str(row[key]): row[field] for row in rows} for field in fields})
    return to_json(world.dice.pick((rows, {"results": rows}, {plain_key(thing): rows, "total": len(rows)})))
