"""A report: what a run found, suite by suite, as plain data. The JSON file is exactly this."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from pytest_toolmatch.core.sample import Spending
from pytest_toolmatch.judging.deciding import decide
from pytest_toolmatch.judging.gate import GateResult, parse_gate
from pytest_toolmatch.judging.metrics import Estimate, estimates
from pytest_toolmatch.judging.robustness import Robustness, VariantResult, robustness
from pytest_toolmatch.judging.verdict import CaseResult
from pytest_toolmatch.reports.repairs import RepairReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Estimates: TypeAlias = dict[str, Estimate]

VERSION = 1


class Terms(msgspec.Struct, kw_only=True):
    """How a suite was judged, and how much of it.

    ``without_effect`` are tools whose calls are not compared for want of an ``effect``, where only those with one are.
    ``expected`` counts the cases that were to run; a ``partial`` run left some out on purpose, or was stopped. ``told``
    counts what the student is told in other words than the teacher.
    """

    match: str = "ordered"
    arguments: str = "schema"
    reference: str = "consensus"
    effect: str | None = None
    without_effect: tuple[str, ...] = ()
    told: str = ""
    expected: int = 0
    partial: bool = False
    gates: tuple[str, ...] = ()


class SuiteReport(msgspec.Struct, frozen=True, kw_only=True):
    """One suite: its metrics, the same for subsets of its cases, its gates, and every case's result."""

    terms: Terms
    metrics: Estimates
    by_tag: dict[str, Estimates] = {}
    by_tool: dict[str, Estimates] = {}
    by_case: dict[str, Estimates] = {}
    gates: tuple[GateResult, ...] = ()
    robustness: dict[str, Robustness] = {}
    cases: tuple[CaseResult, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run. ``all`` holds the metrics over the cases of all suites; ``confidence`` is that of the intervals.

    ``spent`` is what a run that called models called for; None where everything was replayed. ``repairs`` has what
    became of suites that failed, where they were repaired.
    """

    version: int = VERSION
    teacher: str
    student: str
    mode: str
    confidence: float
    interrupted: bool = False
    spent: Spending | None = None
    suites: dict[str, SuiteReport] = {}
    all: Estimates = {}
    repairs: dict[str, RepairReport] = {}


def suite_report(
    results: Sequence[CaseResult],
    terms: Terms,
    *,
    confidence: float,
    per_case: bool = True,
    decided: Mapping[str, GateResult] | None = None,
    fuzzed: Sequence[VariantResult] = (),
) -> SuiteReport:
    """Put the results of one suite's cases together, in the order of their names.

    ``per_case`` asks for every case's own estimates, which only a report file needs. ``decided`` are the gates that
    were decided while the draws came in. ``fuzzed`` is what variants of its cases came to.
    """
    cases = tuple(sorted(results, key=lambda result: result.case))
    terms = msgspec.structs.replace(terms, partial=terms.partial or len(cases) < max(1, terms.expected))

    def grouped(keys: Callable[[CaseResult], Iterable[str]]) -> dict[str, Estimates]:
        groups: dict[str, list[CaseResult]] = {}
        for result in cases:
            for key in dict.fromkeys(keys(result)):
                groups.setdefault(key, []).append(result)
        return {
            key: whole if len(groups[key]) == len(cases) else estimates(groups[key], confidence)
            for key in sorted(groups)
        }

    whole = estimates(cases, confidence)
    by_tag, by_tool = grouped(lambda result: result.tags), grouped(lambda result: result.tools)
    known, subsets = decided or {}, {"tag": by_tag, "tool": by_tool}
    gates = (known.get(parse_gate(gate).expression) or _decided(gate, cases, whole, subsets) for gate in terms.gates)
    return SuiteReport(
        terms=terms,
        metrics=whole,
        by_tag=by_tag,
        by_tool=by_tool,
        by_case=grouped(lambda result: (result.case,)) if per_case else {},
        gates=tuple(msgspec.structs.replace(gate, partial=True) if terms.partial else gate for gate in gates),
        robustness=robustness(fuzzed, confidence),
        cases=cases,
    )


def run_report(
    suites: Mapping[str, tuple[Sequence[CaseResult], Terms]],
    *,
    teacher: str,
    student: str,
    mode: str,
    confidence: float,
    interrupted: bool = False,
    per_case: bool = True,
    spent: Spending | None = None,
    decided: Mapping[str, Mapping[str, GateResult]] | None = None,
    fuzzed: Mapping[str, Sequence[VariantResult]] | None = None,
) -> Report:
    """Put the suites of a run together, in the order of their names; one without any result is left out."""
    made = {
        name: suite_report(
            results,
            terms,
            confidence=confidence,
            per_case=per_case,
            decided=(decided or {}).get(name),
            fuzzed=(fuzzed or {}).get(name, ()),
        )
        for name, (results, terms) in sorted(suites.items())
        if results or (fuzzed or {}).get(name)
    }
    return Report(
        teacher=teacher,
        student=student,
        mode=mode,
        confidence=confidence,
        interrupted=interrupted,
        spent=spent,
        suites=made,
        all=_all(made, confidence),
    )


def _decided(
    expression: str, cases: Sequence[CaseResult], whole: Estimates, subsets: Mapping[str, Mapping[str, Estimates]]
) -> GateResult:
    gate = parse_gate(expression)
    metrics = subsets[gate.by].get(gate.subset, {}) if gate.by else whole
    return decide(gate, gate.of(cases), metrics.get(gate.metric))


def _all(suites: Mapping[str, SuiteReport], confidence: float) -> Estimates:
    """Return the metrics over the cases of all suites; of a single one they are known."""
    if len(suites) == 1:
        return next(iter(suites.values())).metrics
    return estimates([case for suite in suites.values() for case in suite.cases], confidence)
