"""What became of a failing suite's repair, as the report of a run has it."""

from __future__ import annotations

import msgspec

from pytest_toolmatch.judging.metrics import Estimate


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
