"""Is repair that learns from 15 cases which CaR chooses at least as good as repair that learns from 50 at random?

Students of ``repair.py`` are *simulated*; those here have training cases as a log has them. Validation and test cases
are the same for all, and so is the number of rollouts.
"""

from __future__ import annotations

import math
import random
import statistics
from itertools import combinations
from statistics import fmean, median
from typing import TYPE_CHECKING

import tabulate
from repair_ours import repaired
from repair_runs import TEACHER_DRAWS, Trial
from repair_students import student

from pytest_toolmatch.core.case import case_of_query
from pytest_toolmatch.curating.judged import Subject
from pytest_toolmatch.curation.quality import Known
from pytest_toolmatch.repair.curated import chosen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from repair_students import Student

FEW, MANY = 15, 50


def subjects(one: Student, seed: int, *, recorded: bool) -> list[Subject]:
    """Return a student's training cases with what is recorded of them: draws of its teacher, one of its own or none."""
    found = []
    for case in one.parts["train"]:
        draws = [one.teach(case, run=f"log-{seed}", draw=draw) for draw in range(TEACHER_DRAWS)]
        chain = max(draws, key=draws.count)
        own = one.answer(case, one.start, run=f"log-{seed}", draw=0)
        known = Known(
            chain=chain,
            consistency=fmean(a == b for a, b in combinations(draws, 2)),
            validity=1.0,
            failure=float(own != chain) if recorded else None,
            ambiguous=draws.count(chain) <= TEACHER_DRAWS / 2,
        )
        case_ = case_of_query(case.query, id=case.id)
        found.append(Subject(suite=0, case=case_, text=case.query, known=known, offered=one.tool_names))
    return found


def curated(one: Student, seed: int, *, recorded: bool) -> list[str]:
    """Return the ids of the cases that CaR chooses."""
    some = subjects(one, seed, recorded=recorded)
    return [some[place].case.id for place in chosen(some, FEW)]


def at_random(one: Student, seed: int, count: int) -> list[str]:
    """Return the ids of so many cases by chance."""
    ids = sorted(one.parts_by_id["train"])
    return random.Random(f"{seed}/{one.name}").sample(ids, min(count, len(ids)))  # noqa: S311 - chance to be repeated


WAYS: dict[str, Callable[[Student, int], list[str]]] = {
    f"{FEW} that CaR chooses, by teacher and student": lambda one, seed: curated(one, seed, recorded=True),
    f"{FEW} that CaR chooses, by the teacher alone": lambda one, seed: curated(one, seed, recorded=False),
    f"{FEW} at random": lambda one, seed: at_random(one, seed, FEW),
    f"{MANY} at random": lambda one, seed: at_random(one, seed, MANY),
}


def gap(trial: Trial, train: Sequence[str]) -> float:
    """Return the share of the gap on the test part that a repair closes which learns from these cases."""
    one = trial.student
    worth = one.match(repaired(trial, train=train).points[-1].told)
    start, best = one.match(one.start), one.match(one.best)
    return (worth - start) / (best - start)


def chosen_table(url: str, students: int, seeds: Sequence[int], rollouts: int) -> None:
    """Print what repair closes of the gap by what it learns from, and how much better the first way is than the last.

    The error is that of the mean over students, whose seeds are taken together.
    """
    found: dict[str, list[float]] = {}
    for number, (way, ids) in enumerate(WAYS.items()):
        found[way] = [
            fmean(gap(Trial(url, one, f"chosen {number}", rollouts, seed), ids(one, seed)) for seed in seeds)
            for one in (student(place, "logged") for place in range(students))
        ]
    print(
        f"\nSimulated: share of the mendable gap that repair closes with {rollouts} rollouts, by what it learns from; "
        f"{students} students with logs, seeds {', '.join(map(str, seeds))}\n"
    )
    rows = [(way, f"{median(own):.2f}", _spread(own)) for way, own in found.items()]
    print(tabulate.tabulate(rows, ("training cases", "median", "mean ± s.e."), disable_numparse=True))
    many = found[f"{MANY} at random"]
    for way, own in list(found.items())[:2]:
        better = [a - b for a, b in zip(own, many, strict=True)]
        word = "pass" if fmean(better) >= 0 else "FAIL"
        print(f"{way}, less {MANY} at random: {_spread(better)}; at least as good: {word}")


def _spread(values: Sequence[float]) -> str:
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return f"{fmean(values):+.3f} ± {error:.3f}"
