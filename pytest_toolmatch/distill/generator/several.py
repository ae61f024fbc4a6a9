"""Requests for several independent calls at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.distill.generator.compose import Asked, body_of, call_of, phrasing_of, value_of, values_for, whole
from pytest_toolmatch.distill.generator.naming import plural
from pytest_toolmatch.distill.generator.parameters import Parameter
from pytest_toolmatch.distill.generator.phrasing import Draft, around, ended, fragment, opened
from pytest_toolmatch.distill.generator.schemas import Plan
from pytest_toolmatch.distill.generator.texts import listed
from pytest_toolmatch.distill.generator.values import Said, say_value

if TYPE_CHECKING:
    from pytest_toolmatch.distill.generator.world import World


def ask_many_targets(world: World, plan: Plan) -> Asked:
    """Return a request that names several things for the same tool; needs a plan with a target."""
    assert plan.target
    draft = Draft(world)
    targets = different([say_value(world, plan.target) for _ in range(world.dice.pick((2, 2, 2, 3, 3, 4)))])
    values = values_for(world, plan)
    marks = listed(world, [draft.mark(t.text, plan.target) for t in targets])
    several = world.dice.pick((marks, f"{plural(plan.thing)} {marks}", f"the {plural(plan.thing)} {marks}"))
    text = whole(draft, *body_of(draft, plan, None, values, several=several))
    return Asked(text, tuple(call_of(plan, t, values) for t in targets), f"targets.{phrasing_of(draft)}")


VARYING = frozenset(["person", "city", "code", "email", "enum", "made_enum", "made_text", "date", "topic", "title"])


def varying(plan: Plan) -> Parameter | None:
    """Return a parameter that a request may give several values for, one a call."""
    return next(
        (p for p in plan.parameters if p.kind.value in VARYING and "null" not in str(p.schema.get("type"))), None
    )


def ask_each(world: World, plan: Plan) -> Asked:
    """Return a request for the same tool with several values of one parameter; needs ``varying``."""
    draft = Draft(world)
    one = varying(plan)
    assert one
    several = different([say_value(world, one) for _ in range(world.dice.pick((2, 2, 3)))])
    target = say_value(world, plan.target) if plan.target else None
    rest = [(p, said) for p, said in values_for(world, plan) if p is not one]
    if world.dice.chance(0.4):
        parts = [fragment(draft, one, said) for said in several]
        phrase = draft.choose("each").format(a=", ".join(parts[:-1]), b=parts[-1])
        pattern, text, after = body_of(draft, plan, target, rest)
        asked = f"{text.removesuffix('?')}{world.dice.pick((' ', ': ', ', '))}{phrase}"
        text = whole(draft, pattern, asked + ("?" if text.endswith("?") else ""), after)
    else:
        marks = listed(world, [draft.mark(said.text, one) for said in several])
        text = whole(draft, *body_of(draft, plan, target, [*rest, (one, Said(marks, None))]))
    calls = tuple(call_of(plan, target, [*rest, (one, said)]) for said in several)
    return Asked(text, calls, f"each.{phrasing_of(draft)}")


TRIES = 50
"""How often something is said anew that has to differ, before another tool is taken."""


def ask_both(world: World, plans: list[Plan]) -> Asked:
    """Return a request for several independent calls, one of each plan (a plan may come twice)."""
    draft = Draft(world)
    calls, bodies = [], []
    for plan in plans:
        target = say_value(world, plan.target) if plan.target else None
        values = values_for(world, plan, share=0.25)
        calls.append(call_of(plan, target, values))
        pattern, text, after = body_of(draft, plan, target, values)
        bodies.append((pattern, text.removesuffix("?") + (f" ({after.strip().removesuffix('.')})" if after else "")))
    text = bodies[0][1]
    for _, more in bodies[1:]:
        text = draft.choose("also").format(a=text, b=more)
    text = draft.finish(around(draft, ended(draft, opened(draft, bodies[0][0], text))))
    return Asked(text, tuple(calls), f"both.{phrasing_of(draft)}")


def ask_pairs(world: World, plan: Plan) -> Asked:
    """Return a request that gives several things a value each with the same tool; needs a target and ``varying``."""
    assert plan.target
    draft = Draft(world)
    one = varying(plan)
    assert one
    count = world.dice.pick((2, 2, 3))
    targets = different([say_value(world, plan.target) for _ in range(count)])
    rest = [(p, said) for p, said in values_for(world, plan, share=0.1) if p is not one]
    each = [value_of(world, one) for _ in targets]
    pattern, text, after = body_of(draft, plan, targets[0], [])
    said = [fragment(draft, one, value) for value in each]
    question = text.endswith("?")
    text = f"{text.removesuffix('?')} {said[0]}"
    for target, part in zip(targets[1:], said[1:], strict=True):
        text += f"{world.dice.pick((' and ', ', and ', ', ', '; '))}{draft.mark(target.text, plan.target)} {part}"
    for parameter, value in rest:
        after += f" {world.dice.pick(('All', 'Each', 'Both'))} {fragment(draft, parameter, value)}."
    text = whole(draft, pattern, text + ("?" if question else ""), after)
    calls = tuple(call_of(plan, target, [*rest, (one, value)]) for target, value in zip(targets, each, strict=True))
    return Asked(text, calls, f"pairs.{phrasing_of(draft)}")


def ask_both_anew(world: World, plans: list[Plan]) -> Asked | None:
    """Return a request as ``ask_both``, of which no two calls are the same; None where there are too few values."""
    for _ in range(TRIES):
        asked = ask_both(world, plans)
        if not any(call in asked.calls[:place] for place, call in enumerate(asked.calls)):
            return asked
    return None


def different(values: list[Said]) -> list[Said]:
    """Return the values without those that are the same in any case."""
    return list({str(said.value).lower(): said for said in values}.values())
