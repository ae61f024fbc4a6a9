"""Gates on the student beside its teacher, decided while draws come in: ``agreement − factor · consistency ≥ bound``.

Factor 1 and bound −0.05 is "as good as the teacher, give or take 5 points"; factor 0.95 and bound 0 is
``relative_match ≥ 0.95``. Both parts are U-statistics of the same draws, so the estimate at a look is the mean of what
all its subsets of draws would give, which makes it efficient for them (Hoeffding 1948).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_toolmatch.statistics.asymptotic import LEVEL, AsymptoticTest
from pytest_toolmatch.statistics.effective import margin_intervals
from pytest_toolmatch.statistics.sequential import Looked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.statistics.measures import Measure


class MarginTest:
    """A gate ``mean agreement − factor · mean consistency >= bound``, looked at after every round."""

    def __init__(
        self, bound: float, factor: float = 1.0, confidence: float = 0.95, gap: float = 0.05, sign: str = ">="
    ) -> None:
        self.factor = factor
        self._test = AsymptoticTest(bound, sign, confidence, gap)
        self._rounds = 0

    def update(self, parts: Sequence[tuple[Measure, Measure]], margins: Sequence[Measure]) -> Looked:
        """Look at the measures of all draws so far: agreement, consistency and their margin, by case."""
        value = math.fsum(a.total - self.factor * b.total for a, b in parts) / math.fsum(a.weight for a, _ in parts)
        interval, _ = margin_intervals(parts, LEVEL, margins, self.factor)
        state = self._test.update(value, interval)
        self._rounds += 1
        return Looked(state, value, self._test.interval, self._rounds, round(math.fsum(a.draws for a, _ in parts)))
