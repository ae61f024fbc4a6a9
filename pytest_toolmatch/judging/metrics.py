"""Every metric by name, and its estimate over any set of cases."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from pytest_toolmatch.statistics.amounts import amount_intervals, count_intervals
from pytest_toolmatch.statistics.effective import (
    margin_intervals,
    quantile_intervals,
    rate_intervals,
    relative_intervals,
    weighted_quantile,
)
from pytest_toolmatch.statistics.measures import Measure, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pytest_toolmatch.judging.verdict import CaseResult
    from pytest_toolmatch.statistics.intervals import Interval, Intervals
else:
    # JSON knows no infinity: in a file, null is an upper end that so few draws can't show.
    Interval = tuple[float, float | None]


class Estimate(msgspec.Struct, frozen=True, omit_defaults=True):
    """A metric's value with both intervals, the number ``n`` of cases behind it, and its ceiling.

    The ceiling is the same metric with the teacher in the student's place. An upper end may be infinite.
    """

    value: float
    suite: Interval
    cases: Interval | None
    n: int
    ceiling: float | None = None

    def __post_init__(self) -> None:
        """Read an upper end that is null in a file as the infinite one that it is."""
        for name in ("suite", "cases"):
            bounds = getattr(self, name)
            if bounds is not None and bounds[1] is None:
                msgspec.structs.force_setattr(self, name, (bounds[0], math.inf))


class Metric(NamedTuple):
    """A metric: its name, what kind of number it is, which way is better, and what it says in a line."""

    name: str
    kind: Literal["rate", "count", "amount", "relative", "difference", "quantile"]
    better: Literal["higher", "lower"]
    summary: str


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("chain_match", "rate", "higher", "share of student samples that match the reference"),
        Metric("agreement", "rate", "higher", "a student draw matches a fresh teacher draw"),
        Metric("consistency", "rate", "higher", "two teacher draws match each other"),
        Metric("relative_match", "relative", "higher", "agreement ÷ consistency"),
        Metric("margin", "difference", "higher", "agreement − consistency; 0: as good as asking the teacher again"),
        Metric("name_match", "rate", "higher", "chain_match on tool names and their order"),
        Metric("name_agreement", "rate", "higher", "agreement on tool names and their order"),
        Metric("name_consistency", "rate", "higher", "consistency on tool names and their order"),
        Metric("tools_match", "rate", "higher", "chain_match on the tools called, whatever their order"),
        Metric("tools_agreement", "rate", "higher", "agreement on the tools called, whatever their order"),
        Metric("tools_consistency", "rate", "higher", "consistency on the tools called, whatever their order"),
        Metric("tool_selection", "rate", "higher", "chain_match on the first step's tools"),
        Metric("selection_agreement", "rate", "higher", "agreement on the first step's tools"),
        Metric("selection_consistency", "rate", "higher", "consistency on the first step's tools"),
        Metric("decision_match", "rate", "higher", "chain_match on call or no call"),
        Metric("decision_agreement", "rate", "higher", "agreement on call or no call"),
        Metric("decision_consistency", "rate", "higher", "consistency on call or no call"),
        Metric("argument_validity", "rate", "higher", "first-attempt calls that satisfy their schema"),
        Metric("recovery", "rate", "higher", "samples with a refused call that ended valid"),
        Metric("ambiguous", "rate", "lower", "cases whose teacher has no consensus"),
        Metric("retries", "count", "lower", "refused calls per sample"),
        Metric("latency", "amount", "lower", "seconds per sample, mean"),
        Metric("latency_p50", "quantile", "lower", "seconds per sample, median"),
        Metric("latency_p95", "quantile", "lower", "seconds per sample, 95th percentile"),
        Metric("tokens", "amount", "lower", "tokens in and out per sample"),
        Metric("cost", "amount", "lower", "USD per sample"),
    )
}

QUANTILES = {"latency_p50": 0.5, "latency_p95": 0.95}
"""The metrics that are quantiles, and the share of the values below each."""


def estimates(results: Sequence[CaseResult], confidence: float) -> dict[str, Estimate]:
    """Return every metric that the cases have data for, in the order of ``METRICS``."""
    found = {name: estimate(name, results, confidence) for name in METRICS}
    return {name: one for name, one in found.items() if one is not None}


def estimate(name: str, results: Sequence[CaseResult], confidence: float) -> Estimate | None:
    """Return one metric; None where no case has data for it."""
    return _KINDS[METRICS[name].kind](name, results, confidence)


def value_of(name: str, results: Sequence[CaseResult]) -> float | None:
    """Return the value of a metric alone, which takes no intervals; None where no case has data for it."""
    kind = METRICS[name].kind
    if kind == "relative":
        return _quotient(beside(results)[0])
    if kind == "quantile":
        return _quantile_of(results, QUANTILES[name])
    measures = measures_of(name, results)
    return ratio(measures) if measures else None


def _rate(name: str, results: Sequence[CaseResult], confidence: float) -> Estimate | None:
    strata = [one.stratum for one in results if (measure := one.measures.get(name)) and measure.weight]
    return _of_measures(name, results, confidence, partial(rate_intervals, strata=strata))


def _count(name: str, results: Sequence[CaseResult], confidence: float) -> Estimate | None:
    return _of_measures(name, results, confidence, count_intervals)


def _amount(name: str, results: Sequence[CaseResult], confidence: float) -> Estimate | None:
    return _of_measures(name, results, confidence, amount_intervals)


def _of_measures(
    name: str,
    results: Sequence[CaseResult],
    confidence: float,
    intervals: Callable[[Sequence[Measure], float], Intervals],
) -> Estimate | None:
    measures = measures_of(name, results)
    if not measures:
        return None
    ceilings = _present(name, [(result.ceilings, result.weight) for result in results])
    suite, cases = intervals(measures, confidence)
    return Estimate(ratio(measures), suite, cases, len(measures), ratio(ceilings) if ceilings else None)


def _relative(_: str, results: Sequence[CaseResult], confidence: float) -> Estimate | None:
    parts, margins = beside(results)
    value = _quotient(parts)
    if value is None:
        return None
    suite, cases = relative_intervals(parts, confidence, margins)
    return Estimate(value, suite, cases, len(parts), 1.0)


def _quotient(parts: Sequence[tuple[Measure, Measure]]) -> float | None:
    below = math.fsum(b.total for _, b in parts)
    return math.fsum(a.total for a, _ in parts) / below if below else None


def _difference(_: str, results: Sequence[CaseResult], confidence: float) -> Estimate | None:
    parts, margins = beside(results)
    if not parts:
        return None
    suite, cases = margin_intervals(parts, confidence, margins)
    return Estimate(ratio(margins), suite, cases, len(parts), 0.0)


def beside(results: Sequence[CaseResult]) -> tuple[list[tuple[Measure, Measure]], list[Measure]]:
    """Return agreement and consistency of every case that has both, and what is between them, as the cases count."""
    names = ("agreement", "consistency", "margin")
    both = [
        [result.measures[name].times(result.weight) for name in names]
        for result in results
        if "margin" in result.measures
    ]
    return [(agreement, consistency) for agreement, consistency, _ in both], [margin for *_, margin in both]


def _quantile(name: str, results: Sequence[CaseResult], confidence: float) -> Estimate | None:
    share, timed = QUANTILES[name], [result for result in results if result.latencies]
    value = _quantile_of(timed, share)
    if value is None:
        return None
    values, weights = [one.latencies for one in timed], [one.weight for one in timed]
    suite, cases = quantile_intervals(values, share, confidence, weights)
    return Estimate(value, suite, cases, len(timed))


def _quantile_of(results: Sequence[CaseResult], share: float) -> float | None:
    every = [(value, result.weight) for result in results for value in result.latencies]
    return weighted_quantile(every, share) if every else None


def measures_of(name: str, results: Iterable[CaseResult]) -> list[Measure]:
    """Return what cases came to by a metric, as they count; those without data for it are left out."""
    return _present(name, ((result.measures, result.weight) for result in results))


def _present(name: str, cases: Iterable[tuple[Mapping[str, Measure], float]]) -> list[Measure]:
    return [measure.times(weight) for case, weight in cases if (measure := case.get(name)) and measure.weight]


_KINDS: dict[str, Callable[[str, Sequence[CaseResult], float], Estimate | None]] = {
    "rate": _rate,
    "count": _count,
    "amount": _amount,
    "relative": _relative,
    "difference": _difference,
    "quantile": _quantile,
}
