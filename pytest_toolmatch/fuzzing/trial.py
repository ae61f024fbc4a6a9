"""Trials: what is to be found out about a prompt, as a generator that asks for draws and is sent them.

A trial knows nothing of where draws come from: a run of pytest drives one at a time, a campaign hundreds at once, and a
simulation draws without any model.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.sample import Sample, SampleRole

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Ask(NamedTuple):
    """The first so many draws of a model on a case."""

    case: Case
    role: SampleRole
    draws: int


Asked: TypeAlias = tuple[Ask, ...]
Told: TypeAlias = tuple[list[Sample], ...]
Trial: TypeAlias = Generator[Asked, Told, T]


def drive(trial: Trial[T], answer: Callable[[Asked], Told]) -> T:
    """Run a trial to its end; ``answer`` returns the samples of each thing asked, in that order."""
    try:
        asked = next(trial)
        while True:
            asked = trial.send(answer(asked))
    except StopIteration as end:
        found: T = end.value
        return found
