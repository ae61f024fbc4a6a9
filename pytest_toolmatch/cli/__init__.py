"""The ``toolmatch`` command: one module per subcommand, each with ``add`` and ``run``."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_toolmatch.cli import (
    compare,
    curate,
    distill,
    export,
    fuzz,
    import_logs,
    plan,
    record,
    repair,
    report,
    schema,
)
from pytest_toolmatch.cli.parsing import USAGE_ERROR, Parser
from pytest_toolmatch.core.errors import ToolmatchError
from pytest_toolmatch.reports.lines import clean, encodable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_toolmatch.reports.lines import Line

COMMANDS = (import_logs, record, report, compare, plan, curate, export, distill, fuzz, repair, schema)
"""In the order in which the help lists them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 0, or 4 where something given to it is wrong."""
    arguments = parser().parse_args(argv)
    try:
        lines: Iterable[Line | str] = arguments.run(arguments)
        for line in lines:
            text = clean(line) if isinstance(line, str) else line.text
            print(encodable(text, sys.stdout.encoding), flush=True)  # noqa: T201 - a command prints
    except ToolmatchError as error:
        for line in (f"toolmatch: error: {error}", *getattr(error, "__notes__", ())):
            sys.stderr.write(f"{encodable(clean(line), sys.stderr.encoding)}\n")
        return USAGE_ERROR
    except KeyboardInterrupt:
        sys.stderr.write("toolmatch: interrupted; nothing more was written\n")
        return 130
    except BrokenPipeError:  # whoever reads has enough, as `head` has: what is left goes nowhere, without a word
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0


def parser() -> Parser:
    """Return the parser of all subcommands."""
    made = Parser(prog="toolmatch", description="Suites, reports and logs for pytest --toolmatch.")
    made.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = made.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(commands)
    return made


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import version  # noqa: PLC0415 - takes its time

        print(f"toolmatch {version('pytest-toolmatch')}")  # noqa: T201 - a command prints
        parser.exit()
