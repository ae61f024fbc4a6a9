"""How narrow could an interval be that holds 95 % of truths whatever they are? Lower bounds for ``cover.py``.

The expected length of an interval is the integral, over all values θ, of the chance that it holds θ. It holds θ with
95 % where θ is true; so where P is true, with no less than 1 less the power against P of the best test of θ at 5 %
(Pratt 1961, JASA 56:549). An oracle that knows the variance need not care about θ; an interval does.

*What is not seen*: let each of n units (cases, or draws) be replaced with probability q by one of another kind. With
probability (1 − q)ⁿ none is, so no test at 5 % has a power against P above 0.05 (1 − q)⁻ⁿ. That bound holds for every
P, and for every kind.

*All alike*: n independent draws of one rate. There the best test is known.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

LEVEL = 0.05
PAIR = 2


class Shape(NamedTuple):
    """A suite of so many cases, with so many draws of the teacher and of the student for each, and their rates."""

    cases: int
    theirs: int
    ours: int
    agreement: float
    consistency: float


def unseen(units: int, value: Callable[[np.ndarray], np.ndarray]) -> float:
    """Return the least length on that side of the truth to which ``value`` goes as q grows from 0."""
    replaced = np.linspace(0, 1 - LEVEL ** (1 / units), 401)
    held = 1 - LEVEL * (1 - replaced) ** -units
    return float(abs(np.trapezoid(held, value(replaced))))


@cache
def alike(draws: int, rate: float) -> float:
    """Return the least length where draws are independent and alike: by the best tests, made exact by chance."""
    from scipy.stats import binom  # noqa: PLC0415

    if not 0 < rate < 1:
        return 0.0
    rates = np.linspace(0, 1, 2001)[1:-1]
    mirrored = np.where(rates < rate, rates, 1 - rates)
    near = np.where(rates < rate, rate, 1 - rate)
    most = binom.isf(LEVEL, draws, mirrored)
    beyond, at = binom.sf(most, draws, mirrored), binom.pmf(most, draws, mirrored)
    power = binom.sf(most, draws, near) + binom.pmf(most, draws, near) * (LEVEL - beyond) / at
    return float(np.trapezoid(1 - np.minimum(1, power), rates))


def of_rate(cases: int, draws: int, rate: float, mix: str, which: str) -> float:
    """Return the least width of a rate's interval; draws of other mixes than ``alike`` may look as if they were.

    So does a single draw a case, whatever the mix; and so do cases that are all or nothing, to who asks for others.
    """
    units = cases if which == "queries" else cases * draws
    sides = unseen(units, lambda q: rate * (1 - q)) + unseen(units, lambda q: rate * (1 - q) + q)
    if mix == "alike" or draws == 1:
        return max(sides, alike(cases * draws, rate))
    return max(sides, alike(cases, rate)) if mix == "all or nothing" and which == "queries" else sides


def of_chains(metric: str, which: str, shape: Shape) -> float:
    """Return the least width of the interval of a metric of full chains.

    Among queries kinds may be unseen that the student never gets right, or where a teacher is unsure and the student
    gives its likeliest chain; among draws such as match nothing. A single pair a case tells no more of cases that
    differ than of those that are alike.
    """
    cases, theirs, ours, a, c = shape
    if which == "suite":
        found = _SUITE[metric](cases * ours, cases * theirs, a, c)
    else:
        kinds = ((0.0, 1.0), (0.5, 0.25)) if metric in _BESIDE else ((0.0, 0.0), (1.0, 1.0))
        found = sum(unseen(cases, partial(_QUERIES[metric], a, c, kind)) for kind in kinds)
    return max(found, alike(cases, round(c, 3))) if metric == "consistency" and theirs == PAIR else found


def _toward(rate: float, end: float, replaced: np.ndarray) -> np.ndarray:
    return rate * (1 - replaced) + end * replaced


_BESIDE = {"margin", "relative"}

_SUITE: dict[str, Callable[[int, int, float, float], float]] = {
    "agreement": lambda ours, _, a, __: unseen(ours, lambda q: a * (1 - q)),
    "consistency": lambda _, theirs, __, c: unseen(theirs, lambda q: c * (1 - q) ** 2),
    "margin": lambda ours, theirs, a, c: (
        unseen(ours, lambda q: a * (1 - q)) + unseen(theirs, lambda q: a * (1 - q) - c * (1 - q) ** 2)
    ),
    "relative": lambda ours, theirs, a, c: (
        unseen(ours, lambda q: a * (1 - q) / c) + unseen(theirs, lambda q: a / c / (1 - q))
    ),
}

_QUERIES: dict[str, Callable[[float, float, tuple[float, float], np.ndarray], np.ndarray]] = {
    "agreement": lambda a, _, kind, q: _toward(a, kind[0], q),
    "consistency": lambda _, c, kind, q: _toward(c, kind[1], q),
    "margin": lambda a, c, kind, q: _toward(a, kind[0], q) - _toward(c, kind[1], q),
    "relative": lambda a, c, kind, q: _toward(a, kind[0], q) / _toward(c, kind[1], q),
}
