"""Fewer training cases in place of all: those that are least alike."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.core.case import Case

_WORD = re.compile(r"\w+")


def choose(cases: Sequence[Case], size: int) -> tuple[Case, ...]:
    """Return so many cases, in their order: each next one shares the least of its words with those chosen before.

    A greedy cover (Gonzalez 1985, k-centre) by Jaccard's distance; the first is the one with the most words.
    """
    words = [frozenset(_WORD.findall(case.query.lower())) for case in cases]
    nearest = [(0.0, -len(one), place) for place, one in enumerate(words)]
    chosen: list[int] = []
    while len(chosen) < min(size, len(cases)):
        last = min(nearest)[2]
        chosen.append(last)
        left = [place for _, _, place in nearest if place != last]
        before = {place: alike for alike, _, place in nearest} if len(chosen) > 1 else {}
        nearest = [(max(before.get(at, 0.0), _alike(words[at], words[last])), -len(words[at]), at) for at in left]
    return tuple(cases[place] for place in sorted(chosen))


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 1.0
