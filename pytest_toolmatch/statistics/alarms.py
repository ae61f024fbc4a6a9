"""Verdicts on single cases that raise no false alarms, however many cases a suite has.

A case *diverges* where it is shown that fewer than the wanted share of its samples match. Against "at least that share
match" speaks a p-value:

- Where the number of draws was fixed beforehand, the exact binomial tail P(X ≤ matches).
- Where draws were made until something was decided, 1 / evidence: the likelihood of the draws averaged over all lower
  rates, divided by that at the wanted one. That is a mixture of likelihood ratios (Robbins 1970), whose expectation is
  at most 1 at every stopping time; for scores between 0 and 1, too, by convexity.

Over the cases of a suite, p-values are read by the procedure of Benjamini & Hochberg (1995, JRSS B 57:1), which holds
here because cases are drawn independently of each other; for 1 / evidence it is e-BH (Wang & Ramdas 2022, JRSS B 84:3),
which holds whatever the dependence. A share α at most of the alarms is false on average, and a suite without a failing
case raises any alarm with probability α at most. Nothing is shown by a p-value above α: what is shown in a whole suite
is also shown by its case alone.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.statistics.beta import beta_probability, log_beta

if TYPE_CHECKING:
    from collections.abc import Sequence

FAR = 200
"""Further draws of a case beyond which nobody is told how many it would take."""

_EXACT = 1e-12


class Bar(NamedTuple):
    """What p-values have to reach: ``shown`` tells those that show something, ``next_one`` what one more would need."""

    shown: float
    next_one: float


def bar(p_values: Sequence[float], confidence: float, others: int = 0) -> Bar:
    """Return the bar of a family of cases: kα/n, of the largest k for which so many p-values are as small.

    ``others`` are cases of the family that have yet to come; until then nothing speaks against them.
    """
    step = (1 - confidence) / max(1, len(p_values) + others)
    ranked = enumerate(sorted(p_values), 1)
    found = max((rank for rank, value in ranked if value <= rank * step), default=0)
    return Bar(found * step if found else -1.0, (found + 1) * step)


@lru_cache(4096)
def p_value(matches: float, draws: float, wanted: float, *, fixed: bool) -> float:
    """Return how likely so few matches are where a share of ``wanted`` (above 0, at most 1) is true."""
    if not 0 < wanted <= 1:
        raise ValueError(f"the wanted share must lie above 0 and at most at 1, got {wanted:g}")
    if fixed or wanted == 1:
        return p_below(matches, draws, wanted)
    return math.exp(-max(0.0, evidence_below(matches, draws, wanted)))


def p_below(matches: float, draws: float, wanted: float) -> float:
    """Return P(X ≤ matches) of so many draws at the rate ``wanted``; where all shall match, a miss is proof.

    It is the incomplete beta function, which interpolates between whole matches: exact for those, for means of scores
    between 0 and 1 an approximation, mostly too large since they vary less than matches do.
    """
    misses = draws - matches
    if misses <= _EXACT * draws:
        return 1.0
    return beta_probability(1 - wanted, misses, matches + 1)


def evidence_below(matches: float, draws: float, wanted: float) -> float:
    """Return the log of the evidence that the true rate is below ``wanted``, which lies between 0 and 1."""
    misses = draws - matches
    share = max(beta_probability(wanted, matches + 1, misses + 1), 1e-300)
    chance = matches * math.log(wanted) + misses * math.log1p(-wanted)
    return log_beta(matches + 1, misses + 1) + math.log(share) - math.log(wanted) - chance


def more_draws(matches: float, draws: float, wanted: float, level: float, *, fixed: bool = True) -> int | None:
    """Estimate the further draws after which the p-value reaches ``level`` if the share stays; None beyond ``FAR``."""
    share = matches / draws

    def enough(more: int) -> bool:
        return p_value(share * (draws + more), draws + more, wanted, fixed=fixed) <= level

    if not enough(FAR):
        return None
    low, high = 0, FAR
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
