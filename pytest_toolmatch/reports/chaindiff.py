"""A case's failure at one glance: the query, the two chains side by side, how all samples fell, how to go on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_toolmatch.judging.divergence import FUNNEL
from pytest_toolmatch.reports.figures import number, plural
from pytest_toolmatch.reports.lines import Line, clean, in_ascii, joined, wrap
from pytest_toolmatch.reports.sides import Sides, Single
from pytest_toolmatch.reports.troubles import Troubles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.judging.verdict import CaseResult

_QUERY_LINES = 6
_MORE = Line("   (-vv shows it in full)", ("light",))


def case_lines(
    result: CaseResult,
    *,
    teacher: str,
    student: str,
    width: int = 80,
    verbose: bool = False,
    ascii: bool = False,  # noqa: A002 - what it means
    flags: str = "--toolmatch",
    again: str = "replay",
) -> list[Line]:
    """Return a case in full, no line wider than ``width`` (at least 40) but the command: broken it is no use.

    ``verbose`` shows long values, equal calls and the query in full. ``flags`` are what pytest needs to judge it
    ``again``, which is called by that word.
    """
    width = max(width, 40)
    blocks = [
        _query(result.query, width, verbose=verbose),
        _chains(result, clean(teacher), clean(student), width, verbose=verbose),
        [Line(text) for fact in _facts(result) for text in wrap(clean(fact), width, "  ")],
        _command(result.nodeid, flags, again),
    ]
    lines = joined(blocks)
    return in_ascii(lines) if ascii else lines


def _query(query: str, width: int, *, verbose: bool) -> list[Line]:
    lines = [part for line in query.strip().splitlines() for part in wrap(clean(line), width)]
    limit = len(lines) if verbose else _QUERY_LINES
    over = plural(len(lines) - limit, "more line")
    more = [Line(f"… {over} (-vv shows them)", ("light",))] if len(lines) > limit else []
    return [Line(line, ("bold",)) for line in lines[:limit]] + more


def _chains(result: CaseResult, teacher: str, student: str, width: int, *, verbose: bool) -> list[Line]:
    consensus, diverging = result.consensus, result.diverging
    if consensus is None:
        return []
    shown: Single | Sides
    if diverging is None or result.divergence is None:
        shown = Single(width, verbose=verbose)
        lines = shown.lines(f"teacher: {teacher}", consensus)
    else:
        shown, heads = Sides(width, verbose=verbose), (f"teacher: {teacher}", f"student: {student}")
        lines = shown.lines((heads[0], consensus), (heads[1], diverging), result.divergence.rows)
    troubles = Troubles(width, verbose=verbose)
    lines += [Line(text) for text in troubles.lines(result)]
    return lines + [_MORE] * (shown.shortened or troubles.shortened)


def _facts(result: CaseResult) -> Iterator[str]:
    if result.student_samples or result.student_outcomes:
        yield f"student's {plural(result.student_samples, 'sample')}: {_fall(result)}"
    odd = {kind: count for kind, count in result.teacher_outcomes.items() if kind not in ("called", "answered")}
    if odd:
        yield f"teacher's {plural(result.teacher_samples, 'sample')}: {_outcomes(odd)}"
    if result.state != "error":  # whose reason says so
        yield from (f"lost to infrastructure: {why} ({count})" for why, count in result.lost.items())
    match, ceiling = result.value("chain_match"), result.ceilings.get("chain_match")
    if match is not None:
        wanted = "" if result.wanted is None else f", wanted at least {number('chain_match', result.wanted)}"
        own = f"; the teacher in the student's place: {number('chain_match', ceiling.value)}" if ceiling else ""
        yield f"chain_match {number('chain_match', match)}{wanted}{own}"
    if result.reason:
        yield f"{result.state}: {result.reason.removeprefix(f'{result.case}: ')}"


def _fall(result: CaseResult) -> str:
    """Say how the student's samples fell; without a reference, how they ended."""
    if result.value("chain_match") is None:
        return _outcomes(result.student_outcomes)
    parted = sum(result.levels.values())
    parts = [f"{result.student_samples - parted - sum(result.unusable.values())} match"]
    if parted:
        levels = ", ".join(f"{result.levels[level]} {level}" for level in FUNNEL if level in result.levels)
        parts.append(f"{parted} diverge ({levels})")
    besides = {kind: n for kind, n in result.student_outcomes.items() if kind in ("refused", "infrastructure")}
    parts += [_outcomes(kinds) for kinds in (result.unusable, besides) if kinds]
    if retries := round((result.value("retries") or 0) * result.student_samples):
        parts.append(plural(retries, "call") + " refused")
    return " · ".join(parts)


def _outcomes(outcomes: dict[str, int]) -> str:
    words = {"infrastructure": "lost to infrastructure", "lost_by_server": "lost by the server"}
    return " · ".join(f"{count} {words.get(kind, kind)}" for kind, count in sorted(outcomes.items()))


def _command(nodeid: str, flags: str, again: str) -> list[Line]:
    """Return the command that shows the case again, on one line however long: it is to be copied."""
    if not nodeid:
        return []
    quoted = re.sub(r'(["$`\\])', r"\\\1", clean(nodeid))
    return [Line(f'{again}: pytest "{quoted}" {clean(flags)}', ("light",))]
