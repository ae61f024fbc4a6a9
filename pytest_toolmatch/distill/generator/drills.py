"""Short scenes that are in training alone, for what takes many to learn: which verb is meant, what is a yes or a no."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.distill.examples import Example
from pytest_toolmatch.distill.generator.compose import ask_one
from pytest_toolmatch.distill.generator.conversations import opening, talked
from pytest_toolmatch.distill.generator.dialogs import confirmed
from pytest_toolmatch.distill.generator.toolbox import of_other_verb, some_plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.distill.generator.world import World

_ABSENT = 0.4


def verbs(world: World) -> Iterator[Example]:
    """Yield a request among tools for the same thing: its verb alone tells which of them is meant, or that none is."""
    dice, plan = world.dice, some_plan(world)
    asked, absent = ask_one(world, plan), dice.chance(_ABSENT)
    others = (of_other_verb(world, plan, close=not absent) for _ in range(dice.pick((1, 1, 2, 3))))
    plans = {other.tool.name: other for other in others if other.verb.names[0] != plan.verb.names[0]}
    plans.pop(plan.tool.name, None)
    there = not (absent and plans)
    offered = [*plans.values(), *([plan] if there else [])]
    yield Example(
        tools=tuple(one.tool for one in dice.some(offered, len(offered))),
        conversation=opening(world, Message("user", asked.text)),
        calls=asked.calls if there else (),
        kind="one" if there else "no_call",
        group=asked.phrasing if there else f"absent.{asked.phrasing}",
    )


def answers(world: World) -> Iterator[Example]:
    """Yield a user's yes or no to what the assistant offers to do."""
    yes = world.dice.chance(0.5)
    yield talked(world, confirmed(world, yes=yes), "one" if yes else "no_call")
