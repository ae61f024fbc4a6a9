"""``toolmatch export``: what a teacher did, in formats that others train with."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def add(commands: Any) -> None:
    """Add the command to the parser."""
    from pytest_toolmatch.suites.exporters import FORMATS  # noqa: PLC0415

    command = commands.add_parser(
        "export",
        help="write what a teacher is recorded to have done, to train and evaluate with",
        description="Write what a teacher is recorded to have done, one row for each of its samples, in a format that\n"
        "others train or evaluate with. Test cases stay unless --part asks for them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.more = _export_formats
    command.add_argument("format", metavar="FORMAT", help=f"one of {', '.join(FORMATS)}")
    command.add_argument("suites", nargs="+", type=Path, metavar="SUITE", help="suite files, or directories of such")
    command.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR|FILE", help="a directory, or one file: *.jsonl"
    )
    command.add_argument(
        "--part",
        action="append",
        choices=("train", "validation", "test", "all"),
        default=[],
        help="which cases leave (default: train and validation); may be repeated",
    )
    command.add_argument("--consensus", action="store_true", help="one row a case, not one for each of its samples")
    for name, kind, word, meaning in _OPTIONS:
        command.add_argument(name, type=kind, metavar=word, help=meaning)
    command.set_defaults(run=run)


def _export_formats() -> str:
    from pytest_toolmatch.suites.exporters import FORMATS, find_format  # noqa: PLC0415

    return "\n".join(["formats:", *(f"  {name:<12} {find_format(name).SUMMARY}" for name in FORMATS)])


_OPTIONS = (
    ("--teacher", str, "MODEL", "whose recordings to export (default: the one model that is recorded)"),
    ("--recordings", Path, "DIR", "where suites that name no directory keep theirs (default: fixtures/recordings)"),
    ("--seed", int, "N", "decides which part a case is in, as in distill (default: 0)"),
)


def run(arguments: argparse.Namespace) -> Iterable[str]:
    """Do what was asked for, and yield what to print."""
    from pytest_toolmatch.exporting import ExportOptions, export  # noqa: PLC0415

    asked = vars(arguments) | {"part": tuple(arguments.part)}
    given = {name: asked[name] for name in ExportOptions.__struct_fields__ if asked.get(name) is not None}
    return export(arguments.format, arguments.suites, arguments.output, ExportOptions(**given))
