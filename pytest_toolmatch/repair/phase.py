"""A phase: one optimiser's turn, from a candidate to a better one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
    ``limit`` is the number of rollouts (``evaluator.rollouts``) at which it has to come to its end.
    """

    train: tuple[Case, ...]
    validation: tuple[Case, ...]
    components: Components
    evaluator: Evaluator
    reflector: Reflector
    options: RepairOptions
    limit: int

    @property
    def left(self) -> int:
        """How many rollouts may still be asked for."""
        return max(0, self.limit - self.evaluator.rollouts)

    def may_change(self, component: str) -> bool:
        """Say whether a component may be touched."""
        touched = any(fnmatchcase(component, one) for one in self.options.touch)
        return touched and not any(fnmatchcase(component, one) for one in self.options.freeze)


@dataclass(frozen=True)
class Mended:
    """What a phase has come to: its candidate, how many training cases it learnt from, and why it stopped."""

    candidate: Candidate
    learnt_from: int
    stopped: str = ""


Phase: TypeAlias = Callable[[Ground, "Candidate"], Iterator["str | Mended"]]
"""A generator: lines that say how far it has come, and at last what it has come to."""
