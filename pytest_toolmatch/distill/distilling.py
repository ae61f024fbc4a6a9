"""``toolmatch distill``: a small student of one's own from a teacher's recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.errors import ConfigError, MissingRecording
from pytest_toolmatch.curation.splits import rank
from pytest_toolmatch.distill.device import check_torch
from pytest_toolmatch.distill.held_out import Drawing, judged
from pytest_toolmatch.distill.rung import Rung, Split
from pytest_toolmatch.distill.start import beyond, start_of
from pytest_toolmatch.distill.table import Row, table_lines
from pytest_toolmatch.recorded.parted import parted
from pytest_toolmatch.recorded.reading import Found, Recorded, read_recorded
from pytest_toolmatch.suites.importers.fields import counted
from pytest_toolmatch.suites.named import next_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_toolmatch.curation.splits import Part
    from pytest_toolmatch.distill.options import Options

FEWEST = 20
"""Recorded cases below which nothing can be held out that would say anything."""

_NAMED = 4


def distill(paths: Sequence[Path], out: Path, options: Options) -> Iterator[str]:
    """Train a student on what a teacher is recorded to have done, write it to ``out``, and yield what to print.

    Raises ToolmatchError, with nothing half-written, for whatever is missing or does not fit; SystemExit after Ctrl-C,
    with the best student so far in place.
    """
    check_torch(options.device)
    found = read_recorded(paths, options.recordings, options.teacher)
    options = msgspec.structs.replace(options, teacher=found.teacher)
    split = _split(found, options.seed)
    start = start_of(options.start, options.size, options.seed)
    sizes = dict.fromkeys(min(size, len(split.train)) for size in options.curve or (len(split.train),))
    rungs = [Rung(start, split, size, out / str(size) if options.curve else out, options) for size in sizes]
    yield from _account(found, split)
    drawing = Drawing(options.temperature, options.draws, options.seed)
    cases = [case for case, _ in split.test[: options.held_out]]
    yield f"judging {start.name} on {counted(len(cases), 'held-out case')}"
    rows = [Row(start.name, 0, judged(start.model(), cases, drawing), start.bytes)]
    for rung in rungs:
        yield from rung.train()
        yield f"judging {rung.where}"
        rows.append(Row(rung.where, len(rung.cases), judged(rung.model(), cases, drawing), rung.bytes()))
    yield ""
    yield from table_lines(rows, cases, drawing)
    models = {"teacher": found.teacher, "student": f"pocket:{rungs[-1].where}"}
    yield next_line(paths, "--toolmatch-mode=record", models)


def _split(found: Found, seed: int) -> Split:
    """Return the parts of the cases, each in an order of its own that the seed decides."""
    if len(found.cases) < FEWEST:
        raise MissingRecording(
            f"{found.teacher}: {counted(len(found.cases), 'recorded case')} to learn from, and at least {FEWEST} are "
            "needed: write more cases, and record them with toolmatch record"
        )
    cases = parted(found.cases, seed)
    placed: dict[Part, list[tuple[Recorded, str]]] = {"train": [], "validation": [], "test": []}
    for one in cases:
        placed[one.part].append((one.recorded, one.group))
    for rows in placed.values():
        rows.sort(key=lambda row: rank(f"{row[0].suite.name}/{row[0].case.id}", seed))
    if lacking := [part for part, rows in placed.items() if not rows]:
        groups = counted(len({one.group for one in cases}), "group")
        raise ConfigError(
            f"nothing is left for {' and '.join(lacking)}: the {len(found.cases)} cases make "
            f"{groups} of near-duplicates, which stay together; add cases that differ more"
        )
    return Split(**placed)


def _account(found: Found, split: Split) -> Iterator[str]:
    """Yield what is learned from, and what is left out."""
    samples = sum(len(case.samples) for case in found.cases)
    kept = " · ".join(f"{part} {len(rows):,}" for part, rows in split._asdict().items())
    yield f"{found.teacher}: {counted(len(found.cases), 'recorded case')}, {counted(samples, 'sample')}: {kept}"
    yield from (f"  ! {note}" for note in found.notes)
    tools = {tool.name: tool for case in found.cases for tool in case.tools}
    if odd := beyond(tools.values()):
        named = "; ".join(f"{name} ({why})" for name, why in list(odd.items())[:_NAMED])
        more = f"; … and {len(odd) - _NAMED} more" if len(odd) > _NAMED else ""
        yield f"  ! {len(odd)} of {counted(len(tools), 'tool')} left out, a pocket model can't call them: {named}{more}"
