"""Evidence that one rate is lower than another, valid however often one looks.

Against "the rate after is at least that before" speaks an e-value by universal inference (Wasserman, Ramdas &
Balakrishnan 2020, PNAS 117:29, §8): the likelihood of all draws under a guess that was made beforehand, divided by the
largest likelihood that the claim allows. The guess is a mixture, Beta(3, 1) for the rate before and Beta(1, 2) for that
after. Its likelihood over that of the truth is a martingale from 1; the divisor is no smaller than the latter wherever
the claim is true. So the evidence reaches log(1/α) with probability α at most, over all looks together (Ville 1939),
in whatever order the draws of both come; and draws from before may serve many comparisons, whose evidence then is read
by e-BH (``alarms.bar``), which holds whatever the dependence.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from pytest_toolmatch.statistics.beta import clopper_pearson, log_beta
from pytest_toolmatch.statistics.intervals import Interval
from pytest_toolmatch.statistics.sides import Sides

_BEFORE, _AFTER = (3.0, 1.0), (1.0, 2.0)

WORTH = 0.25
"""The drop in rate that a comparison looks for; a smaller one may be there, and go unnoticed."""

_SETTLED = math.log(5)
"""Log-likelihood by which "no lower" has to lead "lower by ``WORTH``" before a comparison is given up."""


class Tally(NamedTuple):
    """How many of so many draws match."""

    matches: int = 0
    draws: int = 0

    @property
    def rate(self) -> float:
        """The share that matches; 1 without a draw."""
        return self.matches / self.draws if self.draws else 1.0


def evidence(before: Tally, after: Tally) -> float:
    """Return the log of the evidence that the rate has dropped, in nats."""
    together = Tally(before.matches + after.matches, before.draws + after.draws)
    if after.rate >= before.rate:
        largest = _likelihood(before, before.rate) + _likelihood(after, after.rate)
    else:
        largest = _likelihood(together, together.rate)
    return _mixture(before, *_BEFORE) + _mixture(after, *_AFTER) - largest


def hopeless(before: Tally, after: Tally) -> bool:
    """Say whether the draws speak so clearly against a drop worth looking for that more need not be made."""
    kept = min(0.98, max(0.02, before.rate))
    lower = max(0.02, kept - WORTH)
    return _likelihood(after, kept) - _likelihood(after, lower) >= _SETTLED


def drop(before: Tally, after: Tally, confidence: float = 0.95) -> tuple[float, Interval]:
    """Return by how much the rate has dropped, with its interval (see ``sides``)."""
    sides = Sides(
        before.rate,
        clopper_pearson(before.rate, before.draws, confidence),
        after.rate,
        clopper_pearson(after.rate, after.draws, confidence),
    )
    return before.rate - after.rate, sides.difference(1.0)


def _likelihood(tally: Tally, rate: float) -> float:
    misses = tally.draws - tally.matches
    hit = tally.matches * math.log(rate) if tally.matches else 0.0
    return hit + (misses * math.log1p(-rate) if misses else 0.0)


def _mixture(tally: Tally, a: float, b: float) -> float:
    return log_beta(tally.matches + a, tally.draws - tally.matches + b) - log_beta(a, b)
