"""Suites with recordings into files that others train and evaluate with: ``toolmatch export``."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_args

import msgspec

from pytest_toolmatch.core.errors import ConfigError, MissingRecording
from pytest_toolmatch.core.model import PROVIDERS
from pytest_toolmatch.curation.splits import Part
from pytest_toolmatch.recorded.parted import parted
from pytest_toolmatch.recorded.reading import read_recorded
from pytest_toolmatch.recorded.rows import Rows
from pytest_toolmatch.suites.exporters import Format, find_format
from pytest_toolmatch.suites.exporters.output import Output
from pytest_toolmatch.suites.exporters.row import Omitted
from pytest_toolmatch.suites.held_out import FILE
from pytest_toolmatch.suites.importers.fields import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.recorded.parted import Parted
    from pytest_toolmatch.recorded.reading import Found

PARTS: tuple[str, ...] = get_args(Part)
USUAL = PARTS[:2]
"""What leaves where nobody says; test cases judge what was trained on the others, so they stay."""


class ExportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to export: ``part`` names parts, or ``all``; ``consensus`` takes one row a case."""

    part: tuple[str, ...] = ()
    consensus: bool = False
    teacher: str = ""
    recordings: Path = Path("fixtures/recordings")
    seed: int = 0

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that leave, in the order of PARTS."""
        return PARTS if "all" in self.part else tuple(one for one in PARTS if one in (self.part or USUAL))


class _Count(NamedTuple):
    """What was written of a part."""

    cases: int = 0
    rows: int = 0
    made_up: int = 0


def export(name: str, paths: Sequence[Path], out: Path, options: ExportOptions) -> Iterator[str]:
    """Write what a teacher is recorded to have done to ``out``, and yield what to print.

    Raises ToolmatchError, with nothing written, for whatever is missing, in the way or does not fit.
    """
    form = find_format(name)
    output = Output(out)
    found = read_recorded(paths, options.recordings, options.teacher, use="toolmatch export reads")
    if not found.cases:
        notes = "; ".join(found.notes)
        raise MissingRecording(f"nothing of {found.teacher} can be exported: {notes}; record again: toolmatch record")
    cases = parted(found.cases, options.seed)
    rows = Rows("case" if options.consensus else form.UNIT)
    if form.UNIT == "case":
        _check_names(found)
    with output:
        counts = _write(form, cases, rows, output, options.parts)
        if not output.lines:
            raise ConfigError(_nothing(form, cases, rows, options.parts))
    yield from _account(name, found, rows)
    if form.REPLIES and (made_up := sum(count.made_up for count in counts.values())):
        yield f"  ! {made_up:,} {'reply' if made_up == 1 else 'replies'} simulated: none is recorded"
    yield from _places(output, counts, options.parts)
    yield from _withheld(cases, counts)
    yield from _next(form, found, paths, output)


def _write(
    form: Format, cases: Sequence[Parted], rows: Rows, output: Output, parts: Sequence[str]
) -> dict[str, _Count]:
    """Write the rows of the parts that leave, part after part, and return what was written of each."""
    made = {part: _Count() for part in parts}
    for part in parts:
        for number, placed in enumerate(cases):
            if placed.part != part:
                continue
            said = made_up = 0
            for row in rows.of(placed, number):
                lines = form.write(row)
                if isinstance(lines, Omitted):
                    rows.left["row", lines.why] += 1
                    continue
                output.write(lines, part)
                said += 1
                made_up += row.made_up
            so_far = made[part]
            made[part] = _Count(so_far.cases + bool(said), so_far.rows + said, so_far.made_up + made_up)
    return made


def _check_names(found: Found) -> None:
    """Refuse two suites of one name, where cases are told apart by the names of their suites."""
    where: dict[str, dict[str, None]] = {}
    for one in found.cases:
        where.setdefault(one.suite.name, {})[one.suite.where] = None
    for name, files in where.items():
        if len(files) > 1:
            raise ConfigError(f"two suites are named {name}: {', '.join(files)}; export them one by one, or rename one")


def _account(name: str, found: Found, rows: Rows) -> Iterator[str]:
    """Yield what was read, and what was left out."""
    samples = sum(len(case.samples) for case in found.cases)
    yield f"{name}: {found.teacher}, {counted(len(found.cases), 'recorded case')}, {counted(samples, 'sample')}"
    yield from (f"  ! {note}" for note in found.notes)
    yield from (f"  ! {note}" for note in _left(rows))


def _left(rows: Rows) -> list[str]:
    return [f"{counted(count, noun)} left out: {why}" for (noun, why), count in rows.left.items() if count]


def _places(output: Output, counts: dict[str, _Count], parts: Sequence[str]) -> Iterator[str]:
    """Yield the files, and what of each part is in them."""
    said = {part: f"{counted(counts[part].rows, 'row')} of {counted(counts[part].cases, 'case')}" for part in parts}
    if output.is_file:
        yield f"{output.path}: " + ", ".join(f"{part} {said[part]}" for part in parts)
        if len(parts) > 1:
            yield f"  {' and '.join(parts)} are in one file: name a directory to have one each"
        return
    for part in parts:
        files = [path for path in output.lines if path.relative_to(output.path).parts[0].partition(".")[0] == part]
        yield f"{files[0] if len(files) == 1 else output.path / part}: {said[part]}" if files else f"{part}: no row"


def _withheld(cases: Sequence[Parted], counts: dict[str, _Count]) -> Iterator[str]:
    placed = Counter[str](one.part for one in cases)
    kept = [counted(placed[part], f"{part} case") for part in PARTS if part not in counts and placed[part]]
    if kept:
        named = sum(one.recorded.case.held_out for one in cases) if "test" not in counts else 0
        yield f"not exported: {', '.join(kept)}{f' ({named:,} named in {FILE})' if named else ''}"
    if gone := counts.get("test", _Count()).cases:
        yield f"  ! {counted(gone, 'test case')} exported: what is trained on them can't be judged by them"


def _next(form: Format, found: Found, paths: Sequence[Path], output: Output) -> Iterator[str]:
    if found.incomplete and found.teacher.partition(":")[0] in PROVIDERS:
        command = ["toolmatch", "record", *map(str, paths), "--teacher", found.teacher]
        yield f"to record what is lacking: {shlex.join(command)}"
    if form.NEXT:
        first = shlex.quote(str(next(iter(output.lines))))
        yield "next: " + form.NEXT.format(out=shlex.quote(str(output.path)), train=first)


def _nothing(form: Format, cases: Sequence[Parted], rows: Rows, parts: Sequence[str]) -> str:
    placed = Counter[str](one.part for one in cases)
    if not any(placed[part] for part in parts):
        there = ", ".join(f"{part} {count}" for part, count in placed.items())
        return (
            f"nothing to export: of {counted(len(cases), 'recorded case')} none is in {' or '.join(parts)} "
            f"(there are {there}): name other parts with --part, or record more cases"
        )
    return f"nothing to export: no row is left for {form.NAME}: {'; '.join(_left(rows))}"
