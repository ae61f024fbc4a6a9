"""Queries that are nearly the same, and parts that share none of them."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Part: TypeAlias = Literal["train", "validation", "test"]

SHARES: tuple[tuple[Part, float], ...] = (("test", 0.2), ("validation", 0.1), ("train", 0.7))
ALIKE = 0.8
"""The share of their words that near-duplicates have in common (Jaccard)."""

_WORD = re.compile(r"\w+")
_MASKED = re.compile(
    r"""
    "[^"]*" | “[^”]*” | «[^»]*» | `[^`]*` | (?<!\w)'[^']*'(?!\w)   # quoted
    | [^\s"]*\d[^\s"]*                                             # numbers, dates, ids
    | \S+@\S+                                                      # addresses
    """,
    re.VERBOSE,
)


def template(query: str) -> str:
    """Return a query with what is said in it masked: quoted values, and whatever has a digit."""
    return " ".join(_MASKED.sub(" ? ", query.lower()).split())


def groups(queries: Sequence[str]) -> list[str]:
    """Return the name of each query's group: near-duplicates, and what is near to them in turn, have the same.

    Near are queries of one template, and those that share most of their words. A name does not depend on the order.
    """
    parents = list(range(len(queries)))

    def root(place: int) -> int:
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    for one, other in _near(queries):
        parents[root(one)] = root(other)
    names: dict[int, str] = {}
    for place, query in enumerate(queries):
        key = root(place)
        names[key] = min(names.get(key, query), query)
    return [names[root(place)] for place in range(len(queries))]


def parts(names: Sequence[str], seed: int, test: float = SHARES[0][1]) -> list[Part]:
    """Return the part that each group belongs to; it stays there whatever is recorded beside it.

    With a larger share for ``test``, what is in it at a smaller one stays in it; the others share the rest as ever.
    """
    scale = (1 - test) / (1 - SHARES[0][1]) if test != SHARES[0][1] else 1.0
    shares = [(part, share * scale if part != "test" else test) for part, share in SHARES]
    return [_part(name, seed, shares) for name in names]


def rank(text: str, seed: int) -> float:
    """Return a number from 0 to 1 that depends on nothing but the text and the seed."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{text}".encode()).digest()[:8]) / 2**64


def _part(name: str, seed: int, shares: Sequence[tuple[Part, float]]) -> Part:
    at, bound = rank(name, seed), 0.0
    for part, share in shares:
        bound += share
        if at < bound:
            return part
    return "train"


def _near(queries: Sequence[str]) -> Iterator[tuple[int, int]]:
    first: dict[str, int] = {}
    for place, query in enumerate(queries):
        yield place, first.setdefault(template(query), place)
    yield from _alike([frozenset(_WORD.findall(query.lower())) for query in queries])


def _alike(words: Sequence[frozenset[str]]) -> Iterator[tuple[int, int]]:
    """Yield pairs that share enough words; of two such, the rarest few words of each have one in common.

    The filter is that of Chaudhuri, Ganti & Kaushik (2006): it skips pairs that can't be alike, and no other.
    """
    counts = Counter(word for one in words for word in one)
    having: dict[str, list[int]] = defaultdict(list)
    seen: dict[frozenset[str], int] = {}
    for place, one in enumerate(words):
        if one in seen:
            yield place, seen[one]
            continue
        seen[one] = place
        rare = sorted(one, key=lambda word: (counts[word], word))
        rare = rare[: len(one) - math.ceil(ALIKE * len(one)) + 1]
        for other in {other for word in rare for other in having[word]}:
            shared = len(one & words[other])
            if shared >= ALIKE * (len(one) + len(words[other]) - shared) - 1e-9:
                yield place, other
        for word in rare:
            having[word].append(place)
