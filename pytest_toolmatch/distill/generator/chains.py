"""Several calls in order: the second needs what the first returned."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.distill.generator.compose import body_of, call_of, phrasing_of, values_for, whole
from pytest_toolmatch.distill.generator.phrasing import Draft
from pytest_toolmatch.distill.generator.replies import outcome, plain_key, rows_of, to_json
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
