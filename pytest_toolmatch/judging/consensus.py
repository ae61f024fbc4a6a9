"""What the teacher's samples of one case come to: its consensus, and how often it agrees with itself."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.judging.levels import LEVELS, Classes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.judging.matching import Matcher
    from pytest_toolmatch.statistics.ustatistics import Matrix


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


class Agreed(NamedTuple):
    """The first sample of the teacher's consensus, and the consensus."""

    sample: Sample
    consensus: Consensus


def agreed(matcher: Matcher, samples: Sequence[Sample]) -> Agreed | None:
    """Return what the teacher does, by the chain with the largest support; None where none can be compared."""
    classes = Classes(matcher, samples, ())
    found = consensus(classes, classes.teacher, classes.matrix(LEVELS[0]))
    return Agreed(samples[classes.teacher.index(found.chosen)], found) if found else None


def representative(matcher: Matcher, samples: Sequence[Sample]) -> Sample | None:
    """Return the first sample of the chain with the largest support; None where none can be compared."""
    found = agreed(matcher, samples)
    return found.sample if found else None


def leave_one_out(draws: Sequence[int], score: Callable[[int, Sequence[int]], float | None]) -> list[float]:
    """Return the score of every draw against the others; draws of one class are scored once.

    ``score(draw, others)`` may be None where the others are no reference.
    """
    scored: dict[int, float | None] = {}
    for place, index in enumerate(draws):
        if index not in scored:
            scored[index] = score(index, [*draws[:place], *draws[place + 1 :]])
    return [value for index in draws if (value := scored[index]) is not None]
