"""The paired test: the same cases under two students, or before and after a change."""

from __future__ import annotations

import math
import random
from collections import Counter
from statistics import fmean, stdev
from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.judging.intervals import Interval, student_t

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXHAUSTIVE = 2**14
_DRAWS = 10_000
_DIGITS = 9
"""Differences of shares are told apart to this many digits; beyond is rounding."""


class PairedTest(msgspec.Struct, frozen=True):
    """The means before and after, their difference with its interval, and its p-value, over ``n`` cases.

    The interval is unknown (None) from one case, and where all cases differ alike.
    """

    before: float
    after: float
    difference: float
    interval: Interval | None
    p: float
    n: int

    def can_tell(self, confidence: float) -> bool:
        """Say whether the difference is more than the cases differ by chance: both the test and the interval agree."""
        return self.p < 1 - confidence and (self.interval is None or self.interval[0] > 0 or self.interval[1] < 0)


def paired_test(before: Sequence[float], after: Sequence[float], confidence: float) -> PairedTest | None:
    """Compare two values of every case: Student's t interval of the mean difference, and a sign-flip test."""
    if not before:
        return None
    differences = [round(b - a, _DIGITS) for a, b in zip(before, after, strict=True)]
    difference, count = fmean(differences), len(differences)
    spread = stdev(differences) if count > 1 else 0.0
    half = student_t(0.5 + confidence / 2, count - 1) * spread / math.sqrt(count) if spread else 0.0
    interval = (difference - half, difference + half) if spread else None
    return PairedTest(fmean(before), fmean(after), difference, interval, sign_flip_p(differences), count)


def sign_flip_p(differences: Sequence[float]) -> float:
    """Return the two-sided p-value of the mean difference when each case's sign is up to chance (Fisher 1935, §21).

    Exact where the equal differences can fall in few ways, else from seeded draws (Phipson & Smyth 2010: 1 is added to
    both counts, so that the p-value is never 0).
    """
    sizes = Counter(round(abs(difference), _DIGITS) for difference in differences if difference)
    observed = abs(math.fsum(differences)) - 10**-_DIGITS * len(differences)
    if math.prod(count + 1 for count in sizes.values()) <= _EXHAUSTIVE:
        return _exact(sizes, observed)
    draw = random.Random(0).getrandbits  # noqa: S311 - a permutation test, no secret
    extreme = sum(
        abs(sum(size * (2 * draw(count).bit_count() - count) for size, count in sorted(sizes.items()))) >= observed
        for _ in range(_DRAWS)
    )
    return float((extreme + 1) / (_DRAWS + 1))


def _exact(sizes: Counter[float], observed: float) -> float:
    """Sum over how many of the differences of each size are positive, instead of over which ones."""
    ways: list[tuple[float, int]] = [(0.0, 1)]
    for size, count in sizes.items():
        ways = [
            (total + size * (2 * up - count), number * math.comb(count, up))
            for total, number in ways
            for up in range(count + 1)
        ]
    extreme = sum(number for total, number in ways if abs(total) >= observed)
    return float(extreme / 2 ** sizes.total())
