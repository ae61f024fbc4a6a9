"""How many draws does ``samples = auto`` take? The product's own rounds on scripted students, for ``gates.py``.

*Looked at* are the draws that decided the gate, *asked for* those and what was in flight then. Rounds are those of
``auto`` by itself, but that cases may have more samples at most: so no gate near to its bound ends before it is told.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from statistics import fmean
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import simulate
import tabulate

from pytest_toolmatch.core.auto import PLAIN
from pytest_toolmatch.core.case import Case, case_of_query
from pytest_toolmatch.judging.gate import parse_gate
from pytest_toolmatch.judging.looks import Wanted, look_of
from pytest_toolmatch.judging.verdict import CaseResult
from pytest_toolmatch.rounds import Rounds
from pytest_toolmatch.statistics.ustatistics import mean_of_draws

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REPEATS = int(os.environ.get("REPEATS", "200"))
MOST = 40, 1500
"""Draws of a case, and of all cases together: after both of them a gate stays undecided."""


class Scripted:
    """Cases that match at their own rates; ``asked`` is how many draws were begun."""

    def __init__(self, chance: np.random.Generator, rates: Sequence[float]) -> None:
        self.cases = [case_of_query(f"{place}", id=f"{place}") for place in range(len(rates))]
        self.most = max(MOST[0], math.ceil(MOST[1] / len(rates)))
        self._hits = [(chance.random(self.most) < rate).astype(float).tolist() for rate in rates]
        self._begun = [0] * len(rates)

    @property
    def asked(self) -> int:
        """How many draws were begun."""
        return sum(self._begun)

    def begin(self, case: Case, wanted: Wanted) -> None:
        """Note what is asked for."""
        self._begun[int(case.id)] = wanted.student

    def ready(self, case: Case, wanted: Wanted) -> bool:
        """Say that it is there."""
        return wanted.student <= self._begun[int(case.id)]

    def judged(self, case: Case, wanted: Wanted) -> CaseResult:
        """Judge a case by its first draws."""
        measures = {"chain_match": mean_of_draws(self._hits[int(case.id)][: wanted.student])}
        return CaseResult(
            suite="s", case=case.id, query="?", state="agrees", measures=measures, student_samples=wanted.student
        )

    def scores(self, case: Case, first: int, drawn: int, wanted: int) -> Mapping[str, Sequence[float]]:
        """Return the scores of new draws."""
        return {"chain_match": self._hits[int(case.id)][drawn:wanted] if first else []}

    def exhausted(self, case: Case, drawn: Wanted, more: Wanted) -> str:
        """Say that there is always more."""
        return "" if case and drawn and more else "nothing left"


def auto(chance: np.random.Generator, bound: float, rates: Sequence[float]) -> tuple[str, int, int]:
    """Run one gate; return its state, the draws that were looked at, and those that were asked for."""
    scripted, gate = Scripted(chance, rates), f"chain_match >= {bound:g}"
    look = look_of(parse_gate(gate), 0.95, scored=True)
    rounds = Rounds(scripted, scripted.cases, [look], msgspec.structs.replace(PLAIN, most=scripted.most))
    rounds.settle()
    return look.result.state, look.result.draws or 0, scripted.asked


def auto_row(chance: np.random.Generator, bound: float, cases: int, mix: str, points: int) -> list[float | str]:
    """Return the line of one gate at one truth."""
    truth = round(bound + points / 100, 4)
    states, used, asked = Counter[str](), [], []
    for _ in range(REPEATS):
        state, looked_at, begun = auto(chance, bound, simulate.suite_rates(chance, truth, mix, cases).tolist())
        states[state] += 1
        used.append(looked_at)
        asked.append(begun)
    wrong = max(states["holds"], states["fails"]) if not points else states["holds" if points < 0 else "fails"]
    drawn: list[float | str] = [round(fmean(used)), round(fmean(asked))]
    if points:
        fixed = simulate.fixed_size(bound, round(bound + math.copysign(0.05, points), 4))
        error = float(np.std(used)) / math.sqrt(REPEATS) / fixed
        drawn += [fixed, fmean(used) / fixed, error, fmean(asked) / fixed]
    else:
        drawn += ["", "", "", ""]
    return [bound, cases, mix, points, states["undecided"] / REPEATS, *drawn, wrong / REPEATS]


def auto_table() -> None:
    """Draws of ``samples = auto`` over those of a fixed design of equal errors, and how often it errs."""
    chance = np.random.default_rng(8)
    rows = [
        auto_row(chance, bound, cases, mix, points)
        for bound, cases in ((0.9, 10), (0.9, 30), (0.9, 100), (0.8, 30), (0.8, 100))
        for mix in ("alike", "very mixed", "all or nothing")
        for points in (-10, -5, 0, 5, 10)
        if bound + points / 100 < 1
    ]
    print(f"\nGates `chain_match >= bound` by the product's rounds, auto, {PLAIN.together:g} samples at first;")
    print(f"a case may have {MOST[0]} of them, or {MOST[1]} ÷ cases")
    print(f"(error of a share near .05: {math.sqrt(0.05 * 0.95 / REPEATS):.3f})\n")
    heads = ("bound", "cases", "cases are", "points off", "undecided", "looked at", "asked for", "fixed")
    print(tabulate.tabulate(rows, (*heads, "ratio", "± ", "asked ratio", "wrong"), floatfmt=".3f"))
    for points, most in ((5, 0.75), (10, 0.40)):
        ratios = [float(row[8]) for row in rows if abs(int(row[3])) == points]
        print(
            f"\n{points} points off: {min(ratios):.2f}-{max(ratios):.2f} of a fixed design's draws (to reach: {most})"
        )
    print(f"\nhighest share of wrong decisions: {max(float(row[-1]) for row in rows):.3f}")
