"""Parts of examples: what is on offer, what was said so far, which calls are right then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.core.conversation import Conversation, Message
from pytest_toolmatch.distill.examples import Example
from pytest_toolmatch.distill.generator.dialogs import Talk, earlier
from pytest_toolmatch.distill.generator.toolbox import offer

if TYPE_CHECKING:
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


def make_example(
    world: World,
    plans: list[Plan],
    messages: Conversation,
    calls: tuple[Call, ...] = (),
    *,
    kind: str,
    group: str,
    alone: bool = False,
    weight: float = 1.0,
) -> Example:
    """Return an example; sometimes another request was dealt with before."""
    if world.dice.chance(_EARLIER) and not alone:
        before, others = earlier(world, plans)
        messages, plans = (*before, *messages), [*plans, *others]
    tools = offer(world, plans, " ".join(message.content for message in messages), alone=alone)
    conversation = opening(world, *messages)
    return Example(tools=tools, conversation=conversation, calls=calls, kind=kind, group=group, weight=weight)


def asked_once(world: World, plans: list[Plan], asked: Asked, kind: str, *, alone: bool = False) -> Example:
    """Return an example of one message."""
    return make_example(
        world, plans, (Message("user", asked.text),), asked.calls, kind=kind, group=asked.phrasing, alone=alone
    )


def talked(world: World, talk: Talk, kind: str, *, weight: float = 1.0) -> Example:
    """Return an example of a conversation."""
    return make_example(world, talk.plans, talk.messages, talk.calls, kind=kind, group=talk.phrasing, weight=weight)
