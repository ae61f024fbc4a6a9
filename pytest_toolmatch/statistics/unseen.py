"""Kinds of queries that a suite does not show, and how far they move the end of an interval of queries like these.

A kind that makes up the share q of all queries is missing among n cases with probability (1 − q)ⁿ. An interval that
errs in α of all suites may therefore err in α ÷ (1 − q)ⁿ of those that miss it: the same reckoning by which no interval
can be narrower (Pratt 1961, JASA 56:549). In those the truth is off by q times the distance of that kind, all to one
side, so that the end on that side has to lie

    q · distance + σ · z(1 − α ÷ (1 − q)ⁿ)

away from the estimate, σ being its error by the cases that are seen; and that for every q. Where cases are alike, that
comes to the rule of three (Hanley & Lippman-Hand 1983, JAMA 249:1743); where they differ by as much as an unseen one
well could, to less than the interval already has.

A kind counts up to one query in twenty, or two in as many queries as there are cases if that is more: that one is
missing in one suite of seven. More common ones are missing less often, and make suites of 30 that are alike pay most.
"""

from __future__ import annotations

from functools import lru_cache

from pytest_toolmatch.statistics.intervals import normal_quantile

_COMMON, _IN_CASES = 0.05, 2.0
"""The share of the most common kind that counts, and in how many of the cases one expects it if that is more."""

_STEPS = 16
"""Shares that are tried; the end lies within a hundredth of the farthest."""

_SURE = 1e-9


def reach(error: float, distance: float, cases: float, confidence: float) -> float:
    """Return how far from the estimate an end lies that is at ``error`` by the cases that are seen.

    ``distance`` is how far from the estimate a case can be on that side, ``cases`` how many there are, or as many as
    they are worth where their weights differ.
    """
    sigma = error / normal_quantile(0.5 + confidence / 2)
    return max(error, *(share * distance + sigma * z for share, z in _kinds(cases, confidence)))


@lru_cache(maxsize=256)
def _kinds(cases: float, confidence: float) -> tuple[tuple[float, float], ...]:
    """Return the shares of kinds that may be missing, and how far the noise of the others has to be covered then."""
    level = 1 - confidence
    most = min(max(_COMMON, _IN_CASES / cases), 1 - level ** (1 / cases))
    shares = [most * step / _STEPS for step in range(1, _STEPS + 1)]
    missed = [min(level * (1 - share) ** -cases, 1 - _SURE) for share in shares]
    return tuple((share, normal_quantile(1 - errs)) for share, errs in zip(shares, missed, strict=True))
