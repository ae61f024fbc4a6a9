"""What the teacher's samples of one case come to: its consensus, and how often it agrees with itself."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pytest_toolmatch.judging.levels import LEVELS, Classes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.judging.matching import Matcher

    Matrix: TypeAlias = Mapping[int, Mapping[int, bool]]


class Consensus(NamedTuple):
    """The teacher chain with the largest support: its class, and how many of the ``of`` samples match it."""

    chosen: int
    support: int
    of: int

    @property
    def share(self) -> float:
        """The share of the teacher's samples that match the consensus."""
        return self.support / self.of


def support(counts: Counter[int], matrix: Matrix, index: int) -> int:
    """Return how many of the counted teacher samples match class ``index``, itself included."""
    return sum(count for other, count in counts.items() if matrix[other][index])


def consensus(classes: Classes, draws: Sequence[int], matrix: Matrix) -> Consensus | None:
    """Return the teacher's consensus among some of its draws; None where there is none or none is matchable.

    Ties go to the chain drawn more often, then to the smaller text, so the order of the samples has no say.
    """
    counts = Counter(draws)
    leading, most = leaders(classes, draws, matrix)
    if not leading:
        return None
    chosen = min(leading, key=lambda index: (-counts[index], classes.rank(index)))
    return Consensus(chosen, most, len(draws))


def leaders(classes: Classes, draws: Sequence[int], matrix: Matrix) -> tuple[list[int], int]:
    """Return the classes with the largest support among some of the teacher's draws, and that support."""
    counts = Counter(index for index in draws if classes.chains[index] is not None)
    supports = {index: support(counts, matrix, index) for index in counts}
    most = max(supports.values(), default=0)
    return [index for index in supports if supports[index] == most], most


def representative(matcher: Matcher, samples: Sequence[Sample]) -> Sample | None:
    """Return the first sample of the chain with the largest support; None where none can be compared."""
    classes = Classes(matcher, samples, ())
    found = consensus(classes, classes.teacher, classes.matrix(LEVELS[0]))
    return samples[classes.teacher.index(found.chosen)] if found else None


def consistency(draws: Sequence[int], matrix: Matrix) -> float | None:
    """Return the share of unordered pairs of distinct draws with ``m(a, b) or m(b, a)``; None below two draws.

    The U-statistic of design §3, unbiased for any number of draws K ≥ 2.
    """
    counts = sorted(Counter(draws).items())
    pairs = len(draws) * (len(draws) - 1) // 2
    if not pairs:
        return None
    agreeing = 0
    for place, (a, count) in enumerate(counts):
        agreeing += count * (count - 1) // 2 * matrix[a][a]
        agreeing += sum(count * other for b, other in counts[place + 1 :] if matrix[a][b] or matrix[b][a])
    return agreeing / pairs


def self_agreement(draws: Sequence[int], matrix: Matrix) -> float | None:
    """Return the share of ordered pairs of distinct draws with ``m(a, b)``; None below two draws.

    What a student that is the teacher would get as ``agreement``. In a mode with a direction it may lie below
    ``consistency``, which takes either direction.
    """
    counts = Counter(draws)
    pairs = len(draws) * (len(draws) - 1)
    if not pairs:
        return None
    return sum(matrix[a][b] * n * (m - (a == b)) for a, n in counts.items() for b, m in counts.items()) / pairs


def leave_one_out(draws: Sequence[int], score: Callable[[int, Sequence[int]], float | None]) -> list[float]:
    """Return the score of every draw against the others; draws of one class are scored once.

    ``score(draw, others)`` may be None where the others are no reference.
    """
    scored: dict[int, float | None] = {}
    for place, index in enumerate(draws):
        if index not in scored:
            scored[index] = score(index, [*draws[:place], *draws[place + 1 :]])
    return [value for index in draws if (value := scored[index]) is not None]
