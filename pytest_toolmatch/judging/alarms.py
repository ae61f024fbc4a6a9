"""Verdicts on single cases that stay true over a whole suite and however often one looks.

Against "the case matches in at least ``wanted`` of its draws" the evidence is the likelihood of its draws averaged over
all lower rates, divided by that at ``wanted``: a mixture of likelihood ratios (Robbins 1970), whose expectation is at
most 1 at every stopping time; for scores between 0 and 1, too, by convexity. Over the cases of a suite, evidences are
read by the e-BH procedure (Wang & Ramdas 2022, JRSS B 84:3): of the verdicts of one direction a share α at most is
wrong on average, whatever the dependence, and a suite without a failing case raises any alarm with probability α at
most.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_toolmatch.judging.beta import beta_probability, log_beta

if TYPE_CHECKING:
    from collections.abc import Sequence

CaseState: TypeAlias = Literal["agrees", "diverges", "undecided"]


def evidence_below(matches: float, draws: float, wanted: float) -> float:
    """Return the log of the evidence that the true rate is below ``wanted``, which lies between 0 and 1."""
    misses = draws - matches
    share = max(beta_probability(wanted, matches + 1, misses + 1), 1e-300)
    chance = matches * math.log(wanted) + misses * math.log1p(-wanted)
    return log_beta(matches + 1, misses + 1) + math.log(share) - math.log(wanted) - chance


def evidence_above(matches: float, draws: float, wanted: float) -> float:
    """Return the log of the evidence that the true rate is above ``wanted``."""
    return evidence_below(draws - matches, draws, 1 - wanted)


def case_states(counts: Sequence[tuple[float, float]], wanted: float, confidence: float = 0.95) -> list[CaseState]:
    """Return the verdict on every case from its (matches, draws): where nothing is shown, undecided."""
    if not 0 < wanted < 1:
        raise ValueError(f"the wanted share must lie between 0 and 1 for a verdict by evidence, got {wanted:g}")
    below = shown([evidence_below(*count, wanted) for count in counts], confidence)
    above = shown([evidence_above(*count, wanted) for count in counts], confidence)
    return ["diverges" if case in below else "agrees" if case in above else "undecided" for case in range(len(counts))]


def shown(evidence: Sequence[float], confidence: float) -> set[int]:
    """Return what e-BH accepts: the largest k whose k-th log-evidence reaches log(n / (k α))."""
    order = sorted(range(len(evidence)), key=lambda case: -evidence[case])
    level = math.log(len(evidence) / (1 - confidence)) if evidence else 0.0
    enough = [rank for rank, case in enumerate(order, 1) if evidence[case] >= level - math.log(rank)]
    return set(order[: max(enough, default=0)])
