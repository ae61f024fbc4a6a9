"""One suite in one run: its cases, their draws and their results, which hold together."""

from __future__ import annotations

import contextlib
from functools import cached_property, partial
from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.errors import (
    BudgetSpent,
    ConfigError,
    MissingRecording,
    ModelUnavailable,
    RecordingError,
)
from pytest_toolmatch.drawing import Draws
from pytest_toolmatch.judging.demands import check_suite
from pytest_toolmatch.judging.family import Family
from pytest_toolmatch.judging.gate import check_gates, parse_gate
from pytest_toolmatch.judging.looks import Wanted, look_of
from pytest_toolmatch.rounds import Rounds
from pytest_toolmatch.sampling.recordings import Recording, read_recording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.sample import SampleRole
    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.judging.gate import GateResult
    from pytest_toolmatch.judging.looks import Look
    from pytest_toolmatch.judging.verdict import CaseResult
    from pytest_toolmatch.sampling.session import Session
    from pytest_toolmatch.settings import Settings


class SuiteRun:
    """One suite in one run: its draws, the verdicts on its cases, and its gates where they say how much is drawn.

    ``session`` draws samples where the run does so at all; ``models`` are a user's own, by role, instead of those of
    the settings. ``looks`` are gates beside those of the suite and the settings. Raises ConfigError where no teacher or
    student is named, GateError for gates that can't be met, MissingRecording where a model that is not called has no
    recording.
    """

    def __init__(
        self,
        suite: Suite,
        settings: Settings,
        read: Callable[[Path, str], Recording] = read_recording,
        session: Session | None = None,
        models: Mapping[SampleRole, Model] | None = None,
    ) -> None:
        self.suite = suite
        self.settings = settings
        self.gates = tuple(dict.fromkeys([*settings.gates, *suite.gates]))
        for gate in settings.gates:
            parse_gate(gate, "toolmatch_gates")
        check_gates(settings.gates, "toolmatch_gates")
        check_suite(suite)
        check_gates(self.gates, suite.where)
        self._any = partial(Draws, suite, msgspec.structs.replace(settings, samples=""), read, session, models or {})
        self.draws = Draws(suite, settings, read, session, models or {})
        self.looks: list[Look] = []
        self._session = session
        self._rounds: Rounds | None = None
        # Cases are kept beside what is known by their identity, so that it stays their own.
        self._results: dict[int, tuple[Case, CaseResult]] = {}
        self._unsettled: dict[int, tuple[Case, CaseResult]] = {}
        self._expected: dict[int, Case] = {}
        self._named: dict[str, Case] = {}
        self._others = 0
        self._family = Family(settings.confidence, fixed=settings.auto is None)
        self.unsampled: Exception | None = None

    def model(self, role: SampleRole) -> Model:
        """Return the model in a role."""
        return self.draws.model(role)

    @cached_property
    def any_draws(self) -> Draws:
        """Draws of any case in any number, whatever the settings say of the suite's own."""
        return self._any()

    @property
    def judged(self) -> list[Case]:
        """The cases that were judged so far."""
        return [case for case, _ in self._results.values()]

    @property
    def session(self) -> Session | None:
        """What draws samples, where the run does so at all."""
        return self._session

    @property
    def divergence(self) -> str:
        """What a diverging case is: ``fail`` or ``xfail``."""
        return self.suite.divergence or self.settings.divergence

    @property
    def decided(self) -> dict[str, GateResult]:
        """The gates that were decided while the draws came in."""
        return self._rounds.results() if self._rounds and self._rounds.done else {}

    def expect(self, cases: Iterable[Case], others: int = 0, *, share: float = 1.0, whole: bool = True) -> None:
        """Learn which cases this run is about to judge, and have their samples drawn: their verdicts hold together.

        ``others`` is how many more there are at least whose queries only the tests know; ``share`` is the suite's part
        of a budget. Where they are not the ``whole`` suite, no gate is decided, and nothing is drawn for one.
        """
        new = {id(case): case for case in cases if id(case) not in self._unsettled}
        for case in new.values():
            self._named.setdefault(case.id, case)
        self._expected |= new
        self._others = max(self._others, others)
        self.draws.share = share
        if self.settings.auto and whole and (self.gates or self.looks):
            self._open_rounds(list(new.values()))
        elif self._session:
            for case in new.values():
                self.draws.begin(case, self._wanted(case))

    def _open_rounds(self, cases: list[Case]) -> None:
        assert self.settings.auto
        even = all(case.weight == cases[0].weight for case in cases)
        scored = not self.draws.alone and self.suite.rules.reference != "draws"
        confidence = self.settings.confidence
        looks = [look_of(parse_gate(gate), confidence, scored=scored, even=even) for gate in self.gates]
        self._rounds = Rounds(self.draws, cases, [*looks, *self.looks], self.settings.auto)
        if self._session:
            self._session.meanwhile(self._rounds.advance)

    def result(self, case: Case) -> CaseResult:
        """Judge a case by its samples, among all the cases of this run; the same case is judged once.

        Raises what keeps its own samples from being there. That of others is raised when they are asked for.
        ConfigError for a case that is called like another one.
        """
        if id(case) not in self._results:
            if not case.asks_as(self._named.setdefault(case.id, case)):
                raise ConfigError(f"{self.suite.where}: {two_cases(case, self.suite)}")
            if self._rounds:
                self._rounds.settle()
            self._results[id(case)] = (case, self._settled(case))
        return self._results[id(case)][1]

    def _settled(self, case: Case) -> CaseResult:
        """Judge a case, and all that are expected where its state depends on theirs."""
        if id(case) not in self._unsettled:
            if self._expected.pop(id(case), None) is None:
                self._others = max(0, self._others - 1)
            self._take(case, self._asked(case))
        result = self._unsettled[id(case)][1]
        if not self._family.is_clear(result, len(self._expected) + self._others):
            expected, self._expected = self._expected, {}
            for other in expected.values():
                with contextlib.suppress(Exception):  # whatever it is, the case's own test meets it again
                    self._take(other, self._judged(other))
        return self._family.settled(result, self._others)

    def _take(self, case: Case, result: CaseResult) -> None:
        self._unsettled[id(case)] = (case, result)
        self._family.add(result)

    def _asked(self, case: Case) -> CaseResult:
        try:
            return self._judged(case)
        except MissingRecording:
            raise
        except (ModelUnavailable, BudgetSpent, RecordingError) as error:
            self.unsampled = self.unsampled or error
            raise

    def _judged(self, case: Case) -> CaseResult:
        return self.draws.judged(case, self._wanted(case))

    def _wanted(self, case: Case) -> Wanted | None:
        """Return the draws that a case is judged by, where the gates said how many."""
        auto = self.settings.auto
        if auto is None:
            return None
        drawn = self._rounds.draws.get(case.id) if self._rounds else None
        return drawn or Wanted(auto.least, auto.least)


def two_cases(case: Case, suite: Suite) -> str:
    """Say that a suite has two cases of one name, which its recordings and reports would take for one."""
    return f"two cases of suite {suite.name!r} are called {case.id!r} and ask differently; give one another id"
