"""What ``toolmatch plan`` was asked: gates before any money is spent, or what reports have recorded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.judging.gate import check_gates, parse_gate
from pytest_toolmatch.reports.assumed import Assumed
from pytest_toolmatch.reports.json_file import read_report
from pytest_toolmatch.reports.lines import Line, in_ascii, joined
from pytest_toolmatch.reports.plan import plan_lines
from pytest_toolmatch.reports.plan_recorded import recorded_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_CASES = 40


def planned_lines(
    what: Sequence[str],
    *,
    cases: int | None,
    truths: Sequence[float],
    assumed: Iterable[tuple[str, Any]],
    width: int = 80,
    ascii: bool = False,  # noqa: A002 - what it means
) -> list[Line]:
    """Return the plan of gates, or of the reports among ``what``; ``assumed`` are fields of Assumed, None if not given.

    Raises GateError for a gate that can't be planned, ConfigError for all else that can't be.
    """
    given = {name: value for name, value in assumed if value is not None}
    expressions = [text for text in what if not text.endswith(".json")]
    check_gates(expressions)
    gates = [parse_gate(text) for text in expressions]
    paths = [Path(text) for text in what if text.endswith(".json")]
    if not what:
        raise ConfigError("nothing to plan: name a gate, as in 'chain_match >= 0.90', or a report file, as in a.json")
    if not paths:
        lines = plan_lines(gates, _CASES if cases is None else cases, truths, Assumed(**given), width=width)
    elif cases is not None or truths:
        raise ConfigError("a report says itself how many cases there are and what was seen; drop --cases and --truth")
    else:
        reports = [(path, read_report(path)) for path in paths]
        lines = joined(
            recorded_lines(report, gates, Assumed(**{"confidence": report.confidence, **given}), str(path), width=width)
            for path, report in reports
        )
    return in_ascii(lines) if ascii else lines
