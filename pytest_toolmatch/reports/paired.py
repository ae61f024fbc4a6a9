"""The paired test: the same cases under two students, or before and after a change."""

from __future__ import annotations

import math
import random
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.statistics.effective import margin_intervals
from pytest_toolmatch.statistics.intervals import Interval
from pytest_toolmatch.statistics.measures import ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.statistics.measures import Measure

_EXHAUSTIVE = 2**14
_DRAWS = 10_000
_DIGITS = 9
"""Differences of shares are told apart to this many digits; beyond is rounding."""


class PairedTest(msgspec.Struct, frozen=True):
    """The means before and after, and their difference over ``n`` cases.

    ``suite`` is its interval for this suite, ``cases`` and ``p`` are for queries like these: the interval is unknown
    (None) from a single case.
    """

    before: float
    after: float
    difference: float
    suite: Interval
    cases: Interval | None
    p: float
    n: int

    def tells_of_suite(self) -> bool:
        """Say whether the difference on these cases is more than the draws differ by chance."""
        return _apart(self.suite)

    def tells_of_cases(self, confidence: float) -> bool:
        """Say whether it is more than cases differ by chance, too: both the test and the interval agree."""
        return self.p < 1 - confidence and self.cases is not None and _apart(self.cases)


def paired_test(before: Sequence[Measure], after: Sequence[Measure], confidence: float) -> PairedTest | None:
    """Compare a rate of every case with what it was: both intervals of the mean difference, and a sign-flip test.

    A case counts what its measure after weighs, which is what the one before does.
    """
    if not before:
        return None
    differences = [round(b.total - a.total, _DIGITS) for a, b in zip(before, after, strict=True)]
    suite, cases = margin_intervals(list(zip(after, before, strict=True)), confidence)
    mean = math.fsum(differences) / math.fsum(one.weight for one in after)
    return PairedTest(ratio(before), ratio(after), mean, suite, cases, sign_flip_p(differences), len(differences))


def _apart(interval: Interval) -> bool:
    """Whether an interval leaves 0 out."""
    return interval[0] > 0 or interval[1] < 0


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
