"""The embedder that needs nothing: hashed words and character n-grams, weighted by how rare they are.

TF-IDF (Salton & Buckley 1988, sublinear term frequency, damped rarity) over features that are hashed (Weinberger et al.
2009) and projected to few dimensions by sparse random signs (Achlioptas 2003). Nothing is learned and nothing is
downloaded: the same texts give the same rows anywhere. It knows no synonyms.
"""

from __future__ import annotations

import re
import zlib
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from pytest_toolmatch.curation.embedding import Floats, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

Hashes: TypeAlias = "NDArray[np.uint64]"
Integers: TypeAlias = "NDArray[np.int64]"

NAME = "hashed"
BLOCK = 1024
_TOLD = 20_000
"""So many texts, about, say how rare a feature is; of more, chance (their own hash) chooses."""
_BUCKETS = 20
"""Bits of a feature's bucket where frequencies are counted."""
DAMPED = 0.25
"""The power of a feature's rarity that counts: a rare name must not drown what is asked about it."""
_SHARES = (2.0, 1.0)
"""What words have to say, and runs of characters, which forgive slips of the pen."""
_LONGEST = 4000
"""Characters of a text that are looked at."""

_WORD = re.compile(r"\w+")
_PRIME = np.uint64(1099511628211)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_NEWLINE, _SPACE = 10, 32


class _Features(NamedTuple):
    """Features of a block: the row, hash, and how often, of each; sorted by row, then bucket."""

    rows: Integers
    hashes: Hashes
    counts: Integers


class Hashed:
    """Rows of ``dimensions`` numbers from words, pairs of words and character n-grams.

    ``damped`` is the power of a feature's rarity that counts; 1 is best for texts whose values are not masked.
    """

    def __init__(
        self, dimensions: int = 256, grams: tuple[int, ...] = (2, 3), signs: int = 4, damped: float = DAMPED
    ) -> None:
        self.name, self.epsilon = NAME, 0.22
        self.dimensions, self.grams, self.signs, self.damped = dimensions, grams, signs, damped

    def rows(self, texts: Sequence[str]) -> Iterator[Floats]:
        """Yield the rows of the texts, weighted by how rare their features are among these texts."""
        work = self.work(texts)
        for start in range(0, len(texts), BLOCK):
            yield work(texts[start : start + BLOCK])

    def work(self, texts: Sequence[str]) -> Callable[[Sequence[str]], Floats]:
        """Return what makes the rows of some of the texts, weighted by how rare their features are among all."""
        return partial(self._block, self._rarity(texts))

    def _rarity(self, texts: Sequence[str]) -> Floats:
        """Return log((1 + N) / (1 + texts with it)) + 1 of every bucket, to the power that counts."""
        every = -(-len(texts) // _TOLD)
        told = [text for text in texts if every < 2 or zlib.crc32(text.encode("utf-8", "replace")) % every == 0]  # noqa: PLR2004
        having = np.zeros(1 << _BUCKETS, np.int64)
        for start in range(0, len(told), BLOCK):
            for features in self._features(told[start : start + BLOCK]):
                having += np.bincount(_bucket(features.hashes), minlength=len(having))
        rarity = np.log((1 + len(told)) / (1 + having)) + 1
        return (rarity**self.damped).astype(np.float32)

    def _block(self, rarity: Floats, texts: Sequence[str]) -> Floats:
        made = np.zeros((len(texts), self.dimensions), np.float32)
        for share, features in zip(_SHARES, self._features(texts), strict=True):
            weights = (1 + np.log(features.counts)).astype(np.float32) * rarity[_bucket(features.hashes)]
            made += share**0.5 * unit(self._projected(features, weights, len(texts)))
        return unit(made)

    def _projected(self, features: _Features, weights: Floats, count: int) -> Floats:
        """Return Σ weight · sign at ``signs`` places of a row that each feature's hash decides."""
        made = np.zeros(count * self.dimensions, np.float64)
        bits = features.hashes
        for _ in range(self.signs):
            bits = _mixed(bits + np.uint64(0x9E3779B97F4A7C15))
            where = features.rows * self.dimensions + (bits >> np.uint64(8)).astype(np.int64) % self.dimensions
            signs = (bits & np.uint64(1)).astype(np.float32) * 2 - 1
            made += np.bincount(where, weights * signs, minlength=len(made))
        return made.reshape(count, self.dimensions).astype(np.float32)

    def _features(self, texts: Sequence[str]) -> Iterator[_Features]:
        """Yield the features by words, then those by characters."""
        lines = [f" {' '.join(_WORD.findall(text[:_LONGEST].casefold()))} \n" for text in texts]
        data = np.frombuffer("".join(lines).encode("utf-8", "replace"), np.uint8)
        row = np.cumsum(data == _NEWLINE) - (data == _NEWLINE)
        yield _counted(*_words(data, row))
        grams = [_grams(data, row, size) for size in self.grams]
        yield _counted(np.concatenate([r for r, _ in grams]), np.concatenate([h for _, h in grams]))


def _bucket(hashes: Hashes) -> Integers:
    return (hashes >> np.uint64(64 - _BUCKETS)).astype(np.int64)


def _mixed(bits: Hashes) -> Hashes:
    """Return well-mixed bits (Steele, Lea & Flood 2014: the finaliser of SplitMix64)."""
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX[0]
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX[1]
    return bits ^ (bits >> np.uint64(31))


def _words(data: NDArray[np.uint8], row: Integers) -> tuple[Integers, Hashes]:
    """Return row and hash of every word, and of every two that follow each other, the ends of a text included."""
    starts = np.flatnonzero((data == _SPACE) | (data == _NEWLINE))
    # Every piece starts with its separator: that of a word is a space; " \n" ends a text.
    where = np.arange(len(data)) - np.repeat(starts, np.diff(np.append(starts, len(data))))
    powers = np.cumprod(np.full(64, _PRIME, np.uint64))
    pieces = _mixed(np.add.reduceat(data * powers[where % 64], starts)) if len(starts) else np.zeros(0, np.uint64)
    rows = row[starts]
    pairs = _mixed(pieces[:-1] * _PRIME + pieces[1:])
    follow = rows[:-1] == rows[1:]
    word = data[starts] == _SPACE
    return np.concatenate([rows[word], rows[:-1][follow]]), np.concatenate([pieces[word], pairs[follow]])


def _grams(data: NDArray[np.uint8], row: Integers, size: int) -> tuple[Integers, Hashes]:
    """Return row and hash of every run of ``size`` bytes that lies within one text."""
    count = max(0, len(data) - size + 1)
    hashes = np.full(count, size, np.uint64)
    for place in range(size):
        hashes = hashes * _PRIME + data[place : place + count]
    inside = (row[:count] == row[size - 1 :]) & (data[size - 1 :] != _NEWLINE) if count else np.zeros(0, bool)
    return row[:count][inside], _mixed(hashes[inside])


def _counted(rows: Integers, hashes: Hashes) -> _Features:
    """Count equal features of one row; a bucket and its row stand for the feature."""
    keys = (rows << _BUCKETS) | _bucket(hashes)
    keys, first, counts = np.unique(keys, return_index=True, return_counts=True)
    return _Features(keys >> _BUCKETS, hashes[first], counts)
