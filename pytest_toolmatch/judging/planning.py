"""How many cases and draws a gate takes, before any is paid for; and what given numbers can decide.

A plan rests on a guessed truth and on ``within``, the share of a draw's variance p(1 − p) that lies within cases: 1
where all cases have one rate, 0 where each case matches always or never. Only the variance within cases costs draws of
a gate on *this suite*; for *queries like these* both parts count.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.judging.betting import gain_of, log_spread, shares, stakes_at

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_toolmatch.judging.measures import Measure

_LEAST = 0.02
"""The least share of variance within cases that a plan counts on."""


class Plan(NamedTuple):
    """What a gate takes: draws for an even chance of a decision, for ``power``, and with a fixed size instead.

    ``rounds`` are the whole rounds, one draw of every case, that hold the draws for ``power``.
    """

    cases: int
    rounds: int
    typical: int
    draws: int
    fixed: int


def plan(
    cases: int, bound: float, truth: float, *, within: float = 1.0, confidence: float = 0.95, power: float = 0.9
) -> Plan:
    """Plan a sequential gate ``rate >= bound`` on so many cases, should the true rate be ``truth``."""
    draws = sequential_draws(bound, truth, within=within, confidence=confidence, power=power)
    typical = sequential_draws(bound, truth, within=within, confidence=confidence, power=0.5)
    fixed = fixed_draws(bound, truth, within=within, confidence=confidence, power=power)
    return Plan(cases, math.ceil(draws / cases), math.ceil(typical), math.ceil(draws), math.ceil(fixed))


def sequential_draws(
    bound: float, truth: float, *, within: float = 1.0, confidence: float = 0.95, power: float = 0.5, gap: float = 0.05
) -> float:
    """Return the draws after which a sequential gate is decided with probability ``power``.

    With g the mean log-gain of a bet in one draw and v its variance, both with the part that is noise times ``within``,
    that is the n where n·g − z·√(n·v) reaches log(1/α) less the log of the share of the capital that is on that bet.
    """
    if truth == bound:
        return math.inf
    if truth < bound:
        bound, truth = 1 - bound, 1 - truth
    share = max(within, _LEAST)
    z = NormalDist().inv_cdf(power)
    best = math.inf
    for stake, part in zip(stakes_at(bound, gap, 1 - share), shares(), strict=True):
        calm = stake * (truth - bound)
        gain = calm + share * (gain_of(stake, truth, bound) - calm)
        noise = share * log_spread(stake, truth)
        if gain > 0:
            needed = -math.log(1 - confidence) - math.log(part)
            root = (z * math.sqrt(noise) + math.sqrt(z * z * noise + 4 * gain * needed)) / (2 * gain)
            best = min(best, root * root)
    return best


def fixed_draws(
    bound: float, truth: float, *, within: float = 1.0, confidence: float = 0.95, power: float = 0.95
) -> float:
    """Return the draws of a test of fixed size: ((z₁√(b(1−b)) + z₂√(p(1−p))) / (p − b))², times ``within``."""
    if truth == bound:
        return math.inf
    return max(within, _LEAST) * _normal_size(bound, truth, confidence, power)


def cases_needed(
    bound: float, truth: float, draws: int, *, within: float = 0.5, confidence: float = 0.95, power: float = 0.9
) -> float:
    """Return the cases, of so many draws each, that tell the rate of *queries like these* from a bound."""
    if truth == bound:
        return math.inf
    return (1 - within + within / draws) * _normal_size(bound, truth, confidence, power)


def decidable(
    rate: float, draws: int, *, within: float = 1.0, confidence: float = 0.95, power: float = 0.9
) -> tuple[float, float]:
    """Return the bounds nearest below and above a rate that so many draws tell it from; nan where there is none."""

    def enough(bound: float) -> bool:
        return sequential_draws(bound, rate, within=within, confidence=confidence, power=power) <= draws

    return (_nearest(enough, rate, 0.001), _nearest(enough, rate, 0.999))


def within_share(measures: Sequence[Measure]) -> float:
    """Return the share of a draw's variance that lies within cases, as seen; 1 where it can't be seen."""
    seen = [measure for measure in measures if measure.draws >= 2]  # noqa: PLR2004 - one draw has no variance
    rate = math.fsum(m.total for m in seen) / math.fsum(m.weight for m in seen) if seen else 0.0
    if not 0 < rate < 1:
        return 1.0
    noise = math.fsum(measure.variance * measure.draws / measure.weight**2 for measure in seen) / len(seen)
    return min(1.0, max(_LEAST, noise / (rate * (1 - rate))))


def _normal_size(bound: float, truth: float, confidence: float, power: float) -> float:
    normal = NormalDist()
    wide = normal.inv_cdf(confidence) * math.sqrt(bound * (1 - bound))
    return ((wide + normal.inv_cdf(power) * math.sqrt(truth * (1 - truth))) / (truth - bound)) ** 2


def _nearest(enough: Callable[[float], bool], rate: float, end: float) -> float:
    if not enough(end):
        return math.nan
    near, far = rate, end
    for _ in range(40):
        middle = (near + far) / 2
        near, far = (near, middle) if enough(middle) else (middle, far)
    return far
