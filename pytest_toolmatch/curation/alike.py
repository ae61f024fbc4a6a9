"""Pairs of sets of words that share most of them, without comparing all with all.

Two sets of which ``a`` and ``b`` words are known to share ``t`` of them (Jaccard ≥ s takes t = ⌈s (a + b) / (1 + s)⌉)
share the k rarest of these among the a - t + k rarest of one and the b - t + k rarest of the other (Wang, Li & Feng
2012, *Can we beat the prefix filtering?*). So all pairs are under a common key of k words, whatever k is; with k = t
those under one key are alike and need not be compared. Sets are taken by their sizes, since t depends on these.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from functools import partial
from itertools import chain, combinations
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from pytest_toolmatch.curation.disjoint import Disjoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from pytest_toolmatch.curation.disjoint import Integers

Hashes: TypeAlias = "NDArray[np.uint64]"
Words: TypeAlias = "tuple[str, ...]"
"""A set of words, in the order of the alphabet: a tuple takes a fifth of the room."""
Pairs: TypeAlias = "tuple[Integers, Integers]"
Sizes: TypeAlias = "tuple[int, int]"
Each: TypeAlias = "Callable[[Callable[[Sizes], Pairs], Iterable[Sizes]], Iterable[Pairs]]"

_KEYS = 32
"""Keys of a set, at most, as long as more words in a key make fewer keys."""
_AT_ONCE = 1 << 20
"""Pairs that are compared at once, about."""
_ROUNDING = 1e-9
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_PAIRS, _FOURS, _BYTES, _ADD = map(
    np.uint64, (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F, 0x0101010101010101)
)


class Sets(NamedTuple):
    """Sets of one size: their places, and ``words`` as numbers, ``(sets, size)``, the rarest first."""

    places: Integers
    words: Integers


def alike(words: Sequence[Words], share: float, each: Each = map) -> Iterator[Pairs]:
    """Yield pairs of places that connect all sets which have ``share`` of their words in common, and no others.

    ``each`` applies a function to every two sizes, in order.
    """
    first: dict[Words, int] = {}
    twins = [first.setdefault(one, place) for place, one in enumerate(words)]
    yield np.arange(len(words)), np.array(twins, np.int64)
    sizes = _by_size(first)
    two = ((one, other) for one in sizes for other in sizes if share * one - _ROUNDING <= other <= one)
    yield from each(partial(_between, sizes, share), sorted(two))


def _by_size(sets: dict[Words, int]) -> dict[int, Sets]:
    counts = Counter(chain.from_iterable(sets))
    number = {word: at for at, word in enumerate(sorted(counts, key=lambda word: (counts[word], word)))}
    found: dict[int, list[Words]] = defaultdict(list)
    for one in filter(None, sets):
        found[len(one)].append(one)
    return {
        size: Sets(
            np.array([sets[one] for one in some]),
            np.sort(np.array([[number[word] for word in one] for one in some], np.int64), axis=1),
        )
        for size, some in found.items()
    }


def _between(sizes: dict[int, Sets], share: float, two: Sizes) -> Pairs:
    """Return pairs that connect what is alike among sets of one size and sets of another, smaller or equal."""
    one, other = (sizes[size] for size in two)
    shared = math.ceil(share * sum(two) / (1 + share) - _ROUNDING)
    taken = _taken(two[0] - shared, shared)
    places = np.concatenate([one.places, other.places])
    joined = Disjoint(len(places))
    keys = [_keys(some.words, some.words.shape[1] - shared, taken) for some in (one, other)[: len({*two})]]
    if one is other:
        joined.join(np.arange(len(one.places)), np.arange(len(one.places)) + len(one.places))
    runs = _runs_of_one(*keys) if one is other else _runs_of_two(*keys)
    if taken == shared:
        for pairs in _begun(runs):
            joined.join(*pairs)
    else:
        _join_compared(one.words, other.words, shared, runs, joined)
    moved = np.flatnonzero(places[joined.roots] != places)
    return places[moved], places[joined.roots[moved]]


def _taken(left: int, shared: int) -> int:
    """Return how many words a key has: all that are shared, where that does not make too many keys."""
    able = (taken for taken in range(shared, 1, -1) if math.comb(left + taken, left) <= _KEYS)
    return next(able, 1)


def _keys(words: Integers, left: int, taken: int) -> Hashes:
    """Return the keys of each set, ``(sets, keys)``: its ``left + taken`` rarest words, any ``left`` of them left out.

    Sums of hashes stand for sets of words.
    """
    marks = _mixed(words[:, : left + taken].astype(np.uint64))
    total = marks.sum(1)
    return np.stack([total - marks[:, out].sum(1) for out in map(list, combinations(range(left + taken), left))], 1)


def _mixed(numbers: Hashes) -> Hashes:
    """Return well-mixed bits (Steele, Lea & Flood 2014: SplitMix64)."""
    bits = (numbers + np.uint64(1)) * _GOLDEN
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX[0]
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX[1]
    return bits ^ (bits >> np.uint64(31))


class _Runs(NamedTuple):
    """The sets under each key that is in both parts: so many ``ones``, so many ``others``, run after run.

    Sets are rows; those of the second part are numbered on from the first's.
    """

    ones: Integers
    others: Integers
    ones_each: Integers
    others_each: Integers


def _runs_of_two(one: Hashes, other: Hashes) -> _Runs:
    rows, lengths, starts = _sorted(np.concatenate([one.ravel(), other.ravel()]))
    second = rows >= one.size
    seconds = np.add.reduceat(second, starts, dtype=np.int64)
    both = (seconds > 0) & (seconds < lengths)
    rows, second = rows[np.repeat(both, lengths)], second[np.repeat(both, lengths)]
    ones, others = rows[~second] // one.shape[1], len(one) + (rows[second] - one.size) // other.shape[1]
    return _Runs(ones, others, (lengths - seconds)[both], seconds[both])


def _runs_of_one(keys: Hashes) -> _Runs:
    """Return the runs of a part with itself; its second copy is numbered on."""
    rows, lengths, _ = _sorted(keys.ravel())
    several = lengths > 1
    rows, lengths = rows[np.repeat(several, lengths)] // keys.shape[1], lengths[several]
    return _Runs(rows, rows + len(keys), lengths, lengths)


def _sorted(keys: Hashes) -> tuple[Integers, Integers, Integers]:
    """Return the places of keys in their order, how many there are of each, and where each starts."""
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return order, np.diff(starts, append=len(keys)), starts


def _begun(runs: _Runs) -> Iterator[Pairs]:
    """Yield the pairs of each run that have its first one or its first other."""
    yield runs.ones, runs.others[np.repeat(_before(runs.others_each), runs.ones_each)]
    yield runs.ones[np.repeat(_before(runs.ones_each), runs.others_each)], runs.others


def _before(counts: Integers) -> Integers:
    return np.cumsum(counts) - counts


def _join_compared(one: Integers, other: Integers, shared: int, runs: _Runs, joined: Disjoint) -> None:
    """Join the pairs of runs that share so many words; those that are joined already are not compared."""
    marks, words = [_parities(some) for some in (one, other)], (one, other)
    apart = one.shape[1] + other.shape[1] - 2 * shared
    for ones, others in chain(_begun(runs), _remaining(runs, joined)):
        open_ = joined.roots[ones] != joined.roots[others]
        mine, its = ones[open_], others[open_] - len(one)
        near = _bits(marks[0][mine] ^ marks[1][its]).sum(1) <= apart
        mine, its = mine[near], its[near]
        near = _common(words[0][mine], words[1][its]) >= shared
        joined.join(mine[near], its[near] + len(one))


def _remaining(runs: _Runs, joined: Disjoint) -> Iterator[Pairs]:
    """Yield all pairs of each run that are not joined when this is asked for the first time, many at once."""
    number = np.repeat(np.arange(len(runs.ones_each)), runs.ones_each)
    scale = len(joined.roots)
    its = np.repeat(np.arange(len(runs.others_each)), runs.others_each) * scale + joined.roots[runs.others]
    order = np.argsort(its, kind="stable")
    its, others = its[order], runs.others[order]
    mine = number * scale + joined.roots[runs.ones]
    # In its run, a row is compared with those before and those after what it is joined with.
    begin, end = _before(runs.others_each)[number], np.cumsum(runs.others_each)[number]
    low, high = (np.searchsorted(its, mine, side) for side in ("left", "right"))
    starts, counts = np.append(begin, high), np.append(low - begin, end - high)
    ones = np.tile(runs.ones, 2)
    bounds = np.flatnonzero(np.diff(np.cumsum(counts) // _AT_ONCE)) + 1
    for some in np.split(np.arange(len(counts)), bounds):
        many = counts[some]
        within = np.arange(many.sum()) - np.repeat(_before(many), many)
        yield np.repeat(ones[some], many), others[np.repeat(starts[some], many) + within]


def _parities(words: Integers) -> Hashes:
    """Return 128 bits for each set: which of as many hashes an odd number of its words has.

    Where two differ, so many words at least are in one set only.
    """
    found = np.zeros((len(words), 2), np.uint64)
    for column in _mixed(words.astype(np.uint64)).T:
        found[np.arange(len(words)), column >> np.uint64(63)] ^= np.uint64(1) << (column & np.uint64(63))
    return found


def _bits(words: Hashes) -> Integers:
    """Count the bits that are set (Warren 2012, *Hacker's Delight*, 5-1)."""
    words = words - ((words >> np.uint64(1)) & _PAIRS)
    words = (words & _FOURS) + ((words >> np.uint64(2)) & _FOURS)
    words = (words + (words >> np.uint64(4))) & _BYTES
    return ((words * _ADD) >> np.uint64(56)).astype(np.int64)


def _common(ones: Integers, others: Integers) -> Integers:
    """Count the words that each two sets share."""
    both = np.sort(np.concatenate([ones, others], axis=1), axis=1)
    return (both[:, 1:] == both[:, :-1]).sum(1)
