"""Scripted suites of known truth for ``gates.py``: match rates that differ between cases, teachers that are never sure.

``rates`` are what a case's draws match with. A *teacher* is a distribution over chains for every case, a *student* one
that is made from it: a clone, one that fails in a tenth of its draws, one that always gives the likeliest chain.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pytest_toolmatch.core.chain import chain_of
from pytest_toolmatch.core.rules import Rules
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.judging.levels import LEVELS, Classes
from pytest_toolmatch.judging.matching import Matcher

if TYPE_CHECKING:
    from collections.abc import Sequence

CHAINS = 4
NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}}
MATCHER = Matcher([Tool(name="a", parameters=NUMBER)], rules=Rules())
MIXES = {"alike": 0.0, "mixed": 10.0, "very mixed": 1.0, "all or nothing": -1.0}
"""How match rates vary: the a + b of their Beta distribution."""


def case_rates(chance: np.random.Generator, mean: float, mix: str, shape: Any) -> np.ndarray:
    """Return rates of cases with this mean over all cases there could be."""
    strength = MIXES[mix]
    if strength == 0 or mean in (0, 1):
        return np.full(shape, mean)
    if strength < 0:
        return (chance.random(shape) < mean).astype(float)
    return chance.beta(mean * strength, (1 - mean) * strength, shape)


def suite_rates(chance: np.random.Generator, mean: float, mix: str, cases: int) -> np.ndarray:
    """Return rates of cases whose own mean is this one exactly: a fixed suite at a known distance from a gate."""
    if MIXES[mix] < 0:
        return (np.arange(cases) < round(mean * cases)).astype(float)
    found = case_rates(chance, mean, mix, cases)
    for _ in range(200):
        found = np.clip(found + mean - found.mean(), 0, 1)
    return found


def spread_of(mean: float, mix: str) -> float:
    """Return the variance of the cases' rates."""
    strength = MIXES[mix]
    share = 0.0 if strength == 0 else 1.0 if strength < 0 else 1 / (strength + 1)
    return mean * (1 - mean) * share


class Pair(NamedTuple):
    """One case: how often the teacher gives each chain, and the student the same ones and (last) another.

    ``agreement`` is the probability that a draw of either is the same, ``consistency`` that two of the teacher are.
    """

    teacher: np.ndarray
    student: np.ndarray
    agreement: float
    consistency: float


def teacher_of(consistency: float) -> np.ndarray:
    """Return the distribution with one likeliest chain, the others alike, and this probability of two equal draws."""
    others = CHAINS - 1
    top = (1 + math.sqrt(max(0.0, others * (CHAINS * consistency - 1)))) / CHAINS
    return np.array([top] + [(1 - top) / others] * others)


def student_of(teacher: np.ndarray, kind: str) -> np.ndarray:
    """Return a student's distribution over these chains and one more: ``clone``, ``best`` or ``failing 0.9``.

    ``lost`` is one that never gives any of them.
    """
    if kind == "lost":
        return np.eye(CHAINS + 1)[CHAINS]
    if kind == "best":
        return np.eye(CHAINS + 1)[int(teacher.argmax())]
    kept = teacher * float(kind.removeprefix("failing ")) if kind.startswith("failing") else teacher
    return np.append(kept, 1 - kept.sum())


def pairs(chance: np.random.Generator, consistency: float, mix: str, kind: str, cases: int) -> list[Pair]:
    """Return cases of one consistency, or (mixed) some where the teacher is sure and some where it guesses.

    A student ``lost in 0.05`` is a clone that in so many of the cases never gives what the teacher does.
    """
    wanted = np.full(cases, consistency)
    if mix == "mixed":
        wanted = np.where(chance.random(cases) < (consistency - 0.3) / 0.7, 1.0, 0.3)
    kinds = np.full(cases, kind, dtype=object)
    if kind.startswith("lost in"):
        kinds = np.where(chance.random(cases) < float(kind.removeprefix("lost in")), "lost", "clone")
    return [made(float(own), str(one)) for own, one in zip(wanted, kinds, strict=True)]


@cache
def made(consistency: float, kind: str) -> Pair:
    """Return a case of this consistency."""
    teacher = teacher_of(consistency)
    student = student_of(teacher, kind)
    return Pair(teacher, student, float(teacher @ student[:CHAINS]), float(teacher @ teacher))


def drawn(chance: np.random.Generator, weights: np.ndarray, count: int) -> list[int]:
    """Return so many draws from a distribution."""
    return np.minimum(np.searchsorted(np.cumsum(weights), chance.random(count)), len(weights) - 1).tolist()


@cache
def sample(chain: int) -> Sample:
    """Return a sample that calls this chain."""
    return Sample(
        case="c",
        role="recorded",
        draw=0,
        outcome="called",
        chain=chain_of([[{"name": "a", "arguments": {"n": chain}}]]),
    )


def classes(teacher: Sequence[int], student: Sequence[int]) -> Classes:
    """Return what the judge makes of such draws at its first level."""
    made = Classes(MATCHER, [sample(n) for n in teacher], [sample(n) for n in student])
    return made.merged(LEVELS[0])


@cache
def fixed_size(bound: float, truth: float, error: float = 0.05) -> int:
    """Return the fewest draws with which a test of fixed size errs no more than so, at the bound and at the truth."""
    from scipy.stats import binom  # noqa: PLC0415

    near, far = (bound, truth) if truth > bound else (1 - bound, 1 - truth)
    sizes = np.arange(1, 20_000)
    most = binom.isf(error, sizes, near)
    return int(sizes[np.argmax(binom.cdf(most, sizes, far) <= error)])
