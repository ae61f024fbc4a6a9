"""What the pocket models reach, and what they cost: ``python benches/pocket.py [NAME or FOLDER …] [--examples N]``.

Three tables for each model: the generator's held-out half (schemas and phrasings that no model was trained on), the
held-out hand-written requests of the demo suites, and BFCL v4 (never trained on; only where ``/work/shared/realdata``
is). Then milliseconds a turn, the time to load, and the memory that a process takes with the model in it.
"""

import argparse
import itertools
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

REALDATA = Path("/work/shared/realdata/bfcl_v4")
BFCL = ("simple_python", "multiple", "parallel", "irrelevance")
TARGETS = {
    "base": {"all": 92, "2 calls": 80, "3 calls": 80, "no_call": 98, "requests": 90},
    "small": {"all": 85, "2 calls": 80, "3 calls": 80, "no_call": 98},
}


def tables(name: str, examples: int) -> None:
    from pytest_toolmatch.distill.evaluate import (
        bfcl,
        held_out,
        judge,
        judge_bfcl,
        milliseconds,
        tabulate,
        kept_requests,
    )
    from pytest_toolmatch.pocket.model import open_model

    model = open_model(name)
    target = TARGETS.get(name, {})
    judged = judge(model, itertools.islice(held_out(), examples))
    print(f"\npocket:{name}: held-out schemas and phrasings of the generator")
    for row in tabulate(judged):
        print("  ", row, verdict(100 * row.exact / row.n, target.get(row.what)))
    print("held-out requests of the demo suites")
    for row in tabulate(judge(model, kept_requests(examples))):
        print("  ", row, verdict(100 * row.exact / row.n, target.get("requests") if row.what == "all" else None))
    print("BFCL v4, never trained on")
    for category in BFCL:
        questions = bfcl(REALDATA, category)
        print("  ", judge_bfcl(model, questions) if questions else f"{category}: not here")
    median, slow = milliseconds(judged)
    print(f"turns: median {median:.1f} ms {verdict(-median, -10)}, 95th percentile {slow:.1f} ms; one core")


def verdict(value: float, target: float | None) -> str:
    return "" if target is None else f"(reaches {abs(target)})" if value >= target else f"(misses {abs(target)})"


def cost(name: str) -> None:
    """Load the model in a process of its own, which says how long it took and how much memory it is."""
    code = f"import sys; sys.argv = ['', '--load', {name!r}]; exec(open({str(Path(__file__))!r}).read())"
    print(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip())  # noqa: S603 - ourselves


def load(name: str) -> None:
    from pytest_toolmatch import Tool
    from pytest_toolmatch.core.conversation import user

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    import numpy as np

    with_numpy = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    from pytest_toolmatch.pocket.model import open_model

    model = open_model(name)
    seconds = time.perf_counter() - started
    model.answer(user("Hello"), (Tool(name="greet"),))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"load {seconds:.2f} s {verdict(-seconds, -0.3)}; resident {after / 1024:.0f} MB {verdict(-after / 1024, -100)}, "
        f"of which Python {before / 1024:.0f} and numpy {np.__version__} {(with_numpy - before) / 1024:.0f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["base", "small"])
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--load")
    asked = parser.parse_args()
    if asked.load:
        load(asked.load)
        return
    for name in asked.models:
        tables(name, asked.examples)
        cost(name)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # one core is what is measured
    main()
