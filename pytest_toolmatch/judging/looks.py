"""Gates looked at while the draws come in: what each has seen, whether it is decided, and what it wants drawn next.

A gate on how student samples fare against the reference, or on a quantile of their latencies, is a mean over fixed
cases of scores within [0, 1], and decided by ``GateTest``. For that the reference must stay: it is the one that the
teacher's first draws make. Other metrics are decided by the asymptotic boundary on their estimate; one that more draws
do not narrow (how many cases are ambiguous) is decided at the first look, as if nobody looked again.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.judging.deciding import decide, undecided
from pytest_toolmatch.judging.gate import Gate, GateResult, GateState, range_of
from pytest_toolmatch.judging.lacking import TOO_NEAR, lacking, of_student, of_teacher, samples_lacking
from pytest_toolmatch.judging.levels import LEVELS
from pytest_toolmatch.judging.metrics import METRICS, QUANTILES, beside, estimate
from pytest_toolmatch.statistics.asymptotic import LEVEL, AsymptoticTest
from pytest_toolmatch.statistics.margin import MarginTest
from pytest_toolmatch.statistics.sequential import GateTest, part_size

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from pytest_toolmatch.judging.metrics import Estimate
    from pytest_toolmatch.judging.verdict import CaseResult
    from pytest_toolmatch.statistics.intervals import Interval

_MATCHES = {level.match for level in LEVELS}
_FIRST, _TOGETHER = 3, 100
"""Samples of each case, or of all, before which the error of a margin is known too badly for the first look at it."""

_PAIR = 2
"""Samples of the teacher that it takes to see how often it agrees with itself."""

_GROWTH = 8
"""A whole round has at most this part of the draws before it, or one draw of every case."""


class Round(NamedTuple):
    """What is known after a round: the cases judged by all of their draws, and the scores of the new ones.

    ``scores`` holds, by metric and case, the scores of the student's draws of this round against the first reference,
    and under ``latency`` their seconds. ``part`` are the cases that chance chose for the round, where it did.
    """

    results: Sequence[CaseResult]
    scores: Mapping[str, Mapping[str, Sequence[float]]]
    part: Collection[str] | None = None


class Wanted(NamedTuple):
    """Further draws of a case."""

    teacher: int = 0
    student: int = 0


class Seen(NamedTuple):
    """What a look at a gate has seen."""

    state: GateState
    value: float
    interval: Interval
    reason: str
    draws: int

    def of(self, gate: Gate) -> GateResult:
        """Return what becomes of the gate; no end of the interval lies beyond what its metric can be."""
        least, most = range_of(METRICS[gate.metric].kind)
        low, high = max(self.interval[0], least), min(self.interval[1], most)
        return GateResult(
            gate.expression,
            self.state,
            self.value,
            low,
            high,
            self.reason,
            metric=gate.metric,
            bound=gate.bound,
            draws=self.draws,
        )


class Look:
    """A gate that is decided at the first look."""

    def __init__(self, gate: Gate, confidence: float) -> None:
        self.gate = gate
        self.confidence = confidence
        self.result = undecided(gate, "")
        self._looked = False

    @property
    def settled(self) -> bool:
        """Whether no more draws would be of use."""
        return True

    @property
    def part(self) -> float:
        """The part of the cases that is enough for the next round if chance chooses it; 1 where it takes all."""
        return 1.0

    def update(self, round_: Round) -> None:
        """Look at the gate after a round."""
        if not self._looked:
            self._decide(round_)
        self._looked = True

    def wanted(self) -> dict[str, Wanted]:
        """Return the further draws that would tell most, by case."""
        return {}

    def _decide(self, round_: Round) -> None:
        """Decide as if the number of draws had been fixed beforehand."""
        seen = self.gate.of(round_.results)
        self.result = decide(self.gate, seen, estimate(self.gate.metric, seen, self.confidence) if seen else None)


class ScoreLook(Look):
    """A gate on the mean of scores: exact, whenever one looks."""

    def __init__(self, gate: Gate, confidence: float) -> None:
        super().__init__(gate, confidence)
        self._test: GateTest | None = None
        self._cases: list[str] = []

    @property
    def settled(self) -> bool:
        """Whether the gate is decided, or has no case to look at."""
        return self._test is None or self._test.looked.state != "undecided"

    @property
    def part(self) -> float:
        """As much as a test makes use of."""
        return 1.0 if self._test is None or self._test.waits else part_of(self._cases, self._test.looked.draws)

    def update(self, round_: Round) -> None:
        """Bet on the scores of a round."""
        score, scores = self._scores(round_)
        if self._test is None:
            self._cases = [one.case for one in self.gate.of(round_.results) if scores.get(one.case)]
            self._test = self._made()
        if self._test is None:
            self._decide(round_)
            return
        part = self._cases if round_.part is None else round_.part
        looked = self._test.update(
            [[score(one) for one in scores.get(case, ())] if case in part else None for case in self._cases]
        )
        self.result = self._shown(round_, looked.state, looked.rate, looked.interval)

    def wanted(self) -> dict[str, Wanted]:
        """Want a draw of every case, and some where they waver."""
        if self._test is None:
            return {}
        size = max(len(self._cases), self._test.looked.draws // _GROWTH)
        return {case: Wanted(student=more) for case, more in zip(self._cases, self._test.next_draws(size), strict=True)}

    def _made(self) -> GateTest | None:
        if not self._cases:
            return None
        if self.gate.metric not in QUANTILES:
            return GateTest(len(self._cases), self.gate.bound, self.gate.sign, self.confidence)
        # A quantile lies below a bound where at least that share of the values do.
        sign = ">=" if self.gate.sign[0] == "<" else "<="
        return GateTest(len(self._cases), QUANTILES[self.gate.metric], sign, self.confidence)

    def _scores(self, round_: Round) -> tuple[Callable[[float], float], Mapping[str, Sequence[float]]]:
        if self.gate.metric not in QUANTILES:
            return float, round_.scores.get(self.gate.metric, {})
        bound, strict = self.gate.bound, self.gate.sign in {"<", ">="}
        return lambda second: float(second < bound or (second == bound and not strict)), round_.scores.get(
            "latency", {}
        )

    def _shown(self, round_: Round, state: GateState, rate: float, interval: Interval) -> GateResult:
        assert self._test
        seen = self.gate.of(round_.results)
        reason = ""
        if state == "undecided":
            more = self._test.more_draws()
            reason = TOO_NEAR if math.isinf(more) else samples_lacking(self.gate, more / len(self._cases), seen)
        if self.gate.metric in QUANTILES and (found := estimate(self.gate.metric, seen, self.confidence)):
            rate, interval = found.value, found.suite
        return Seen(state, rate, interval, reason, self._test.looked.draws).of(self.gate)


class AllDraws(Look):
    """A gate that is looked at by all draws so far of its cases."""

    def __init__(self, gate: Gate, confidence: float) -> None:
        super().__init__(gate, confidence)
        self._cases: list[str] = []
        self._draws = 0

    @property
    def settled(self) -> bool:
        """Whether the gate is decided, or has no case to look at."""
        return not self._cases or self.result.state != "undecided"

    @property
    def part(self) -> float:
        """As much as adds to the draws so far; all before the first estimate, which is to be of every case."""
        return part_of(self._cases, self._draws) if self._draws else 1.0


class EstimateLook(AllDraws):
    """A gate on any other metric: on its estimate from all draws so far."""

    def __init__(self, gate: Gate, confidence: float) -> None:
        super().__init__(gate, confidence)
        self._test = AsymptoticTest(gate.bound, gate.sign, confidence, _gap(gate))

    def update(self, round_: Round) -> None:
        """Look at the estimate of all draws so far."""
        seen = self.gate.of(round_.results)
        found = estimate(self.gate.metric, seen, LEVEL)
        if found is None:
            self._cases = self._undrawn(seen)
            self._decide(round_)
            return
        self._cases = [one.case for one in seen if one.measures]
        state, interval = self._look(found, seen)
        reason = lacking(self.gate, found.value, interval, seen) if state == "undecided" else ""
        self._draws = sum(one.student_samples for one in seen)
        self.result = Seen(state, found.value, interval, reason, self._draws).of(self.gate)

    def wanted(self) -> dict[str, Wanted]:
        """Want one more of each model that the metric looks at."""
        more = Wanted(int(of_teacher(self.gate.metric)), int(of_student(self.gate.metric)))
        return dict.fromkeys(self._cases, more)

    def _undrawn(self, seen: Sequence[CaseResult]) -> list[str]:
        """Return the cases that lack a second sample of the teacher, to compare the first with."""
        if not of_teacher(self.gate.metric):
            return []
        return [one.case for one in seen if one.measures and one.teacher_samples < _PAIR]

    def _look(self, found: Estimate, _: Sequence[CaseResult]) -> tuple[GateState, Interval]:
        return self._test.update(found.value, found.suite), self._test.interval


class MarginLook(EstimateLook):
    """A gate on the student beside its teacher: ``margin``, ``relative_match``."""

    def __init__(self, gate: Gate, confidence: float) -> None:
        super().__init__(gate, confidence)
        relative = METRICS[gate.metric].kind == "relative"
        bound, factor = (0.0, gate.bound) if relative else (gate.bound, 1.0)
        self._margin = MarginTest(bound, factor, confidence, sign=gate.sign)

    def _look(self, found: Estimate, seen: Sequence[CaseResult]) -> tuple[GateState, Interval]:
        if sum(one.student_samples for one in seen) < min(_FIRST * len(seen), _TOGETHER):
            return "undecided", found.suite
        looked = self._margin.update(*beside(seen))
        # The test is about a difference; a ratio is shown with its own interval.
        return looked.state, found.suite if METRICS[self.gate.metric].kind == "relative" else looked.interval


def look_of(gate: Gate, confidence: float, *, scored: bool, even: bool = True) -> Look:
    """Return how a gate is looked at.

    ``scored`` says that the student has scores against a reference that stays, ``even`` that all cases count alike:
    the exact tests are of an even mean, or of a quantile of what all cases came to.
    """
    kind = METRICS[gate.metric].kind
    if gate.metric == "ambiguous":
        return Look(gate, confidence)
    if kind in {"difference", "relative"}:
        return MarginLook(gate, confidence)
    if even and ((scored and gate.metric in _MATCHES) or kind == "quantile"):
        return ScoreLook(gate, confidence)
    return EstimateLook(gate, confidence)


def part_of(cases: Sequence[str], draws: int) -> float:
    """Return the part of the cases that is enough for a round after so many draws."""
    return part_size(len(cases), draws) / len(cases) if cases else 1.0


def _gap(gate: Gate) -> float:
    """Return the distance from the bound at which the boundary is best: five points, or 5 % of an amount."""
    return 0.05 if METRICS[gate.metric].kind == "rate" else 0.05 * abs(gate.bound) or 0.05
