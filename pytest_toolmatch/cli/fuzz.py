"""``toolmatch fuzz``: prompts on which a student breaks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.cli.parsing import names, positive

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser("fuzz", help="find prompts around a suite's cases on which the student breaks")
    command.add_argument("suites", nargs="+", type=Path, metavar="SUITE", help="suite files, or directories of such")
    command.add_argument("-o", "--output", type=Path, metavar="DIR", help="where findings go (default: to their suite)")
    for name, kind, word, meaning in _OPTIONS:
        command.add_argument(name, type=kind, metavar=word, help=meaning)
    for name in ("--teacher-settings", "--student-settings", "--prices"):
        setting = name[2:].replace("-", "_")
        command.add_argument(name, action="append", metavar="KEY=VALUE", help=f"a line of toolmatch_{setting}")
    command.set_defaults(run=run)


_OPTIONS = (
    ("--teacher", str, "MODEL", "the model that says what is right"),
    ("--student", str, "MODEL", "the model that is tried"),
    ("--budget", str, "AMOUNT", "what may be spent, as in 3000calls or 2.50usd (default: 3000calls)"),
    ("--relations", names, "NAME,…", "ways to change a prompt (default: all)"),
    ("--phrase-with", str, "MODEL", "a model that phrases the requests anew, beside our rules for it"),
    ("--phrasings", positive, "N", "other ways in which it puts each of them (default: 4)"),
    ("--cases", str, "GLOB", "only cases of these ids"),
    ("--seed", int, "N", "decides which prompts are tried (default: 0)"),
    ("--concurrency", positive, "N", "requests in flight (default: 50)"),
    ("--confidence", float, "SHARE", "1 less the share of findings that are false (default: 0.95)"),
    ("--recordings", Path, "DIR", "where suites that name no directory keep theirs (default: fixtures/recordings)"),
)


def run(arguments: argparse.Namespace) -> Iterable[str]:
    """Do what was asked for, and yield what to print."""
    from pytest_toolmatch.fuzzing import require_hypothesis  # noqa: PLC0415

    require_hypothesis()
    from pytest_toolmatch.fuzzing.fuzz import fuzz  # noqa: PLC0415
    from pytest_toolmatch.fuzzing.options import FuzzOptions  # noqa: PLC0415

    asked = vars(arguments)
    given = {name: asked[name] for name in FuzzOptions.__struct_fields__ if asked.get(name) is not None}
    return fuzz(arguments.suites, arguments.output, FuzzOptions(**given))
