"""``toolmatch record``: call models for what is not recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser("record", help="call models for what is not recorded: pytest --toolmatch-mode=record")
    command.add_argument("paths", nargs="*", metavar="PATH", help="suites and tests, as pytest takes them")
    command.add_argument("--batch", action="store_true", help="send through the providers' batch interfaces")
    command.add_argument("--wait", action="store_true", help="run again until no batch is under way")
    command.add_argument("--teacher", metavar="MODEL", help="the model to agree with")
    command.add_argument("--student", metavar="MODEL", help="the model that is judged")
    command.add_argument("--samples", metavar="N", help="samples of each model and case; auto: until gates are decided")
    command.add_argument("--refresh", action="store_true", help="call for everything, also for what is recorded")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Iterable[str]:
    """Do what was asked for, and yield what to print."""
    from pytest_toolmatch.recording import record  # noqa: PLC0415

    return record(
        arguments.paths,
        batch=arguments.batch,
        wait=arguments.wait,
        teacher=arguments.teacher,
        student=arguments.student,
        samples=arguments.samples,
        refresh=arguments.refresh,
    )
