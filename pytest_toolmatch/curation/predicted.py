"""How likely a student is to match, case by case, as far as recordings of other students say.

A working model for a sample that is cut into strata by what it says (Särndal, Swensson & Wretman 1992, *Model Assisted
Survey Sampling*): where it is wrong the sample is less precise, and as fair as ever.
"""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

Numbers: TypeAlias = "NDArray[np.float64]"

_UNKNOWN = 0.5
_SHRUNK = 10.0
"""Cases of mean rate that stand beside those that a case is like."""
_SLOPES, _DOUBT = (0.5, 0.0), 5.0
"""What the two slopes are where there is nothing to learn them from, and the sum of squares that this counts as."""


class _Told(NamedTuple):
    """What some students say: how often they match in all; by case, in it and in those that it is like."""

    mean: float
    own: Numbers
    like: Numbers

    def columns(self, places: Sequence[int]) -> Numbers:
        """Return own and like of some cases, ``(cases, 2)``, around their means."""
        both = np.stack([self.own[places], self.like[places]], 1)
        return both - both.mean(0)


def predicted(
    matches: Sequence[Mapping[str, float]], consistency: Sequence[float | None], likes: Sequence[str]
) -> list[float]:
    """Return how often a student that is not recorded is expected to match in each case, from 0 to 1.

    ``matches`` are those of the recorded students. What each of them does is explained by the others, in the case
    and in those that it is like (``likes`` names them), by least squares; the slopes go for one more student. Without
    any student the teacher's ``consistency`` says what is hard, by half: it may repeat what no other does.
    """
    students = sorted({name for one in matches for name in one})
    if not students:
        known = [one for one in consistency if one is not None]
        usual = fmean(known) if known else _UNKNOWN
        return [usual if one is None else usual + _SLOPES[0] * (one - usual) for one in consistency]
    slopes = _slopes(matches, students, likes)
    told = _told([one.values() for one in matches], likes)
    expected = told.mean + told.columns(range(len(matches))) @ slopes
    return [float(one) for one in np.round(np.clip(expected, 0, 1), 9)]


def _slopes(matches: Sequence[Mapping[str, float]], students: Sequence[str], likes: Sequence[str]) -> Numbers:
    """Explain every student by the others: ridge regression, drawn to slopes that hold without any data."""
    squares, products = np.eye(2) * _DOUBT, np.array(_SLOPES) * _DOUBT
    for student in students if len(students) > 1 else ():
        places = [place for place, one in enumerate(matches) if student in one]
        others = [[value for name, value in one.items() if name != student] for one in matches]
        columns = _told(others, likes).columns(places)
        values = np.array([matches[place][student] for place in places])
        squares += columns.T @ columns
        products += columns.T @ (values - values.mean())
    return np.clip(np.linalg.solve(squares, products), 0, 1)


def _told(values: Sequence[Iterable[float]], likes: Sequence[str]) -> _Told:
    given = [list(one) for one in values]
    every = [value for one in given for value in one]
    mean = fmean(every) if every else _UNKNOWN
    own = [(sum(one) + mean) / (len(one) + 1) for one in given]
    by: dict[str, list[float]] = defaultdict(list)
    for like, value in zip(likes, own, strict=True):
        by[like].append(value)
    of = {like: (sum(mine) + _SHRUNK * mean) / (len(mine) + _SHRUNK) for like, mine in by.items()}
    return _Told(mean, np.array(own), np.array([of[like] for like in likes]))
