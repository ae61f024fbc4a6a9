"""Gates decided while the draws come in, valid however often one looks: betting on the mean over fixed cases.

Case *i* gives scores in [0, 1] whose mean pᵢ does not change; the gate is about μ, the mean of the n pᵢ. A *whole
round* has at least one draw of every case. With a bet λ ≥ 0 and a guess cᵢ, both made before the round is seen, it
multiplies the capital against "μ ≤ b" by

    ∏ᵢ ∏ⱼ (1 + λᵢ(Xᵢⱼ − cᵢ)) · exp(λ ∑ᵢ (cᵢ − b)),        λᵢ = λ / (draws of case i in this round).

*It is a fair bet.* The expectation of a factor is 1 + λᵢ(pᵢ − cᵢ) ≤ exp(λᵢ(pᵢ − cᵢ)); over the round the guesses cancel
and exp(λ ∑(pᵢ − b)) ≤ 1 is left wherever μ ≤ b. So the capital is a non-negative supermartingale from 1, and reaches
1/α with probability α at most, over all rounds together (Ville 1939). This is the betting of Waudby-Smith & Ramdas
(2024, JRSS B 86:1, arXiv:2010.09686) with the centre of each bet moved from b to the case's own guess, as the
predictable means of Howard et al. (2021, Annals of Statistics 49:2, Theorem 4) are; so only the noise within cases
costs draws, not the differences between them. With cᵢ = b for all it is the likelihood ratio against b.

*A part of a round* has one draw of each of m cases, and chance alone has chosen which: all sets of m are alike. With c̄,
the mean of the guesses of all n cases, it multiplies the capital by

    ∏ᵢ (1 + λ(Xᵢ − cᵢ)) · exp(λm(c̄ − b)),        i among the m.

That is fair, too: the expectation of the product is the mean of ∏ᵢ (1 + λ(pᵢ − cᵢ)) over all sets of m cases, at most
(1 + λ(μ − c̄))ᵐ ≤ exp(λm(μ − c̄)) (Maclaurin 1729; no factor is negative). How cases differ is noise to such a bet, as
far as the guesses miss it; in return a suite of many cases need not wait for all of them.

The other direction bets against "μ ≥ b" with λ < 0. A mixture of bets is a fair bet, too.
"""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from pytest_toolmatch.statistics.betting import Guess, Side

if TYPE_CHECKING:
    from pytest_toolmatch.statistics.betting import Scores

Decision: TypeAlias = Literal["holds", "fails", "undecided"]


_GROWTH, _LEAST = 16, 10
"""A part of a round has this part of the draws before it, but so many draws at least."""


def part_size(cases: int, draws: int) -> int:
    """Return how many cases the next round needs after so many draws: few, so that hardly a draw is in vain.

    All of them where that would be half or more: then a whole round, to which differences of cases are no noise, is as
    good.
    """
    size = max(_LEAST, draws // _GROWTH)
    return size if 2 * size < cases else cases


class Looked(NamedTuple):
    """What is known after a round: the decision, the bounds, and what it took.

    Each end of ``interval`` is a bound of its own at the gate's confidence, valid at every look together: the truth
    ever lies below the low end with probability 1 − confidence at most, and likewise above the high end.
    ``rate`` is the mean over the cases of all draws in closed rounds (nan before the first).
    """

    state: Decision
    rate: float
    interval: tuple[float, float]
    rounds: int
    draws: int


class GateTest:
    """A gate ``mean >= bound`` (or ``<=``, ``>``, ``<``) over a fixed number of cases, decided while draws come in.

    A gate whose truth lies on the wrong side is passed with probability ``1 - confidence`` at most, one whose truth
    lies on the right side failed likewise, whenever one stops looking. ``gap`` is the distance between truth and bound
    at which the bets are best: it changes how many draws a decision takes, not how often it is wrong.

    How many draws a case gets in a round may depend on the rounds before, never on the scores of its own round; of a
    round that leaves cases out, only how many cases it has may.
    """

    def __init__(self, cases: int, bound: float, sign: str = ">=", confidence: float = 0.95, gap: float = 0.05) -> None:
        if cases < 1 or not 0 <= bound <= 1:
            raise ValueError(f"a gate needs a case and a bound within [0, 1], got {cases} cases and {bound:g}")
        self.bound, self._sign = bound, sign
        self._needed = -math.log(1 - confidence)
        self._guess = Guess(cases, bound)
        self._above, self._below = Side(bound, gap), Side(1 - bound, gap)
        self._pending: list[list[float]] = [[] for _ in range(cases)]
        self._left_out = [False] * cases
        self._interval = (0.0, 1.0)
        self._side: Literal["above", "below", ""] = ""
        self._rounds = 0

    def update(self, scores: Scores) -> Looked:
        """Take the scores of new draws, a list for every case: None where chance left it out, else maybe empty.

        A round closes once every case that is not left out has a score; what comes before it does, waits for the round
        after it. So draws that are lost delay a round, and never choose one. The first round is a whole one.
        """
        if self._rounds and not self.waits and any(own is not None for own in scores):
            self._left_out = [own is None for own in scores]
        for waiting, arrived in zip(self._pending, scores, strict=True):
            waiting.extend(arrived or ())
        while all(left_out or waiting for left_out, waiting in zip(self._left_out, self._pending, strict=True)):
            self._close(self._closed())
        return self.looked

    @property
    def waits(self) -> bool:
        """Whether a round is open: then only draws of all cases are of use."""
        return any(self._left_out) or any(self._pending)

    @property
    def looked(self) -> Looked:
        """What is known now."""
        decision = _DECISIONS[self._side, self._sign[0]] if self._side else "undecided"
        return Looked(decision, self._guess.rate, self._interval, self._rounds, self._guess.draws)

    def more_draws(self) -> float:
        """Estimate the draws still needed if the rate stays as it is now; infinite where it is too near the bound.

        That is x / g, for the best of the bets: x is the log-capital that it lacks, g its mean log-gain in a draw, of
        which the part that is noise (about λ²v/2, v the variance of a draw) counts as far as it lies within cases.
        """
        if self._side:
            return 0.0
        guess = self._guess
        rate = self.bound if math.isnan(guess.rate) else guess.rate
        if rate > self.bound:
            return self._above.missing(self._needed, rate, guess.between)
        return self._below.missing(self._needed, 1 - rate, guess.between)

    def next_draws(self, draws: int) -> list[int]:
        """Return how to spread so many draws of the next round over the cases: one each, the rest where noise is most.

        A further draw goes where it takes most off the variance of the mean: v ÷ m(m + 1) for a case with m draws and
        the variance v of a draw (Neyman 1934). Fewer draws than cases make no round: then every case gets one.
        """
        noise = [centre * (1 - centre) for centre in self._guess.centres or [self.bound] * len(self._pending)]
        counts = [1] * len(noise)
        waiting = [(-one / 2, case) for case, one in enumerate(noise)]
        heapq.heapify(waiting)
        for _ in range(draws - len(counts)):
            case = waiting[0][1]
            counts[case] += 1
            heapq.heapreplace(waiting, (-noise[case] / (counts[case] * (counts[case] + 1)), case))
        return counts

    def _closed(self) -> Scores:
        """Take the scores of the open round from those that wait: all of them, or one of each case of a part."""
        left_out, pending = self._left_out, self._pending
        self._left_out = [False] * len(pending)
        if any(left_out):
            return [None if out else [waiting.pop(0)] for out, waiting in zip(left_out, pending, strict=True)]
        self._pending = [[] for _ in pending]
        return pending

    def _close(self, scores: Scores) -> None:
        guess = self._guess
        between = guess.explained(whole=None not in scores)
        self._above.play(scores, guess.centres, between)
        misses = [own and [1 - score for score in own] for own in scores]
        self._below.play(misses, [1 - centre for centre in guess.centres], between)
        guess.learn(scores)
        self._rounds += 1
        low, high = self._interval
        self._interval = max(low, self._above.least(self._needed)), min(high, 1 - self._below.least(self._needed))
        if not self._side:
            won = (self._above.capital >= self._needed, self._below.capital >= self._needed)
            self._side = "above" if won[0] else "below" if won[1] else ""


_DECISIONS: dict[tuple[str, str], Decision] = {
    ("above", ">"): "holds",
    ("below", ">"): "fails",
    ("above", "<"): "fails",
    ("below", "<"): "holds",
}
