"""One suite in numbers: every metric with both intervals and its ceiling, and where chains part."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_toolmatch.judging.divergence import FUNNEL
from pytest_toolmatch.judging.metrics import METRICS, beside
from pytest_toolmatch.reports.figures import NOTHING, interval, number, percent, plural
from pytest_toolmatch.reports.lines import Line, clean, columns, cut, cut_end, table, wrap
from pytest_toolmatch.reports.troubles import trouble_notes
from pytest_toolmatch.statistics.measures import ratio

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pytest_toolmatch.judging.metrics import Estimate
    from pytest_toolmatch.judging.verdict import CaseResult
    from pytest_toolmatch.reports.report import Estimates, Terms

_LEVELS = ("chain_match", "name_match", "tools_match")
_ALWAYS = (*_LEVELS, "consistency")
_BESIDE = ("agreement", "relative_match", "argument_validity", "retries", "recovery", "ambiguous")
_SPENT = ("latency_p50", "latency_p95", "tokens", "cost")
_USUAL = (*_ALWAYS, *_BESIDE, *_SPENT)
_NOTES = {"chain_match": "full chain", "name_match": "tool order", "tools_match": "tools"}
_NOTES |= {"latency": "s", "latency_p50": "s", "latency_p95": "s", "cost": "USD"}
_REFERENCES = {
    "consensus": "the teacher's consensus",
    "any": "any of the teacher's draws",
    "draws": "every teacher draw, averaged",
}


def section_lines(
    name: str,
    metrics: Estimates,
    cases: Sequence[CaseResult],
    rule: str,
    *,
    confidence: float,
    width: int,
    verbose: bool,
    asked: Collection[str] = (),
    told: str = "",
) -> list[Line]:
    """Return the section of a suite, or of all of them; ``rule`` says how its chains were matched.

    ``asked`` are metrics that are shown in any case: those of gates. ``told`` is what the student is told otherwise.
    """
    title = f": {plural(len(cases), 'case')}{_wanted(cases)}"
    lines = [Line(cut(clean(name), width - len(title)) + title, ("bold",))]
    lines += [Line(text, ("light",)) for text in wrap(f"match: {clean(rule)}", width, "  ")]
    lines += [Line(text) for text in wrap(f"student: told {told}", width, "  ") if told]
    lines += _metric_lines(list(_metric_rows(metrics, cases, confidence, verbose=verbose, asked=asked)), width)
    lines += [Line(text) for text in wrap(_funnel(cases), width, "  → ", at=" → ") if text]
    return lines + [Line(text) for note in _notes(cases) for text in wrap(clean(note), width, "  ")]


def rule_of(terms: Terms) -> str:
    """Name the rule behind a suite's match metrics; a match rate means nothing without it."""
    arguments = "arguments by schema" if terms.arguments == "schema" else "arguments as plain JSON"
    compared = "tool names in order" if terms.match == "names" else f"{terms.match}, {arguments}"
    calls = f", only calls with effect {terms.effect}" if terms.effect else ""
    calls += (
        f" (not compared, for want of an effect: {', '.join(terms.without_effect)})" if terms.without_effect else ""
    )
    return f"{compared}{calls}, against {_REFERENCES.get(terms.reference, terms.reference)}"


def _wanted(cases: Sequence[CaseResult]) -> str:
    wanted = {case.wanted for case in cases}
    found = wanted.pop() if len(wanted) == 1 else None
    return "" if found is None else f", wanted at least {found:.2f} of each"


def _metric_lines(rows: Sequence[Sequence[str]], width: int) -> Iterator[Line]:
    """Yield the table; the parts of ``relative_match`` move below it where they have no room."""
    kept = _with_room(rows, width)
    for row, few, text in zip(rows, kept, table(kept, "<>>>>><"[: len(kept[0])]), strict=True):
        has_room = few == row and columns(text) <= width
        below = row[-1] if row[0] == "relative_match" and not has_room else ""
        yield Line(cut_end(text.removesuffix(below).rstrip(), width))
        if below:
            yield Line(f"  = {below}")


def _with_room(rows: Sequence[Sequence[str]], width: int) -> Sequence[Sequence[str]]:
    """Leave out the last columns where they have no room: part of a number is another number."""
    for count in range(len(rows[0]) - 1, 1, -1):
        kept = [row[:count] for row in rows]
        if max(map(columns, table(kept, "<>>>>>"[:count]))) <= width:
            return rows if count == len(rows[0]) - 1 else kept
    return rows


def _metric_rows(
    metrics: Estimates, cases: Sequence[CaseResult], confidence: float, *, verbose: bool, asked: Collection[str]
) -> Iterator[list[str]]:
    level = percent(confidence)
    yield ["", "", f"{level}: this", f"{level}: queries", "", "", ""]
    yield ["metric", "value", "suite", "like these", "ceiling", "n", ""]
    others = [name for name in METRICS if name not in _USUAL and (verbose or name in asked)]
    for name in (*_ALWAYS, *_BESIDE, *others, *_SPENT):
        if name in metrics or name in _ALWAYS:
            note = _parts(cases) if name == "relative_match" else _NOTES.get(name, "")
            yield _row(name, metrics.get(name), note)


def _row(name: str, estimate: Estimate | None, note: str) -> list[str]:
    if estimate is None:
        return [name, NOTHING, NOTHING, NOTHING, NOTHING, "0", note]
    suite, cases = interval(name, estimate.suite), interval(name, estimate.cases)
    return [name, number(name, estimate.value), suite, cases, number(name, estimate.ceiling), str(estimate.n), note]


def _parts(cases: Sequence[CaseResult]) -> str:
    """Return the two parts of ``relative_match``, over the cases that have both."""
    pairs, _ = beside(cases)
    return " ÷ ".join(f"{ratio(measures):.2f}" for measures in zip(*pairs, strict=True)) if pairs else ""


def _notes(cases: Sequence[CaseResult]) -> Iterator[str]:
    single = sum(case.teacher_samples == 1 for case in cases)
    if single:
        where = "" if single == len(cases) else f" in {single} of {plural(len(cases), 'case')}"
        yield f"consistency unknown{where}: one teacher sample per case"
    unusable = sum((Counter(case.unusable) for case in cases), Counter())
    if unusable:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(unusable.items()))
        yield f"unusable student samples, which match nothing: {kinds}"
    yield from trouble_notes(cases)


def _funnel(cases: Sequence[CaseResult]) -> str:
    """Say at which level how many diverging samples part."""
    levels = Counter({level: sum(case.levels.get(level, 0) for case in cases) for level in FUNNEL})
    parted = levels.total()
    return (
        f"{plural(parted, 'sample')} diverge{'s' * (parted == 1)}: "
        + " → ".join(_share(level, levels[level], parted) for level in FUNNEL)
        if parted
        else ""
    )


def _share(level: str, count: int, parted: int) -> str:
    return f"{level} {count} ({count / parted:.0%})".replace("%", " %") if count else f"{level} 0"
