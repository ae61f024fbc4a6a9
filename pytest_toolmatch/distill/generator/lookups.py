"""Calls in order where the first looks something up: a field of its reply is used, or decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_toolmatch.distill.generator.chains import Chain
from pytest_toolmatch.distill.generator.compose import body_of, call_of, phrasing_of, values_for, whole
from pytest_toolmatch.distill.generator.naming import spelt
from pytest_toolmatch.distill.generator.parameters import Parameter
from pytest_toolmatch.distill.generator.phrasing import Draft, around, ended
from pytest_toolmatch.distill.generator.replies import outcome, plain_key, to_json
from pytest_toolmatch.distill.generator.schemas import Plan, make_plan
from pytest_toolmatch.distill.generator.texts import fill
from pytest_toolmatch.distill.generator.toolbox import some_thing, some_verb
from pytest_toolmatch.distill.generator.values import say_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.core.chain import Call
    from pytest_toolmatch.distill.generator.world import World

COPIED = frozenset(["person", "city", "email", "code", "street", "made_text", "money", "integer", "date", "phone"])
"""Kinds of which a reply can hold a value as it is needed."""


def look_up_and_use(world: World) -> Chain:
    """Return a request to look at one thing, and to use a field of what is found there for another tool."""
    looker = _looker(world, some_thing(world))
    while True:
        user = make_plan(world, some_verb(world, "new", "act"), some_thing(world), 1)
        wanted = next(
            (p for p in user.parameters if p.kind.value in COPIED and "null" not in str(p.schema["type"])), None
        )
        if wanted:
            break
    assert looker.target
    draft = Draft(world)
    target, found = say_value(world, looker.target), say_value(world, wanted)
    goal = say_value(world, user.target) if user.target else None
    extra = [(p, said) for p, said in values_for(world, user, share=0.2) if p is not wanted]
    pattern, first, after = body_of(draft, looker, target, values := values_for(world, looker, share=0.1))
    _, then, rest = body_of(draft, user, goal, extra)
    phrase = draft.choose("given").format(n=wanted.human, t=looker.thing)
    first, then = first.removesuffix("?"), f"{then.removesuffix('?')} {phrase}"
    order = draft.choose("then").format(first=first, then=then)
    text = whole(draft, pattern, order, after + rest)
    reply = _record(world, wanted, found.value)
    steps: tuple[tuple[Call, ...], ...] = (
        (call_of(looker, target, values),),
        (call_of(user, goal, [*extra, (wanted, found)]),),
    )
    return Chain(text, steps, ((to_json(reply),), (outcome(world),)), [looker, user], f"use.{phrasing_of(draft)}")


def look_and_decide(world: World) -> Chain:
    """Return a request to do something only if a look at the thing says so; else there is no second step."""
    dice = world.dice
    thing = some_thing(world)
    looker = _looker(world, thing, "get", "check_status_of")
    actor = make_plan(world, some_verb(world, "act"), thing)
    while actor.target is None or looker.target is None or actor.target.kind.value != "code":
        actor = make_plan(world, some_verb(world, "act"), thing)
    actor_target, looker_target = (
        actor.target,
        looker.target._replace(pattern=actor.target.pattern, kind=actor.target.kind),
    )
    if looker.target.schema["type"] != actor_target.schema["type"] or looker.target.kind.value != "code":
        return look_up_and_use(world)
    draft = Draft(world)
    target = say_value(world, looker_target)
    extra = values_for(world, actor, share=0.15)
    _, act, after = body_of(draft, actor, None, extra, several="it")
    word = dice.pick(world.words["qualities"]) if dice.chance(0.6) else world.made_up()
    other = dice.pick([one for one in world.words["qualities"] if one != word])
    name = dice.pick(("state", "status", "condition", "stage"))
    negated, holds = dice.chance(0.35), dice.chance(0.65)
    named = f"{thing} {draft.mark(target.text)}" if dice.chance(0.6) else draft.mark(target.text)
    pattern = draft.choose("unless" if negated else "conditions")
    asked = pattern.format(o=named, w=draft.mark(word), a=act, n=name)
    asked = f"please {asked}" if dice.chance(0.3) else asked
    text = draft.finish(around(draft, ended(draft, asked) if not after else f"{asked}.{after}"))
    is_word = holds is not negated
    reply: dict[str, Any] = {name: word if is_word else other, **_fields(world, 2)}
    if dice.chance(0.35):
        reply = {word: is_word, **_fields(world, 2)}
    first = call_of(looker, target, values_for(world, looker, share=0))
    if set(first.arguments) < set((looker.tool.parameters or {}).get("required", ())):
        return look_up_and_use(world)
    steps: list[tuple[Call, ...]] = [(first,)]
    replies = [(to_json(reply),)]
    if holds:
        steps.append((call_of(actor, target, extra),))
        replies.append((outcome(world),))
    return Chain(text, tuple(steps), tuple(replies), [looker, actor], f"decide.{phrasing_of(draft)}", alone=True)


def _looker(world: World, thing: str, *names: str) -> Plan:
    """Return a tool that tells about one thing and asks for nothing else, of one of these verbs where there is one."""
    fitting = [verb for verb in world.vocabulary.verbs["tell"] if verb.names[0] in names]
    plan = make_plan(world, world.dice.pick(fitting) if fitting else some_verb(world, "tell"), thing)
    while any(p.required for p in plan.parameters):
        plan = make_plan(world, plan.verb, thing)
    return plan


def _record(world: World, wanted: Parameter, value: Any) -> dict[str, Any]:
    """Return what is known about a thing: the field wanted among others, in random order."""
    fields = {
        **_fields(world, 3),
        wanted.key if world.dice.chance(0.8) else spelt(wanted.kind.names[0], camel=False): value,
    }
    names = world.dice.some(sorted(fields), len(fields))
    record = {name: fields[name] for name in names}
    return {plain_key(world.dice.pick(world.nouns["things"]))[:-1]: record} if world.dice.chance(0.2) else record


def _fields(world: World, count: int) -> dict[str, Any]:
    dice = world.dice
    makers: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("created", lambda: f"{dice.whole(2023, 2026)}-{dice.whole(1, 12):02}-{dice.whole(1, 28):02}"),
        ("total", lambda: dice.whole(3, 900) + 0.5),
        ("paid", lambda: dice.chance(0.5)),
        ("items", lambda: dice.whole(1, 12)),
        ("clerk", lambda: f"{dice.pick(world.words['first'])} {dice.pick(world.words['last'])}"),
        ("code", lambda: fill(world, "@@##")),
        ("remark", world.made_up),
        ("weight_kg", lambda: dice.whole(1, 90) / 10),
    )
    return {name: make() for name, make in dice.some(makers, count)}
