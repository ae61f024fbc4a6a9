"""Does repair mend what can be mended, leave the rest alone, and do with fewer rollouts than its peers?

::

    python benches/repair.py                    # all tables, 20 students
    python benches/repair.py 6 --quick          # fewer students, two checkpoints
    python benches/repair.py gap quiet speed    # some of the tables; ``chosen`` is another one
    LIMITS=4,8 python benches/repair.py speed   # at so many slots
    SEED=1 QUIET=200 python benches/repair.py quiet                 # other draws, smaller errors
    DSPY_PYTHON=~/dspy/bin/python python benches/repair.py gap     # DSPy lies in an environment of its own

Everything is *simulated*: students (``repair_students.py``) with planted faults that only certain words in certain
texts mend, or an example; a reflection model (``repair_reflector.py``) that writes useful and useless texts at known
rates; no model answers. Both are served over HTTP, and the server counts the rollouts, which are samples of the student
on training and validation cases. A prompt is worth what the student does under it on the test part, noise apart: that
is computed, not drawn. The *gap* lies between the prompt at the start and one that mends all that can be mended.
"""

from __future__ import annotations

import math
import os
import statistics
import sys
import time
from functools import partial
from itertools import pairwise
from statistics import fmean, median
from typing import TYPE_CHECKING, NamedTuple

import tabulate
from repair_chosen import chosen_table
from repair_made import Kind
from repair_ours import METHOD, repaired
from repair_peers import Dspy, random_edits, vanilla_gepa
from repair_runs import Course, Trial, state
from repair_server import served
from repair_speed import speed_table
from repair_students import Student, Told, student

from pytest_toolmatch.statistics.beta import clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

STUDENTS = 20
CHECKPOINTS = (50, 100, 150, 200, 400)
SEED = int(os.environ.get("SEED", "0"))
CHOSEN_SEEDS = (SEED, SEED + 1, SEED + 2)
QUIET = int(os.environ.get("QUIET", "60"))
Method = "Callable[[Trial], Course]"


class Result(NamedTuple):
    """What a method came to on a student: what its prompts are worth at the checkpoints, and what the run took."""

    student: Student
    matches: tuple[float, ...]
    course: Course
    seconds: float

    def gap(self, place: int = -1) -> float:
        """Return the share of the gap that is closed at a checkpoint; below 0 where the prompt is worse."""
        start, best = (self.student.match(one) for one in (self.student.start, self.student.best))
        return (self.matches[place] - start) / (best - start)


def measured(method: str, run: Callable[[Trial], Course], one: Student, url: str, marks: Sequence[int]) -> Result:
    """Run a method on a student: once where it can be read off at any time, else once for every checkpoint."""
    began, matches, course = time.perf_counter(), [], None
    for mark in marks:
        if method not in ANYTIME or course is None:
            budget = marks[-1] if method in ANYTIME else mark
            course = run(Trial(url, one, method, budget, SEED))
        found: Told = course.at(mark) if method in ANYTIME else course.points[-1].told
        matches.append(one.match(found))
    assert course is not None
    return Result(one, tuple(matches), course, time.perf_counter() - began)


PEERS: dict[str, Callable[[Trial], Course]] = {
    "gepa.optimize": vanilla_gepa,
    "gepa.optimize, all texts at once": partial(vanilla_gepa, module_selector="all"),
    "random edits": random_edits,
}
ANYTIME = {*PEERS}


def spread(values: Sequence[float]) -> str:
    """Return a mean with its standard error."""
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return f"{fmean(values):.3f} ± {error:.3f}"


def share(count: int, of: int) -> str:
    """Return a share with its 95 % interval."""
    low, high = clopper_pearson(count / of, of, 0.95)
    return f"{count} of {of}: {count / of:.3f} ({low:.3f}–{high:.3f})"


def gap_table(url: str, students: Sequence[Student], marks: Sequence[int]) -> None:
    """Print what every method closes of the gap, by rollouts; then what ours needs for what the best peer reaches."""
    found: dict[str, list[Result]] = {}
    for method, run in methods():
        found[method] = [measured(method, run, one, url, marks) for one in students]
        print(f"  {method}: {fmean(one.seconds for one in found[method]):.1f} s a student", file=sys.stderr)
    print(
        f"\nSimulated: match with the teacher on the test part by rollouts, mean ± s.e. of {len(students)} students\n"
    )
    rows = [[name, *(spread([r.matches[n] for r in some]) for n in range(len(marks)))] for name, some in found.items()]
    ideal = spread([one.match(one.best) for one in students])
    rows += [["(all that is mendable)", *[ideal] * len(marks)]]
    rows += [["(at the start)", *[spread([one.match(one.start) for one in students])] * len(marks)]]
    print(tabulate.tabulate(rows, ("method", *marks), disable_numparse=True))
    print("\nSimulated: share of the mendable gap that is closed, median (and mean ± s.e.); what a run took at last\n")
    print(
        tabulate.tabulate(
            list(_gap_rows(found, marks)), ("method", *marks, "rollouts", "reflections"), disable_numparse=True
        )
    )
    if METHOD in found:
        _verdict(found, marks)


def _gap_rows(found: dict[str, list[Result]], marks: Sequence[int]) -> Iterable[list[str]]:
    for name, some in found.items():
        gaps = [[one.gap(place) for one in some] for place in range(len(marks))]
        took = (fmean(r.course.rollouts for r in some), fmean(r.course.reflections for r in some))
        yield [name, *(f"{median(own):.2f} ({spread(own)})" for own in gaps), *(f"{one:.0f}" for one in took)]


def _verdict(found: dict[str, list[Result]], marks: Sequence[int]) -> None:
    ours = found[METHOD]
    closed = median(one.gap() for one in ours)
    print(
        f"\nmedian share of the gap closed within {marks[-1]} rollouts: {closed:.3f}; {state('≥ .95', closed >= 0.95)}"
    )
    peers = {name: fmean(r.matches[-1] for r in some) for name, some in found.items() if name != METHOD}
    if not peers:
        return
    best = max(peers, key=lambda name: peers[name])
    theirs, own = (_reached(found[name], marks, peers[best]) for name in (best, METHOD))
    print(
        f"the best peer, {best}, reaches {peers[best]:.3f} with {theirs:.0f} rollouts, {METHOD} with {own:.0f};",
        end=" ",
    )
    print(state("at most half", own <= theirs / 2))


def _reached(results: Sequence[Result], marks: Sequence[int], wanted: float) -> float:
    """Return the rollouts that a mean match takes, on straight lines between the checkpoints; infinity for never."""
    means = [(0, fmean(r.student.match(r.student.start) for r in results))]
    means += [(mark, fmean(r.matches[place] for r in results)) for place, mark in enumerate(marks)]
    for (x, low), (y, high) in pairwise(means):
        if low < wanted <= high + 1e-9:
            return x + (y - x) * (wanted - low) / (high - low)
    return math.inf


def quiet_table(url: str, students: int) -> None:
    """Print how often students that nothing mends are declared repaired."""
    kinds: tuple[tuple[Kind, int], ...] = (("broken", students), ("sound", max(students, QUIET)))
    print(f"\nSimulated: students that nothing mends, {METHOD} with {CHECKPOINTS[-1]} rollouts\n")
    for kind, count in kinds:
        results = [
            repaired(Trial(url, student(number, kind), METHOD, CHECKPOINTS[-1], SEED)) for number in range(count)
        ]
        accepted = sum(one.accepted for one in results)
        if kind == "broken":
            print(f"faults that nothing mends: accepted in {share(accepted, count)};", end=" ")
            print(state("≤ 2 of 20", accepted <= count / 10))
        else:
            print(f"noise alone: left alone in {share(count - accepted, count)};", end=" ")
            print(state("≥ .95", accepted <= count / 20))


def methods() -> Iterable[tuple[str, Callable[[Trial], Course]]]:
    """Yield what is compared: ours, and those of the peers that are installed."""
    yield METHOD, repaired
    yield from PEERS.items()
    python = os.environ.get("DSPY_PYTHON", sys.executable)
    if why := Dspy.missing(python):
        print(f"DSPy is not measured: {why} ({python}; DSPY_PYTHON may name another)")
        return
    dspy = Dspy(python)
    yield from ((method, dspy.run) for method in Dspy.METHODS)
    dspy.close()


def main() -> None:
    """Print the tables that were asked for."""
    wanted = [one for one in sys.argv[1:] if one.isalpha()] or ["gap", "quiet", "chosen", "speed"]
    count = next((int(one) for one in sys.argv[1:] if one.isdigit()), STUDENTS)
    quick = "--quick" in sys.argv
    with served() as url:
        if "gap" in wanted:
            gap_table(url, [student(number) for number in range(count)], CHECKPOINTS[1::3] if quick else CHECKPOINTS)
        if "quiet" in wanted:
            quiet_table(url, count)
        if "chosen" in wanted:
            chosen_table(url, max(2, count * 3 // 5), CHOSEN_SEEDS, CHECKPOINTS[-2])
    if "speed" in wanted:
        speed_table([student(number) for number in range(1 if quick else 3)], CHECKPOINTS[-1], SEED)


if __name__ == "__main__":
    main()
