"""``toolmatch curate``: choose the cases that matter."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.cli.parsing import add_engine, at_least_0, share

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "curate", help="choose the cases that matter: a suite to optimise on, one to evaluate"
    )
    command.add_argument("suites", nargs="+", type=Path, metavar="SUITE", help="suite files, or directories of such")
    command.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="where the two suites go")
    for name, kind, word, meaning in _OPTIONS:
        command.add_argument(name, type=kind, metavar=word, help=meaning)
    command.add_argument("--students", action="append", metavar="MODEL", help="models whose failures count")
    add_engine(command)
    command.add_argument("--map", type=Path, metavar="FILE.html", help="write a page that shows all cases")
    command.add_argument("--explain", metavar="ID", help="say why a case was kept or dropped, and do nothing else")
    command.set_defaults(run=run)


_OPTIONS = (
    ("--teacher", str, "MODEL", "the model to agree with (default: the one model that is recorded)"),
    ("--size", at_least_0, "N", "cases to optimise on (default: 50)"),
    ("--evaluate", at_least_0, "N", "cases to evaluate with (default: 50)"),
    ("--epsilon", share, "SHARE", "how far duplicates are apart at most, as 1 - cosine (default: the embedder's own)"),
    ("--embedder", str, "NAME", "hashed, http://HOST/v1#MODEL, or st:NAME (default: hashed)"),
    ("--seed", int, "N", "decides the split, and what is drawn (default: 0)"),
    ("--recordings", Path, "DIR", "where suites that name no directory keep theirs (default: fixtures/recordings)"),
)


def run(arguments: argparse.Namespace) -> Iterable[str]:
    """Do what was asked for, and yield what to print."""
    from pytest_toolmatch.curating.curate import curate, explain  # noqa: PLC0415
    from pytest_toolmatch.curating.options import CurateOptions  # noqa: PLC0415

    if arguments.explain is not None:
        return explain(arguments.output, arguments.explain)
    asked = vars(arguments) | {"students": tuple(arguments.students or ())}
    given = {name: asked[name] for name in CurateOptions.__struct_fields__ if asked.get(name) is not None}
    return curate(arguments.suites, arguments.output, CurateOptions(**given))
