"""Whole examples: what is on offer, what was said so far, which calls are right then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.core.conversation import Conversation, Message
from pytest_toolmatch.distill.examples import Example
from pytest_toolmatch.distill.generator import compose, several
from pytest_toolmatch.distill.generator.chains import Chain, find_and_use
from pytest_toolmatch.distill.generator.dialogs import Talk, confirmed, earlier, lacking, put_right, said_later
from pytest_toolmatch.distill.generator.lookups import look_and_decide, look_up_and_use
from pytest_toolmatch.distill.generator.phrasing import Draft
from pytest_toolmatch.distill.generator.replies import outcome
from pytest_toolmatch.distill.generator.toolbox import offer, other_plan, some_plan, some_thing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_toolmatch.core.chain import Call
    from pytest_toolmatch.distill.generator.compose import Asked
    from pytest_toolmatch.distill.generator.schemas import Plan
    from pytest_toolmatch.distill.generator.world import World

_EARLIER = 0.07


def opening(world: World, *messages: Message) -> Conversation:
    """Return a conversation with its system message, where there is one."""
    system = world.system()
    return (*((Message("system", system),) if system else ()), *messages)


def after(conversation: Conversation, calls: tuple[Call, ...], replies: tuple[str, ...]) -> Conversation:
    """Return the conversation after calls and what the tools replied."""
    told = [Message("tool", reply, name=call.name) for call, reply in zip(calls, replies, strict=True)]
    return (*conversation, Message("assistant", calls=calls), *told)


def _example(
    world: World,
    plans: list[Plan],
    messages: Conversation,
    calls: tuple[Call, ...],
    kind: str,
    group: str,
    *,
    alone: bool = False,
) -> Example:
    """Return an example; sometimes another request was dealt with before."""
    if world.dice.chance(_EARLIER) and not alone:
        before, others = earlier(world, plans)
        messages, plans = (*before, *messages), [*plans, *others]
    tools = offer(world, plans, alone=alone)
    return Example(tools=tools, conversation=opening(world, *messages), calls=calls, kind=kind, group=group)


def _asked(world: World, plans: list[Plan], asked: Asked, kind: str, *, alone: bool = False) -> Example:
    return _example(world, plans, (Message("user", asked.text),), asked.calls, kind, asked.phrasing, alone=alone)


def _talked(world: World, talk: Talk, kind: str) -> Example:
    return _example(world, talk.plans, talk.messages, talk.calls, kind, talk.phrasing)


def one(world: World) -> Iterator[Example]:
    """Yield a request for one call: in one message, or in a conversation."""
    way = world.dice.random()
    if way < 0.1:  # noqa: PLR2004
        yield _talked(world, said_later(world), "one")
    elif way < 0.15:  # noqa: PLR2004
        yield _talked(world, confirmed(world, yes=True), "one")
    elif way < 0.22:  # noqa: PLR2004
        yield _talked(world, put_right(world), "one")
    elif way < 0.3:  # noqa: PLR2004
        plan = some_plan(world, "find", "new", "tell", least=1)
        yield _asked(world, [plan], compose.ask_shortly(world, plan), "one", alone=True)
    else:
        plan = some_plan(world)
        yield _asked(world, [plan], compose.ask_one(world, plan), "one")


def parallel(world: World) -> Iterator[Example]:
    """Yield a request for several calls at once."""
    plans, asked = _several(world)
    yield _asked(world, plans, asked, "parallel" if len(asked.calls) > 1 else "one")


def _several(world: World) -> tuple[list[Plan], Asked]:
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
    for _ in range(dice.pick((1, 1, 1, 2))):
        plans.append(other_plan(world, plans))
    if dice.chance(0.3) and not all(p.kind.value in SCARCE for p in (plans[0].target, *plans[0].parameters) if p):
        plans = [plans[0]] * len(plans)
    return plans, several.ask_both_anew(world, plans)


SCARCE = frozenset({"flag", "enum", "hours"})
"""Kinds with few values: a tool that has no others may not have two different calls."""


def in_order(world: World) -> Iterator[Example]:
    """Yield the first and the next turn of a request whose calls follow on one another."""
    chain = some_chain(world)
    while len(chain.steps) < 2:  # noqa: PLR2004 - a condition did not hold
        chain = some_chain(world)
    tools = offer(world, chain.plans, alone=chain.alone)
    conversation = opening(world, Message("user", chain.text))
    for index, (calls, replies) in enumerate(zip(chain.steps, chain.replies, strict=True)):
        kind = "next_of_several" if index else "first_of_several"
        yield Example(tools=tools, conversation=conversation, calls=calls, kind=kind, group=chain.phrasing)
        conversation = after(conversation, calls, replies)


def some_chain(world: World) -> Chain:
    """Return a request whose calls follow on one another."""
    make: Callable[[World], Chain] = world.dice.pick((find_and_use, find_and_use, look_up_and_use, look_and_decide))
    return make(world)


def done(world: World) -> Iterator[Example]:
    """Yield a conversation in which all calls have been made: time to answer."""
    way = world.dice.random()
    if way < 0.5:  # noqa: PLR2004
        chain = some_chain(world)
        messages: Conversation = (Message("user", chain.text),)
        for calls, replies in zip(chain.steps, chain.replies, strict=True):
            messages = after(messages, calls, replies)
        yield _example(world, chain.plans, messages, (), "done", chain.phrasing, alone=chain.alone)
        return
    plan = some_plan(world)
    plans, asked = _several(world) if way > 0.8 else ([plan], compose.ask_one(world, plan))  # noqa: PLR2004
    replies = tuple(outcome(world) for _ in asked.calls)
    yield _example(
        world, plans, after((Message("user", asked.text),), asked.calls, replies), (), "done", asked.phrasing
    )


def missing(world: World) -> Iterator[Example]:
    """Yield a request that lacks a value that its tool needs."""
    plan, (asked, *_) = lacking(world)
    tools = offer(world, [plan])
    yield Example(
        tools=tools,
        conversation=opening(world, Message("user", asked.text)),
        calls=(),
        kind="missing",
        group=asked.phrasing,
    )


def no_call(world: World) -> Iterator[Example]:
    """Yield what no tool on offer is for: small talk, knowledge, something not to be done, a tool that is not there."""
    dice = world.dice
    plan = some_plan(world)
    way = dice.random()
    if way < 0.36:  # noqa: PLR2004
        asked = compose.ask_one(world, plan)
        talk = opening(world, Message("user", asked.text))
        yield Example(
            tools=offer(world, [], absent=plan),
            conversation=talk,
            calls=(),
            kind="no_call",
            group=f"absent.{asked.phrasing}",
        )
    elif way < 0.46:  # noqa: PLR2004
        yield _talked(world, confirmed(world, yes=False), "no_call")
    else:
        text, name = _nothing_to_call(world, plan, "negated" if way < 0.58 else dice.pick(("chitchat", "knowledge")))  # noqa: PLR2004
        yield _example(world, [plan], (Message("user", text),), (), "no_call", name)


def _nothing_to_call(world: World, plan: Plan, name: str) -> tuple[str, str]:
    dice, draft = world.dice, Draft(world)
    phrases = world.vocabulary.chat[name]
    index = int(dice.random() * len(phrases))
    if name == "negated":
        target = compose.say_value(world, plan.target) if plan.target else None
        _, body, _ = compose.body_of(draft, plan, target, [])
        text = phrases[index].format(do=body.removesuffix("?"))
    else:
        thing = plan.thing if dice.chance(0.6) else some_thing(world)
        text = phrases[index].format(n=thing, m=some_thing(world), p=dice.pick(world.words["first"]))
    return draft.finish(text), f"{name}{index}"


SCENES: tuple[tuple[float, Callable[[World], Iterator[Example]]], ...] = (
    (0.35, one),
    (0.19, parallel),
    (0.10, in_order),
    (0.07, done),
    (0.12, no_call),
    (0.08, missing),
)
"""Share of each kind of scene; ``in_order`` yields two examples."""
