"""``toolmatch repair``: other words for a student that fails, proved on cases that it has not looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.cli.parsing import names, positive

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser("repair", help="mend the prompt of a failing suite's student, and prove it")
    command.add_argument("suites", nargs="+", type=Path, metavar="SUITE", help="suite files, or directories of such")
    command.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="where repaired suites go (default: in place)"
    )
    for name, kind, word, meaning in _OPTIONS:
        command.add_argument(name, type=kind, metavar=word, help=meaning)
    for name in ("--teacher-settings", "--student-settings", "--reflect-settings", "--prices"):
        command.add_argument(name, action="append", metavar="KEY=VALUE", help=f"a line of {name[2:]}")
    command.set_defaults(run=run)


_OPTIONS = (
    ("--teacher", str, "MODEL", "the model that says what is right: one to call, or one that is recorded"),
    ("--student", str, "MODEL", "the model that is told other words"),
    ("--reflect-with", str, "MODEL", "the model that writes them (default: the teacher)"),
    ("--rollouts", int, "N", "samples of the student to choose by, at most (default: 400)"),
    ("--budget", str, "AMOUNT", "what may be spent in all, as in 3000calls or 2.50usd (default: no bound)"),
    ("--draws", int, "N", "samples of what fails at first, and of validation at last (default: 2; of few rollouts 1)"),
    ("--test-draws", int, "N", "samples of each case when a prompt is proved (default: 5)"),
    ("--phases", names, "NAME,…", "optimisers in turn, as in examples,gepa:curated=20 (default: gepa)"),
    ("--shots", positive, "N", "examples that a prompt shows, at most (default: 8)"),
    ("--touch", names, "GLOB,…", "only these texts: instructions, tool:NAME, tool:NAME:PATH, examples"),
    ("--freeze", names, "GLOB,…", "not these texts"),
    ("--seed", int, "N", "decides all chance of the optimisers; gepa takes none (default: 0)"),
    ("--concurrency", positive, "N", "requests in flight (default: 50)"),
    ("--confidence", float, "SHARE", "1 less the share of repairs that are accepted by chance (default: 0.95)"),
    ("--recordings", Path, "DIR", "where suites that name no directory keep theirs (default: fixtures/recordings)"),
)


def run(arguments: argparse.Namespace) -> Iterable[str]:
    """Do what was asked for, and yield what to print."""
    from pytest_toolmatch.repair.options import RepairOptions  # noqa: PLC0415
    from pytest_toolmatch.repair.repairing import repair  # noqa: PLC0415

    asked = vars(arguments)
    given = {name: asked[name] for name in RepairOptions.__struct_fields__ if asked.get(name) is not None}
    return repair(arguments.suites, arguments.output, RepairOptions(**given))
