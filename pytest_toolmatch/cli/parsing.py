"""How the command reads what it is given, and where it prints."""

from __future__ import annotations

import argparse
import math
import shutil
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_toolmatch.reports.lines import needs_ascii

if TYPE_CHECKING:
    from collections.abc import Callable

USAGE_ERROR = 4
"""As in pytest: the command was used wrongly, or what it was given can't be read."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line; ``more``, which ends the help, is made when somebody asks."""

    more: Callable[[], str] | None = None

    def format_help(self) -> str:
        """Return the help."""
        self.epilog = self.more() if self.more else None
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and leave."""
        self.exit(USAGE_ERROR, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def screen() -> dict[str, Any]:
    """Return what the terminal can show."""
    return {"width": shutil.get_terminal_size().columns, "ascii": needs_ascii(sys.stdout.encoding)}


def names(text: str) -> tuple[str, ...]:
    """Read ``NAME,NAME``."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def at_least_0(text: str) -> int:
    """Read a whole number."""
    if not text.strip().isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def positive(text: str) -> int:
    """Read a whole number above 0."""
    if not text.strip().isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def sizes(text: str) -> tuple[int, ...]:
    """Read ``N,N``: whole numbers above 0, each once, the smallest first."""
    return tuple(sorted({positive(part) for part in text.split(",")}))


def number(text: str) -> float:
    """Read a number from 0 on."""
    return _below(math.inf, text, "is no number from 0 on")


def share(text: str) -> float:
    """Read a number from 0 to less than 1."""
    return _below(1, text, "does not lie between 0 and 1")


def _below(end: float, text: str, wrong: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < end:
        raise argparse.ArgumentTypeError(f"{text!r} {wrong}")
    return found


def add_engine(command: argparse.ArgumentParser) -> None:
    """Add where the work of a command is done."""
    command.add_argument("--engine", choices=("local", "ray"), help="where the work is done (default: local)")
    command.add_argument("--ray-address", metavar="ADDRESS", help="of --engine ray (default: $RAY_ADDRESS, else auto)")
