"""``toolmatch record``: pytest in a process of its own, and again until no batch is under way."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from pytest_toolmatch.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

UNDER_WAY = 75
"""The exit status of a run that left batches for the next; that of sysexits.h for what is to be tried again."""

_FIRST_PAUSE = 5
_LONGEST_PAUSE = 300


def record(
    paths: Sequence[str],
    *,
    batch: bool = False,
    wait: bool = False,
    teacher: str | None = None,
    student: str | None = None,
    samples: str | None = None,
    refresh: bool = False,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[str]:
    """Record suites by a pytest run, and yield what is to be said between runs; SystemExit with a status but 0.

    ``wait`` runs it again, after a growing pause, until no batch is under way. Raises ConfigError for options that do
    not go together.
    """
    if wait and not batch:
        raise ConfigError("--wait goes with --batch: without it, a run waits for its answers itself")
    if batch and refresh:
        raise ConfigError("--batch goes without --refresh: delete the recordings that are to be made anew")
    named = {"teacher": teacher, "student": student, "samples": samples}
    command = [sys.executable, "-m", "pytest", *paths, f"--toolmatch-mode={'refresh' if refresh else 'record'}"]
    command += [f"--toolmatch-{name}={value}" for name, value in named.items() if value is not None]
    command += ["--toolmatch-batch"] * batch + ["-p", "pytest_toolmatch.plugin.waiting"] * wait
    pause = _FIRST_PAUSE
    while (status := _run(command)) == UNDER_WAY:
        yield f"batches are under way: looking again in {pause} s (Ctrl-C ends the waiting, not the batches)"
        sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    if status:
        raise SystemExit(status)


def _run(command: list[str]) -> int:
    with subprocess.Popen(command) as process:  # noqa: S603 - our own Python
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # pytest gets it, too, and has things to put in order
                continue
