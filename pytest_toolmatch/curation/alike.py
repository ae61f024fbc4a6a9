"""Sets of words that share most of them are joined, without comparing all with all.

Of two sets that are alike, the rarest words of each have some in common: one (Chaudhuri, Ganti & Kaushik 2006), or,
where a few more are looked at, three (Wang, Li & Feng 2012). Either skips pairs that can't be alike, and no other.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.curation.disjoint import Disjoint

Key: TypeAlias = tuple[str, ...]

_TOGETHER = 3
"""Words of a key, for sets of up to ``_SHORT`` words: of longer ones, that would be too many keys."""
_SHORT = 30
_MANY = 8
_ROUNDING = 1e-9


def join_alike(words: Sequence[frozenset[str]], share: float, joined: Disjoint) -> None:
    """Join the places whose sets have at least ``share`` of their words in common (Jaccard)."""
    counts = Counter(word for one in words for word in one)
    seen: dict[frozenset[str], int] = {}
    having: dict[Key, dict[int, list[int]]] = defaultdict(dict)
    for place, one in enumerate(words):
        if one in seen:
            joined.join(place, seen[one])
            continue
        seen[one] = place
        rare = sorted(one, key=lambda word: (counts[word], word))
        for key in _keys(rare, share):
            _look(place, having[key], words, share, joined)


def _keys(rare: Sequence[str], share: float) -> Iterator[Key]:
    """Yield keys of which two sets that are alike, and not equal, have one in common; ``rare`` comes first."""
    size = len(rare)
    common = math.ceil(share * size - _ROUNDING)
    if size <= _SHORT and common >= _TOGETHER:
        yield from combinations(rare[: size - common + _TOGETHER], _TOGETHER)
    # A set that may be alike to one of the other kind has keys of both.
    if size > _SHORT * share - _ROUNDING or common < _TOGETHER:
        yield from ((word,) for word in rare[: size - common + 1])


def _look(
    place: int, there: dict[int, list[int]], words: Sequence[frozenset[str]], share: float, joined: Disjoint
) -> None:
    """Join a place with those under one key that are alike, and put it there; those that it is joined with are skipped.

    ``there`` has places by what stood for them when they came.
    """
    if len(there) > _MANY:
        _gather(there, joined)
    mine = words[place]
    for root, others in there.items():
        if joined.root(root) != joined.root(place) and any(_alike(mine, words[other], share) for other in others):
            joined.join(place, root)
    there.setdefault(joined.root(place), []).append(place)


def _alike(one: frozenset[str], other: frozenset[str], share: float) -> bool:
    shared = len(one & other)
    return shared >= share * (len(one) + len(other) - shared) - _ROUNDING


def _gather(there: dict[int, list[int]], joined: Disjoint) -> None:
    """Put places together that were joined since they came."""
    gathered: dict[int, list[int]] = {}
    for root, places in there.items():
        gathered.setdefault(joined.root(root), []).extend(places)
    there.clear()
    there.update(gathered)
