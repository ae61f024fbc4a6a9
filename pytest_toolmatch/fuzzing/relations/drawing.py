"""How edits are drawn: a few of those that are possible, the fewest and the first ones being the simplest."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hypothesis import strategies as st

from pytest_toolmatch.fuzzing.edits import Edit, Rewrite
from pytest_toolmatch.fuzzing.relation import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from hypothesis.strategies import SearchStrategy

Option = TypeVar("Option")

MOST = 4
"""Edits of a variant, usually: enough for two things to come together, and few to read."""


def few(edits: Sequence[Edit], nothing: str, most: int = MOST) -> SearchStrategy[tuple[Edit, ...]]:
    """Return the strategy of one to ``most`` of these edits; NotApplicable, saying ``nothing``, where there are none.

    Rewrites that would meet are left out, so that each of those drawn counts, and any of them can be left out. A single
    edit takes fewer choices than several do, and is what shrinking ends in where it is enough.
    """
    if not edits:
        raise NotApplicable(nothing)
    one = st.sampled_from(edits)
    return one.map(lambda edit: (edit,)) | st.lists(one, min_size=2, max_size=most).map(apart)


def some_of(
    options: Sequence[Option], most: int, of: Callable[[Option], Hashable]
) -> SearchStrategy[tuple[Option, ...]]:
    """Return the strategy of one to ``most`` of these options, no two of which are ``of`` the same.

    Options are made before they are drawn: a strategy that makes strategies takes ten times as long.
    """
    distinct = len({of(one) for one in options})
    chosen = st.lists(st.sampled_from(options), min_size=1, max_size=min(most, distinct), unique_by=of)
    return chosen.map(tuple)


def apart(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Return the edits without those that repeat another one or write over it."""
    kept: list[Edit] = []
    for edit in edits:
        if not any(_meet(edit, other) for other in kept):
            kept.append(edit)
    return tuple(kept)


def _meet(edit: Edit, other: Edit) -> bool:
    if not (isinstance(edit, Rewrite) and isinstance(other, Rewrite)):
        return edit == other
    return edit.start == other.start or (edit.start < other.end and other.start < edit.end)


def changing(query: str, rewrites: Iterable[Rewrite]) -> list[Rewrite]:
    """Return the rewrites that change something."""
    return [one for one in rewrites if query[one.start : one.end] != one.text]
