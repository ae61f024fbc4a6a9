"""The draws of a suite's run, as what trials ask for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.errors import ConfigError, MissingRecording
from pytest_toolmatch.core.sample import Spending
from pytest_toolmatch.fuzzing.variant import Variant

if TYPE_CHECKING:
    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.fuzzing.trial import Ask, Asked, Told
    from pytest_toolmatch.harness import SuiteRun


class Drawn:
    """Where the draws of one suite's run come from; a ``pool.Source``.

    In replay, what was not recorded raises MissingRecording; where ``gaps`` are allowed, it is no sample at all.
    Kept ``apart``, the student's draws on a parent are others than those that its own case is judged by: else a replay,
    which takes all that is recorded, would judge the case by more than the run that recorded it.
    """

    def __init__(self, run: SuiteRun, *, apart: bool = False) -> None:
        if run.suite.rollout.mode == "next_step":
            raise ConfigError(
                f"suite {run.suite.name} has mode next_step, which asks step by step along the teacher's chain; "
                "fuzzing compares whole rollouts: leave the mode out"
            )
        self._draws, self._session = run.any_draws, run.session
        self._apart = apart
        self._parents: dict[str, Case] = {}
        self._new: dict[tuple[str, str], set[int]] = {}
        self._calls, self._cost = 0, 0.0
        self.gaps = False

    def begin(self, asked: Asked) -> None:
        """Have draws made; returns at once."""
        for one in asked:
            before = self._draws.submitted
            self._draws.prefetch(self._asked(one), one.role, one.draws)
            if new := self._draws.submitted - before:
                self._new.setdefault((one.role, one.case.id), set()).update(range(one.draws - new, one.draws))

    def ready(self, asked: Asked) -> bool:
        """Say whether these draws are there, or never will be."""
        return all(self._draws.there(self._asked(one), one.role, one.draws) for one in asked)

    def told(self, asked: Asked) -> Told:
        """Return the samples; raises what keeps them from being made."""
        told = tuple(self.samples(one) for one in asked)
        for one, samples in zip(asked, told, strict=True):
            self._count(self._new.get((one.role, one.case.id), set()), samples)
        return told

    @property
    def spent(self) -> Spending:
        """What the samples that were handed out have cost, but for those that were recorded."""
        return Spending(calls=self._calls, cost=self._cost)

    def _count(self, new: set[int], samples: list[Sample]) -> None:
        for sample in samples:
            if sample.draw in new:
                new.remove(sample.draw)
                self._calls += len(sample.chain) + len(sample.refusals) + 1
                self._cost += sample.cost or 0.0

    def samples(self, one: Ask) -> list[Sample]:
        """Return the samples of one thing asked, which is waited for."""
        try:
            return self._draws.samples(self._asked(one), one.role, one.draws)
        except MissingRecording:
            if self.gaps:
                return []
            raise

    def _asked(self, one: Ask) -> Case:
        case = one.case
        if not self._apart or one.role == "teacher" or isinstance(case, Variant):
            return case
        return self._parents.setdefault(case.id, msgspec.structs.replace(case, id=f"{case.id}~parent"))

    def rest(self) -> None:
        """Wait a moment for draws to come in."""
        if self._session:
            self._session.pause()
        else:
            time.sleep(0)
