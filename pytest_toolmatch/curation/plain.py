"""What requests without a call say, without courtesies and slips of the pen: there only the words can tell.

Both are found by the requests themselves, so in any language that puts spaces between words. A *courtesy* is a short
clause that comes beside many different others (*Hi*, *thanks a lot*). A *slip* is a word that hardly anyone writes, one
edit away from one that many do (Damerau 1964: a letter too many, too few, another, or two in the wrong order).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_BETWEEN = re.compile(r"(?<=[\w\"'”»)\]])[.?!,:;…]+(?=\s|$)|\n+")
_WORD = re.compile(r"\w+")
_LONGEST = 4000
"""Characters of a request that are looked at."""
_BRIEF = 4
"""Words of a courtesy, at most."""
_OFTEN, _BESIDE = 0.02, 10
"""A courtesy is in this share of all requests, and beside so many different others, at least."""
_TIMES = 10
"""What is meant is written so many times as often as a slip, at least."""
_RARE, _LETTERS, _SWAPPED = 3, 5, 3
"""A slip is in so many requests at most and has so many letters at least; one that swaps two letters needs fewer."""


def plain(texts: Sequence[str]) -> list[str]:
    """Return each request in small letters, without courtesies, its slips mended; one of courtesies alone stays."""
    small = [text[:_LONGEST].casefold() for text in texts]
    meant = _slips(small)
    clauses = [_clauses(_WORD.sub(lambda word: meant.get(word[0], word[0]), text)) for text in small]
    said = _courtesies(clauses)
    return [" ".join([one for one in mine if one not in said] or mine) for mine in clauses]


def _clauses(text: str) -> list[str]:
    found = (" ".join(one.split()) for one in _BETWEEN.split(text))
    return [one for one in found if one]


def _courtesies(clauses: Sequence[Sequence[str]]) -> set[str]:
    """Return the clauses that are brief and come beside many others; equal requests count once."""
    beside: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for mine in clauses:
        for place, one in enumerate(mine if len(mine) > 1 else ()):
            if len(one.split()) <= _BRIEF:
                beside[one].add((*mine[:place], *mine[place + 1 :]))
    often = Counter(one for mine in clauses for one in set(mine))
    least = _OFTEN * len(clauses)
    return {one for one, others in beside.items() if len(others) >= _BESIDE and often[one] >= least}


def _slips(texts: Sequence[str]) -> dict[str, str]:
    """Return what is meant by each slip: the most frequent word that is one edit away."""
    counts = Counter(word for text in texts for word in set(_WORD.findall(text)))
    usual: dict[str, set[str]] = defaultdict(set)
    for word, count in counts.items():
        if count >= _TIMES and len(word) >= _SWAPPED:
            for one in _losing(word):
                usual[one].add(word)
    found = {word: _meant(word, counts, usual) for word in counts if len(word) >= _SWAPPED and word.isalpha()}
    return {word: meant for word, meant in found.items() if meant}


def _losing(word: str) -> Iterator[str]:
    """Yield a word, and what is left of it without a letter: by these, words are found that are an edit away."""
    yield word
    yield from (word[:place] + word[place + 1 :] for place in range(len(word)))


def _meant(word: str, counts: Mapping[str, int], usual: Mapping[str, set[str]]) -> str:
    near = {other for one in _losing(word) for other in usual.get(one, ()) if counts[other] >= _TIMES * counts[word]}
    rare = counts[word] <= _RARE and len(word) >= _LETTERS
    able = (one for one in near if _swapped(word, one) or (rare and _one_edit(word, one)))
    return max(able, key=lambda one: (counts[one], one), default="")


def _one_edit(word: str, other: str) -> bool:
    """Say whether one letter makes the other of two words that are equal where each loses a letter at most."""
    return len(word) != len(other) or sum(a != b for a, b in zip(word, other, strict=True)) == 1


def _swapped(word: str, other: str) -> bool:
    """Say whether two letters beside each other, the other way round, make the other of a word."""
    places = [place for place, (a, b) in enumerate(zip(word, other, strict=False)) if a != b]
    if len(word) != len(other) or len(places) != 2:  # noqa: PLR2004
        return False
    first, last = places
    return last == first + 1 and word[first] == other[last] and word[last] == other[first]
