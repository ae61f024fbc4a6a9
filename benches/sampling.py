"""What drawing samples costs: whole processes beside the peers installed here, on one loopback server, in one run.

The server (``server.c``) is compiled, answers after a fixed latency, and counts how many requests were open at once;
its processor time is nobody's. It answers in one of two ways. With *text*, a draw is one request. With *a call*,
everybody gets the same valid tool call and judges it; peers leave it at that, while we show the model the tool's reply
and ask again, as a user's agent does: two requests a draw, the second of which is answered at once. Peers are measured
with a call and set against our two requests, so that no ratio flatters us.

*W1*: 200 cases × 5 draws, 200 ms each, 100 in flight: 2.0 s at best. *W2*: the same at 0 ms: CPU of the whole process,
start-up and report included, per draw. *W3*: 10,000 draws, 200 ms, 500 in flight: 4.0 s at best; with its peak RSS.
Our side calls one model, as the peers do, and is the median of interleaved rounds. Peers run once, with the best
settings that we know; where they leave the client to the user, with the official SDK, and with a plain client, too. W3
of theirs takes minutes: ``--all``.

Peers want an environment of their own, in two steps (deepeval asks for an older tabulate than we do, but works with
ours); one that is absent is named with what to install::

    python3 -m venv /tmp/harnesses
    /tmp/harnesses/bin/pip install deepeval==4.3.1
    /tmp/harnesses/bin/pip install -e . 'openai>=3.51' pydantic-evals inspect_ai
    npm install --prefix /tmp/promptfoo promptfoo
    PATH=/tmp/promptfoo/node_modules/.bin:$PATH /tmp/harnesses/bin/python benches/sampling.py

Needs a C compiler on Linux. Wall times want a machine with nothing else to do, CPU times less so: the load before and
after is told.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import tabulate
from made import TOOLS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Line = Callable[[str], list[str]]
    """A command line, made of the server's address."""

ROUNDS, DRAWS, SUITES = 3, 5, 20
HERE = Path(__file__).parent
HOW = {"text": 1, "call": 2}
"""What the server answers with, and how many requests a draw of ours takes then."""


ENV = {
    "PYTHONDONTWRITEBYTECODE": "",
    "OPENAI_API_KEY": "unused",
    "DEEPEVAL_TELEMETRY_OPT_OUT": "YES",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_DEBUG_LOG": "1",
    "PROMPTFOO_DISABLE_ERROR_LOG": "1",
}


class Load(NamedTuple):
    """What is asked of the server: cases of DRAWS draws, the latency in ms, how many at once."""

    cases: int
    latency: int
    limit: int

    @property
    def ideal(self) -> float:
        """The seconds that it takes at best."""
        return self.cases * DRAWS / self.limit * self.latency / 1000


W1, W2, W3 = Load(200, 200, 100), Load(200, 0, 100), Load(2000, 200, 500)


class Took(NamedTuple):
    """One process: seconds, seconds of CPU, peak MiB; requests that the server got, the most open at once."""

    wall: float
    cpu: float
    peak: float
    requests: int
    most: int


class Harness(NamedTuple):
    """A peer: what is imported or started of it, how to install it, how many times faster than it we mean to be."""

    name: str
    needs: str
    install: str
    target: float | None


PEERS = {
    "pydantic_evals+sdk": Harness("pydantic_evals, openai SDK", "pydantic_evals", "pydantic-evals openai", 1.5),
    "pydantic_evals+aiohttp": Harness("pydantic_evals, aiohttp", "pydantic_evals", "pydantic-evals", None),
    "deepeval+sdk": Harness("deepeval, openai SDK", "deepeval", "deepeval openai", 1.5),
    "deepeval+aiohttp": Harness("deepeval, aiohttp", "deepeval", "deepeval", None),
    "inspect_ai": Harness("inspect_ai", "inspect_ai", "inspect_ai openai", 5),
    "promptfoo": Harness("promptfoo", "promptfoo", "promptfoo (npm; its .bin on PATH)", 5),
}

SIZES = {"one": (1, 200), "many": (SUITES, 200 // SUITES), "large": (1, 2000)}
"""The suites to generate: how many there are in a directory, and the cases of each."""


def generate(root: Path) -> None:
    """Write the suites."""
    for name, (suites, cases) in SIZES.items():
        (root / name).mkdir()
        (root / name / "tools.json").write_text(json.dumps(TOOLS))
        for suite in range(suites):
            asked = (f"  - id: case-{number}\n    query: {query(suite * cases + number)}\n" for number in range(cases))
            (root / name / f"made{suite}.toolmatch.yaml").write_text(f"tools: tools.json\ncases:\n{''.join(asked)}")
    (root / "pytest.ini").write_text("[pytest]\n")


def query(number: int) -> str:
    """Return what a case asks."""
    return f"Order kettle number {number}, please."


@contextlib.contextmanager
def served(root: Path, load: Load, kind: str) -> Iterator[str]:
    """Start the server; yield its address."""
    line = [str(root / "server"), str(load.latency), kind]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603
        try:
            assert server.stdout
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()


def run(root: Path, load: Load, line: Line, kind: str, requests: int = 1) -> Took:
    """Return what a process took that makes all draws, of so many requests each, and what the server saw."""
    with served(root, load, kind) as url, (root / "log").open("w+b") as log:
        env = os.environ | {"PYTHONPYCACHEPREFIX": str(root / "compiled")} | ENV
        start = time.perf_counter()
        child = subprocess.Popen(line(url), cwd=root, env=env, stdout=log, stderr=subprocess.STDOUT)  # noqa: S603
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        told = seen(url)
        if child.returncode or told["requests"] != load.cases * DRAWS * requests:
            log.seek(0)
            said = log.read().decode(errors="replace")[-3000:]
            raise SystemExit(f"{' '.join(line(url))}: exit {child.returncode}, {told['requests']} requests\n{said}")
    return Took(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, told["requests"], told["most"])


def seen(url: str) -> dict[str, int]:
    """Return what the server has seen so far."""
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own
        told: dict[str, int] = json.load(answer)
    return told


def ours(suites: str, load: Load) -> Line:
    """Return the command line of our side: a teacher alone, so that one model is drawn from."""
    plain = (
        "-m pytest -q -p no:cacheprovider --disable-plugin-autoload -p pytest_toolmatch.plugin --toolmatch-mode=live"
    )

    def line(url: str) -> list[str]:
        models = [f"--toolmatch-{role}=local:served@{url}" for role in ("teacher", "student")]
        much = [f"--toolmatch-samples={DRAWS}", f"--toolmatch-concurrency={load.limit}"]
        return [sys.executable, *plain.split(), *models, *much, suites]

    return line


def theirs(peer: str, load: Load) -> Line:
    """Return the command line of a peer."""
    much = [str(load.cases), str(DRAWS), str(load.limit)]
    return lambda url: [sys.executable, str(HERE / "harnesses.py"), peer, url, *much]


def median(all_took: list[Took]) -> Took:
    """Return the medians of several runs, each number by itself."""
    return Took(*(statistics.median(numbers) for numbers in zip(*all_took, strict=True)))


def measured(root: Path) -> dict[str, Took]:
    """Return the medians of our side, by the name of the load."""
    loads = {
        "W1": (W1, "one", "text"),
        "many": (W1, "many", "text"),
        "W2": (W2, "one", "text"),
        "W3": (W3, "large", "text"),
        "W1 call": (W1, "one", "call"),
        "W2 call": (W2, "one", "call"),
        "W3 call": (W3, "large", "call"),
    }
    run(root, W2, ours("one", W2), "text")  # leaves compiled modules behind
    rounds = [
        {name: run(root, load, ours(suites, load), kind, HOW[kind]) for name, (load, suites, kind) in loads.items()}
        for _ in range(ROUNDS)
    ]
    return {name: median([one[name] for one in rounds]) for name in loads}


def our_lines(took: dict[str, Took]) -> Iterator[list[str]]:
    """Yield our lines of the table."""
    one, many, large, twice = took["W1"], took["many"], took["W3"], took["W1 call"]
    states = (
        state("W1 ≤ 1.5 ×", one.wall <= 1.5 * W1.ideal),
        state("W2 ≤ 1.5 ms", cpu_of(took["W2"]) <= 1.5),
        state("W3 ≤ 1.6 ×", large.wall <= 1.6 * W3.ideal),
        state("W3 ≤ 300 MiB", large.peak <= 300),
    )
    mode, ratio = "pytest --toolmatch-mode=live", many.wall / one.wall
    yield [f"{mode}, text", *numbers([one, took["W2"], large]), "\n".join(states)]
    more = state(f"≤ 1.15 × one suite: {ratio:.2f}", ratio <= 1.15)
    yield [f"the same cases in {SUITES} suites", *numbers([many]), more]
    yield [f"{mode}, a call", *numbers([twice, took["W2 call"], took["W3 call"]], against=twice), ""]


def peer_line(root: Path, peer: str, twice: Took, *, large: bool) -> list[str]:
    """Measure a peer; return its line of the table."""
    about = PEERS[peer]
    if not (importlib.util.find_spec(about.needs) or shutil.which(about.needs)):
        return [about.name, "not installed", *[""] * 5, f"install {about.install}"]
    took = [run(root, load, theirs(peer, load), "call") for load in (W1, W2, *[W3] * large)]
    target = state(f"≥ {about.target:g} ×", took[0].wall / twice.wall >= about.target) if about.target else ""
    return [about.name, *numbers(took, against=twice), target]


def numbers(took: Sequence[Took], against: Took | None = None) -> list[str]:
    """Return the middle of a line: what W1, W2 and W3 took, as far as they were run; ``against`` is our own W1."""
    first, second, third, *_ = *took, None, None
    assert first
    return [
        seconds(first, W1),
        f"{first.wall / against.wall:.1f}" if against else "",
        f"{cpu_of(second):.2f}" if second else "",
        seconds(third, W3) if third else "",
        f"{third.peak:.0f}" if third else "",
        f"{first.most:.0f}",
    ]


def cpu_of(took: Took) -> float:
    """Return the ms of CPU per draw of a run of W2."""
    return took.cpu / (W2.cases * DRAWS) * 1000


def seconds(took: Took, load: Load) -> str:
    """Return the seconds, and how many times the ideal that is."""
    return f"{took.wall:.2f} ({took.wall / load.ideal:.2f} ×)"


def state(target: str, reached: bool) -> str:
    """Return a target with the word for whether it is reached."""
    return f"{target}: {'pass' if reached else 'FAIL'}"


def main() -> None:
    """Compile the server, measure, print the table."""
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        print("not measured: the server needs Linux and a C compiler named cc")
        return
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        subprocess.run([compiler, "-O2", "-o", root / "server", HERE / "server.c"], check=True)  # noqa: S603
        generate(root)
        took = measured(root)
        all_loads = "--all" in sys.argv
        rows = [*our_lines(took), *(peer_line(root, peer, took["W1 call"], large=all_loads) for peer in PEERS)]
    heads = ["harness", "W1 s", "× ours", "W2 CPU ms/draw", "W3 s", "W3 MiB", "in flight", "target"]
    print(tabulate.tabulate(rows, heads, disable_numparse=True, colalign=("left", *["right"] * 6, "left")))
    print(f"\nload average {before:.1f} before and {os.getloadavg()[0]:.1f} after; {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
