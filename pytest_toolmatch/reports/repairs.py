"""What became of a failing suite's repair, as the report of a run has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.judging.metrics import Estimate
from pytest_toolmatch.reports.figures import number, plural
from pytest_toolmatch.reports.lines import Line, clean, wrap

if TYPE_CHECKING:
    from collections.abc import Mapping


class RepairReport(msgspec.Struct, frozen=True, kw_only=True):
    """One suite's repair.

    ``why`` says why nothing was accepted. ``before`` and ``after`` are the student's match with its teacher on cases
    that nothing was chosen by, ``difference`` is theirs, and ``p`` that of its one-sided test; all None where no prompt
    was put to the test. ``changed`` are the texts that are others, ``fixed`` and ``broken`` the ids of cases.
    ``rollouts`` counts the student's samples that were looked at, ``calls`` and ``cost`` (USD) what was called for now.
    ``written`` is the file that was written beside the suite.
    """

    accepted: bool
    why: str = ""
    before: Estimate | None = None
    after: Estimate | None = None
    difference: Estimate | None = None
    p: float | None = None
    changed: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    rollouts: int = 0
    calls: int = 0
    cost: float = 0.0
    written: str = ""


def repair_lines(repairs: Mapping[str, RepairReport], width: int) -> list[Line]:
    """Return what became of each suite's repair, for the summary of a report that has some."""
    texts = (f"repair  {clean(name)}  {_came_to(one)}" for name, one in repairs.items())
    return [Line(line) for text in texts for line in wrap(text, width, "      ")]


def _came_to(one: RepairReport) -> str:
    tested = ""
    if one.before and one.after:
        rates = (number("chain_match", rate.value) for rate in (one.before, one.after))
        tested = f"{' → '.join(rates)} on {plural(one.after.n, 'case')} that nothing was chosen by"
    if one.accepted:
        return f"accepted: {tested}; {clean(one.written)}"
    return f"not accepted: {clean(one.why)}{f' ({tested})' if tested else ''}"
