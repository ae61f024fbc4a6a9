"""A phase: one optimiser's turn, from a candidate to a better one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.repair.candidate import Candidate, Components
    from pytest_toolmatch.repair.evaluating import Evaluator
    from pytest_toolmatch.repair.options import RepairOptions
    from pytest_toolmatch.repair.reflector import Reflector


@dataclass(frozen=True)
class Ground:
    """What a phase works with.

    It may see ``train`` cases in full, and learns of ``validation`` cases only how candidates score on them.
    ``limit`` is the number of rollouts (``evaluator.rollouts``) at which it has to come to its end, ``affordable`` says
    how many more the budget pays for. ``promising`` is to be called once a candidate is kept that will be put to the
    test if nothing comes in between.
    """

    train: tuple[Case, ...]
    validation: tuple[Case, ...]
    components: Components
    evaluator: Evaluator
    reflector: Reflector
    options: RepairOptions
    limit: int
    affordable: Callable[[], float] = lambda: math.inf
    promising: Callable[[], None] = lambda: None

    @property
    def left(self) -> int:
        """How many rollouts may still be asked for: by their number, and by what the budget pays for."""
        return max(0, int(min(self.limit - self.evaluator.rollouts, self.affordable())))

    def may_change(self, component: str) -> bool:
        """Say whether a component may be touched."""
        touched = any(fnmatchcase(component, one) for one in self.options.touch)
        return touched and not any(fnmatchcase(component, one) for one in self.options.freeze)


@dataclass(frozen=True)
class Mended:
    """What a phase has come to: its candidate, how many training cases it learnt from, and why it stopped.

    ``helped`` has, by component, the ids of the training cases that its new text was kept for, where that is known;
    ``pool`` the candidates that were kept, each with its mean score on the cases that it was chosen by. ``taken`` is
    whether the next phase goes on from it.
    """

    candidate: Candidate
    learnt_from: int
    stopped: str = ""
    helped: Mapping[str, Sequence[str]] = field(default_factory=dict)
    pool: Sequence[tuple[Candidate, float]] = ()
    taken: bool = True


Phase: TypeAlias = Callable[[Ground, "Candidate", Callable[[str], None]], Mended]
"""Takes the candidate to start from, and a function for lines that say how far it has come."""
