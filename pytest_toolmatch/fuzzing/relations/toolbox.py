"""The tools on offer: in another order, beside strangers, beside a near copy, without the one that is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from hypothesis import strategies as st

from pytest_toolmatch.core.tool import find_tool
from pytest_toolmatch.fuzzing.edits import Add, Edit, Order, Remove
from pytest_toolmatch.fuzzing.relation import NotApplicable, Relation
from pytest_toolmatch.fuzzing.relations.drawing import some_of
from pytest_toolmatch.fuzzing.relations.naming import fits, relatives
from pytest_toolmatch.fuzzing.relations.strangers import STRANGERS
from pytest_toolmatch.fuzzing.relations.words import called, called_before, parts, vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypothesis.strategies import SearchStrategy

    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.fuzzing.variant import Subject

_MOST_STRANGERS = 8
_SAYINGS = (
    "{0}",
    "{0} Also covers related requests.",
    "{0} For simple cases only.",
    "{0} Prefer this when in a hurry.",
    "Use this for anything of the kind: {0}",
)
"""What a near copy says of itself: the same, something broader, something narrower."""


def _tool_order(subject: Subject) -> SearchStrategy[tuple[Edit, ...]]:
    shown = tuple(tool.name for tool in subject.tools)
    if len(shown) < 2:  # noqa: PLR2004 - what an order needs
        raise NotApplicable("fewer than two tools")
    swapped = [(*shown[:at], shown[at + 1], shown[at], *shown[at + 2 :]) for at in range(len(shown) - 1)]
    simple = st.sampled_from([*swapped, shown[::-1]])
    orders = simple | st.permutations(shown).map(tuple).filter(lambda order: order != shown)
    return orders.map(lambda order: (Order(order),))


def _distractors(subject: Subject) -> SearchStrategy[tuple[Edit, ...]]:
    strangers = strange(subject)
    if not subject.tools or not strangers:
        raise NotApplicable("no tools that others could stand beside" if strangers else "no tool is strange to these")
    edits = [Add(tool, at) for tool in strangers for at in range(len(subject.tools) + 1)]
    return some_of(edits, _MOST_STRANGERS, lambda add: add.tool.name)


def strange(subject: Subject) -> list[Tool]:
    """Return the tools of other trades that share no noun of their name with the query and the tools on offer."""
    known = {word.removesuffix("s") for word in vocabulary(subject)}
    return [tool for tool in STRANGERS if known.isdisjoint(part.removesuffix("s") for part in parts(tool.name)[1:])]


def _no_tool(subject: Subject) -> SearchStrategy[tuple[Edit, ...]]:
    names = called(subject)
    if not names:
        raise NotApplicable("the chain calls no tool, or is not known")
    if len(names) > 1:
        raise NotApplicable("the chain calls several tools: one that is left may still be right")
    return st.just(_removed(subject, names[0]))


def _removed(subject: Subject, name: str) -> tuple[Edit, ...]:
    if name in called_before(subject):
        raise NotApplicable("the conversation has called the tool already")
    if not find_tool(subject.tools, name) or len(subject.tools) == 1:
        raise NotApplicable("no tool would be left")
    return (Remove(name),)


def _overlap(subject: Subject) -> SearchStrategy[tuple[Edit, ...]]:
    first = next((tool for name in called(subject) if (tool := find_tool(subject.tools, name))), None)
    if first is None:
        raise NotApplicable("the chain calls no tool, or is not known")
    taken = {tool.name for tool in subject.tools}
    at = next(at for at, tool in enumerate(subject.tools) if tool.name == first.name)
    said = first.description or f"Same as {first.name}."
    copies = st.builds(
        lambda name, saying: msgspec.structs.replace(first, name=name, description=saying.format(said)),
        st.sampled_from(_free(relatives(first.name), taken)),
        st.sampled_from(_SAYINGS),
    )
    return st.builds(lambda tool, place: (Add(tool, place),), copies, st.sampled_from((at + 1, at)))


def _free(names: Iterable[str], taken: set[str]) -> list[str]:
    found = [name for name in names if name not in taken and fits(name)]
    if not found:
        raise NotApplicable("no other name that a tool may have")
    return found


TOOL_ORDER = Relation(
    name="tool_order", must="same", says="the tools in another order call for the same", edits=_tool_order
)
DISTRACTORS = Relation(
    name="distractors", must="same", says="more tools that don't help call for the same", edits=_distractors
)
NO_TOOL = Relation(name="no_tool", must="abstain", says="without the tool there is nothing to call", edits=_no_tool)
OVERLAP = Relation(
    name="overlap", must="teacher", says="of two tools that do the same, the teacher's counts", edits=_overlap
)
