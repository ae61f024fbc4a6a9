"""How many cases and draws a gate takes, before any is paid for; and what given numbers can decide.

A plan rests on a guessed truth and on ``within``, the share of a draw's variance p(1 − p) that lies within cases: 1
where all cases have one rate, 0 where each case matches always or never. Only the variance within cases costs draws of
a gate on *this suite*; for *queries like these* both parts count.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.statistics.betting import gain_of, log_spread, shares, stakes_at
from pytest_toolmatch.statistics.sequential import part_size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_toolmatch.statistics.measures import Measure

FAR = 200_000
"""The number of draws beyond which nobody would wait for a decision."""

_UNLEARNT = 0.25
"""The part of the variance between cases that counts as within them, for bets first have to learn how cases differ."""

_LEAST = 0.02
"""The least share of variance within cases that is ever seen."""

_SIEGMUND = 0.583
"""How far a sum that is looked at in steps overshoots a line on average, in standard deviations of a step."""


class Plan(NamedTuple):
    """What a gate takes on so many cases, as samples of each case: in half of the runs, in ``power`` of them, fixed.

    The first two are for a run that stops when the gate is decided, the last for one whose size was fixed beforehand.
    """

    cases: int
    typical: int
    most: int
    fixed: int


def plan(
    cases: int,
    bound: float,
    truth: float,
    *,
    within: float = 1.0,
    confidence: float = 0.95,
    power: float = 0.9,
    first: int = 1,
) -> Plan | None:
    """Plan a gate ``rate >= bound`` on so many cases, should the true rate be ``truth``; None if that is too near.

    ``first`` is how many samples of each case are drawn before anyone looks.
    """
    sizes = [
        sequential_draws(bound, truth, within=within, confidence=confidence, power=chance, cases=cases, first=first)
        for chance in (0.5, power)
    ]
    sizes.append(fixed_draws(bound, truth, within=within, confidence=two_sided(confidence), power=power))
    if max(sizes) > FAR:
        return None
    typical, most, fixed = (math.ceil(size / cases) for size in sizes)
    return Plan(cases, max(first, typical), max(first, most), fixed)


def two_sided(confidence: float) -> float:
    """Return the confidence of either end of an interval: gates of a fixed size are decided by one."""
    return (1 + confidence) / 2


class Bet(NamedTuple):
    """A bet of ``betting`` as a random walk: the line that its log-capital has to reach, and its steps."""

    line: float
    drift: float
    noise: float

    def reached(self, draws: float) -> float:
        """Return the probability of having reached the line after so many draws (inverse Gaussian)."""
        root = math.sqrt(draws * self.noise)
        if root < 1e-9:  # noqa: PLR2004 - no noise at all
            return float(draws * self.drift >= self.line)
        there = _normal((draws * self.drift - self.line) / root)
        turned = 2 * self.line * self.drift / self.noise
        # So far out the other term is nothing beside the first, and exp would overflow.
        return there if turned > 400 else there + math.exp(turned) * _normal(-(draws * self.drift + self.line) / root)  # noqa: PLR2004


def sequential_draws(
    bound: float,
    truth: float,
    *,
    within: float = 1.0,
    confidence: float = 0.95,
    power: float = 0.5,
    cases: int = 1,
    first: int = 1,
) -> float:
    """Return the draws after which a ``GateTest`` is decided with probability ``power``.

    ``first`` of each case are drawn before the first look.
    The log-capital of each bet is a Brownian motion whose drift and variance are those of one draw; it has to reach
    log(1/α) less the log of the bet's share. Looking only after rounds moves that line (Siegmund 1985, §X.2).
    """
    if truth == bound:
        return math.inf
    if truth < bound:
        bound, truth = 1 - bound, 1 - truth
    bets = _bets(bound, truth, _UNLEARNT + (1 - _UNLEARNT) * within, -math.log(1 - confidence), (cases, first))
    return _first(lambda draws: max(bet.reached(draws) for bet in bets) >= power)


def _bets(bound: float, truth: float, share: float, needed: float, begun: tuple[int, int]) -> list[Bet]:
    """Return the bets on "above" where a ``share`` of the cases has the same rate and the others are all or nothing.

    ``begun`` are the cases, and the draws of each before the first look.
    """
    bets, size = [], part_size(begun[0], math.prod(begun))
    for stake, part in zip(stakes_at(bound, 0.05, 1 - share), shares(), strict=True):
        sure = truth * gain_of(stake, 1, bound) + (1 - truth) * gain_of(stake, 0, bound)
        noise = share * log_spread(stake, truth)
        line = needed - math.log(part) + _SIEGMUND * math.sqrt(noise * size)
        bets.append(Bet(line, share * gain_of(stake, truth, bound) + (1 - share) * sure, noise))
    return bets


def _first(enough: Callable[[float], bool]) -> float:
    """Return the least number of draws that is enough; infinite where none below ``FAR`` is."""
    low, high = 0.0, 1.0
    while not enough(high):
        low, high = high, 2 * high
        if low > FAR:
            return math.inf
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def fixed_draws(
    bound: float, truth: float, *, within: float = 1.0, confidence: float = 0.95, power: float = 0.95
) -> float:
    """Return the draws of a test of fixed size: ((z₁√(b(1−b)) + z₂√(p(1−p))) / (p − b))² + 1/|p − b|, times ``within``.

    The last summand is the correction for continuity (Fleiss, Levin & Paik 2003, §2.6).
    """
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


def decidable(rate: float, draws: float, size: Callable[[float, float], float]) -> tuple[float, float]:
    """Return the bounds nearest below and above a rate that so many draws tell it from; nan where there is none.

    ``size(bound, truth)`` is how many draws it takes.
    """

    def enough(bound: float) -> bool:
        return size(bound, rate) <= draws

    return (_nearest(enough, rate, 0.001), _nearest(enough, rate, 0.999))


def within_share(measures: Sequence[Measure]) -> float:
    """Return the share of a draw's variance that lies within cases, as seen; 1 where it can't be seen."""
    seen = [measure for measure in measures if measure.draws >= 2]  # noqa: PLR2004 - one draw has no variance
    rate = math.fsum(m.total for m in seen) / math.fsum(m.weight for m in seen) if seen else 0.0
    if not 0 < rate < 1:
        return 1.0
    noise = math.fsum(measure.variance * measure.draws / measure.weight**2 for measure in seen) / len(seen)
    return min(1.0, max(_LEAST, noise / (rate * (1 - rate))))


def _normal(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


def _normal_size(bound: float, truth: float, confidence: float, power: float) -> float:
    normal = NormalDist()
    wide = normal.inv_cdf(confidence) * math.sqrt(bound * (1 - bound))
    size = ((wide + normal.inv_cdf(power) * math.sqrt(truth * (1 - truth))) / (truth - bound)) ** 2
    return size + 1 / abs(truth - bound)


def _nearest(enough: Callable[[float], bool], rate: float, end: float) -> float:
    if (rate - end) * (0.5 - end) <= 0 or not enough(end):
        return math.nan
    near, far = rate, end
    for _ in range(30):
        middle = (near + far) / 2
        near, far = (near, middle) if enough(middle) else (middle, far)
    return far
