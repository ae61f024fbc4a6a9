"""What replay costs: whole pytest processes beside empty tests, loading recordings, and start-up when not asked for.

Everything is generated in a temporary directory. Times are medians of interleaved runs of whole processes, after a
first one that has left compiled modules behind; suites run with no other plugin loaded.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import tabulate
from suite import CASES, DRAWS, generate, made_cases, record

from pytest_toolmatch.sampling.recordings import recording_path

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 5
ALONE, OURS = "--disable-plugin-autoload", "-p pytest_toolmatch.plugin --toolmatch"
ENV = {"PYTHONDONTWRITEBYTECODE": ""}
LOADED, STARTS = 100_000, 15

LOAD = """\
import pathlib, resource, sys, time
from pytest_toolmatch.sampling.recordings import read_recording
start = time.perf_counter()
kept = read_recording(pathlib.Path(sys.argv[1]), "loaded")
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def run(root: Path, *arguments: str) -> tuple[float, subprocess.CompletedProcess[str]]:
    """Return the seconds of a Python process, and what became of it."""
    start = time.perf_counter()
    line, env = [sys.executable, *arguments], os.environ | {"PYTHONPYCACHEPREFIX": str(root / "compiled")} | ENV
    done = subprocess.run(line, cwd=root, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return time.perf_counter() - start, done


def medians(root: Path, rounds: int, **commands: str) -> dict[str, float]:
    """Return the median seconds of each pytest command line, run in turns."""
    lines = {name: ("-m", "pytest", "-q", "-p", "no:cacheprovider", *line.split()) for name, line in commands.items()}
    seconds = [{name: run(root, *line)[0] for name, line in lines.items()} for _ in range(rounds + 1)]
    return {name: statistics.median(one[name] for one in seconds[1:]) for name in lines}


def replayed(root: Path) -> Iterator[list[str]]:
    """Yield the lines on replay: whole runs of the suite beside the same number of tests that do nothing.

    A suite file is compared with empty tests; a Python suite, whose fixtures and expected failures are pytest's work,
    with tests that have the same.
    """
    names = {"yaml": "empty", "python": "fixtures"}
    ours = {name: f"{ALONE} {OURS} {name}" for name in names}
    took = medians(root, ROUNDS, empty=f"{ALONE} empty", fixtures=f"{ALONE} fixtures", **ours)
    yield [f"pytest, {CASES:,} empty tests", f"{took['empty']:.2f} s", "", ""]
    beside = took["fixtures"] / took["empty"]
    yield [f"pytest, {CASES:,} tests with a suite's fixtures", f"{took['fixtures']:.2f} s = {beside:.2f} ×", "", ""]
    for name, nothing in names.items():
        ratio, own = took[name] / took["empty"], took[name] / took[nothing]
        what = f"pytest --toolmatch, {CASES:,} cases × ({DRAWS} + {DRAWS}), {name}"
        more = "" if nothing == "empty" else f", {own:.2f} × those with fixtures"
        yield [what, f"{took[name]:.2f} s = {ratio:.2f} ×{more}", f"≤ 2 × {nothing}", verdict(own <= 2)]


def loaded(root: Path) -> Iterator[list[str]]:
    """Yield the lines on loading a large recording."""
    record(recording_path(root, "loaded"), "teacher", made_cases(), LOADED // CASES)
    runs = [run(root, "-c", LOAD, str(recording_path(root, "loaded")))[1].stdout.split() for _ in range(3)]
    seconds, peak = (statistics.median(float(one[place]) for one in runs) for place in (0, 1))
    yield [f"load {LOADED:,} samples", f"{seconds:.2f} s", "", ""]
    yield [f"load {LOADED:,} samples, peak RSS", f"{peak:,.0f} MiB", "< 1 GiB", verdict(peak < 1024)]


def started(root: Path) -> Iterator[list[str]]:
    """Yield the lines on what a run pays that does not ask for toolmatch."""
    imports = [
        run(root, "-X", "importtime", "-c", "import pytest, pytest_toolmatch.plugin")[1].stderr
        for _ in range(STARTS + 1)
    ]
    cumulative = re.compile(r"\| +(\d+) \| +pytest_toolmatch\.plugin$", re.MULTILINE)
    spent = statistics.median(int(cumulative.findall(text)[0]) for text in imports[1:]) / 1000
    yield ["import pytest_toolmatch.plugin", f"{spent:.2f} ms", "≤ 5 ms", verdict(spent <= 5)]
    took = medians(root, STARTS, without="-p no:toolmatch one", installed="one")
    more = (took["installed"] - took["without"]) * 1000
    yield ["pytest, one test, more than with -p no:toolmatch", f"{more:+.1f} ms", "≤ 5 ms", verdict(more <= 5)]


def verdict(good: bool) -> str:
    """Return the word for it."""
    return "pass" if good else "FAIL"


def main() -> None:
    """Generate, measure, print the table."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        generate(root)
        rows = [line for part in (replayed, loaded, started) for line in part(root)]
    print(tabulate.tabulate(rows, ["what", "median", "target", ""], disable_numparse=True))


if __name__ == "__main__":
    main()
