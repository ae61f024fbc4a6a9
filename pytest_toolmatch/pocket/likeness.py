"""How much a word is like the words of a toolbox."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from pytest_toolmatch.pocket.latest import Latest
from pytest_toolmatch.pocket.numbers import is_number
from pytest_toolmatch.pocket.text import sketch, stem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_KEPT = 1024
_SIMILAR = 0.5


class Likeness:
    """The words to compare with, found by themselves, by their stems and by their trigrams."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._places: dict[str, list[int]] = {}
        self._stems: dict[str, list[int]] = {}
        self._trigrams: dict[str, list[int]] = {}
        for place, word in enumerate(words):
            self._places.setdefault(word, []).append(place)
            self._stems.setdefault(stem(word), []).append(place)
            for trigram in sketch(word) if word else ():
                self._trigrams.setdefault(trigram, []).append(place)
        self._lately: Latest[str, dict[int, float]] = Latest(_KEPT)

    def to(self, word: str) -> dict[int, float]:
        """Return the places of the words that are like one: 1 the same, .9 the same stem, less for shared trigrams."""
        return self._lately.get(word, partial(self._compare, word))

    def _compare(self, word: str) -> dict[int, float]:
        similar = () if is_number(word) else self._similar(word)
        found = {place: 0.8 * cosine for place, cosine in similar if cosine > _SIMILAR}
        found |= dict.fromkeys(self._stems.get(stem(word), ()), 0.9)
        return found | dict.fromkeys(self._places.get(word, ()), 1.0)

    def _similar(self, word: str) -> Iterator[tuple[int, float]]:
        """Yield the words that share trigrams with a word, and the cosine of both."""
        trigrams = sketch(word)
        shared = Counter(place for trigram in trigrams for place in self._trigrams.get(trigram, ()))
        for place, count in shared.items():
            yield place, count / (len(trigrams) * len(sketch(self._words[place]))) ** 0.5
