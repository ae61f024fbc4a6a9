"""Made-up students of known truth, and what gates, intervals and verdicts make of them; no model is called.

Chance is seeded by name, from the standard library's generator, whose draws are the same on every machine.
"""

from __future__ import annotations

import math
from functools import cache
from random import Random
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.statistics.beta import clopper_pearson
from pytest_toolmatch.statistics.effective import rate_intervals
from pytest_toolmatch.statistics.sequential import GateTest
from pytest_toolmatch.statistics.ustatistics import mean_of_draws, paired

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.statistics.intervals import Interval
    from pytest_toolmatch.statistics.sequential import Decision, Looked

BOUND = 0.80
CASES, FIRST, MOST = 20, 5, 40
"""The suite of the gates: its cases, and the first and the most samples of each."""

QUERIES = 0.85
"""The true rate over all queries of a kind, of which a suite's cases are a few."""

CHAINS = 4
_SAME = {one: {other: one == other for other in range(CHAINS)} for one in range(CHAINS)}


def teacher_of(consistency: float) -> list[float]:
    """Return how often a teacher gives each chain: one likeliest, the others alike, two draws equal so often."""
    others = CHAINS - 1
    top = (1 + math.sqrt(max(0.0, others * (CHAINS * consistency - 1)))) / CHAINS
    return [top] + [(1 - top) / others] * others


def agreement_of(teacher: Sequence[float], student: Sequence[float], cases: int, samples: int, seed: str) -> float:
    """Return a suite's ``agreement``, from so many samples of both models for each case."""
    chance, chains = Random(seed), range(CHAINS)
    return fmean(
        paired(chance.choices(chains, student, k=samples), chance.choices(chains, teacher, k=samples), _SAME)
        .agreement.value
        for _ in range(cases)
    )  # fmt: skip


def chance_at_most(matches: int, samples: int, rate: float) -> float:
    """Return the probability of so many matches or fewer, of so many samples that match at this rate."""
    return math.fsum(math.comb(samples, n) * rate**n * (1 - rate) ** (samples - n) for n in range(matches + 1))


def point_red(rate: float, samples: int) -> float:
    """Return how often the share of samples that match lies below the bound."""
    return chance_at_most(math.ceil(BOUND * samples - 1e-9) - 1, samples, rate)


def _round(chance: Random, rate: float, samples: int) -> list[list[float]]:
    return [[float(chance.random() < rate) for _ in range(samples)] for _ in range(CASES)]


def gate_build(rate: float, seed: str) -> Looked:
    """Return what a gate comes to that is looked at after every round, until it is decided or has had its most."""
    chance, test = Random(seed), GateTest(CASES, BOUND)
    looked = test.update(_round(chance, rate, FIRST))
    while looked.state == "undecided" and looked.draws < CASES * MOST:
        looked = test.update(_round(chance, rate, 1))
    return looked


class Shares(NamedTuple):
    """What became of a number of builds, as shares, and their mean number of samples."""

    fails: float
    undecided: float
    holds: float
    samples: float


def gate_shares(rate: float, builds: int) -> Shares:
    """Return what gates come to for a student of this true rate."""
    looked = [gate_build(rate, f"build {build}") for build in range(builds)]
    states: tuple[Decision, ...] = ("fails", "undecided", "holds")
    fails, undecided, holds = (fmean(one.state == state for one in looked) for state in states)
    return Shares(fails, undecided, holds, fmean(one.draws for one in looked))


class Look(NamedTuple):
    """One look of a build: samples per case so far, the mean, and two intervals whose ends err in 5 % each."""

    samples: int
    rate: float
    ordinary: Interval
    anytime: Interval


def looks(rate: float, seed: str) -> list[Look]:
    """Return all looks of one build, from the first samples to the most."""
    chance, test, found = Random(seed), GateTest(CASES, BOUND), []
    for samples in range(FIRST, MOST + 1):
        looked = test.update(_round(chance, rate, FIRST if samples == FIRST else 1))
        ordinary = _ordinary(round(looked.rate * looked.draws), looked.draws)
        found.append(Look(samples, looked.rate, ordinary, looked.interval))
    return found


@cache
def _ordinary(matches: int, samples: int) -> Interval:
    return clopper_pearson(matches / samples, samples, 0.9)


class Suite(NamedTuple):
    """The true mean of a suite's cases, their rates as seen, and the two intervals of their mean."""

    truth: float
    rates: list[float]
    suite: Interval
    queries: Interval


def suite_of(cases: int, samples: int, seed: str) -> Suite:
    """Return a suite whose cases match with rates of their own, ``QUERIES`` on average over all that there could be."""
    chance = Random(seed)
    true = [chance.betavariate(3 * QUERIES, 3 * (1 - QUERIES)) for _ in range(cases)]
    drawn = [[float(chance.random() < rate) for _ in range(samples)] for rate in true]
    suite, queries = rate_intervals([mean_of_draws(scores) for scores in drawn], 0.95)
    return Suite(fmean(true), [fmean(scores) for scores in drawn], suite, queries or (0.0, 1.0))


def widths(cases: int, samples: int, suites: int) -> tuple[float, float]:
    """Return the mean widths of both intervals over so many suites."""
    found = [suite_of(cases, samples, f"suite {number}") for number in range(suites)]
    return (
        fmean(one.suite[1] - one.suite[0] for one in found),
        fmean(one.queries[1] - one.queries[0] for one in found),
    )


def case_matches(rates: Sequence[float], samples: int, seed: str) -> list[int]:
    """Return how many of a case's samples match, for cases of these true rates."""
    chance = Random(seed)
    return [sum(chance.random() < rate for _ in range(samples)) for rate in rates]
