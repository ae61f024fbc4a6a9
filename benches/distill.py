"""What does a student gain by its teacher's recordings? ``python benches/distill.py [-o DIR] [--curve 50,500,5000]``.

``pocket:base`` is the teacher, ``pocket:small`` its student. The suites are made up: six sets of eight tools, and
requests for one of them, for two, or for something that is not on offer; all in words, kinds of parameters and
phrasings that neither model was trained on. The teacher's draws are recorded, as they are, right or wrong; then
``toolmatch distill`` trains on them, and judges each student on cases that it has kept apart.

A student can't gain more than lies between it and its teacher's ceiling, and ``pocket:small`` has come close to that of
``pocket:base``. ``--teacher scripted:right`` is no model: it gives the calls that each request was made from, as a
teacher would that is far better than the student, and leaves room to learn.

A second run with the same DIR goes on where the first has stopped.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_toolmatch.cli import main as toolmatch
from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.sample import Sample, outcome_of
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.distill.generator.compose import ask_one
from pytest_toolmatch.distill.generator.dice import Dice
from pytest_toolmatch.distill.generator.several import ask_both_anew
from pytest_toolmatch.distill.generator.toolbox import other_plan, some_plan
from pytest_toolmatch.distill.generator.vocabulary import vocabulary
from pytest_toolmatch.distill.generator.world import World
from pytest_toolmatch.distill.held_out import Drawing, samples_of
from pytest_toolmatch.pocket.model import open_model
from pytest_toolmatch.providers.pocket import TEMPERATURE
from pytest_toolmatch.recorded.reading import Recorded
from pytest_toolmatch.sampling.recordings import Record, append_records, recording_path
from pytest_toolmatch.suites.writer import write_suite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.core.chain import Step
    from pytest_toolmatch.distill.generator import schemas

SUITES, TOOLS = 6, 8
ONE, TWO = 0.6, 0.85
"""Up to where a roll of the dice asks for one call, and for two; above, for what is not on offer."""

AT_ONCE = 100
RIGHT = "scripted:right"


def main() -> int:
    """Make, record, distil; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", default="pocket:base")
    parser.add_argument("--student", default="pocket:small")
    parser.add_argument("--cases", type=int, default=7500, help="of all suites together")
    parser.add_argument("--draws", type=int, default=3, help="of the teacher for each case")
    parser.add_argument("--curve", default="50,500,5000")
    parser.add_argument("--epochs", default="2")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", dest="out", type=Path, default=Path("distilled"))
    asked = parser.parse_args()
    started = time.monotonic()
    for suite, answers in suites(asked.cases // SUITES, asked.seed):
        record(suite, answers, asked.out / "suites", asked.teacher, asked.draws)
    print(f"recorded in {time.monotonic() - started:.0f} s")
    where = ["distill", str(asked.out / "suites"), "--teacher", asked.teacher, "--from", asked.student]
    how = ["--curve", asked.curve, "--epochs", asked.epochs, "--seed", str(asked.seed)]
    return toolmatch([*where, *how, "-o", str(asked.out / "students")])


def suites(cases: int, seed: int) -> Iterator[tuple[Suite, list[Step]]]:
    """Yield suites with so many cases each, and the right calls of each case; the same ones for the same seed."""
    for number in range(SUITES):
        world = World(Dice(900_000 + SUITES * seed + number), vocabulary(held_out=True))
        plans = [some_plan(world)]
        while len(plans) < TOOLS + 2:
            plans.append(other_plan(world, plans))
        offered, absent = plans[:TOOLS], plans[TOOLS:]
        queries: dict[str, Step] = {}
        while len(queries) < cases:
            text, calls = query(world, offered, absent)
            queries.setdefault(text, calls)
        suite = Suite(
            name=f"made-{number}",
            cases=tuple(Case(id=f"{number}-{place}", conversation=user(text)) for place, text in enumerate(queries)),
            tools=tuple(plan.tool for plan in offered),
            instructions=world.system(),
        )
        yield suite, list(queries.values())


def query(world: World, offered: list[schemas.Plan], absent: list[schemas.Plan]) -> tuple[str, Step]:
    """Return a request for one call, for two, or for a tool that is not there, and the calls that are right."""
    roll = world.dice.random()
    if roll < ONE:
        one = ask_one(world, world.dice.pick(offered))
        return one.text, one.calls
    if roll < TWO:
        first = world.dice.pick(offered)
        both = ask_both_anew(world, [first, world.dice.pick([one for one in offered if one is not first])])
        return both.text, both.calls
    return ask_one(world, world.dice.pick(absent)).text, ()


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
