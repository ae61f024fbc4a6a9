"""The bets behind ``sequential``: how much is staked, around which guess, and what has become of the capital."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Scores: TypeAlias = "Sequence[Sequence[float] | None]"
"""A round's scores in [0, 1] of every case; None where the round left the case out."""

_BETS = ((0.5, 0.08), (1.0, 0.84), (2.0, 0.08))
"""Stakes as multiples of the one that is best at the expected gap, and the share of the capital put on each."""

_FLOOR = 0.25
"""What a bet keeps of its capital at least in one draw."""

_BETWEEN, _WEIGHT = 0.05, 3.0
"""The share of the variance between cases before there is data, and how many failing draws that guess is worth."""


def capital_of(gains: Sequence[float]) -> float:
    """Return the log of the capital of a mixture from the log-gains of its bets, in the order of ``_BETS``."""
    terms = [math.log(share) + gain for (_, share), gain in zip(_BETS, gains, strict=True)]
    most = max(terms)
    return most + math.log(math.fsum(math.exp(term - most) for term in terms))


def multiples() -> list[float]:
    """Return the stakes as multiples of the one that is best at the expected gap."""
    return [multiple for multiple, _ in _BETS]


def shares() -> list[float]:
    """Return the shares of the capital put on each bet."""
    return [share for _, share in _BETS]


def hoped(bound: float, gap: float) -> float:
    """Return the mean at which bets on "above" are best: a gap above the bound, halfway to 1 at most."""
    return bound + min(gap, (1 - bound) / 2)


def stakes_at(bound: float, gap: float, between: float) -> list[float]:
    """Return the stakes on "the mean lies above the bound" where ``between`` is the variance's share between cases.

    The best stake at a small gap is gap ÷ variance within cases (Kelly 1956). No stake is so high that one draw takes
    nearly all.
    """
    best = (hoped(bound, gap) - bound) / max(bound * (1 - bound), 1e-9) / (1 - between)
    most = (1 - _FLOOR) / max(bound, 1e-9)
    return [min(most, multiple * best) for multiple in multiples()]


def bearable(stakes: Sequence[float], centres: Sequence[float], gap: float) -> list[float]:
    """Return the stakes, halved as often as the guesses advise, should the mean lie by ``gap`` above the bound.

    A stake that fits the average case may be too much for those that nearly always match: no bet on one of their draws
    may take all, so its centre stays below the guess, and what it gains there is less than the drift.
    """
    counted, middle = Counter(centres), stakes[len(stakes) // 2]

    def gain(stake: float) -> float:
        dear = math.fsum(n * (stake * rate - gain_of(stake, rate, 0.0)) for rate, n in counted.items())
        return stake * gap * len(centres) - dear

    scales = [0.5**halved for halved in range(7)]
    gains = [gain(scale * middle) for scale in scales]
    # Guesses are rough: only what gains much less is too much.
    enough = min(max(gains), max(gains) / 2)
    scale = next(scale for scale, found in zip(scales, gains, strict=True) if found >= enough)
    return [scale * stake for stake in stakes]


def centre_of(stake: float, rate: float) -> float:
    """Return the centre c with the largest mean of log(1 + stake·(X − c)) + stake·c, for a case of this rate.

    With u = 1 − stake·c, what a miss leaves, that is the root of u² + (stake − 1)u = (1 − rate)·stake. It lies at the
    rate for small stakes, and nearer to 0 for large ones. Any centre is fair; with this one no miss takes nearly all.
    """
    if stake < 1e-9:  # noqa: PLR2004
        return rate
    left = (1 - stake + math.sqrt((stake - 1) ** 2 + 4 * (1 - rate) * stake)) / 2
    return (1 - max(left, _FLOOR)) / stake


def gain_of(stake: float, rate: float, bound: float) -> float:
    """Return the mean log-gain of a bet on one draw that is 1 at this rate and else 0."""
    at = centre_of(stake, rate)
    return rate * math.log1p(stake * (1 - at)) + (1 - rate) * math.log1p(-stake * at) + stake * (at - bound)


def log_spread(stake: float, rate: float) -> float:
    """Return the variance of the log-gain of a bet on one such draw."""
    at = centre_of(stake, rate)
    return rate * (1 - rate) * (math.log1p(stake * (1 - at)) - math.log1p(-stake * at)) ** 2


class Guess:
    """What the rounds so far say of every case: the centres of the next bets, and the variance within cases.

    A case's centre is its own rate drawn towards the common one, as much as the cases are alike (empirical Bayes);
    there are none before the first round. Any guess is valid; a good one saves draws.
    """

    def __init__(self, cases: int, bound: float) -> None:
        self.draws = 0
        self.common = bound
        self.between = _BETWEEN
        self.centres: list[float] = []
        self._sums, self._squares, self._counts = [0.0] * cases, [0.0] * cases, [0] * cases

    @property
    def rate(self) -> float:
        """The mean over the cases of their own rates; nan before the first round."""
        if not self.draws:
            return math.nan
        return math.fsum(total / count for total, count in zip(self._sums, self._counts, strict=True)) / len(self._sums)

    def explained(self, *, whole: bool) -> float:
        """Return the share of a draw's variance that is no noise to a bet.

        In a whole round that is the variance between cases; in a part of one only what the centres tell of it.
        """
        if whole:
            return self.between
        weight, draws = 1 / self.between - 1, self.draws / len(self._counts)
        return self.between * draws / (weight + draws)

    def learn(self, scores: Scores) -> None:
        """Take a round's scores and guess anew."""
        for case, own in enumerate(scores):
            if own is None:
                continue
            self._sums[case] += math.fsum(own)
            self._squares[case] += math.fsum(score * score for score in own)
            self._counts[case] += len(own)
            self.draws += len(own)
        cases = len(scores)
        self.common = (cases * self.rate + self.common) / (cases + 1)
        self.between = self._seen_between()
        weight = 1 / self.between - 1
        self.centres = [
            (weight * self.common + total) / (weight + count)
            for total, count in zip(self._sums, self._counts, strict=True)
        ]

    def _seen_between(self) -> float:
        """Return the share of the variance between cases: what is not within them, where cases have several draws."""
        spread = self.common * (1 - self.common)
        within = [
            max(0.0, square - total * total / count) / (count - 1)
            for total, square, count in zip(self._sums, self._squares, self._counts, strict=True)
            if count > 1
        ]
        telling = spread * (self.draws - len(self._counts))
        if not telling:
            return _BETWEEN
        seen = 1 - math.fsum(within) / len(within) / spread
        return min(0.95, max(0.01, (telling * seen + _WEIGHT * _BETWEEN) / (telling + _WEIGHT)))


class Side:
    """Capital put on "the mean lies above the bound".

    A bet's log-capital against "μ ≤ b" is gain − stake · b, for every b: so one account serves all bounds.
    """

    def __init__(self, bound: float, gap: float) -> None:
        self.bound, self.gap = bound, gap
        self._gains, self._stakes = [0.0] * len(_BETS), [0.0] * len(_BETS)
        self._advised = stakes_at(bound, gap, 0.0)

    @property
    def capital(self) -> float:
        """The log of the capital now."""
        return self._against(self.bound)

    def play(self, scores: Scores, centres: Sequence[float], between: float) -> None:
        """Bet on a round by guesses that were made before it, if there are any: else by the mean that is hoped for.

        A case's stake is spread over its draws: so a round of more draws is quieter, and bears a higher stake.
        """
        centres = centres or [hoped(self.bound, self.gap)] * len(scores)
        drawn = [(own, centre) for own, centre in zip(scores, centres, strict=True) if own is not None]
        quieter = _quieter([centre for _, centre in drawn], [len(own) for own, _ in drawn])
        fewest = min(len(own) for own, _ in drawn)
        self._advised = bearable(stakes_at(self.bound, self.gap, between), centres, self.gap)
        for place, base in enumerate(self._advised):
            stake = min(base * quieter, fewest * (1 - _FLOOR) / max(self.bound, 1e-9))
            spread = stake * len(drawn) / len(scores)
            gain = 0.0
            for own, centre in zip(scores, centres, strict=True):
                each = stake / len(own) if own else stake
                at = centre_of(each, centre)
                gain += spread * at + math.fsum(math.log1p(each * (score - at)) for score in own or ())
            self._gains[place] += gain
            self._stakes[place] += stake * len(drawn)

    def least(self, needed: float) -> float:
        """Return the largest bound that this much log-capital refutes; 0 where it refutes none."""
        low, high = 0.0, 1.0
        if self._against(low) < needed:
            return 0.0
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if self._against(middle) >= needed else (low, middle)
        return low

    def missing(self, needed: float, rate: float, between: float) -> float:
        """Return the draws that the missing capital takes at the drift of the best bet; infinite without a drift."""
        best = math.inf
        for place, stake in enumerate(self._advised):
            calm = stake * (rate - self.bound)
            drift = calm + (1 - between) * (gain_of(stake, rate, self.bound) - calm)
            lacking = needed - math.log(_BETS[place][1]) - (self._gains[place] - self._stakes[place] * self.bound)
            if drift > 0:
                best = min(best, max(1.0, lacking / drift))
        return best

    def _against(self, bound: float) -> float:
        return capital_of([gain - stake * bound for gain, stake in zip(self._gains, self._stakes, strict=True)])


def _quieter(centres: Sequence[float], draws: Sequence[int]) -> float:
    """Return by how much several draws a case lower the variance of a round."""
    noise = [centre * (1 - centre) + 1e-3 for centre in centres]
    return math.fsum(noise) / math.fsum(one / count for one, count in zip(noise, draws, strict=True))
