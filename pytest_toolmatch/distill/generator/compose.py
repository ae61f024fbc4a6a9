"""Requests for one call, and for one that lacks a value."""

from __future__ import annotations

from typing import Any, NamedTuple

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.distill.generator.naming import article, plural
from pytest_toolmatch.distill.generator.parameters import Parameter
from pytest_toolmatch.distill.generator.phrasing import Draft, around, ended, opened, stopped, with_fragments
from pytest_toolmatch.distill.generator.schemas import Plan
from pytest_toolmatch.distill.generator.values import Said, say_value
from pytest_toolmatch.distill.generator.world import World

Values = list[tuple[Parameter, Said]]


class Asked(NamedTuple):
    """A request: what the user says, the calls that are right, the phrasing it was made by."""

    text: str
    calls: tuple[Call, ...]
    phrasing: str


def values_for(world: World, plan: Plan, *, share: float = 0.45) -> Values:
    """Return values for what the plan requires and for some of the rest, without the target."""
    return [(p, value_of(world, p)) for p in plan.parameters if p.required or world.dice.chance(share)]


def value_of(world: World, parameter: Parameter) -> Said:
    """Return a value for a parameter; a flag's text is its phrase."""
    if parameter.kind.value == "flag":
        return Said("", world.dice.chance(0.75))
    return say_value(world, parameter)


def call_of(plan: Plan, target: Said | None, values: Values) -> Call:
    """Return the call with these values, in the order of the schema."""
    given: dict[str, Any] = {p.key: said.value for p, said in values}
    if plan.target and target:
        given[plan.target.key] = target.value
    properties = (plan.tool.parameters or {})["properties"]
    return Call(plan.tool.name, {key: given[key] for key in properties if key in given})


def body_of(
    draft: Draft, plan: Plan, target: Said | None, values: Values, *, several: str = ""
) -> tuple[str, str, str]:
    """Return how the request is said, its first sentence without an opener, and the sentences that follow."""
    verb = plan.verb
    index = int(draft.world.dice.random() * len(verb.say))
    pattern = verb.say[index]
    draft.used.append(f"{verb.names[0]}{index}")
    text, after = with_fragments(draft, pattern.format(o=several or thing_of(draft, plan, target)), values)
    return pattern, text, after


def thing_of(draft: Draft, plan: Plan, target: Said | None) -> str:
    """Return how a request names the thing: with its id, or as one or several of its kind."""
    dice, thing, form = draft.world.dice, plan.thing, plan.verb.form
    if plan.target is None:
        if form == "find":
            return plural(thing)
        if form == "calc":
            return f"the {thing}"
        return dice.pick((f"{article(thing)} {thing}", f"{article(thing)} {thing}", f"a new {thing}", f"the {thing}"))
    if target is None:
        return dice.pick(
            (f"my {thing}", f"the {thing}", f"our {thing}", f"one of the {plural(thing)}", f"{article(thing)} {thing}")
        )
    value = draft.mark(target.text, plan.target)
    if plan.target.kind.value == "title":
        value = dice.pick(("“{}”", '"{}"', "{}", "'{}'")).format(value)
        return dice.pick((f"the {thing} {value}", f"the {thing} called {value}", f"{value}", f"{value}, the {thing}"))
    return dice.pick(
        (
            f"{thing} {value}",
            f"the {thing} {value}",
            f"{value}",
            f"{thing} number {value}",
            f"my {thing} ({value})",
            f"{thing} no. {value}",
        )
    )


def whole(draft: Draft, pattern: str, text: str, after: str) -> str:
    """Return the finished request of one or more sentences."""
    opening = opened(draft, pattern, text)
    return draft.finish(around(draft, ended(draft, opening) + after if not after else stopped(opening) + after))


def phrasing_of(draft: Draft) -> str:
    """Return the name of the phrasing: the way of saying it and its opener."""
    return ".".join(
        name for name in draft.used if not name.startswith(("joins", "generic", "sentences", "before", "after"))
    )


def ask_one(world: World, plan: Plan) -> Asked:
    """Return a request for one call."""
    draft = Draft(world)
    target = say_value(world, plan.target) if plan.target else None
    values = values_for(world, plan)
    text = whole(draft, *body_of(draft, plan, target, values))
    return Asked(text, (call_of(plan, target, values),), phrasing_of(draft))


def ask_lacking(world: World, plan: Plan) -> tuple[Asked, Parameter, Said, Call] | None:
    """Return a request that lacks a required value, what lacks, its value, and the call with it.

    None where nothing is required.
    """
    needed = [p for p in plan.parameters if p.required and p.kind.value != "flag"]
    candidates = [*needed, *([plan.target, plan.target] if plan.target else [])]
    if not candidates:
        return None
    lacking = world.dice.pick(candidates)
    draft = Draft(world)
    target = say_value(world, plan.target) if plan.target else None
    values = values_for(world, plan, share=0.2)
    said = target if lacking is plan.target else next(s for p, s in values if p is lacking)
    assert said
    shown = [(p, s) for p, s in values if p is not lacking]
    text = whole(draft, *body_of(draft, plan, None if lacking is plan.target else target, shown))
    return Asked(text, (), f"lacking.{phrasing_of(draft)}"), lacking, said, call_of(plan, target, values)


def ask_shortly(world: World, plan: Plan) -> Asked:
    """Return a request without a verb, where one tool alone is for its thing: ``a table, at 7 pm, for two``."""
    draft = Draft(world)
    target = say_value(world, plan.target) if plan.target else None
    values = values_for(world, plan, share=0.6)
    body, after = with_fragments(draft, thing_of(draft, plan, target), values)
    text = draft.choose("short").format(o=body)
    text = draft.finish(around(draft, stopped(text) + after if after else text))
    return Asked(text, (call_of(plan, target, values),), f"short.{phrasing_of(draft)}")
