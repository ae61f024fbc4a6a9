"""How busy ``repair.py`` finds an endpoint kept, and what repair takes beside it.

The endpoint answers every request after 50 ms, and takes as many at a time as a run may have in flight: as a local
server with so many slots does. Two shares are printed. *Busy* is the share of the whole run, start to end, in which at
least one request is in flight at any model. *Slots* is the share of the student's slots that are in use: its requests
in flight on average, by how many a run may have, from its first request to its last answer. What is beside is the rest
of the run, by the student's samples: in which nothing is in flight.
"""

from __future__ import annotations

import os
import time
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

import tabulate
from repair_ours import METHOD, repaired
from repair_runs import Trial, state
from repair_server import served

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repair_students import Student

LIMITS = tuple(int(one) for one in os.environ.get("LIMITS", "4,8,16,50").split(","))
DELAY = 0.05


class Run(NamedTuple):
    """A run: the requests that it may have in flight, the student's samples, its seconds, and both shares."""

    limit: int
    student: str
    rollouts: int
    seconds: float
    busy: float
    slots: float
    beside: float


def speed_table(students: Sequence[Student], budget: int, seed: int) -> None:
    """Print how busy an endpoint of 50 ms is, and what a rollout takes beside it."""
    runs = [_run(one, limit, budget, seed) for limit in LIMITS for one in students]
    heads = ("in flight at most", "student", "rollouts", "wall s", "busy", "slots in use", "ms beside, a rollout")
    print(f"\nSimulated: {METHOD}, start to end, at an endpoint of 50 ms; load average {os.getloadavg()[0]:.1f}\n")
    print(tabulate.tabulate(runs, heads, floatfmt=".2f"))
    for limit in LIMITS:
        own = [one for one in runs if one.limit == limit]
        busy, slots, beside = (fmean(one[place] for one in own) for place in (4, 5, 6))
        print(
            f"\n{limit} in flight: busy {busy:.2f}; {state('≥ .80 busy', busy >= 0.8)}; "
            f"slots in use {slots:.2f}; {state('≥ .80 of the slots', slots >= 0.8)}; "
            f"{beside:.1f} ms beside; {state('≤ 5 ms', beside <= 5)}"
        )


def _run(one: Student, limit: int, budget: int, seed: int) -> Run:
    with served(DELAY) as url:
        trial = Trial(url, one, METHOD, budget, seed)
        began = time.perf_counter()
        repaired(trial, concurrency=limit)
        wall, seen = time.perf_counter() - began, trial.wire.figures(trial.run)
    rollouts = sum(int(count) for kind, count in seen.items() if kind.startswith("student "))
    every, student = seen["times"]["all"], seen["times"]["student"]
    slots = student["work"] / (limit * student["span"])
    return Run(limit, one.name, rollouts, wall, every["busy"] / wall, slots, 1000 * (wall - every["busy"]) / rollouts)
