"""What does a student gain by its teacher's recordings? ``python benches/distill.py [-o DIR] [--curve 50,500,5000]``.

``pocket:base`` is the teacher, ``pocket:small`` its student. The suites are the travel desk and the support desk of the
example suites, with hand-written requests that are filled with other values: base was trained on most of their
phrasings, small has never seen the tools. The teacher's draws are recorded, as they are, right or wrong; then
``toolmatch distill`` trains on them, and judges each student on cases that it has kept apart by near-duplicate group.

``--teacher scripted:right`` is no model: it gives the calls that each request was written for.

A second run with the same DIR goes on where the first has stopped.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_toolmatch.cli import main as toolmatch
from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.sample import Sample, outcome_of
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.distill.held_out import Drawing, samples_of
from pytest_toolmatch.distill.requests.suites import read_suite
from pytest_toolmatch.distill.requests.telling import Telling
from pytest_toolmatch.pocket.model import open_model
from pytest_toolmatch.providers.pocket import TEMPERATURE
from pytest_toolmatch.recorded.reading import Recorded
from pytest_toolmatch.sampling.recordings import Record, append_records, recording_path
from pytest_toolmatch.suites.writer import write_suite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.core.chain import Step
    from pytest_toolmatch.distill.examples import Example
    from pytest_toolmatch.distill.requests.suites import Suite as Desk

NAMES = ("flights", "support")
FIRST, TURNS = 10_000, 100
"""Where the seeds of values begin, far from those that models were trained on, and how many a seed has."""

AT_ONCE = 100
RIGHT = "scripted:right"


def main() -> int:
    """Make, record, distil; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", default="pocket:base")
    parser.add_argument("--student", default="pocket:small")
    parser.add_argument("--cases", type=int, default=7400, help="of all suites together")
    parser.add_argument("--draws", type=int, default=3, help="of the teacher for each case")
    parser.add_argument("--curve", default="50,500,5000")
    parser.add_argument("--epochs", default="2")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", dest="out", type=Path, default=Path("distilled"))
    asked = parser.parse_args()
    started = time.monotonic()
    for suite, answers in suites(asked.cases // len(NAMES), asked.seed):
        record(suite, answers, asked.out / "suites", asked.teacher, asked.draws)
    print(f"recorded in {time.monotonic() - started:.0f} s")
    where = ["distill", str(asked.out / "suites"), "--teacher", asked.teacher, "--from", asked.student]
    how = ["--curve", asked.curve, "--epochs", asked.epochs, "--seed", str(asked.seed)]
    return toolmatch([*where, *how, "-o", str(asked.out / "students")])


def suites(cases: int, seed: int) -> Iterator[tuple[Suite, list[Step]]]:
    """Yield suites with so many cases each, and the right calls of each case; the same ones for the same seed."""
    for name in NAMES:
        desk = read_suite(name)
        asked = requests(desk, cases, seed)
        told = tuple(Case(id=f"{name}-{place}", conversation=one.conversation) for place, one in enumerate(asked))
        yield Suite(name=name, cases=told, tools=desk.tools), [one.calls for one in asked]


def requests(desk: Desk, count: int, seed: int) -> list[Example]:
    """Return so many different requests that are done in one step, each phrasing about as often as any other."""
    found: dict[str, Example] = {}
    phrases = [(family, phrase) for family in desk.families if len(family.calls) <= 1 for phrase in family.says]
    for turn in itertools.count(FIRST + seed * TURNS):
        for family, phrase in phrases:
            one = next(Telling(desk, family, phrase, f"{turn} {phrase}").turns())
            found.setdefault(str(one.conversation), one)
            if len(found) == count:
                return list(found.values())
    raise AssertionError


def record(suite: Suite, answers: list[Step], folder: Path, teacher: str, draws: int) -> None:
    """Write a suite and its teacher's draws, where they are not there already."""
    file = folder / f"{suite.name}.toolmatch.yaml"
    if not file.exists():
        write_suite(suite, folder)
    path = recording_path(folder / "recordings" / suite.name, teacher)
    there = path.read_bytes().count(b"\n") // draws if path.exists() else 0
    model = None if teacher == RIGHT else open_model(teacher.removeprefix("pocket:"))
    plan, drawing = Plan(suite, Model(name=teacher)), Drawing(TEMPERATURE, draws)
    for first in range(there, len(suite.cases), AT_ONCE):
        some = [Recorded(suite, case, suite.tools, ()) for case in suite.cases[first : first + AT_ONCE]]
        drawn = (
            samples_of(model, some, drawing, "teacher")
            if model
            else [right(one.case, calls, draws) for one, calls in zip(some, answers[first:], strict=False)]
        )
        samples = [one for draws_of_case in drawn for one in draws_of_case]
        keyed = [plan.key(one.case, "teacher", draw) for one in some for draw in range(draws)]
        rows = [Record(key=key, model=teacher, sample=one) for key, one in zip(keyed, samples, strict=True)]
        append_records(path, rows)
        print(f"\r{suite.name}: {first + len(some)} of {len(suite.cases)} cases recorded", end="", file=sys.stderr)
    print(file=sys.stderr)


def right(case: Case, calls: Step, draws: int) -> list[Sample]:
    """Return what a teacher would do that is always right."""
    chain = (calls,) if calls else ()
    return [
        Sample(case=case.id, role="teacher", draw=draw, outcome=outcome_of(chain), chain=chain) for draw in range(draws)
    ]


if __name__ == "__main__":
    raise SystemExit(main())
