"""Do the intervals cover the truth, and how wide are they? For ``gates.py``: a rate's, and those of full chains.

*Plain* is what other tools print, if any: one Wilson interval (1927) of all draws put together, for both questions.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from functools import lru_cache
from statistics import fmean, median
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import simulate
import tabulate

from pytest_toolmatch.judging.agreement import agreement
from pytest_toolmatch.statistics.effective import margin_intervals, rate_intervals, relative_intervals
from pytest_toolmatch.statistics.ustatistics import mean_of_draws

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_toolmatch.statistics.intervals import Interval
    from pytest_toolmatch.statistics.measures import Measure

REPEATS = int(os.environ.get("REPEATS", "200"))
Z = 1.959964
WHICH = ("suite", "queries", "suite, plain", "queries, plain")


class Held:
    """How often an interval held the truth, and how wide it was."""

    def __init__(self) -> None:
        self.held: list[bool] = []
        self.widths: list[float] = []
        self.reaches: list[float] = []

    def add(self, interval: Interval | None, truth: float, value: float = math.nan) -> None:
        """Note one interval, whose end may be infinite, about a value."""
        assert interval is not None
        low, high = interval
        self.held.append(low - 1e-9 <= truth <= high + 1e-9)
        self.widths.append(min(high, 3.0) - low)
        side = min(high, 3.0) - value if truth > value else value - low
        self.reaches.append(abs(truth - value) / side if side > 1e-9 else float(abs(truth - value) > 1e-9))

    @property
    def coverage(self) -> float:
        """The share of intervals that held the truth."""
        return fmean(self.held)

    @property
    def enough(self) -> float:
        """The factor by which all intervals could be stretched here, about their values, to hold 95 % of truths."""
        return float(np.quantile(self.reaches, 0.95))


def wilson(rate: float, draws: float) -> Interval:
    """Return Wilson's interval, as though all draws were independent and alike."""
    squared = Z * Z
    centre = (rate + squared / (2 * draws)) / (1 + squared / draws)
    half = Z / (1 + squared / draws) * math.sqrt(rate * (1 - rate) / draws + squared / (4 * draws * draws))
    return (centre - half, centre + half)


def rate_cell(
    chance: np.random.Generator, mean: float, mix: str, cases: int, draws: int
) -> dict[str, tuple[Held, float]]:
    """Return the intervals of one cell of the grid, each beside the width of the oracle's."""
    found = {name: Held() for name in WHICH}
    noise = []
    measures = [mean_of_draws([1.0] * n + [0.0] * (draws - n)) for n in range(draws + 1)]
    for _ in range(REPEATS):
        rates = simulate.case_rates(chance, mean, mix, cases)
        matches = chance.binomial(draws, rates).tolist()
        both = rate_intervals([measures[n] for n in matches], 0.95)
        plain = wilson(sum(matches) / (cases * draws), cases * draws)
        for name, interval in zip(WHICH, (*both, plain, plain), strict=True):
            found[name].add(interval, float(rates.mean()) if name.startswith("suite") else mean)
        noise.append(math.sqrt(float((rates * (1 - rates)).sum()) / draws) / cases)
    spread = simulate.spread_of(mean, mix)
    of_cases = math.sqrt((spread + (mean * (1 - mean) - spread) / draws) / cases)
    widths = {"suite": 2 * Z * fmean(noise), "queries": 2 * Z * of_cases}
    return {name: (held, widths[_question(name)]) for name, held in found.items()}


def _question(which: str) -> str:
    return which.partition(",")[0]


def interval_tables() -> None:
    """Coverage and width of a rate's intervals over the whole grid, by the number of cases."""
    chance = np.random.default_rng(1)
    rows = []
    for cases in (5, 10, 30, 100, 500):
        cells: dict[str, list[tuple[float, float, bool]]] = {}
        for draws in (1, 2, 4, 10, 32):
            for mix in simulate.MIXES:
                for mean in (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0):
                    known = cases * (1 - mean) >= 1.5
                    for name, (held, oracle) in rate_cell(chance, mean, mix, cases, draws).items():
                        told = known and oracle > 1e-9 and (draws > 1 or name.startswith("queries"))
                        width = fmean(held.widths) / oracle if told else math.nan
                        cells.setdefault(name, []).append((held.coverage, width, told))
        rows += [[cases, name, *_summary(found)] for name, found in cells.items()]
    print("\nIntervals of a rate: 1-32 draws, rates .5-1 alike or mixed; 140 cells a line")
    print(
        f"(error of a cell's coverage near .95: {math.sqrt(0.95 * 0.05 / REPEATS):.3f}; width: over that of an oracle"
    )
    print(" that knows the variance, where 1.5 missing cases or more are expected and cases have 2 draws or more)\n")
    heads = ("cases", "interval", "mean cov.", "lowest", "surely < .94", "median width", "widest", "> 1.3")
    print(tabulate.tabulate(rows, heads, floatfmt=".3f"))


def _summary(cells: Sequence[tuple[float, float, bool]]) -> list[float]:
    coverages = [coverage for coverage, _, _ in cells]
    widths = [width for _, width, told in cells if told]
    surely = sum(c + 2.6 * math.sqrt(0.94 * 0.06 / REPEATS) < 0.94 for c in coverages)
    return [fmean(coverages), min(coverages), surely, median(widths), max(widths), sum(width > 1.3 for width in widths)]


class Case(NamedTuple):
    """One case by the real judge: its measures, and how often its consensus is matched."""

    measures: dict[str, Measure]
    match_rate: float


def judged(chance: np.random.Generator, pair: simulate.Pair, theirs: int, ours: int) -> Case:
    """Draw both models' chains of one case, and judge them."""
    teacher, student = simulate.drawn(chance, pair.teacher, theirs), simulate.drawn(chance, pair.student, ours)
    measures, chosen = verdict(tuple(sorted(teacher)), tuple(sorted(student)))
    return Case(measures, math.nan if chosen is None else float(pair.student[chosen]))


@lru_cache(maxsize=100_000)
def verdict(teacher: tuple[int, ...], student: tuple[int, ...]) -> tuple[dict[str, Measure], int | None]:
    """Return what the judge says of such draws, in whatever order they came: the measures, and the reference."""
    classes = simulate.classes(teacher, student)
    found = agreement(classes, simulate.MATCHER.rules)
    chain = classes.chains[found.consensus.chosen] if found.consensus else None
    return found.measures, int(str((chain[0][0].arguments or {})["n"])) if chain else None


def intervals_of(cases: Sequence[Case], theirs: int, ours: int) -> dict[str, tuple[float, list[Interval | None]]]:
    """Return metric → its value and its intervals, in the order of ``WHICH``; None where nothing plain is known."""
    found = {}
    pooled = {"chain_match": ours, "agreement": theirs * ours, "consistency": math.comb(theirs, 2)}
    for name, draws in pooled.items():
        measures = [case.measures[name] for case in cases if name in case.measures]
        if len(measures) > 1:
            rate = fmean(measure.total for measure in measures)
            plain = wilson(rate, draws * len(measures))
            found[name] = (rate, [*rate_intervals(measures, 0.95), plain, plain])
    parts = [(case.measures["agreement"], case.measures["consistency"]) for case in cases]
    margins = [case.measures["margin"] for case in cases]
    a, c = found["agreement"][0], found["consistency"][0]
    found["margin"] = (a - c, [*margin_intervals(parts, 0.95, margins), None, None])
    if c:
        found["relative"] = (a / c, [*relative_intervals(parts, 0.95, margins), None, None])
    return found


def truths_of(pairs: Sequence[simulate.Pair]) -> dict[str, float]:
    """Return the metrics that need no draws to be known."""
    a, c = fmean(pair.agreement for pair in pairs), fmean(pair.consistency for pair in pairs)
    return {"agreement": a, "consistency": c, "margin": a - c, "relative": a / c}


def teacher_cell(
    chance: np.random.Generator, shape: tuple[int, int, int], consistency: float, mix: str, kind: str
) -> list[list[object]]:
    """Return a line for each metric of full chains of teacher and student, judged by the real judge."""
    cases, theirs, ours = shape
    held: defaultdict[tuple[str, str], Held] = defaultdict(Held)
    seen: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    whole = truths_of(simulate.pairs(chance, consistency, mix, kind, 20_000))
    for _ in range(REPEATS):
        suite = simulate.pairs(chance, consistency, mix, kind, cases)
        drawn = [judged(chance, pair, theirs, ours) for pair in suite]
        rates = [case.match_rate for case in drawn if not math.isnan(case.match_rate)]
        truths = truths_of(suite) | ({"chain_match": fmean(rates)} if rates else {})
        for name, (value, intervals) in intervals_of(drawn, theirs, ours).items():
            for which, interval in zip(WHICH, intervals, strict=True):
                of = truths if which.startswith("suite") else whole
                if name in of and interval:
                    held[name, which].add(interval, of[name], value)
            seen[name, "suite"].append(value - truths[name])
            seen[name, "queries"].append(value)
    names = dict.fromkeys(name for name, _ in held)
    return [[*shape, consistency, mix, kind, name, *_columns(name, held, seen)] for name in names]


def _columns(name: str, held: Mapping[tuple[str, str], Held], seen: Mapping[tuple[str, str], list[float]]) -> list[str]:
    found = [(held.get((name, which)), _question(which)) for which in WHICH]
    return [
        f"{one.coverage:.3f} {_times(one, 2 * Z * float(np.std(seen[name, question])))}" if one else ""
        for one, question in found
    ]


def _times(held: Held, oracle: float) -> str:
    if oracle <= 1e-3:
        return "- -"
    width = fmean(held.widths) / oracle
    return f"{width:.2f} {width * held.enough:.2f}"


def _widths(rows: Sequence[Sequence[object]]) -> Iterator[list[object]]:
    """Sum up the widths by the teacher's draws: the last column is the widest that would do in the cells above 1.3."""
    cells: defaultdict[tuple[object, ...], list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        cases, theirs, _, consistency, _, _, metric, *columns = row
        if float(str(cases)) * (1 - float(str(consistency))) >= 1.49 and float(str(cases)) >= 30:
            for which, column in zip(WHICH[:2], columns, strict=False):
                if column and not str(column).endswith("-"):
                    _, width, enough = map(float, str(column).split())
                    cells[theirs, metric, which].append((width, enough))
    for key, found in sorted(cells.items(), key=str):
        widths = [width for width, _ in found]
        wide = [enough for width, enough in found if width > 1.3]
        yield [*key, len(found), median(widths), max(widths), len(wide), max(wide, default="")]


def teacher_tables() -> None:
    """Coverage and width, from full chains of teacher and student through the real judge."""
    chance = np.random.default_rng(2)
    rows = []
    for shape in ((5, 5, 5), (30, 2, 4), (30, 3, 3), (30, 5, 5), (30, 10, 4), (100, 6, 4)):
        for consistency in (0.4, 0.6, 0.8, 0.95, 1.0):
            for mix, kind in (("alike", "clone"), ("mixed", "failing 0.9")):
                rows += teacher_cell(chance, shape, consistency, mix, kind)
    print(
        "\nFull chains by the judge: coverage, and width over that of an oracle that knows the estimate's spread; then"
    )
    print("the width that would do in this cell alone, if its intervals were stretched until they held 95 % of truths")
    print(f"(error of a coverage near .95: {math.sqrt(0.95 * 0.05 / REPEATS):.3f})\n")
    heads = ("cases", "T draws", "S draws", "consist.", "cases are", "student", "metric", *WHICH)
    print(tabulate.tabulate(rows, heads, disable_numparse=True))
    print()
    for column, which in enumerate(WHICH, 7):
        for metric in ("chain_match", "agreement", "consistency", "margin", "relative"):
            cells = [float(str(row[column]).split()[0]) for row in rows if row[6] == metric and row[column]]
            if cells:
                lowest = sorted(cells)[:3]
                print(f"{which:14} {metric:12} mean {fmean(cells):.3f}, lowest of {len(cells)}: {lowest}")
    print("\nWidths from 30 cases on, where 1.5 pairs of a teacher's draws or more are expected to differ\n")
    heads = ("T draws", "metric", "interval", "cells", "median", "widest", "> 1.3", "would do there")
    print(tabulate.tabulate(list(_widths(rows)), heads, floatfmt=".2f"))
