"""What is on offer: the tools that a request needs, and others that are easily mistaken for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.distill.generator.schemas import Plan, make_plan
from pytest_toolmatch.distill.generator.vocabulary import Verb

if TYPE_CHECKING:
    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.distill.generator.world import World

_MADE_UP = 0.1
_SIZES = (1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8)
_LEARNED_SIZES = (1, 2, 2, 2, 3, 3, 4, 5, 6, 8)
"""In training: fewer, which takes less time to read, and teaches as much."""

_FORMS = ("act", "act", "act", "act", "tell", "tell", "find", "find", "new", "new", "new", "calc", "calc", "calc")


def some_verb(world: World, *forms: str) -> Verb:
    """Return a verb of one of these forms, or of any."""
    form = world.dice.pick(forms or _FORMS)
    if world.dice.chance(_MADE_UP):
        return made_up_verb(world, form)
    verb: Verb = world.dice.pick(world.vocabulary.verbs[form])
    return verb


def made_up_verb(world: World, form: str) -> Verb:
    """Return a verb that nobody knows: it is told by its letters alone."""
    word = world.made_up()
    return Verb(form=form, names=(word,), say=(f"{word} {{o}}", f"{word} {{o}}", f"do the {word} of {{o}}"))


def some_thing(world: World, form: str = "act") -> str:
    """Return a thing that tools deal with: a noun, one with an adjective, or a made-up one."""
    dice = world.dice
    noun = world.made_up() if dice.chance(0.25) else dice.pick(world.nouns["measures" if form == "calc" else "things"])
    return f"{dice.pick(world.nouns['adjectives'])} {noun}" if dice.chance(0.15) else noun


def some_plan(world: World, *forms: str, least: int = 0) -> Plan:
    """Return any tool."""
    verb = some_verb(world, *forms)
    return make_plan(world, verb, some_thing(world, verb.form), least)


def other_plan(world: World, plans: list[Plan]) -> Plan:
    """Return any tool that can't be taken for one of these."""
    names = {plan.tool.name for plan in plans}
    known = {(plan.verb.names[0], plan.thing) for plan in plans}
    while True:
        plan = some_plan(world)
        if plan.tool.name not in names and (plan.verb.names[0], plan.thing) not in known:
            return plan


def neighbour(world: World, plan: Plan, *, close: bool = True) -> Plan:
    """Return a tool that is easily mistaken for another: same verb, same thing, or the thing more special.

    Where the other is not on offer (``close`` is false), nothing that could do its work is returned.
    """
    dice = world.dice
    way = dice.random()
    if way < 0.35:  # noqa: PLR2004
        return make_plan(world, plan.verb, some_thing(world, plan.verb.form))
    if way < 0.7:  # noqa: PLR2004
        return of_other_verb(world, plan, close=close)
    if way < 0.85 and close and " " not in plan.thing:  # noqa: PLR2004
        return make_plan(world, plan.verb, f"{dice.pick(world.nouns['adjectives'])} {plan.thing}")
    return some_plan(world)


def of_other_verb(world: World, plan: Plan, *, close: bool = True) -> Plan:
    """Return a tool for the same thing; see ``neighbour``."""
    near = plan.verb.form in ("tell", "find")
    form = "act" if near and not close else world.dice.pick(("act", "tell", "find", "new"))
    return make_plan(world, some_verb(world, form), plan.thing)


def offer(
    world: World, needed: list[Plan], text: str, *, absent: Plan | None = None, alone: bool = False
) -> tuple[Tool, ...]:
    """Return the tools on offer in random order: those needed, and neighbours of them or of one that is absent.

    Where ``text``, what the user says, does not name the thing (``cancel A-12``), nothing else with its verb is on
    offer. ``alone`` keeps away other tools for the same things, where a request does not say enough to choose.
    """
    dice = world.dice
    chosen = list({id(plan): plan for plan in needed}.values())
    known = [*chosen, *([absent] if absent else [])]
    taken = {(p.verb.names[0], p.thing) for p in known}
    names = {p.tool.name for p in known}
    unnamed = {p.verb.names[0] for p in known if p.thing not in text.lower()}
    size = max(len(chosen), dice.pick(_SIZES if world.vocabulary.held_out else _LEARNED_SIZES))
    for _ in range(4 * size):
        if len(chosen) >= size:
            break
        near = neighbour(world, dice.pick(known), close=absent is None)
        key = (near.verb.names[0], near.thing)
        if key in taken or near.tool.name in names or key[0] in unnamed:
            continue
        if alone and any(plan.thing in near.thing for plan in needed):
            continue
        taken.add(key)
        names.add(near.tool.name)
        chosen.append(near)
    return tuple(plan.tool for plan in dice.some(chosen, len(chosen)))
