"""``toolmatch distill``: train a small student."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.cli.parsing import number, positive, sizes

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser("distill", help="train a small student on what a teacher is recorded to have done")
    command.add_argument("suites", nargs="+", type=Path, metavar="SUITE", help="suite files, or directories of such")
    command.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="where the student goes")
    for name, kind, word, meaning in _OPTIONS:
        command.add_argument(name, type=kind, metavar=word, help=meaning)
    command.add_argument("--size", choices=("small", "base", "26m"), help="start from scratch, with this size")
    command.add_argument("--device", choices=("cpu", "cuda"), help="where to train (default: cpu)")
    command.set_defaults(run=run)


_OPTIONS = (
    ("--teacher", str, "MODEL", "whose recordings to learn from (default: the one model that is recorded)"),
    ("--recordings", Path, "DIR", "where suites that name no directory keep theirs (default: fixtures/recordings)"),
    ("--from", str, "MODEL", "pocket model to go on from, or its directory (default: pocket:small)"),
    ("--curve", sizes, "N,N,…", "one student after so many examples each"),
    ("--held-out", positive, "N", "held-out cases that are judged at most (default: 400)"),
    ("--draws", positive, "N", "draws of the student for each of them (default: 8)"),
    ("--temperature", number, "T", "the temperature of these draws (default: 0.7)"),
    ("--epochs", number, "N", "how often to go through the examples at most, but for 600 steps at least (default: 4)"),
    ("--seed", int, "N", "decides what is held out, and all chance in training (default: 0)"),
)


def run(arguments: argparse.Namespace) -> Iterable[str]:
    """Do what was asked for, and yield what to print."""
    from pytest_toolmatch.distill.distilling import distill  # noqa: PLC0415
    from pytest_toolmatch.distill.options import Options  # noqa: PLC0415

    asked = {"start" if name == "from" else name: value for name, value in vars(arguments).items()}
    given = {name: asked[name] for name in Options.__struct_fields__ if asked.get(name) is not None}
    return distill(arguments.suites, arguments.output, Options(**given))
