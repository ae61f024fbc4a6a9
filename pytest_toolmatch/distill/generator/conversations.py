"""Whole examples: what is on offer, what was said so far, which calls are right then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Conversation, Message
from pytest_toolmatch.distill.examples import Example
from pytest_toolmatch.distill.generator import compose
from pytest_toolmatch.distill.generator.chains import Chain, find_and_use, outcome
from pytest_toolmatch.distill.generator.phrasing import Draft
from pytest_toolmatch.distill.generator.toolbox import offer, some_plan, some_thing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_toolmatch.distill.generator.compose import Asked
    from pytest_toolmatch.distill.generator.schemas import Plan
    from pytest_toolmatch.distill.generator.world import World


def opening(world: World, text: str) -> Conversation:
    """Return the conversation that begins with a request."""
    system = world.system()
    return (*((Message("system", system),) if system else ()), Message("user", text))


def after(conversation: Conversation, calls: tuple[Call, ...], replies: tuple[str, ...]) -> Conversation:
    """Return the conversation after calls and what the tools replied."""
    told = [Message("tool", reply, name=call.name) for call, reply in zip(calls, replies, strict=True)]
    return (*conversation, Message("assistant", calls=calls), *told)


def one(world: World) -> Iterator[Example]:
    """Yield a request for one call; sometimes its missing value came in a second message."""
    if world.dice.chance(0.15):
        yield from follow_up(world)
        return
    plan = some_plan(world)
    asked = compose.ask_one(world, plan)
    yield _example(world, [plan], opening(world, asked.text), asked.calls, "one", asked.phrasing)


def follow_up(world: World) -> Iterator[Example]:
    """Yield a conversation in which the user adds what was missing."""
    plan, lacking = _lacking(world)
    asked, parameter, said, call = lacking
    question = parameter.kind.ask or world.dice.pick((f"Which {parameter.human}?", f"What is the {parameter.human}?", "Which one?"))
    answer = world.dice.pick(("{v}", "{v}", "{v}.", "It's {v}", "{v} please", "Oh, sorry: {v}", "that would be {v}", "The {n} is {v}."))
    text = answer.format(v=said.text, n=parameter.human)
    talk = (*opening(world, asked.text), Message("assistant", question), Message("user", text))
    yield _example(world, [plan], talk, (call,), "one", f"follow.{asked.phrasing}")


def parallel(world: World) -> Iterator[Example]:
    """Yield a request for several calls at once."""
    plans, asked = _several(world)
    kind = "parallel" if len(asked.calls) > 1 else "one"
    yield _example(world, plans, opening(world, asked.text), asked.calls, kind, asked.phrasing)


def _several(world: World) -> tuple[list[Plan], Asked]:
    dice = world.dice
    way = dice.random()
    if way < 0.3:  # noqa: PLR2004
        plan = some_plan(world, "act", "tell")
        return [plan], compose.ask_many_targets(world, plan)
    if way < 0.5:  # noqa: PLR2004
        plan = some_plan(world, least=2)
        if compose.varying(plan):
            return [plan], compose.ask_each(world, plan)
    plans = [some_plan(world) for _ in range(dice.pick((2, 2, 2, 3)))]
    if dice.chance(0.3):
        plans = [plans[0]] * len(plans)
    return plans, compose.ask_both(world, plans)


def several(world: World) -> Iterator[Example]:
    """Yield the first and the next turn of a request whose calls follow on one another."""
    chain = find_and_use(world)
    while len(chain.steps) < 2:  # noqa: PLR2004 - a condition did not hold
        chain = find_and_use(world)
    yield from turns_of(world, chain)


def turns_of(world: World, chain: Chain) -> Iterator[Example]:
    """Yield one example per step of a chain."""
    tools = offer(world, chain.plans)
    conversation = opening(world, chain.text)
    for index, (calls, replies) in enumerate(zip(chain.steps, chain.replies, strict=True)):
        kind = "next_of_several" if index else "first_of_several"
        yield Example(tools=tools, conversation=conversation, calls=calls, kind=kind, group=chain.phrasing)
        conversation = after(conversation, calls, replies)


def done(world: World) -> Iterator[Example]:
    """Yield a conversation in which all calls have been made: time to answer."""
    way = world.dice.random()
    if way < 0.5:  # noqa: PLR2004
        chain = find_and_use(world)
        conversation = opening(world, chain.text)
        for calls, replies in zip(chain.steps, chain.replies, strict=True):
            conversation = after(conversation, calls, replies)
        yield _example(world, chain.plans, conversation, (), "done", chain.phrasing)
        return
    plans, asked = _several(world) if way > 0.8 else _single(world)  # noqa: PLR2004
    replies = tuple(outcome(world) for _ in asked.calls)
    yield _example(world, plans, after(opening(world, asked.text), asked.calls, replies), (), "done", asked.phrasing)


def _single(world: World) -> tuple[list[Plan], Asked]:
    plan = some_plan(world)
    return [plan], compose.ask_one(world, plan)


def missing(world: World) -> Iterator[Example]:
    """Yield a request that lacks a value that its tool needs."""
    plan, (asked, *_) = _lacking(world)
    yield _example(world, [plan], opening(world, asked.text), (), "missing", asked.phrasing)


def _lacking(world: World) -> tuple[Plan, tuple[Asked, compose.Parameter, compose.Said, Call]]:
    while True:
        plan = some_plan(world)
        lacking = compose.ask_lacking(world, plan)
        if lacking:
            return plan, lacking


def no_call(world: World) -> Iterator[Example]:
    """Yield what no tool on offer is for: small talk, knowledge, something not to be done, a tool that is not there."""
    dice = world.dice
    plan = some_plan(world)
    way = dice.random()
    if way < 0.4:  # noqa: PLR2004
        asked = compose.ask_one(world, plan)
        tools = offer(world, [], absent=plan)
        yield Example(tools=tools, conversation=opening(world, asked.text), calls=(), kind="no_call", group=f"absent.{asked.phrasing}")
        return
    draft = Draft(world)
    if way < 0.55:  # noqa: PLR2004
        name = "negated"
        text = dice.pick(world.vocabulary.chat[name])
        target = compose.say_value(world, plan.target) if plan.target else None
        _, body, _ = compose.body_of(draft, plan, target, [])
        text = text.format(do=body.removesuffix("?"))
    else:
        name = dice.pick(("chitchat", "knowledge"))
        text = dice.pick(world.vocabulary.chat[name])
        things = plan.thing if dice.chance(0.6) else some_thing(world)
        text = text.format(n=things, m=some_thing(world), p=dice.pick(world.words["first"]))
    text = draft.finish(text)
    yield _example(world, [plan], opening(world, text), (), "no_call", f"{name}.{text[:12]}")


def _example(world: World, plans: list[Plan], talk: Conversation, calls: tuple[Call, ...], kind: str, group: str) -> Example:
    return Example(tools=offer(world, plans), conversation=talk, calls=calls, kind=kind, group=group)


SCENES: tuple[tuple[float, Callable[[World], Iterator[Example]]], ...] = (
    (0.35, one),
    (0.19, parallel),
    (0.10, several),
    (0.07, done),
    (0.12, no_call),
    (0.08, missing),
)
"""Share of each kind of scene; ``several`` yields two examples."""
