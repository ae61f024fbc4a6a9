"""What the pocket models reach, and what they cost: ``python benches/pocket.py [NAME or FOLDER …] [--examples N]``.

Five tables for each model: the generator's held-out half (schemas and phrasings that no model was trained on; where no
call is wanted, once more on enough examples to tell 97 from 98 %), the same with verbs that no model has seen, everyday
tools that none has seen, the held-out hand-written requests of the demo suites, and BFCL v4 (never trained on; only
where ``../shared/realdata`` is).
Then the CPU time of a turn, draws a second, the time to load, and the memory of a process with the model. Last, when
both shipped models are asked for: whether small's confidence tells what matches base from what does not.
"""

import argparse
import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

from pocket_sure import print_confidences
from threadpoolctl import threadpool_limits

from pytest_toolmatch.distill.evaluate import (
    Row,
    bfcl,
    everyday_held_out,
    held_out,
    judge,
    judge_bfcl,
    kept_requests,
    milliseconds,
    tabulate,
)
from pytest_toolmatch.pocket.model import PocketModel, open_model
from pytest_toolmatch.pocket.weights import manifest_of
from pytest_toolmatch.statistics.beta import clopper_pearson

REALDATA = Path(__file__).resolve().parents[2] / "shared" / "realdata" / "bfcl_v4"
SEED = 7
"""Of the examples: the same stream for every model."""

UNWANTED = 3000
"""How many examples that nothing is to be called for: at 98 %, their interval is one point wide."""

BFCL = ("simple_python", "multiple", "parallel", "irrelevance")
TARGETS = {
    "base": {"all": 92, "2 calls": 80, "3 calls": 80, "no_call": 98, "no_call, many": 98, "requests": 90},
    "small": {"all": 85, "2 calls": 80, "3 calls": 80, "no_call": 98, "no_call, many": 98},
}
LOADING = """
import sys, time
started = time.perf_counter()
import numpy
with_numpy = time.perf_counter()
from pytest_toolmatch.pocket.model import open_model
from pytest_toolmatch.core.conversation import user
model = open_model(sys.argv[1])
loaded = time.perf_counter()
model.answer(user("Hello"), ())
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))  # getrusage tells the parent's, too
print(with_numpy - started, loaded - with_numpy, int(peak.split()[1]) / 1024)
"""


def tables(name: str, model: PocketModel, examples: int) -> None:
    """Print how often the model is right."""
    target = TARGETS.get(name, {})
    stream = held_out(SEED)
    judged = judge(model, itertools.islice(stream, examples))
    print("held-out schemas and phrasings of the generator")
    for row in tabulate(judged):
        show(row, target.get(row.what))
    unwanted = [one for one in judged if one.example.kind == "no_call"]
    more = (example for example in stream if example.kind == "no_call")
    unwanted += judge(model, itertools.islice(more, max(0, UNWANTED - len(unwanted))))
    row = tabulate(unwanted)[0]._replace(what="no_call, many")
    low, high = clopper_pearson(row.exact / row.n, row.n, 0.95)
    show(row, target.get(row.what), f"({100 * low:.1f}–{100 * high:.1f})")
    print("   invalid calls", sum(one.invalid for one in judged), verdict(-sum(one.invalid for one in judged), 0))
    print("the same with verbs, too, that were never seen")
    print("  ", tabulate(judge(model, itertools.islice(held_out(SEED, unknown_verbs=True), examples)))[0])
    print("everyday tools that were never seen")
    for row in tabulate(judge(model, itertools.islice(everyday_held_out(SEED), examples))):
        print("  ", row)
    print("held-out requests of the demo suites")
    for row in tabulate(judge(model, kept_requests(examples))):
        show(row, target.get("requests") if row.what == "all" else None)
    print("BFCL v4, never trained on")
    for category in BFCL:
        questions = bfcl(REALDATA, category)
        print("  ", judge_bfcl(model, questions) if questions else f"{category}: not here")
    median, slow = milliseconds(judged)
    print(f"a turn takes {median:.1f} ms of one core {verdict(-median, -10)}, 95th percentile {slow:.1f} ms")


def show(row: Row, target: float | None, interval: str = "") -> None:
    """Print a line of a table, and whether its target is reached."""
    print("  ", row, interval, verdict(100 * row.exact / row.n, target))


def draws(model: PocketModel, seconds: float = 2.0) -> None:
    """Print how many draws of the same few requests take a second of one core, whatever else the machine does."""
    examples, count, started = list(itertools.islice(held_out(1), 10)), 0, time.process_time()
    while time.process_time() - started < seconds:
        example = examples[count % len(examples)]
        model.answer(example.conversation, example.tools, temperature=1.0, seed=count)
        count += 1
    print(f"{count / (time.process_time() - started):.0f} draws/s on one core")


def cost(name: str) -> None:
    """Print what a process of its own needs to have the model."""
    run = subprocess.run([sys.executable, "-c", LOADING, name], check=True, capture_output=True, text=True)  # noqa: S603 - ourselves
    with_numpy, load, memory = map(float, run.stdout.split())
    size = manifest_of(name).with_suffix(".weights").stat().st_size / 1e6
    print(
        f"{size:.2f} MB; load {load:.2f} s {verdict(-load, -0.3)} after {with_numpy:.2f} s for numpy; "
        f"resident {memory:.0f} MB {verdict(-memory, -100)}"
    )


def verdict(value: float, target: float | None) -> str:
    """Return whether a target is reached; targets below zero are upper bounds."""
    return "" if target is None else f"({'reaches' if value >= target else 'misses'} {abs(target)})"


def main() -> None:
    """Print everything for every model asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["base", "small"])
    parser.add_argument("--examples", type=int, default=4000)
    asked = parser.parse_args()
    threadpool_limits(1)  # a core each, as the figures say
    for name in asked.models:
        print(f"\npocket:{name}")
        model = open_model(name)
        tables(name, model, asked.examples)
        draws(model)
        cost(name)
    if {"base", "small"} <= set(asked.models):
        print()
        print_confidences("small", "base")


if __name__ == "__main__":
    if os.environ.get("OMP_NUM_THREADS") != "1":  # one core is what is measured; numpy reads it once, when it starts
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "OMP_NUM_THREADS": "1"})  # noqa: S606
    main()
