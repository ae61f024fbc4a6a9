"""Gates on the student beside its teacher, decided while draws come in: ``agreement − factor · consistency ≥ bound``.

Factor 1 and bound −0.05 is "as good as the teacher, give or take 5 points"; factor 0.95 and bound 0 is
``relative_match ≥ 0.95``. Both parts are U-statistics of the same draws, so the estimate Dₜ at a look is the mean of
what all its subsets of draws would give, and Cov(Dₛ, Dₜ) = Var(Dₜ) for s < t (Hoeffding 1948). Then, with the
information Iₜ = 1 / Var(Dₜ), the score (Dₜ − d)·Iₜ has the covariance of a Brownian motion at time Iₜ with drift
D − d (Scharfstein, Tsiatis & Robins 1997, JASA 92:1342), however unevenly the draws of both models arrive, and

    ∑ wₖ exp(θₖ (Dₜ − d) Iₜ − θₖ² Iₜ / 2)

is a martingale where D = d (Robbins 1970): it reaches 1/α with probability α at most, over all looks. That is exact in
the limit of many draws in all and approximate before; the error rates as simulated are in ``benches/gates.py``.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

from pytest_toolmatch.judging.betting import capital_of, multiples
from pytest_toolmatch.judging.effective import margin_intervals
from pytest_toolmatch.judging.sequential import Decision, Looked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.judging.measures import Measure

_LEVEL = 0.95
"""Variances are recovered from limits at this confidence: where the intervals are known to be good."""


class MarginTest:
    """A gate ``mean agreement − factor · mean consistency >= bound``, looked at after every round.

    ``gap`` is the distance between truth and bound for which the boundary is best.
    """

    def __init__(self, bound: float, factor: float = 1.0, confidence: float = 0.95, gap: float = 0.05) -> None:
        self.bound, self.factor = bound, factor
        self._needed = -math.log(1 - confidence)
        self._drifts = [multiple * gap for multiple in multiples()]
        self._interval, self._state, self._rounds = (-math.inf, math.inf), "", 0

    def update(self, parts: Sequence[tuple[Measure, Measure]], margins: Sequence[Measure]) -> Looked:
        """Look at the measures of all draws so far: agreement, consistency and their margin, by case."""
        value = math.fsum(a.total - self.factor * b.total for a, b in parts) / len(parts)
        (low, high), _ = margin_intervals(parts, _LEVEL, margins, self.factor)
        sigmas = NormalDist().inv_cdf(0.5 + _LEVEL / 2)
        down, up = max((value - low) / sigmas, 1e-9), max((high - value) / sigmas, 1e-9)
        least, most = value - self._reach(down), value + self._reach(up)
        self._interval = max(self._interval[0], least), min(self._interval[1], most)
        self._rounds += 1
        if not self._state:
            self._state = "holds" if least >= self.bound else "fails" if most < self.bound else ""
        state: Decision = "holds" if self._state == "holds" else "fails" if self._state else "undecided"
        return Looked(state, value, self._interval, self._rounds, round(math.fsum(a.draws for a, _ in parts)))

    def _reach(self, error: float) -> float:
        """Return the distance at which the capital is enough, in units of the value."""
        information = 1 / error**2
        low, high = 0.0, 10 * error + max(self._drifts)
        for _ in range(50):
            middle = (low + high) / 2
            gains = [drift * middle * information - drift * drift * information / 2 for drift in self._drifts]
            low, high = (low, middle) if capital_of(gains) >= self._needed else (middle, high)
        return high
