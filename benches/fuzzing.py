"""Does fuzzing find what students can't cope with, make it small, and stay quiet where there is nothing? And how fast?

::

    python benches/fuzzing.py planted beside quiet throughput     # all, or some of them
    RUNS=3 QUIET=20 python benches/fuzzing.py planted quiet       # fewer seeds, larger errors
    RUNS=20 ALONE=3 python benches/fuzzing.py planted             # fewer of those with one weakness alone

Students are scripted (``planted.py``): they are wrong in 10 % of their draws, and in 90 % where a planted weakness
shows. *Found* is a weakness that shows in the smallest prompt of a finding; a finding in which none shows is *false*.
*Words* are those of that prompt, beside those of the shortest one that has the weakness and whose parent is still
understood. A budget counts calls, as everywhere: a draw that calls a tool takes two of them. *Throughput* is that of
whole processes at one loopback server (``server.c``), which answers after 200 ms, 100 requests at once.
"""

from __future__ import annotations

import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

import sampling
import tabulate
from fuzzers import Found, at_random, campaign, plain
from planted import WEAKNESSES, World, cases_of, least_words, shown

from pytest_toolmatch.statistics.beta import clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RUNS = int(os.environ.get("RUNS", "20"))
QUIET = int(os.environ.get("QUIET", "200"))
ALONE = int(os.environ.get("ALONE", RUNS))
BUDGET = 3000
OURS = "toolmatch fuzz"
WAYS: dict[str, Callable[[World, int], list[Found]]] = {
    OURS: campaign,
    "hypothesis, one draw an example": plain,
    "random variants, one draw each": at_random,
}
PLANTED = {weakness.relation: weakness for weakness in WEAKNESSES}


class Small(NamedTuple):
    """The smallest prompt of a finding: the case that it was made of, and its words."""

    case: str
    words: int


class Run(NamedTuple):
    """One search: the smallest prompts by the relation of the weakness that shows in them, those in which none does."""

    found: dict[str, list[Small]]
    false: int
    flaky: int

    def best(self, relation: str) -> Small:
        """Return the smallest prompt on which a weakness shows."""
        return min(self.found[relation], key=lambda one: one.words)

    def ratio(self, relation: str, *, anywhere: bool = False) -> float:
        """Return how many times the words it has that are needed, in its own case or in the shortest one."""
        weakness, best = PLANTED[relation], self.best(relation)
        cases = cases_of(weakness) if anywhere else [best.case]
        return best.words / min(least_words(case, weakness) for case in cases)


def search(way: str, planted: Sequence[str], seed: int) -> Run:
    """Search once for the weaknesses of these relations."""
    weaknesses = [PLANTED[relation] for relation in planted]
    everything = WAYS[way](World(weaknesses, seed=seed, most=BUDGET), seed)
    found: dict[str, list[Small]] = {}
    for one in everything:
        small = Small(one.variant.subject.case.id, len(one.variant.query.split()))
        for weakness in shown(one.variant, weaknesses):
            found.setdefault(weakness.relation, []).append(small)
    false = sum(not shown(one.variant, weaknesses) for one in everything)
    return Run(found, false, sum(one.flaky for one in everything))


def searches(way: str, planted: Sequence[str], seeds: Sequence[int]) -> list[Run]:
    """Search once for every seed, on all processors."""
    with ProcessPoolExecutor() as pool:
        return list(pool.map(partial(search, way, tuple(planted)), seeds))


def spread(values: Sequence[float], form: str = ".1f") -> str:
    """Return a mean with its standard error."""
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return f"{fmean(values):{form}} ± {error:{form}}"


def share(count: int, of: int) -> str:
    """Return a share with its 95 % interval."""
    low, high = clopper_pearson(count / of, of, 0.95)
    return f"{count / of:.3f} ({low:.3f}–{high:.3f})"


def planted_table(runs: Sequence[Run]) -> None:
    """Print what becomes of each weakness: in a student that has all of them, and in one that has it alone."""
    rows = []
    for weakness in WEAKNESSES:
        alone = searches(OURS, [weakness.relation], range(ALONE))
        both = [*_found(runs, weakness.relation), *_found(alone, weakness.relation)]
        rows.append([weakness.relation, weakness.tool, weakness.says, *both])
    print(f"\nFound by {OURS} within {BUDGET} calls, in {RUNS} runs: 12 weaknesses together, and each alone\n")
    heads = ["relation", "tool", "planted", *["found", "words", "× case's", "× any's"] * 2]
    heads[7] = "alone"
    print(tabulate.tabulate(rows, heads, floatfmt=".2f"))
    counts = [len(run.found) for run in runs]
    ratios = [run.ratio(relation) for run in runs for relation in run.found]
    everywhere = [run.ratio(relation, anywhere=True) for run in runs for relation in run.found]
    print(f"\nfound of 12: {spread(counts)}, at least {min(counts)}: {state('≥ 11', fmean(counts) >= 11)}")
    print(f"runs with at least 11: {share(sum(count >= 11 for count in counts), len(counts))}")
    within = sum(ratio <= 1.5 for ratio in ratios)
    print(f"words ÷ those needed in the case: {spread(ratios, '.2f')}, at most {max(ratios):.2f};", end=" ")
    print(f"≤ 1.5 in {share(within, len(ratios))}: {state('each ≤ 1.5', within == len(ratios))}")
    print(f"words ÷ those needed in the shortest case: {spread(everywhere, '.2f')}, at most {max(everywhere):.2f}")


def _found(runs: Sequence[Run], relation: str) -> list[object]:
    """Return in how many runs a weakness was found, and the mean words of its smallest prompt, plain and as ratios."""
    with_it = [run for run in runs if relation in run.found]
    if not with_it:
        return [f"0/{len(runs)}", "", "", ""]
    ratios = [fmean(run.ratio(relation, anywhere=anywhere) for run in with_it) for anywhere in (False, True)]
    return [f"{len(with_it)}/{len(runs)}", fmean(run.best(relation).words for run in with_it), *ratios]


def beside_table(ours: Sequence[Run]) -> None:
    """Print the three ways to look, side by side on the same students."""
    rows = []
    for way in WAYS:
        runs = ours if way == OURS else searches(way, list(PLANTED), range(RUNS))
        ratios = [run.ratio(relation) for run in runs for relation in run.found]
        calm = searches(way, (), range(1000, 1000 + RUNS))
        rows.append(
            [
                way,
                spread([len(run.found) for run in runs]),
                min(len(run.found) for run in runs),
                spread([run.false for run in runs]),
                spread([run.flaky for run in runs]),
                spread(ratios, ".2f"),
                share(sum(run.false > 0 for run in calm), len(calm)),
            ]
        )
    print(f"\nThree ways to look for 12 weaknesses within {BUDGET} calls, {RUNS} runs each on the same students\n")
    heads = ("", "found of 12", "least", "false", "flaky", "words ÷ needed", "no weakness: runs with findings")
    print(tabulate.tabulate(rows, heads, disable_numparse=True))


def quiet_table() -> None:
    """Print how often a student with noise and no weakness raises a finding."""
    false = [run.false for run in searches(OURS, (), range(5000, 5000 + QUIET))]
    any_ = sum(map(bool, false))
    print(f"\nA student with 10 % noise and no weakness, {QUIET} runs of {BUDGET} calls each:")
    print(f"a finding in {share(any_, QUIET)}, {sum(false)} in all; {state('≤ .05', any_ / QUIET <= 0.05)}")


SUITE_FILE = "one/made0.toolmatch.yaml"
COMMAND = "import sys; from pytest_toolmatch.cli import main; sys.exit(main())"


def throughput_table() -> None:
    """Print requests a second of fuzzing beside those of sampling."""
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        print("\nthroughput is not measured: the server needs Linux and a C compiler named cc")
        return
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        subprocess.run([compiler, "-O2", "-o", root / "server", sampling.HERE / "server.c"], check=True)  # noqa: S603
        sampling.generate(root)
        for kind in ("text", "call"):
            fuzzed(root, kind)  # leaves compiled modules behind
            rounds = [(sampled(root, kind), fuzzed(root, kind)) for _ in range(sampling.ROUNDS)]
            sampling_, fuzzing = (statistics.median(rates) for rates in zip(*rounds, strict=True))
            ratio = fuzzing / sampling_
            rows.append([kind, sampling_, fuzzing, ratio, state("≥ .80", ratio >= 0.8)])
    print("\nRequests a second that the server gets at 200 ms, 100 at once (500 at best); medians, whole processes\n")
    print(tabulate.tabulate(rows, ("answers", "sampling (W1)", "fuzzing", "ratio", "target"), floatfmt=".2f"))
    print(f"load average {os.getloadavg()[0]:.1f}; {os.cpu_count()} processors")


def sampled(root: Path, kind: str) -> float:
    """Return the requests a second of W1."""
    took = sampling.run(root, sampling.W1, sampling.ours("one", sampling.W1), kind, sampling.HOW[kind])
    return took.requests / took.wall


def fuzzed(root: Path, kind: str) -> float:
    """Return the requests a second of a campaign on the same suite; what it keeps goes with it."""
    with sampling.served(root, sampling.W1, kind) as url, tempfile.TemporaryDirectory() as kept:
        line = [sys.executable, "-c", COMMAND, "fuzz", SUITE_FILE, "-o", kept, "--recordings", kept]
        line += [part for role in ("teacher", "student") for part in (f"--{role}", f"local:served@{url}")]
        line += ["--budget", f"{BUDGET}calls", "--concurrency", str(sampling.W1.limit)]
        env = os.environ | {"PYTHONPYCACHEPREFIX": str(root / "compiled")} | sampling.ENV
        start = time.perf_counter()
        done = subprocess.run(line, cwd=root, env=env, capture_output=True, text=True, check=False)  # noqa: S603
        wall = time.perf_counter() - start
        seen = sampling.seen(url)
    if done.returncode not in {0, 1}:
        raise SystemExit(done.stdout + done.stderr)
    return seen["requests"] / wall


def state(target: str, reached: bool) -> str:
    """Return a target with the word for whether it is reached."""
    return f"{target}: {'pass' if reached else 'FAIL'}"


def main() -> None:
    """Print the tables that were asked for."""
    wanted = sys.argv[1:] or ["planted", "beside", "quiet", "throughput"]
    ours = searches(OURS, list(PLANTED), range(RUNS)) if {"planted", "beside"} & {*wanted} else []
    if "planted" in wanted:
        planted_table(ours)
    if "beside" in wanted:
        beside_table(ours)
    if "quiet" in wanted:
        quiet_table()
    if "throughput" in wanted:
        throughput_table()


if __name__ == "__main__":
    main()
