"""The regression gate: ``chain_match`` is no worse than in an earlier run by more than a margin, paired by case.

Two runs draw their samples independently, so their difference has the noise of both; that cases differ from each other
is no noise, because each is compared with itself. A case that is judged by the very samples of the earlier run, as in a
replay, adds neither difference nor noise.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pytest_toolmatch.judging.gate import Gate, GateResult, GateState
from pytest_toolmatch.judging.lacking import about
from pytest_toolmatch.judging.looks import AllDraws, Round, Seen, Wanted
from pytest_toolmatch.statistics.asymptotic import LEVEL, AsymptoticTest
from pytest_toolmatch.statistics.effective import margin_intervals, rate_intervals
from pytest_toolmatch.statistics.measures import Measure, ratio

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence

    from pytest_toolmatch.judging.verdict import CaseResult
    from pytest_toolmatch.statistics.intervals import Interval

METRIC = "margin"
"""What the value and the interval of the gate are: a difference of two rates."""

Part: TypeAlias = tuple[Measure, Measure]
"""A case's match rate now, and then."""

_FAR = 10_000
"""Samples per case beyond which nobody would draw them."""


class Both(NamedTuple):
    """The cases that have a match rate in both runs, and how many have it in one of them only.

    ``drawn`` are those that were sampled anew, ``same`` those that are judged by the same samples.
    """

    drawn: list[Part]
    same: list[Part]
    only_now: int
    only_then: int

    @classmethod
    def of(
        cls, now: Mapping[Hashable, Measure], then: Mapping[Hashable, Measure], same: Collection[Hashable] = ()
    ) -> Both:
        """Pair the cases by their keys; ``same`` are the keys of those with the same samples."""
        known = [case for case in now if case in then]
        drawn = [(now[case], then[case]) for case in known if case not in same]
        kept = [(now[case], then[case]) for case in known if case in same]
        return cls(drawn, kept, len(now) - len(known), len(then) - len(known))

    @classmethod
    def between(cls, then: Iterable[CaseResult], now: Iterable[CaseResult]) -> Both:
        """Pair the cases of two runs that have a match rate; one of the same name that asks something else is new."""
        before, after = rated(then), rated(now)
        same = {key for key in after if key in before and _same_samples(before[key], after[key])}
        weights = {key: case.weight for key, case in after.items()}
        return cls.of(_rates(after, weights), _rates(before, weights), same)

    @property
    def shared(self) -> int:
        """The number of cases that both runs have."""
        return len(self.drawn) + len(self.same)

    @property
    def facts(self) -> str:
        """Both rates, and over which cases."""
        parts = [*self.drawn, *self.same]
        now, then = (ratio([part[side] for part in parts]) for side in (0, 1))
        cases = "the case" if self.shared == 1 else f"{self.shared} cases"
        same = f" ({len(self.same)} by the same samples)" if self.same else ""
        facts = [f"{now:.2f} now, {then:.2f} in the baseline, over {cases} that both have{same}"]
        facts += [f"{self.only_now} only now"] if self.only_now else []
        facts += [f"{self.only_then} only in the baseline"] if self.only_then else []
        return ", ".join(facts)

    def difference(self, confidence: float) -> tuple[float, Interval]:
        """Return how much more often cases match now than then, over all that both runs have, with its interval."""
        value = math.fsum(now.total - then.total for now, then in self.drawn) / self._weight([*self.drawn, *self.same])
        ends = margin_intervals(self.drawn, confidence)[0] if self.drawn else (0.0, 0.0)
        return value, (self._anew * ends[0], self._anew * ends[1])

    def lacking(self, value: float, margin: float, confidence: float) -> str:
        """Say how many samples more would decide the gate, if both rates stay as they are."""
        return _lacking(self.drawn, (value + margin) / self._anew, confidence)

    @property
    def _anew(self) -> float:
        """What the cases that were sampled anew count of all."""
        return self._weight(self.drawn) / self._weight([*self.drawn, *self.same])

    @staticmethod
    def _weight(parts: Sequence[Part]) -> float:
        return math.fsum(now.weight for now, _ in parts)


def rated(cases: Iterable[CaseResult]) -> dict[Hashable, CaseResult]:
    """Return the cases that have a match rate by name and query."""
    return {(case.case, case.query): case for case in cases if case.value("chain_match") is not None}


def _rates(cases: Mapping[Hashable, CaseResult], weights: Mapping[Hashable, float]) -> dict[Hashable, Measure]:
    """Return what cases match, as they count today."""
    return {key: case.measures["chain_match"].times(weights.get(key, 1.0)) for key, case in cases.items()}


def _same_samples(then: CaseResult, now: CaseResult) -> bool:
    """Whether two results are of the same samples: a replay measures all alike, to the last digit of every latency."""
    return bool(now.latencies) and (now.latencies, now.measures) == (then.latencies, then.measures)


def expression_of(margin: float) -> str:
    """Return the gate as it is shown."""
    return f"chain_match >= baseline - {margin:g}"


def unknown(margin: float, reason: str) -> GateResult:
    """Return the gate that can't be looked at: it is undecided, and so fails closed."""
    return GateResult(expression_of(margin), "undecided", reason=reason, metric=METRIC, bound=-margin)


def no_worse(both: Both, margin: float, confidence: float) -> GateResult:
    """Decide by the interval for this suite whether the match rate is at most ``margin`` below the baseline."""
    if not both.shared:
        return unknown(margin, "no case has a match rate both now and in the baseline")
    value, (low, high) = both.difference(confidence)
    state: GateState = "holds" if low >= -margin else "fails" if high < -margin else "undecided"
    reason = both.facts
    if state == "undecided":
        reason += f"; {both.lacking(value, margin, confidence)}"
    return GateResult(expression_of(margin), state, value, low, high, reason=reason, metric=METRIC, bound=-margin)


class BaselineLook(AllDraws):
    """The gate looked at while draws come in; those of the baseline stay."""

    def __init__(self, then: Sequence[CaseResult], margin: float, confidence: float) -> None:
        super().__init__(Gate(expression_of(margin), METRIC, ">=", -margin), confidence)
        self._then, self._margin = then, margin
        self._test = AsymptoticTest(-margin, confidence=confidence)

    def update(self, round_: Round) -> None:
        """Look at the difference of all draws so far from the baseline."""
        both = Both.between(self._then, round_.results)
        if not both.drawn:
            self.result = no_worse(both, self._margin, self.confidence)
            return
        self._cases = [case.case for case in rated(round_.results).values()]
        value, interval = both.difference(LEVEL)
        state = self._test.update(value, interval)
        lacking = f"; {both.lacking(value, self._margin, self.confidence)}" if state == "undecided" else ""
        self._draws = sum(one.student_samples for one in round_.results)
        self.result = Seen(state, value, self._test.interval, both.facts + lacking, self._draws).of(self.gate)

    def wanted(self) -> dict[str, Wanted]:
        """Want one more of the student for every case."""
        return dict.fromkeys(self._cases, Wanted(student=1))


def _lacking(parts: Sequence[Part], distance: float, confidence: float) -> str:
    """Say how many samples more would decide the gate, if both rates stay as they are.

    Of the interval's two parts (Zou & Donner 2008) only that of the samples now can become narrower.
    """
    ours = _reach([now for now, _ in parts], confidence, down=distance > 0)
    theirs = _reach([then for _, then in parts], confidence, down=distance <= 0)
    room = distance * distance - theirs * theirs
    drawn = math.fsum(now.draws * now.weight**2 for now, _ in parts) / math.fsum(now.weight**2 for now, _ in parts)
    more = drawn * (ours * ours / room - 1) if room > 0 else math.inf
    if more > _FAR:
        return (
            "the baseline itself has too few samples to tell, however many are drawn now: "
            "make it again with more, or allow a wider toolmatch_baseline_margin"
        )
    each = about(more)
    return f"the samples can't tell yet: about {about(each * len(parts))} more of the student would ({each} a case)"


def _reach(measures: Sequence[Measure], confidence: float, *, down: bool) -> float:
    """Return how far the interval of a rate reaches from it to one side."""
    rate = ratio(measures)
    suite: Interval = rate_intervals(measures, confidence)[0]
    return rate - suite[0] if down else suite[1] - rate
