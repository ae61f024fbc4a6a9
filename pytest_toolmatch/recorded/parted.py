"""Recorded cases in parts that share no near-duplicates."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.curation.splits import groups, parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.curation.splits import Part
    from pytest_toolmatch.recorded.reading import Recorded


class Parted(NamedTuple):
    """One case, the name of its group of near-duplicates, and the part that the group is in."""

    recorded: Recorded
    group: str
    part: Part


def parted(cases: Sequence[Recorded], seed: int) -> list[Parted]:
    """Return cases with their parts, in their order: what is held out from one use is held out from all others.

    Groups that have a case which is held out by name are ``test``.
    """
    names = groups([one.asked for one in cases])
    kept = {name for name, one in zip(names, cases, strict=True) if one.case.held_out}
    placed = ("test" if name in kept else part for name, part in zip(names, parts(names, seed), strict=True))
    return [Parted(*one) for one in zip(cases, names, placed, strict=True)]
