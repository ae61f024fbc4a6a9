"""``toolmatch compare``: what changed between two reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.cli.parsing import screen

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from pytest_toolmatch.reports.lines import Line


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser("compare", help="say which cases changed between two reports, with a paired test")
    command.add_argument("before", type=Path, metavar="A.json")
    command.add_argument("after", type=Path, metavar="B.json")
    command.add_argument("-v", "--verbose", action="store_true", help="list every case that differs")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Iterable[Line]:
    """Do what was asked for, and yield what to print."""
    from pytest_toolmatch.reports.compare import compare  # noqa: PLC0415
    from pytest_toolmatch.reports.compare_lines import comparison_lines  # noqa: PLC0415
    from pytest_toolmatch.reports.json_file import read_report  # noqa: PLC0415

    found = compare(read_report(arguments.before), read_report(arguments.after))
    return comparison_lines(found, verbose=arguments.verbose, **screen())
