"""Do the intervals cover the truth, and how wide are they? For ``gates.py``: a rate's, and those of full chains.

*Plain* is what other tools print, if any: one Wilson interval (1927) of all draws put together, for both questions.

Widths are laid beside those of an *oracle* that knows the true spread of the estimate, and prints it ± 1.96 of that.
Near 0 and 1, or where most of the spread is that of rare cases, the oracle itself does not hold 94 % of truths; nor
need it care about what the draws can't tell. So beside both stands the *least* width that any interval could have which
holds 95 % whatever the truth is (``least.py``; a bound from below, mostly not the greatest).
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from functools import lru_cache
from statistics import fmean, median
from typing import TYPE_CHECKING, NamedTuple

import least
import numpy as np
import simulate
import tabulate

from pytest_toolmatch.judging.agreement import agreement
from pytest_toolmatch.statistics.effective import margin_intervals, rate_intervals, relative_intervals
from pytest_toolmatch.statistics.ustatistics import mean_of_draws

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    def add(self, interval: Interval | None, truth: float) -> None:
        """Note one interval, whose end may be infinite."""
        assert interval is not None
        low, high = interval
        self.held.append(low - 1e-9 <= truth <= high + 1e-9)
        self.widths.append(min(high, 3.0) - low)

    @property
    def coverage(self) -> float:
        """The share of intervals that held the truth."""
        return fmean(self.held)


def wilson(rate: float, draws: float) -> Interval:
    """Return Wilson's interval, as though all draws were independent and alike."""
    squared = Z * Z
    centre = (rate + squared / (2 * draws)) / (1 + squared / draws)
    half = Z / (1 + squared / draws) * math.sqrt(rate * (1 - rate) / draws + squared / (4 * draws * draws))
    return (centre - half, centre + half)


class Cell(NamedTuple):
    """One interval in one cell of the grid, beside the oracle's."""

    cell: tuple[object, ...]
    which: str
    held: Held
    oracle: float
    oracle_held: float
    oracle_tried: int
    least: float

    @property
    def told(self) -> bool:
        """Whether there is an oracle whose width is worth a comparison, and that is not surely below 94 % itself."""
        return self.oracle > 1e-3 and not surely_below(self.oracle_held, self.oracle_tried)

    @property
    def width(self) -> float:
        """The mean width over that of the oracle."""
        return fmean(self.held.widths) / self.oracle if self.oracle > 1e-9 else math.nan

    @property
    def width_error(self) -> float:
        """The standard error of that ratio."""
        return float(np.std(self.held.widths)) / math.sqrt(len(self.held.widths)) / self.oracle

    @property
    def width_of_least(self) -> float:
        """The mean width over that of the oracle or the least one, whichever is larger."""
        return fmean(self.held.widths) / max(self.oracle, self.least)

    @property
    def row(self) -> list[object]:
        """A line of a table of single cells."""
        ratio = self.least / self.oracle if self.oracle > 1e-9 else math.nan
        return [*self.cell, self.which, self.held.coverage, self.oracle_held, self.width, ratio, self.width_of_least]


def surely_below(coverage: float, tried: int) -> bool:
    """Say whether a coverage lies below 94 % by more than chance."""
    return coverage + 2.6 * math.sqrt(0.94 * 0.06 / tried) < 0.94


def rate_cell(chance: np.random.Generator, mean: float, mix: str, cases: int, draws: int) -> list[Cell]:
    """Return the intervals of one cell of the grid."""
    found = {name: Held() for name in WHICH}
    measures = [mean_of_draws([1.0] * n + [0.0] * (draws - n)) for n in range(draws + 1)]
    for _ in range(REPEATS):
        rates = simulate.case_rates(chance, mean, mix, cases)
        matches = chance.binomial(draws, rates).tolist()
        both = rate_intervals([measures[n] for n in matches], 0.95)
        plain = wilson(sum(matches) / (cases * draws), cases * draws)
        for name, interval in zip(WHICH, (*both, plain, plain), strict=True):
            found[name].add(interval, float(rates.mean()) if name.startswith("suite") else mean)
    oracles = rate_oracles(chance, mean, mix, cases, draws)
    cell = (cases, draws, mean, mix)
    leasts = [least.of_rate(cases, draws, mean, mix, _question(name)) for name in WHICH]
    return [
        Cell(cell, name, held, *oracles[_question(name)], least)
        for (name, held), least in zip(found.items(), leasts, strict=True)
    ]


def rate_oracles(
    chance: np.random.Generator, mean: float, mix: str, cases: int, draws: int
) -> dict[str, tuple[float, float, int]]:
    """Return the oracle's width for both questions, how often it holds the truth, and in how many trials."""
    tried = min(4000, 200_000 // cases)
    rates = simulate.case_rates(chance, mean, mix, (tried, cases))
    seen = chance.binomial(draws, rates).mean(axis=1) / draws
    spread = simulate.spread_of(mean, mix)
    found = {}
    noises = (rates * (1 - rates)).sum(axis=1) / draws / cases**2
    of_cases = np.full(tried, (spread + (mean * (1 - mean) - spread) / draws) / cases)
    for name, truths, variances in (("suite", rates.mean(axis=1), noises), ("queries", mean, of_cases)):
        errors = Z * np.sqrt(variances)
        found[name] = (2 * float(errors.mean()), float((abs(seen - truths) <= errors + 1e-9).mean()), tried)
    return found


def _question(which: str) -> str:
    return which.partition(",")[0]


def interval_tables() -> None:
    """Coverage and width of a rate's intervals over the whole grid, by the number of cases."""
    chance = np.random.default_rng(1)
    cells = [
        cell
        for cases in (5, 10, 30, 100, 500)
        for draws in (1, 2, 4, 10, 32)
        for mix in simulate.MIXES
        for mean in (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)
        for cell in rate_cell(chance, mean, mix, cases, draws)
    ]
    print("\nIntervals of a rate: 1-32 draws, rates .5-1 alike or mixed; 140 cells a line")
    print(f"(error of a cell's coverage near .95: {math.sqrt(0.95 * 0.05 / REPEATS):.3f}; {EXPLAINED})\n")
    grouped: defaultdict[tuple[object, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        grouped[cell.cell[0], cell.which].append(cell)
    print(tabulate.tabulate([[*key, *_summary(found)] for key, found in grouped.items()], HEADS, floatfmt=".3f"))
    own = [cell for cell in cells if "," not in cell.which]
    _list_cells(own, ("cases", "draws", "rate", "cases are"))
    lost_table()


LOST = (0.02, 0.03, 0.05, 0.1)
"""Shares of queries of a kind that a student never gets."""


def lost_table() -> None:
    """Coverage where a student never gets a kind of queries, which a suite may happen to miss."""
    chance = np.random.default_rng(9)
    rows = []
    for cases in (20, 30, 40, 50, 60, 80, 100):
        for share in LOST:
            cells = [
                lost_cell(chance, cases, draws, (rate, mix, share))
                for draws in (4, 10, 32)
                for rate in (0.8, 0.9, 0.98)
                for mix in ("alike", "mixed")
            ]
            coverages = [cell.coverage for cell in cells]
            rows.append([cases, share, (1 - share) ** cases, fmean(coverages), min(coverages)])
    print("\nQueries like these, of which a student never gets a share: 4-32 draws, the others .8-.98, alike or mixed")
    print(f"(error of a mean: {math.sqrt(0.95 * 0.05 / REPEATS / 18):.3f}, of the lowest: about three times as much)\n")
    print(tabulate.tabulate(rows, ("cases", "never", "none seen", "mean cov.", "lowest of 18"), floatfmt=".3f"))


def lost_cell(chance: np.random.Generator, cases: int, draws: int, kinds: tuple[float, str, float]) -> Held:
    """Return the intervals for queries of which a share is never got, and the others as often as this."""
    rate, mix, share = kinds
    found = Held()
    measures = [mean_of_draws([1.0] * n + [0.0] * (draws - n)) for n in range(draws + 1)]
    for _ in range(REPEATS):
        rates = np.where(chance.random(cases) < share, 0.0, simulate.case_rates(chance, rate, mix, cases))
        _, interval = rate_intervals([measures[n] for n in chance.binomial(draws, rates).tolist()], 0.95)
        found.add(interval, rate * (1 - share))
    return found


EXPLAINED = "width: over an oracle's\n that knows the variance, in cells where it holds 94 % itself"
HEADS = (
    *("cases", "interval", "mean cov.", "lowest", "surely < .94", "oracle's"),
    *("mean width", "± ", "median", "widest", "> 1.3", "of", "> 1.3 of least"),
)


def _summary(cells: Sequence[Cell]) -> list[float]:
    coverages = [cell.held.coverage for cell in cells]
    surely = sum(surely_below(coverage, REPEATS) for coverage in coverages)
    oracles = sum(surely_below(cell.oracle_held, cell.oracle_tried) for cell in cells if cell.oracle)
    widths = [cell.width for cell in cells if cell.told]
    errors = [cell.width_error for cell in cells if cell.told]
    of_least = sum(cell.width_of_least > 1.3 for cell in cells if cell.told)
    wide = sum(width > 1.3 for width in widths)
    error = math.sqrt(math.fsum(one * one for one in errors)) / max(1, len(errors))
    spans = [fmean(widths), error, median(widths), max(widths)] if widths else [math.nan] * 4
    return [fmean(coverages), min(coverages), surely, oracles, *spans, wide, len(widths), of_least]


def _list_cells(cells: Sequence[Cell], heads: Sequence[str]) -> None:
    """List the cells from 30 cases on that are wider than 1.3 times the oracle, and those where that does not hold."""
    columns = (*heads, "interval", "holds", "oracle holds", "width", "least", "of the larger")
    large = [cell for cell in cells if int(str(cell.cell[0])) >= 30 and cell.oracle > 1e-3]
    told = [cell for cell in large if cell.told]
    error = math.sqrt(math.fsum(cell.width_error**2 for cell in told)) / len(told)
    mean, of_least = fmean(cell.width for cell in told), fmean(cell.width_of_least for cell in told)
    print(f"\nFrom 30 cases on, in {len(told)} cells: mean width {mean:.3f} ± {error:.3f} times such an oracle's;")
    print(f"{of_least:.3f} times the larger of that and of the least that any interval could have")
    wide = sorted([cell for cell in told if cell.width > 1.3], key=lambda cell: -cell.width)
    print("\nFrom 30 cases on, wider than 1.3 times an oracle that holds 94 %: both coverages; over the oracle's width")
    print("ours and the least one; ours over the larger of the oracle's and the least\n")
    print(tabulate.tabulate([cell.row for cell in wide], columns, floatfmt=".2f"))
    lost = [cell for cell in large if not cell.told]
    print("\nFrom 30 cases on, where the oracle itself holds less than 94 %\n")
    print(tabulate.tabulate([cell.row for cell in lost], columns, floatfmt=".2f"))


class Case(NamedTuple):
    """One case by the real judge: its measures, and how often its consensus is matched."""

    measures: dict[str, Measure]
    match_rate: float


def judged(chance: np.random.Generator, pair: simulate.Pair, theirs: int, ours: int) -> Case:
    """Draw both models' chains of one case, and judge them."""
    teacher, student = simulate.drawn(chance, pair.teacher, theirs), simulate.drawn(chance, pair.student, ours)
    # Chains are known by their order alone: so fewer kinds of draws have to be judged.
    names = sorted({*teacher, *student})
    measures, chosen = verdict(*(tuple(sorted(map(names.index, drawn))) for drawn in (teacher, student)))
    return Case(measures, math.nan if chosen is None else float(pair.student[names[chosen]]))


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
) -> list[Cell]:
    """Return the intervals of each metric of full chains of teacher and student, judged by the real judge."""
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
                    held[name, which].add(interval, of[name])
            seen[name, "suite"].append(value - truths[name])
            seen[name, "queries"].append(value)
    cell = (*shape, consistency, mix, kind)
    shaped = least.Shape(cases, theirs, ours, whole["agreement"], whole["consistency"])
    found = []
    for (name, which), one in held.items():
        errors = np.array(seen[name, _question(which)])
        truth = 0.0 if which.startswith("suite") else whole.get(name, math.nan)
        spread = Z * float(np.std(errors))
        holds = float((abs(errors - truth) <= spread + 1e-9).mean())
        lowest = least.of_chains(name, _question(which), shaped) if name != "chain_match" else 0.0
        found.append(Cell((*cell, name), which, one, 2 * spread, holds, len(errors), lowest))
    return found


SHAPES = ((5, 5, 5), (10, 10, 10), (30, 2, 4), (30, 3, 3), (30, 5, 5), (30, 10, 10), (30, 32, 8), (100, 6, 4))
KINDS = (("alike", "clone"), ("mixed", "clone"), ("mixed", "failing 0.9"), ("alike", "lost in 0.05"))


def teacher_tables() -> None:
    """Coverage and width, from full chains of teacher and student through the real judge."""
    chance = np.random.default_rng(2)
    cells = [
        cell
        for shape in SHAPES
        for consistency in (0.4, 0.6, 0.8, 0.95, 1.0)
        for mix, kind in KINDS
        for cell in teacher_cell(chance, shape, consistency, mix, kind)
    ]
    print("\nFull chains by the judge, of teachers of consistency .4-1 and three students of each; 20 cells a line")
    print(f"(error of a cell's coverage near .95: {math.sqrt(0.95 * 0.05 / REPEATS):.3f}; {EXPLAINED})\n")
    grouped: defaultdict[tuple[object, ...], list[Cell]] = defaultdict(list)
    for cell in cells:
        grouped[*cell.cell[:3], cell.cell[-1], cell.which].append(cell)
    lines = [[*key, *_summary(found)] for key, found in grouped.items()]
    print(tabulate.tabulate(lines, ("cases", "T draws", "S draws", "metric", *HEADS[1:]), floatfmt=".3f"))
    low = sorted(cells, key=lambda cell: cell.held.coverage)
    print("\nThe ten lowest coverages of ours:")
    own = [cell for cell in low if "," not in cell.which]
    for cell in own[:10]:
        print(f"  {cell.held.coverage:.3f}", *cell.cell, cell.which)
    _list_cells(own, ("cases", "T draws", "S draws", "consist.", "cases are", "student", "metric"))
