"""Imported suites onto disk: written aside first, and put in their places when all of them are whole."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.errors import SuiteError
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.request import draw_key
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.sampling.recordings import Record, append_records, encode, recording_path
from pytest_toolmatch.suites.writer import case_line, refuse_taken, suite_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.rules import Rules
    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.suites.importers.assemble import ImportedSuite
    from pytest_toolmatch.suites.importers.spool import Drawn
    from pytest_toolmatch.ticking import Ticker

ANSWERS = "reference"
"""The model that a benchmark's possible answers are recorded as."""


def write_imported(suites: Sequence[ImportedSuite], output: Path, keys: dict[str, Any], ticker: Ticker) -> list[Path]:
    """Write suites with their recordings; return the paths of the suite files.

    Whatever stops it, there is either all of it or nothing. Raises SuiteError where a suite is there already, or where
    the directory can't be written.
    """
    for imported in suites:
        refuse_taken(suite_files(_suite(imported, keys), output))
    try:
        with _aside(output) as aside:
            for imported in suites:
                _write(imported, aside, output, keys, ticker)
            _move(aside, output)
    except OSError as error:
        raise SuiteError(f"can't write to {output}: {error.strerror}; choose another directory") from None
    return [next(iter(suite_files(_suite(imported, keys), output))) for imported in suites]


@contextlib.contextmanager
def _aside(output: Path) -> Iterator[Path]:
    """Give a directory on the same disk, which is gone afterwards, and so are those that were made for it."""
    made = [folder for folder in (output, *output.parents) if not folder.exists()]
    try:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".importing-", dir=output) as aside:
            yield Path(aside)
    finally:
        for folder in made:
            with contextlib.suppress(OSError):  # it holds what was written
                folder.rmdir()


def _suite(imported: ImportedSuite, keys: dict[str, Any]) -> Suite:
    """Return the suite without its cases, of which there may be more than memory holds."""
    rules: Rules = keys["rules"]
    if ANSWERS in imported.samples and rules.reference == "consensus":
        # Possible answers are alternatives: there is no consensus among them. A model run once has just the one chain.
        rules = msgspec.structs.replace(rules, reference="any")
    return Suite(
        name=imported.name,
        # What most cases offer stands once, in the suite: logs repeat it with every request.
        tools=imported.tools or imported.usual,
        instructions=imported.instructions,
        **(keys | {"rules": rules}),
    )


def _lean(case: Case, usual: tuple[Tool, ...]) -> Case:
    """Return a case without the tools that it has from its suite."""
    return msgspec.structs.replace(case, tools=None) if usual and case.tools == usual else case


def _write(imported: ImportedSuite, aside: Path, output: Path, keys: dict[str, Any], ticker: Ticker) -> None:
    suite = _suite(imported, keys)
    *files, (cases, _) = suite_files(suite, aside).items()
    for path, content in files:
        path.write_bytes(content)
    with cases.open("wb") as file:
        written = (_lean(case, imported.usual) for case in ticker.follow(imported.cases, "cases"))
        file.writelines(map(case_line, written))
    for model, drawn in imported.samples.items():
        folder = Path("recordings", suite.name)
        # The longer one: another model may have the usual file in either place.
        path = folder / max((recording_path(root / folder, model).name for root in (aside, output)), key=len)
        _record(aside / path, output / path, _records(suite, Model(name=model), drawn, imported.usual, ticker))


def _record(path: Path, before: Path, records: Iterator[Record]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if before.exists():
        shutil.copyfile(before, path)
        append_records(path, records)
        return
    with path.open("wb") as file:
        file.writelines(encode((one,)) for one in records)


def _records(suite: Suite, model: Model, drawn: Drawn, usual: tuple[Tool, ...], ticker: Ticker) -> Iterator[Record]:
    plan = Plan(suite, model)
    for case, samples in ticker.follow(drawn.with_cases(), "cases"):
        asked = _asked(plan, _lean(case, usual))
        for one in samples:
            yield Record(key=draw_key(asked, one.role, one.draw), model=model.name, sample=one)


def _asked(plan: Plan, case: Case) -> str:
    # A plan keeps the tools of every case that has its own.
    own = plan if case.tools is None else Plan(plan.suite, plan.model)
    return own.asked(case, "recorded")


def _move(aside: Path, output: Path) -> None:
    """Put every file in its place; where that is stopped, take back what was put."""
    moved: list[Path] = []
    # Suite files last: what they name is there by then.
    files = sorted((path for path in aside.rglob("*") if path.is_file()), key=lambda path: (path.parent == aside, path))
    try:
        for path in files:
            target = output / path.relative_to(aside)
            target.parent.mkdir(parents=True, exist_ok=True)
            new = not target.exists()
            path.replace(target)
            moved += [target] if new else []
    except BaseException:
        for target in moved:
            target.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # what else is in them stays
                os.removedirs(target.parent)
        raise
