"""Scenes in which nothing is called: all is done, something is missing, there is nothing to call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.core.conversation import Conversation, Message
from pytest_toolmatch.distill.examples import Example
from pytest_toolmatch.distill.generator import compose
from pytest_toolmatch.distill.generator.dialogs import confirmed, lacking
from pytest_toolmatch.distill.generator.phrasing import Draft
from pytest_toolmatch.distill.generator.replies import outcome
from pytest_toolmatch.distill.generator.toolbox import offer, some_plan, some_thing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.distill.generator.world import World


from pytest_toolmatch.distill.generator.conversations import after, make_example, opening, talked
from pytest_toolmatch.distill.generator.scenes import ask_several, some_chain
from pytest_toolmatch.distill.generator.values import say_value

_WEIGHT_OF_NOT_SO = 3.0
"""What it counts for in the loss that a condition does not hold: for one such example there are six where it does."""

_WEIGHT_OF_LACKING = 2.0
_WEIGHT_OF_TALK = 5.0
_WEIGHT_OF_SEEMING = 15.0
_WEIGHT_OF_REFUSED = 60.0
"""What it counts for that nothing is called: where a value is missing, in small talk, where something seems to be
wanted, and where the user says no.

It is a single step in the loss, and a call that nobody asked for does more harm than one that is not made. Most so
after *shall I?*: there an answer that nobody understands is no consent.
"""


def done(world: World) -> Iterator[Example]:
    """Yield a conversation in which all calls have been made: time to answer."""
    way = world.dice.random()
    if way < 0.5:  # noqa: PLR2004
        chain = some_chain(world)
        messages: Conversation = (Message("user", chain.text),)
        for calls, replies in zip(chain.steps, chain.replies, strict=True):
            messages = after(messages, calls, replies)
        weight = 1.0 if len(chain.steps) > 1 else _WEIGHT_OF_NOT_SO
        yield make_example(
            world, chain.plans, messages, kind="done", group=chain.phrasing, alone=chain.alone, weight=weight
        )
        return
    plan = some_plan(world)
    plans, asked = ask_several(world) if way > 0.8 else ([plan], compose.ask_one(world, plan))  # noqa: PLR2004
    replies = tuple(outcome(world) for _ in asked.calls)
    messages = after((Message("user", asked.text),), asked.calls, replies)
    yield make_example(world, plans, messages, kind="done", group=asked.phrasing)


def missing(world: World) -> Iterator[Example]:
    """Yield a request that lacks a value that its tool needs."""
    plan, (asked, *_) = lacking(world)
    tools = offer(world, [plan], asked.text)
    yield Example(
        tools=tools,
        conversation=opening(world, Message("user", asked.text)),
        calls=(),
        kind="missing",
        group=asked.phrasing,
        weight=_WEIGHT_OF_LACKING,
    )


def no_call(world: World) -> Iterator[Example]:
    """Yield what no tool on offer is for: small talk, knowledge, something not to be done, a tool that is not there."""
    way = world.dice.random()
    if way < 0.36:  # noqa: PLR2004
        plan = some_plan(world)
        asked = compose.ask_one(world, plan)
        talk = opening(world, Message("user", asked.text))
        yield Example(
            tools=offer(world, [], asked.text, absent=plan),
            conversation=talk,
            calls=(),
            kind="no_call",
            group=f"absent.{asked.phrasing}",
            weight=_WEIGHT_OF_SEEMING,
        )
    elif way < 0.46:  # noqa: PLR2004
        yield talked(world, confirmed(world, yes=False), "no_call", weight=_WEIGHT_OF_REFUSED)
    elif way < 0.58:  # noqa: PLR2004
        yield _negated(world)
    else:
        yield _small_talk(world)


def _negated(world: World) -> Example:
    plan, draft = some_plan(world, "act", "new"), Draft(world)
    target = say_value(world, plan.target) if plan.target else None
    _, body, _ = compose.body_of(draft, plan, target, [])
    name, phrase = _some_chat(world, "negated")
    text = draft.finish(phrase.format(do=body, p=world.dice.pick(world.words["first"])))
    return make_example(world, [plan], (Message("user", text),), kind="no_call", group=name, weight=_WEIGHT_OF_SEEMING)


def _small_talk(world: World) -> Example:
    plan = some_plan(world)
    thing = plan.thing if world.dice.chance(0.6) else some_thing(world)
    name, phrase = _some_chat(world, world.dice.pick(("chitchat", "knowledge")))
    text = phrase.format(n=thing, m=some_thing(world), p=world.dice.pick(world.words["first"]))
    said = Message("user", Draft(world).finish(text))
    return make_example(world, [plan], (said,), kind="no_call", group=name, weight=_WEIGHT_OF_TALK)


def _some_chat(world: World, name: str) -> tuple[str, str]:
    phrases = world.vocabulary.chat[name]
    index = int(world.dice.random() * len(phrases))
    return f"{name}{index}", phrases[index]
