"""Scenes in which tools are called: one call, several at once, several in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.distill.examples import Example
from pytest_toolmatch.distill.generator import compose, several
from pytest_toolmatch.distill.generator.chains import Chain, find_and_use
from pytest_toolmatch.distill.generator.dialogs import chosen_later, confirmed, put_right, said_later
from pytest_toolmatch.distill.generator.lookups import look_and_decide, look_up_and_use
from pytest_toolmatch.distill.generator.toolbox import offer, other_plan, some_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_toolmatch.distill.generator.compose import Asked
    from pytest_toolmatch.distill.generator.schemas import Plan
    from pytest_toolmatch.distill.generator.world import World


from pytest_toolmatch.distill.generator.conversations import after, asked_once, opening, talked


def one(world: World) -> Iterator[Example]:
    """Yield a request for one call: in one message, or in a conversation."""
    way = world.dice.random()
    if way < 0.1:  # noqa: PLR2004
        yield talked(world, said_later(world), "one")
    elif way < 0.15:  # noqa: PLR2004
        yield talked(world, confirmed(world, yes=True), "one")
    elif way < 0.22:  # noqa: PLR2004
        yield talked(world, put_right(world), "one")
    elif way < 0.28:  # noqa: PLR2004
        talk = chosen_later(world)
        yield talked(world, talk, "one" if len(talk.calls) == 1 else "parallel")
    elif way < 0.36:  # noqa: PLR2004
        plan = some_plan(world, "find", "new", "tell", least=1)
        yield asked_once(world, [plan], compose.ask_shortly(world, plan), "one", alone=True)
    else:
        plan = some_plan(world)
        yield asked_once(world, [plan], compose.ask_one(world, plan), "one")


def parallel(world: World) -> Iterator[Example]:
    """Yield a request for several calls at once."""
    plans, asked = ask_several(world)
    yield asked_once(world, plans, asked, "parallel" if len(asked.calls) > 1 else "one")


def ask_several(world: World) -> tuple[list[Plan], Asked]:
    """Return a request for several calls at once, and its tools."""
    dice = world.dice
    way = dice.random()
    if way < 0.25:  # noqa: PLR2004
        plan = some_plan(world, "act", "tell")
        return [plan], several.ask_many_targets(world, plan)
    if way < 0.45:  # noqa: PLR2004
        plan = some_plan(world, least=2)
        if several.varying(plan):
            return [plan], several.ask_each(world, plan)
    elif way < 0.62:  # noqa: PLR2004
        plan = some_plan(world, "act", least=1)
        if several.varying(plan):
            return [plan], several.ask_pairs(world, plan)
    plans = [some_plan(world)]
    for _ in range(dice.pick((1, 1, 2))):
        plans.append(other_plan(world, plans))
    if dice.chance(0.3) and not all(p.kind.value in SCARCE for p in (plans[0].target, *plans[0].parameters) if p):
        plans = [plans[0]] * len(plans)
    asked = several.ask_both_anew(world, plans)
    return (plans, asked) if asked else ask_several(world)


SCARCE = frozenset({"flag", "enum", "hours"})
"""Kinds with few values: a tool that has no others may not have two different calls."""


def in_order(world: World) -> Iterator[Example]:
    """Yield the first and the next turn of a request whose calls follow on one another."""
    chain = some_chain(world)
    while len(chain.steps) < 2:  # noqa: PLR2004 - a condition did not hold
        chain = some_chain(world)
    tools = offer(world, chain.plans, chain.text, alone=chain.alone)
    conversation = opening(world, Message("user", chain.text))
    for index, (calls, replies) in enumerate(zip(chain.steps, chain.replies, strict=True)):
        kind = "next_of_several" if index else "first_of_several"
        yield Example(tools=tools, conversation=conversation, calls=calls, kind=kind, group=chain.phrasing)
        conversation = after(conversation, calls, replies)


def some_chain(world: World) -> Chain:
    """Return a request whose calls follow on one another."""
    make: Callable[[World], Chain] = world.dice.pick((find_and_use, find_and_use, look_up_and_use, look_and_decide))
    return make(world)
