"""Requests for everyday tools: for one call or several, with something missing, for what is not on offer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.distill.examples import Example
from pytest_toolmatch.distill.generator.compose import Asked
from pytest_toolmatch.distill.generator.conversations import opening
from pytest_toolmatch.distill.generator.everyday import SLOT, Made, make, tools_of, value_of
from pytest_toolmatch.distill.generator.phrasing import Draft, around, stopped
from pytest_toolmatch.distill.generator.several import different
from pytest_toolmatch.distill.generator.texts import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.distill.generator.world import World

_SIZES = (1, 1, 2, 2, 3, 3, 4, 5, 6, 8)
_NEAR = 3
_LISTED = frozenset(("city", "words", "person", "code", "country", "currency", "title"))
"""Kinds of which a request may name two values, one a call."""


def plain(world: World) -> Iterator[Example]:
    """Yield a request for everyday tools, or small talk beside them."""
    dice, tools = world.dice, tools_of(held_out=world.vocabulary.held_out)
    place, roll = int(dice.random() * len(tools)), dice.random()
    one = make(world, tools[place])
    if roll < 0.06:  # noqa: PLR2004
        text = Draft(world).finish(dice.pick(world.vocabulary.chat["chitchat"]).format(n="coffee", m="tea", p="Sam"))
        yield _example(world, place, {one.tool.name: one}, Asked(text, (), _group(one, "chitchat")), "no_call")
        return
    other = one if dice.chance(0.4) else make(world, dice.pick(tools))
    both = _both(world, one, other) if roll < 0.25 else None  # noqa: PLR2004
    if both:
        yield _example(world, place, {made.tool.name: made for made in (one, other)}, both, "parallel")
    elif roll < 0.93:  # noqa: PLR2004
        asked = _once(world, one, several=roll < 0.35)  # noqa: PLR2004
        kind = ("missing", "one", "parallel")[min(2, len(asked.calls))]
        yield _example(world, place, {one.tool.name: one}, asked, kind)
    else:
        yield _example(world, place, {}, _once(world, one)._replace(calls=()), "no_call")


def _group(made: Made, phrasing: object) -> str:
    return f"plain.{made.told.names[0]}.{phrasing}"


def _once(world: World, made: Made, *, several: bool = False) -> Asked:
    """Return a request for one tool; ``several`` may give two values to one of its arguments, for two calls."""
    draft, phrase = Draft(world), world.dice.pick(made.told.says)
    listed_slots = (name for name in SLOT.findall(phrase) if made.told.slots[name].kind() in _LISTED)
    text, calls = _said(draft, made, phrase, next(listed_slots, "") if several else "")
    return Asked(draft.finish(around(draft, text)), calls, _group(made, made.told.says.index(phrase)))


def _both(world: World, one: Made, other: Made) -> Asked | None:
    """Return two requests in one; None where they are not for two different calls of tools that can be told apart."""
    draft = Draft(world)
    first, second = (_said(draft, made, world.dice.pick(made.told.says)) for made in (one, other))
    if not (first[1] and second[1]) or first[1] == second[1]:
        return None
    if one is not other and one.tool.name == other.tool.name:
        return None
    return Asked(draft.finish(_joined(world, first[0], second[0])), first[1] + second[1], _group(one, "both"))


def _said(draft: Draft, made: Made, phrase: str, several: str = "") -> tuple[str, tuple[Call, ...]]:
    """Return a request with values, and its calls; two values for the slot ``several``."""
    given, texts = list[dict[str, Any]]([{}]), dict[str, str]()
    for name in SLOT.findall(phrase):
        slot, parameter = made.told.slots[name], made.parameters[name]
        values = different([value_of(draft.world, slot, parameter) for _ in range(2 if name == several else 1)])
        texts[name] = listed(draft.world, [draft.mark(said.text, parameter) for said in values])
        given = [{**one, parameter.key: said.value} for one in given for said in values]
    keys = [parameter.key for parameter in made.parameters.values()]
    lacking = any(p.required and p.key not in given[0] for p in made.parameters.values())
    calls = tuple(Call(made.tool.name, {key: one[key] for key in keys if key in one}) for one in given)
    return phrase.format(**texts), () if lacking else calls


def _joined(world: World, first: str, second: str) -> str:
    small, whole = second[:1].lower() + second[1:], stopped(first)
    if first[-1] in ".?!" or world.dice.chance(0.5):
        return world.dice.pick((f"{whole} {second}", f"{whole} And {small}", f"{whole} Also, {small}"))
    return first + world.dice.pick((" and ", ", and ", "; ", ", also ")) + small


def _example(world: World, place: int, needed: dict[str, Made], asked: Asked, kind: str) -> Example:
    """Return an example; half of what is offered beside the tool of a place is near it, nothing where it is absent."""
    dice, tools = world.dice, tools_of(held_out=world.vocabulary.held_out)
    offered = {name: made.tool for name, made in needed.items()}
    size = max(len(offered), dice.pick(_SIZES))
    for _ in range(4 * size):
        if len(offered) >= size:
            break
        near = place + dice.pick((-2, -1, 1, 2)) if dice.chance(0.5) and needed else int(dice.random() * len(tools))
        near %= len(tools)
        if any(tools[near] == made.told for made in needed.values()) or (not needed and abs(near - place) <= _NEAR):
            continue
        other = make(world, tools[near]).tool
        offered.setdefault(other.name, other)
    return Example(
        tools=tuple(dice.some(list(offered.values()), len(offered))),
        conversation=opening(world, Message("user", asked.text)),
        calls=asked.calls,
        kind=kind,
        group=asked.phrasing,
    )
