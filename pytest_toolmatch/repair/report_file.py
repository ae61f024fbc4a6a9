"""The report of a repair as a file, in Markdown: the same as is printed, with every name and every line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.repair.lines import account_lines, change_lines, table_lines, verdict_lines
from pytest_toolmatch.reports.figures import number
from pytest_toolmatch.reports.lines import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_toolmatch.core.sample import Spending
    from pytest_toolmatch.repair.work import Repaired


def report_text(done: Repaired, spent: Spending, confidence: float, diff: Sequence[str]) -> str:
    """Return the report; ``diff`` has the lines of a unified diff of the suite's file."""
    return "\n".join(line for part in _parts(done, spent, confidence, diff) for line in part) + "\n"


def _parts(done: Repaired, spent: Spending, confidence: float, diff: Sequence[str]) -> Iterator[Iterable[str]]:
    yield [f"# Repair of {clean(done.suite)}"]
    if done.proof is None:
        yield ["", f"Nothing was put to the test: {done.why}. The suite is as it was."]
    else:
        yield _fenced("text", verdict_lines(done, done.proof, confidence))
        yield ["", "## Match on cases that nothing was chosen by", *_fenced("text", table_lines(done.rows, confidence))]
        yield ["", "## Cases", "", *_moved("Fixed", done.proof.fixed), *_moved("Broken", done.proof.broken)]
    changes = list(change_lines(done))
    if changes:
        yield ["", "## Every text that is another", *_fenced("diff", (line.removeprefix("  ") for line in changes))]
    if changes and diff:
        yield ["", "## The suite", *_fenced("diff", map(clean, diff))]
    if done.front:
        yield ["", "## Prompt length against match", ""]
        yield ["On the cases it was chosen by; nothing shorter matches as often.", "", "| characters | match |"]
        yield ["|---:|---:|", *(f"| {length} | {number('chain_match', match)} |" for length, match in done.front)]
    yield ["", "## What it took", *_fenced("text", account_lines(done, spent, every=True))]


def _moved(word: str, names: Sequence[str]) -> Iterator[str]:
    yield f"- {word}: {', '.join(map(clean, names)) or 'none'}"


def _fenced(language: str, lines: Iterable[str]) -> list[str]:
    """Return lines in a block whose fence is longer than any in them."""
    kept = list(lines)
    fence = "`" * max(3, 1 + max((_ticks(line) for line in kept), default=0))
    return ["", f"{fence}{language}", *kept, fence]


def _ticks(line: str) -> int:
    text = line.lstrip(" +-")
    return len(text) - len(text.lstrip("`"))
