"""Any estimate with an error that is known, looked at as often as one likes.

If the estimate Dₜ at a look is efficient for its draws, Cov(Dₛ, Dₜ) = Var(Dₜ) for s < t. Then, with the information
Iₜ = 1 / Var(Dₜ), the score (Dₜ − d)·Iₜ has the covariance of a Brownian motion at time Iₜ with drift D − d
(Scharfstein, Tsiatis & Robins 1997, JASA 92:1342), however unevenly the draws arrive, and

    ∑ wₖ exp(θₖ (Dₜ − d) Iₜ − θₖ² Iₜ / 2)

is a martingale where D = d (Robbins 1970): it reaches 1/α with probability α at most, over all looks. That is exact in
the limit of many draws in all and approximate before; the error rates as simulated are in ``benches/gates.py``.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from pytest_toolmatch.statistics.betting import capital_of, multiples
from pytest_toolmatch.statistics.intervals import Interval
from pytest_toolmatch.statistics.sequential import Decision

LEVEL = 0.95
"""Errors are recovered from intervals at this confidence: where the intervals are known to be good."""


class AsymptoticTest:
    """A gate ``value >= bound`` (or ``<=``, ``>``, ``<``) on an estimate, looked at after every round.

    ``gap`` is the distance between truth and bound for which the boundary is best. ``interval`` holds the bounds on
    either side, each at the confidence and valid at every look together.
    """

    def __init__(self, bound: float, sign: str = ">=", confidence: float = 0.95, gap: float = 0.05) -> None:
        self.bound = bound
        self.state: Decision = "undecided"
        self.interval: Interval = (-math.inf, math.inf)
        self._above: Decision = "holds" if sign[0] == ">" else "fails"
        self._below: Decision = "fails" if sign[0] == ">" else "holds"
        self._needed = -math.log(1 - confidence)
        self._drifts = [multiple * gap for multiple in multiples()]

    def update(self, value: float, interval: Interval) -> Decision:
        """Look at the estimate from all draws so far and its interval at ``LEVEL``."""
        sigmas = NormalDist().inv_cdf(0.5 + LEVEL / 2)
        down, up = (max(abs(value - end) / sigmas, 1e-9) for end in interval)
        low, high = value - self._reach(down), value + self._reach(up)
        self.interval = max(self.interval[0], low), min(self.interval[1], high)
        if self.state == "undecided":
            self.state = self._above if low >= self.bound else self._below if high < self.bound else "undecided"
        return self.state

    def _reach(self, error: float) -> float:
        """Return the distance at which the capital is enough, in units of the value."""
        if math.isinf(error):
            return math.inf
        information = 1 / error**2
        low, high = 0.0, 10 * error + max(self._drifts)
        for _ in range(50):
            middle = (low + high) / 2
            gains = [drift * middle * information - drift * drift * information / 2 for drift in self._drifts]
            low, high = (low, middle) if capital_of(gains) >= self._needed else (middle, high)
        return high
