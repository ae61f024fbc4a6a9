"""``toolmatch report``: print a report file's summary again."""

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
    command = commands.add_parser("report", help="print the summary of a report file again")
    command.add_argument("file", type=Path, metavar="FILE.json")
    command.add_argument("-v", "--verbose", action="store_true", help="list every case")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Iterable[Line]:
    """Do what was asked for, and yield what to print."""
    from pytest_toolmatch.reports.json_file import read_report  # noqa: PLC0415
    from pytest_toolmatch.reports.summary import summary_lines  # noqa: PLC0415

    return summary_lines(read_report(arguments.file), verbose=arguments.verbose, **screen())
