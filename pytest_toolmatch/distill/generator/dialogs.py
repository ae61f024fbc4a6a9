"""Conversations of more than one request: what was missing comes later; calls are confirmed, put right, repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.core.conversation import Conversation, Message
from pytest_toolmatch.distill.generator.chains import found_rows, listing
from pytest_toolmatch.distill.generator.compose import (
    Asked,
    ask_lacking,
    ask_one,
    body_of,
    call_of,
    phrasing_of,
    values_for,
    whole,
)
from pytest_toolmatch.distill.generator.phrasing import Draft
from pytest_toolmatch.distill.generator.replies import outcome
from pytest_toolmatch.distill.generator.several import TRIES, varying
from pytest_toolmatch.distill.generator.toolbox import other_plan, some_plan
from pytest_toolmatch.distill.generator.values import Said, say_value

if TYPE_CHECKING:
    from pytest_toolmatch.core.chain import Call
    from pytest_toolmatch.distill.generator.parameters import Parameter
    from pytest_toolmatch.distill.generator.schemas import Plan
    from pytest_toolmatch.distill.generator.world import World


class Talk(NamedTuple):
    """A conversation after the system's message, the calls that are right at its end, and the tools needed."""

    messages: Conversation
    calls: tuple[Call, ...]
    plans: list[Plan]
    phrasing: str


def said_later(world: World) -> Talk:
    """Return a conversation in which the user adds what was missing."""
    plan, (asked, parameter, said, call) = lacking(world)
    n = parameter.human
    if world.dice.chance(0.15):
        return _proposed(world, Talk((Message("user", asked.text),), (call,), [plan], asked.phrasing), n, said.text)
    question = parameter.kind.ask.format(n=n) or world.dice.pick((f"Which {n}?", f"What is the {n}?", "Which one?"))
    answer = world.dice.pick(
        ("{v}", "{v}", "{v}.", "It's {v}", "{v} please", "Oh, sorry: {v}", "that would be {v}", "The {n} is {v}.")
    )
    text = answer.format(v=said.text, n=n)
    messages = (Message("user", asked.text), Message("assistant", question), Message("user", text))
    return Talk(messages, (call,), [plan], f"later.{asked.phrasing}")


def _proposed(world: World, talk: Talk, name: str, text: str) -> Talk:
    """Return a conversation in which the assistant guesses what is missing, and the user agrees."""
    draft = Draft(world)
    guess = draft.plain(draft.choose("guesses").format(n=name, v=draft.mark(text)))
    messages = (*talk.messages, Message("assistant", guess), Message("user", draft.choose("agreeing")))
    return talk._replace(messages=messages, phrasing=f"proposed.{phrasing_of(draft)}.{talk.phrasing}")


def lacking(world: World) -> tuple[Plan, tuple[Asked, Parameter, Said, Call]]:
    """Return a tool and a request for it that lacks something."""
    while True:
        plan = some_plan(world)
        found = ask_lacking(world, plan)
        if found:
            return plan, found


def confirmed(world: World, *, yes: bool) -> Talk:
    """Return a conversation in which the assistant asks before it acts, and the user agrees or does not."""
    plan = some_plan(world, "act", "new")
    asked = ask_one(world, plan)
    draft = Draft(world)
    _, body, _ = body_of(draft, plan, None, [])
    offer = draft.plain(draft.choose("shall").format(a=body.removesuffix("?")))
    reply = draft.choose("agreeing" if yes else "refusing")
    reply = reply.lower() if world.dice.chance(0.2) else reply
    messages = (Message("user", asked.text), Message("assistant", offer), Message("user", reply))
    return Talk(messages, asked.calls if yes else (), [plan], f"confirm.{phrasing_of(draft)}.{asked.phrasing}")


def put_right(world: World) -> Talk:
    """Return a conversation in which an earlier value is put right, or the same is wanted for another value."""
    while True:
        plan = some_plan(world, least=1)
        one = varying(plan) or plan.target
        if one and one.kind.value != "title" and _alone(plan, one):
            break
    dice, draft = world.dice, Draft(world)
    target = say_value(world, plan.target) if plan.target else None
    old = say_value(world, one)
    others = (say_value(world, one) for _ in range(TRIES))
    new = next((other for other in others if str(other.value).lower() != str(old.value).lower()), None)
    if new is None:
        return put_right(world)
    rest = [(p, said) for p, said in values_for(world, plan) if p is not one]
    if one is plan.target:
        text = whole(draft, *body_of(draft, plan, old, rest))
        first, second = call_of(plan, old, rest), call_of(plan, new, rest)
    else:
        text = whole(draft, *body_of(draft, plan, target, [*rest, (one, old)]))
        first, second = call_of(plan, target, [*rest, (one, old)]), call_of(plan, target, [*rest, (one, new)])
    again = Draft(world)
    follow = again.finish(again.choose(dice.pick(("sorry", "more"))).format(v=again.mark(new.text, one)))
    messages = (Message("user", text), *_told(world, (first,)), Message("user", follow))
    return Talk(messages, (second,), [plan], f"again.{phrasing_of(again)}.{phrasing_of(draft)}")


def _alone(plan: Plan, one: Parameter) -> bool:
    """Say whether a new value alone tells which argument it is for: no other is of its kind."""
    return sum(p.kind.value == one.kind.value for p in (plan.target, *plan.parameters) if p) == 1


def chosen_later(world: World) -> Talk:
    """Return a conversation in which the user chooses from what was found before."""
    finder, user, found = found_rows(world)
    draft, again = Draft(world), Draft(world)
    values, extra = values_for(world, finder, share=0.3), values_for(world, user, share=0.3)
    text = whole(draft, *body_of(draft, finder, None, values))
    first = call_of(finder, None, values)
    follow = whole(again, *body_of(again, user, None, extra, several=found.named))
    reply = Message("tool", listing(world, finder.thing, found.rows), name=first.name)
    words = Message("assistant", f"I found {len(found.rows)}. {world.dice.pick(world.phrases['told'])}")
    messages = (Message("user", text), Message("assistant", calls=(first,)), reply, words, Message("user", follow))
    calls = tuple(call_of(user, Said("", one), extra) for one in found.chosen)
    return Talk(messages, calls, [finder, user], f"chosen.{phrasing_of(again)}.{phrasing_of(draft)}")


def _told(world: World, calls: tuple[Call, ...]) -> Conversation:
    """Return calls, their replies and a few words of the assistant; sometimes the words alone, as a user sees it."""
    words = Message("assistant", world.dice.pick(world.phrases["told"]))
    if world.dice.chance(0.3):
        return (words,)
    replies = [Message("tool", outcome(world), name=call.name) for call in calls]
    return (Message("assistant", calls=calls), *replies, words)


def earlier(world: World, plans: list[Plan]) -> tuple[Conversation, list[Plan]]:
    """Return a request that was dealt with before the one that counts, and its tool, which is none of these."""
    plan = other_plan(world, plans)
    asked = ask_one(world, plan)
    return (Message("user", asked.text), *_told(world, asked.calls)), [plan]
