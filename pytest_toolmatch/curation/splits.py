"""Queries that are nearly the same, and parts that share none of them."""

from __future__ import annotations

import hashlib
import re
import sys
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.curation.alike import Each

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


def literals(query: str) -> list[str]:
    """Return what ``template`` masks: quoted values, and whatever has a digit, in order of the alphabet."""
    return sorted(one.strip(".?!,:;()'\"“”«»`") for one in _MASKED.findall(query.lower()))


def groups(queries: Sequence[str], each: Each = map) -> list[str]:
    """Return the name of each query's group: near-duplicates, and what is near to them in turn, have the same.

    Near are queries of one template, and those that share most of their words. A name does not depend on the order.
    ``each`` applies a function to every part of the work, in order.
    """
    from pytest_toolmatch.curation.alike import alike  # noqa: PLC0415 - numpy: parts and ranks do without
    from pytest_toolmatch.curation.disjoint import Disjoint  # noqa: PLC0415 - as well

    joined = Disjoint(len(queries))
    joined.join_equal(map(template, queries))
    words = [tuple(sorted({*map(sys.intern, _WORD.findall(query.lower()))})) for query in queries]
    for pairs in alike(words, ALIKE, each):
        joined.join(*pairs)
    return joined.names(queries)


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
