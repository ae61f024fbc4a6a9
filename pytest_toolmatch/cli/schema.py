"""``toolmatch schema``: the JSON Schemas of what is read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser("schema", help="print the JSON Schema of a suite file, a cases file or a report")
    command.add_argument("of", nargs="?", choices=("suite", "case", "report"), default="suite")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Iterable[str]:
    """Do what was asked for, and yield what to print."""
    import msgspec  # noqa: PLC0415

    return msgspec.json.format(msgspec.json.encode(schema_of(arguments.of)), indent=2).decode().splitlines()


def schema_of(what: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a suite file (``suite``), a line of cases (``case``) or a ``report``."""
    import msgspec  # noqa: PLC0415

    from pytest_toolmatch.reports.report import Report  # noqa: PLC0415
    from pytest_toolmatch.suites.forms import CaseForm, SuiteForm  # noqa: PLC0415

    schema = msgspec.json.schema({"suite": SuiteForm, "case": CaseForm, "report": Report}[what])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
