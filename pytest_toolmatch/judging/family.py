"""The cases of one suite in one run, whose verdicts hold together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.statistics.alarms import Bar, bar, more_draws, p_value

if TYPE_CHECKING:
    from pytest_toolmatch.judging.verdict import CaseResult

_WHOLE = 1e-6


class Family:
    """Settles which cases below ``wanted`` are shown to be there; the more cases there are, the more that takes.

    ``fixed`` says that the number of draws was decided beforehand, not by what they came to.
    """

    def __init__(self, confidence: float, *, fixed: bool = True) -> None:
        self._confidence = confidence
        self._fixed = fixed
        self._p_values: list[float] = []
        self._bars: dict[int, Bar] = {}

    def add(self, result: CaseResult) -> None:
        """Count a case in; one without ``chain_match`` is no part of it."""
        value = self._p_value(result)
        if value is not None:
            self._p_values.append(value)
            self._bars.clear()

    def is_clear(self, result: CaseResult, others: int) -> bool:
        """Say whether the state of a case is the same whatever becomes of ``others``, which have yet to be judged."""
        value = self._p_value(result)
        return result.state != "diverges" or value is None or value <= self._bar(others).shown

    def settled(self, result: CaseResult, others: int = 0) -> CaseResult:
        """Return a result with the state that it has among all cases; ``others`` have yet to come."""
        if self.is_clear(result, others):
            return result
        return msgspec.structs.replace(result, state="undecided", reason=self._reason(result, others))

    def _bar(self, others: int) -> Bar:
        if others not in self._bars:
            self._bars[others] = bar(self._p_values, self._confidence, others)
        return self._bars[others]

    def _p_value(self, result: CaseResult) -> float | None:
        measure = result.measures.get("chain_match")
        if measure is None or result.wanted is None:
            return None
        return p_value(measure.value * measure.draws, measure.draws, result.wanted, fixed=self._fixed)

    def _reason(self, result: CaseResult, others: int) -> str:
        """Say what is seen, why that shows nothing, and what would."""
        measure, wanted = result.measures["chain_match"], result.wanted or 0.0
        matches = measure.value * measure.draws
        more = more_draws(matches, measure.draws, wanted, self._bar(others).next_one, fixed=self._fixed)
        what = f"about {more} more would tell" if more else "too close to tell with more samples"
        count = len(self._p_values) + others
        among = f" among {count} cases" if count > 1 else ""
        return f"{_seen(matches, measure.draws)}, wanted {wanted:.2f}: could be chance{among}; {what}"


def _seen(matches: float, draws: float) -> str:
    whole = abs(matches - round(matches)) < _WHOLE
    noun = "sample matches" if draws == 1 else "samples match"
    return f"{round(matches)} of {draws:g} {noun}" if whole else f"{matches / draws:.0%} of {draws:g} {noun}"
