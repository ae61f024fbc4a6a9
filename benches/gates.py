"""Do the intervals cover, do the gates err as rarely as they say, and for how many draws? On scripted suites.

::

    python benches/gates.py intervals teacher gates auto alarms margins real     # all, or some of them
    REPEATS=1000 python benches/gates.py gates                              # more seeds, smaller errors

Every table says how large the simulation's own standard error is. *Fixed* is the smallest test of fixed size that errs
in 5 % at the bound and in 5 % at a truth five points away; *point* is what other tools do: compare the rate of ten
draws with the bound.
"""

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from functools import lru_cache
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import recorded
import simulate
import tabulate
from auto import auto_table
from cover import REPEATS, interval_tables, teacher_tables

from pytest_toolmatch.core.auto import PLAIN
from pytest_toolmatch.statistics.alarms import bar, p_value
from pytest_toolmatch.statistics.margin import MarginTest
from pytest_toolmatch.statistics.sequential import GateTest, part_size
from pytest_toolmatch.statistics.ustatistics import paired

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_toolmatch.statistics.sequential import Looked
    from pytest_toolmatch.statistics.ustatistics import Paired

EQUAL: Any = [[one == other for other in range(simulate.CHAINS + 1)] for one in range(simulate.CHAINS + 1)]


def decided(chance: np.random.Generator, bound: float, rates: np.ndarray, most: int) -> tuple[str, int]:
    """Run one sequential gate to its decision or to so many draws."""
    test, cases = GateTest(len(rates), bound), len(rates)
    looked = test.update([[float(hit)] for hit in chance.random(cases) < rates])
    while looked.state == "undecided" and looked.draws < most:
        part = set(chance.permutation(cases)[: part_size(cases, looked.draws)].tolist())
        hits = chance.random(cases) < rates
        looked = test.update([[float(hit)] if case in part else None for case, hit in enumerate(hits)])
    return looked.state, looked.draws


def gate_tables() -> None:
    """Error rates and draws of sequential gates, beside the fixed design and the point estimate."""
    chance = np.random.default_rng(3)
    rows = []
    for bound, cases in ((0.9, 10), (0.9, 30), (0.9, 100), (0.8, 30), (0.95, 30)):
        for mix in ("alike", "very mixed"):
            for points in (-10, -5, -2, 0, 2, 5, 10):
                truth = round(bound + points / 100, 4)
                if truth <= 1:
                    rows.append(gate_row(chance, bound, cases, mix, truth))
    print("\nSequential gates `rate >= bound`, looked at after every round, which may be a part of the cases;")
    print("to 1500 draws at most")
    print(f"(error of a share near .05: {math.sqrt(0.05 * 0.95 / REPEATS):.3f})\n")
    heads = ("bound", "cases", "cases are", "truth", "holds", "fails", "undecided", "draws", "± ", "fixed", "ratio")
    print(tabulate.tabulate(rows, (*heads, "whole rounds", "wrong", "point wrong"), floatfmt=".3f"))
    wrong = max(row[12] for row in rows if isinstance(row[12], float))
    print(f"\nhighest share of wrong decisions: {wrong:.3f}")


def gate_row(chance: np.random.Generator, bound: float, cases: int, mix: str, truth: float) -> list[object]:
    """Return the line of one gate at one truth."""
    states, used, point = Counter[str](), [], 0
    for _ in range(REPEATS):
        rates = simulate.suite_rates(chance, truth, mix, cases)
        state, draws = decided(chance, bound, rates, 1500)
        states[state] += 1
        used.append(draws)
        seen = (chance.random(10) < chance.choice(rates, 10)).mean()
        point += (seen >= bound) != (truth >= bound)
    away = 0.05 if truth > bound else -0.05
    fixed = simulate.fixed_size(bound, round(min(bound + away, 0.9999), 4)) if truth != bound else 0
    whole = math.ceil(fixed / cases) * cases
    wrong = max(states["holds"], states["fails"]) if truth == bound else states["holds" if truth < bound else "fails"]
    shares = [states[state] / REPEATS for state in ("holds", "fails", "undecided")]
    ratio = [fixed, fmean(used) / fixed, fmean(used) / whole] if fixed else ["", "", ""]
    error = float(np.std(used)) / math.sqrt(REPEATS)
    return [
        bound,
        cases,
        mix,
        truth,
        *shares,
        round(fmean(used)),
        round(error),
        *ratio,
        wrong / REPEATS,
        point / REPEATS,
    ]


class Alarms(NamedTuple):
    """A suite of 200 cases: so many match as rarely as ``bad``, the others as often as ``good``."""

    wanted: float
    good: float
    bad: float = 0.0
    bad_cases: int = 0

    def rates(self) -> np.ndarray:
        """Return the true rate of every case."""
        return np.repeat([self.bad, self.good], [self.bad_cases, 200 - self.bad_cases])


LOOKS = (5, 10, 20, 40)
RULES = ("fixed", "every look", "point")


def alarmed(matches: np.ndarray, draws: int, wanted: float, rule: str) -> set[int]:
    """Return the cases that a rule says diverge."""
    if rule == "point":
        return set(np.flatnonzero(matches < wanted * draws - 1e-9).tolist())
    values = [p_value(count, draws, wanted, fixed=rule == "fixed") for count in matches.tolist()]
    shown = bar(values, 0.95).shown
    return {case for case, value in enumerate(values) if value <= shown}


def alarm_runs(chance: np.random.Generator, suite: Alarms, rule: str, looks: tuple[int, ...]) -> list[float]:
    """Return the share of runs with a false alarm, the bad cases found, and the share of alarms that are false."""
    any_false, found, share = 0, [], []
    for _ in range(REPEATS):
        matches, drawn, ever = np.zeros(200), 0, set[int]()
        for look in looks:
            matches += chance.binomial(look - drawn, suite.rates())
            drawn = look
            ever |= alarmed(matches, drawn, suite.wanted, rule)
        false = sum(case >= suite.bad_cases for case in ever)
        any_false += bool(false)
        found.append(len(ever) - false)
        share.append(false / max(1, len(ever)))
    return [any_false / REPEATS, fmean(found), fmean(share)]


def alarm_table() -> None:
    """How often a suite of good cases raises any alarm, and how many bad cases are found."""
    chance = np.random.default_rng(4)
    good = (Alarms(0.8, 0.8), Alarms(0.8, 0.9), Alarms(1.0, 1.0))
    suites = (*good, Alarms(0.8, 0.95, 0.2, 10), Alarms(0.9, 0.97, 0.5, 10))
    rows = []
    for suite in suites:
        for rule in RULES:
            for looks in [LOOKS] if rule == "every look" else [(5,), (10,), (20,)]:
                drawn = "up to 40" if len(looks) > 1 else str(looks[0])
                rows.append([*suite, rule, drawn, *alarm_runs(chance, suite, rule, looks)])
    print("\nFalse alarms on 200 cases. fixed: the product's rule for a number of draws that is set beforehand;")
    print(f"every look: its rule for draws in rounds, looked at after {LOOKS} draws; point: rate < wanted")
    print(f"(error of a share near .05: {math.sqrt(0.05 * 0.95 / REPEATS):.3f})\n")
    heads = ("wanted", "good rate", "bad rate", "bad", "rule", "draws", "any false", "bad found", "false share")
    print(tabulate.tabulate(rows, heads, floatfmt=".3f"))


class Beside(NamedTuple):
    """A gate ``agreement - factor * consistency >= bound``, whose bound lies ``off`` below the truth."""

    cases: int
    teacher_draws: int
    consistency: float
    mix: str
    student: str
    factor: float
    off: float


def margin_row(chance: np.random.Generator, gate: Beside) -> list[object]:
    """Return the line of one gate: as many student draws a case as ``auto`` begins with, then one more a look."""
    states, looks = Counter[str](), []
    for _ in range(REPEATS):
        suite = simulate.pairs(chance, gate.consistency, gate.mix, gate.student, gate.cases)
        true = fmean(pair.agreement - gate.factor * pair.consistency for pair in suite)
        looked = margin_run(chance, suite, gate.teacher_draws, MarginTest(true - gate.off, gate.factor))
        states[looked.state] += 1
        looks.append(looked.rounds)
    shares = [states[state] / REPEATS for state in ("holds", "fails", "undecided")]
    wrong = {-1: states["holds"], 0: max(states["holds"], states["fails"]), 1: states["fails"]}[int(np.sign(gate.off))]
    return [*gate, *shares, fmean(looks), wrong / REPEATS]


def margin_run(
    chance: np.random.Generator, suite: list[simulate.Pair], teacher_draws: int, test: MarginTest, most: int = 12
) -> Looked:
    """Look until the gate is decided, or so many times."""
    teachers = [simulate.drawn(chance, pair.teacher, teacher_draws) for pair in suite]
    students = [simulate.drawn(chance, pair.student, PLAIN.first(len(suite)) - 1) for pair in suite]
    while True:
        for place, pair in enumerate(suite):
            students[place] += simulate.drawn(chance, pair.student, 1)
        found = [
            beside(tuple(sorted(ours)), tuple(sorted(theirs))) for ours, theirs in zip(students, teachers, strict=True)
        ]
        parts = [(one.agreement, one.consistency) for one in found if one.consistency]
        looked = test.update(parts, [one.margin for one in found if one.margin])
        if looked.state != "undecided" or looked.rounds >= most:
            return looked


@lru_cache(maxsize=100_000)
def beside(student: tuple[int, ...], teacher: tuple[int, ...]) -> Paired:
    """Return the measures of such draws, in whatever order they came."""
    return paired(student, teacher, EQUAL)


def margin_table() -> None:
    """Error rates of the gates on a student beside its teacher."""
    chance = np.random.default_rng(5)
    gates = [
        Beside(cases, draws, consistency, mix, kind, factor, off)
        for cases, draws in ((10, 5), (30, 5), (30, 10), (100, 5))
        for consistency in (0.6, 0.9)
        for mix, kind in (("alike", "clone"), ("mixed", "failing 0.9"))
        for factor, off in ((1.0, 0.0), (0.95, 0.0), (1.0, -0.05), (1.0, 0.05), (1.0, 0.1))
    ]
    rows = [margin_row(chance, gate) for gate in gates]
    print("\nGates `agreement - factor * consistency >= bound`: student draws as auto begins, then one a look, 12;")
    print("off: how far the truth lies above the bound")
    print(f"(error of a share near .05: {math.sqrt(0.05 * 0.95 / REPEATS):.3f})\n")
    heads = ("cases", "T draws", "consist.", "cases are", "student", "factor", "off", "holds", "fails", "undecided")
    print(tabulate.tabulate(rows, (*heads, "looks", "wrong"), floatfmt=".3f"))
    print(f"\nhighest share of wrong decisions: {max(float(str(row[-1])) for row in rows):.3f}")


def cost_table() -> None:
    """What a decision costs."""
    chance = np.random.default_rng(6)
    rows = []
    for cases in (30, 200, 500):
        test, rates = GateTest(cases, 0.9), np.full(cases, 0.9)
        start = time.perf_counter()
        for _ in range(20):
            test.update([[float(hit)] for hit in chance.random(cases) < rates])
        rows.append([cases, (time.perf_counter() - start) / 20 * 1000])
    print("\nCPU per look of a gate, ms\n")
    print(tabulate.tabulate(rows, ("cases", "ms"), floatfmt=".2f"))


TABLES: dict[str, Callable[[], None]] = {
    "intervals": interval_tables,
    "teacher": teacher_tables,
    "gates": gate_tables,
    "auto": auto_table,
    "alarms": alarm_table,
    "margins": margin_table,
    "cost": cost_table,
    "real": recorded.tables,
}

if __name__ == "__main__":
    for asked in sys.argv[1:] or TABLES:
        TABLES[asked]()
