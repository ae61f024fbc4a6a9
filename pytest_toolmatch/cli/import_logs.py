"""``toolmatch import``: suites with recordings from logs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.cli.parsing import add_engine

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable


def add(commands: Any) -> None:
    """Add the command to the parser."""
    from pytest_toolmatch.suites.importers import FORMATS  # noqa: PLC0415

    command = commands.add_parser("import", help="make suites with recordings from logs")
    command.add_argument("format", metavar="FORMAT", help=f"one of {', '.join(FORMATS)}")
    command.add_argument(
        "sources", nargs="+", metavar="[MODEL=]SRC", help="a file or directory; MODEL= names the model that made it"
    )
    command.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="where the suites go")
    command.add_argument("--tools", type=Path, metavar="FILE", help="the tools on offer, in any provider's JSON form")
    command.add_argument(
        "--mcp",
        action="append",
        default=[],
        metavar="NAME=SERVER",
        help="an MCP server to ask for its tools: a command to start, or a URL",
    )
    command.add_argument("--effects", type=Path, metavar="FILE", help='JSON of {"tool": "read" or "write"}')
    command.add_argument("--name", metavar="NAME", help="name of the suite (default: that of DIR)")
    command.add_argument(
        "--include", action="append", default=[], metavar="GLOB", help="keep only calls of these tools"
    )
    command.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="drop calls of these tools")
    command.add_argument(
        "--category", action="append", default=[], metavar="GLOB", help="only these parts of a benchmark"
    )
    command.add_argument(
        "--turns", choices=("all", "first"), default="all", help="prompts of a session that become cases"
    )
    command.add_argument(
        "--replies", action="store_true", help="keep what the tools answered, for suites with mode: next_step"
    )
    command.add_argument(
        "--redact",
        default="keys",
        metavar="KINDS",
        help="personal data to take out: keys, emails, keys,emails or none (default: keys)",
    )
    command.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a key of the suites, as in match=sequence"
    )
    add_engine(command)
    command.add_argument("-v", "--verbose", action="store_true", help="list every problem, one by one")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Iterable[str]:
    """Do what was asked for, and yield what to print."""
    from pytest_toolmatch.importing import import_suites  # noqa: PLC0415

    return import_suites(
        arguments.format,
        arguments.sources,
        output=arguments.output,
        name=arguments.output.resolve().name if arguments.name is None else arguments.name,
        tools=arguments.tools,
        effects=arguments.effects,
        mcp=arguments.mcp,
        redact=arguments.redact,
        settings=arguments.set,
        verbose=arguments.verbose,
        engine=arguments.engine or "local",
        ray_address=arguments.ray_address or "",
        include=tuple(arguments.include),
        exclude=tuple(arguments.exclude),
        categories=tuple(arguments.category),
        turns=arguments.turns,
        replies=arguments.replies,
    )
