"""``toolmatch repair``: mend the prompt of a suite's student, and prove it on cases that no optimiser has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_toolmatch.repair.options import RepairOptions


def repair(paths: Sequence[Path], out: Path | None, options: RepairOptions) -> Iterator[str]:
    """Repair suites, and yield what to print.

    An accepted repair is written into its suite's file, or to ``NAME.repaired.toolmatch.yaml`` in ``out``. Raises
    ToolmatchError for whatever is wrong or missing, before anything is paid for. SystemExit after Ctrl-C.
    """
    raise NotImplementedError
