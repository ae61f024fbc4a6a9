"""Which cases really changed between two runs: an exact test of each, with control over how many are named wrongly.

Each case is tested by Fisher's exact test (1935, §21.02) of its matches before against those after. Over the cases the
tests are read by Benjamini & Hochberg's procedure (1995, JRSS B 57:289): of the cases named, a share α at most is named
by chance on average, and two runs of one student name any case with probability α at most. Cases whose draws could show
nothing however they fell (all of them match, both times) are left out first. That depends only on what Fisher's test
holds fixed, so the share stays what it is, and the others are easier to show (Tarone 1990, Biometrics 46:515; Gilbert
2005, JRSS C 54:143).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_toolmatch.statistics.measures import Measure

_EXACT = 1e-9
_ENOUGH = 1000


class Counts(NamedTuple):
    """The matches among a case's draws, before and after."""

    then: int
    of_then: int
    now: int
    of_now: int

    def p(self) -> float:
        """Return the two-sided p-value of Fisher's exact test: the tables with these margins that are no likelier."""
        weights = self._weights()
        seen = weights[self.then - max(0, self.then + self.now - self.of_now)]
        return sum(weight for weight in weights if weight <= seen) / sum(weights)

    def least_p(self) -> float:
        """Return the smallest p-value that as many matches in as many draws could have."""
        weights = self._weights()
        least = min(weights)
        return sum(weight for weight in weights if weight == least) / sum(weights)

    def _weights(self) -> list[int]:
        """Count the ways in which all matches fall, by how many of them fall before."""
        matches = self.then + self.now
        return [
            math.comb(self.of_then, then) * math.comb(self.of_now, matches - then)
            for then in range(max(0, matches - self.of_now), min(matches, self.of_then) + 1)
        ]


class Finding(NamedTuple):
    """The p-value of one case, and whether it is shown to have changed among all that were tested."""

    p: float
    real: bool


def counts_of(then: Measure, now: Measure) -> Counts:
    """Return the matches of both; where they are no whole numbers, those whole ones that differ less."""
    of_then, of_now = int(then.draws), int(now.draws)
    before, after = _between(then.value * of_then), _between(now.value * of_now)
    up = then.value < now.value
    made = Counts(before[up], of_then, after[not up], of_now)
    crossed = (made.then * of_now > made.now * of_then) if up else (made.then * of_now < made.now * of_then)
    return Counts(made.then, of_then, made.then, of_then) if crossed else made


def findings(pairs: Sequence[tuple[Measure, Measure]], confidence: float) -> list[Finding]:
    """Test every case, given as its measures before and after, for another match rate."""
    counts = [counts_of(then, now) for then, now in pairs]
    telling = {case: one.p() for case, one in enumerate(counts) if one.least_p() <= 1 - confidence}
    real = discoveries(telling, confidence)
    return [Finding(one.p(), case in real) for case, one in enumerate(counts)]


def discoveries(p_values: Mapping[int, float], confidence: float) -> set[int]:
    """Return what Benjamini & Hochberg's procedure accepts: the largest k whose k-th p-value is at most k α / n."""
    order = sorted(p_values, key=lambda case: p_values[case])
    level = (1 - confidence) / max(1, len(order))
    enough = [rank for rank, case in enumerate(order, 1) if p_values[case] <= rank * level + 1e-15]
    return set(order[: max(enough, default=0)])


def draws_lacking(pairs: Sequence[tuple[Measure, Measure]], confidence: float) -> int:
    """Return the draws in each run without which no case can be shown to have changed; 0 where some have them."""
    sizes = {(int(then.draws), int(now.draws)) for then, now in pairs}
    if not sizes or any(Counts(then, then, 0, now).p() <= 1 - confidence for then, now in sizes):
        return 0
    return next(n for n in range(1, _ENOUGH) if Counts(n, n, 0, n).p() <= 1 - confidence)


def _between(matches: float) -> tuple[int, int]:
    return math.floor(matches + _EXACT), math.ceil(matches - _EXACT)
