"""Every metric by name, and its estimate over any set of cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from pytest_toolmatch.judging.intervals import (
    Interval,
    Intervals,
    amount_intervals,
    count_intervals,
    quantile_interval,
    rate_intervals,
    ratio,
    relative_intervals,
)
from pytest_toolmatch.judging.measures import Measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_toolmatch.judging.verdict import CaseResult


class Estimate(msgspec.Struct, frozen=True, omit_defaults=True):
    """A metric's value with both intervals, the number ``n`` of cases behind it, and its ceiling.

    The ceiling is the same metric with the teacher in the student's place.
    """

    value: float
    suite: Interval
    cases: Interval | None
    n: int
    ceiling: float | None = None


class Metric(NamedTuple):
    """A metric: its name, what kind of number it is, which way is better, and what it says in a line."""

    name: str
    kind: Literal["rate", "count", "amount", "relative", "quantile"]
    better: Literal["higher", "lower"]
    summary: str


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("chain_match", "rate", "higher", "share of student samples that match the reference"),
        Metric("agreement", "rate", "higher", "a student draw matches a fresh teacher draw"),
        Metric("consistency", "rate", "higher", "two teacher draws match each other"),
        Metric("relative_match", "relative", "higher", "agreement ÷ consistency"),
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

_QUANTILES = {"latency_p50": 0.5, "latency_p95": 0.95}


def estimates(results: Sequence[CaseResult], confidence: float) -> dict[str, Estimate]:
    """Return every metric that the cases have data for, in the order of ``METRICS``."""
    found = {name: _KINDS[metric.kind](name, results, confidence) for name, metric in METRICS.items()}
    return {name: estimate for name, estimate in found.items() if estimate is not None}


def _rate(name: str, results: Sequence[CaseResult], confidence: float) -> Estimate | None:
    return _of_measures(name, results, confidence, rate_intervals)


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
    measures = _present(result.measures.get(name) for result in results)
    if not measures:
        return None
    ceilings = _present(result.ceilings.get(name) for result in results)
    suite, cases = intervals(measures, confidence)
    return Estimate(ratio(measures), suite, cases, len(measures), ratio(ceilings) if ceilings else None)


def _relative(_: str, results: Sequence[CaseResult], confidence: float) -> Estimate | None:
    parts = [
        (result.measures["agreement"], result.measures["consistency"])
        for result in results
        if "agreement" in result.measures and "consistency" in result.measures
    ]
    below = sum(b.total for _, b in parts)
    if not below:
        return None
    suite, cases = relative_intervals(parts, confidence)
    return Estimate(sum(a.total for a, _ in parts) / below, suite, cases, len(parts), 1.0)


def _quantile(name: str, results: Sequence[CaseResult], confidence: float) -> Estimate | None:
    with_data = [result.latencies for result in results if result.latencies]
    ordered = sorted(second for latencies in with_data for second in latencies)
    if not ordered:
        return None
    share = _QUANTILES[name]
    suite = quantile_interval(ordered, share, len(ordered), confidence)
    cases = quantile_interval(ordered, share, len(with_data), confidence) if len(with_data) > 1 else None
    return Estimate(ordered[round(share * (len(ordered) - 1))], suite, cases, len(with_data))


def _present(measures: Iterable[Measure | None]) -> list[Measure]:
    return [measure for measure in measures if measure is not None and measure.weight]


_KINDS: dict[str, Callable[[str, Sequence[CaseResult], float], Estimate | None]] = {
    "rate": _rate,
    "count": _count,
    "amount": _amount,
    "relative": _relative,
    "quantile": _quantile,
}
