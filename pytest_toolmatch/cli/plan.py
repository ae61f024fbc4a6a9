"""``toolmatch plan``: how many samples and cases a gate takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_toolmatch.cli.parsing import screen

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from pytest_toolmatch.reports.lines import Line


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser("plan", help="say how many samples and cases a gate takes, before they are paid for")
    command.add_argument("what", nargs="*", metavar="GATE|REPORT.json", help="gates, or reports to plan from")
    command.add_argument(
        "--truth", type=float, action="append", default=[], metavar="RATE", help="the rate as you guess"
    )
    for name, kind, word, meaning in _OPTIONS:
        command.add_argument(name, type=kind, metavar=word, help=meaning)
    command.set_defaults(run=run)


_OPTIONS = (
    ("--cases", int, "N", "cases of the suite (default: 40)"),
    ("--confidence", float, "SHARE", "1 less the share of wrong decisions (default: 0.95)"),
    ("--power", float, "SHARE", "share of runs in which the samples suffice (default: 0.9)"),
    ("--within", float, "SHARE", "1: all cases equally hard; 0: each is always or never right (default: the worst)"),
    ("--cost", float, "USD", "price of a sample of the student"),
    ("--latency", float, "SECONDS", "time of a sample of the student"),
    ("--concurrency", int, "N", "requests in flight (default: 50)"),
)


def run(arguments: argparse.Namespace) -> Iterable[Line]:
    """Do what was asked for, and yield what to print."""
    from pytest_toolmatch.reports.planned import planned_lines  # noqa: PLC0415

    assumed = [(name[2:], getattr(arguments, name[2:])) for name, *_ in _OPTIONS if name != "--cases"]
    return planned_lines(arguments.what, cases=arguments.cases, truths=arguments.truth, assumed=assumed, **screen())
