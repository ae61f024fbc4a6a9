"""Samples drawn in rounds until a suite's gates are decided.

One round is always in flight while the one before it is judged: how many draws a case gets in it was settled by the
rounds before, never by its own. What was drawn ahead when the last gate is decided is recorded, and not looked at: so
a replay of the recording, which makes the same rounds, decides the same.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

import msgspec

from pytest_toolmatch.judging.lacking import TOO_NEAR
from pytest_toolmatch.judging.looks import Round, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.judging.gate import GateResult
    from pytest_toolmatch.judging.looks import Look
    from pytest_toolmatch.judging.verdict import CaseResult
    from pytest_toolmatch.settings import Auto

_AHEAD = 2
"""Rounds in flight at once."""


class Drawing(Protocol):
    """What draws and judges the cases of a suite; numbers of draws count from the first one."""

    def begin(self, case: Case, wanted: Wanted) -> None:
        """Have so many draws of both models made; returns at once."""

    def ready(self, case: Case, wanted: Wanted) -> bool:
        """Say whether these draws are there, or never will be."""

    def judged(self, case: Case, wanted: Wanted) -> CaseResult:
        """Judge a case by so many draws, as soon as they are there; raises what keeps them from being made."""

    def scores(self, case: Case, first: int, drawn: int, wanted: int) -> Mapping[str, Sequence[float]]:
        """Return the scores of the student's draws beyond ``drawn``, against the first draws of the teacher."""

    def exhausted(self, case: Case, drawn: Wanted, more: Wanted) -> str:
        """Say why a case can't have more draws beyond those it has, or nothing where it can."""


class Rounds:
    """Draws the cases of one suite in rounds until ``done``.

    ``draws`` are those of each case that are judged: of closed rounds only.
    """

    def __init__(self, drawing: Drawing, cases: Iterable[Case], looks: Sequence[Look], auto: Auto) -> None:
        self._drawing = drawing
        self._auto = auto
        self._cases = {case.id: case for case in cases}
        self._looks = looks
        self._flights: deque[dict[str, Wanted]] = deque()
        self._why = ""
        self._capped = f"stopped at {auto.most} samples a case, the most that {auto} allows"
        self.draws: dict[str, Wanted] = {}
        self.done = self._closing = False
        self._launch(dict.fromkeys(self._cases, Wanted(auto.least, auto.least)))

    def advance(self) -> None:
        """Look at every round that has come in; returns at once."""
        # Closing a round may wait a moment, and be asked to advance meanwhile.
        while (
            not self._closing
            and self._flights
            and all(self._drawing.ready(self._cases[case], draws) for case, draws in self._open())
        ):
            self._close(self._flights.popleft())

    def settle(self) -> None:
        """Wait until every gate is decided, or nothing more can be drawn."""
        while self._flights:
            self._close(self._flights.popleft())

    def results(self) -> dict[str, GateResult]:
        """Return what became of the gates."""
        return {look.gate.expression: self._explained(look) for look in self._looks}

    def _open(self) -> Iterable[tuple[str, Wanted]]:
        return [(case, draws) for case, draws in self._flights[0].items() if case in self._cases]

    def _launch(self, draws: dict[str, Wanted]) -> None:
        for case, wanted in draws.items():
            self._drawing.begin(self._cases[case], wanted)
        self._flights.append(draws)

    def _close(self, flight: dict[str, Wanted]) -> None:
        """Judge a round and look at the gates; then begin another one."""
        self._closing = True
        results: list[CaseResult] = []
        scores: dict[str, dict[str, Sequence[float]]] = {}
        for name, wanted in flight.items():
            if name not in self._cases:
                continue
            try:
                results.append(self._judge(name, wanted, scores))
            except Exception as error:  # noqa: BLE001 - whatever it is, the case's own test meets it again
                self._lose(name, error)
        if not self.done:
            self.draws = {name: wanted for name, wanted in flight.items() if name in self._cases}
            for look in self._looks:
                look.update(Round(results, scores))
            self._go_on()
        self._closing = False

    def _judge(self, name: str, wanted: Wanted, scores: dict[str, dict[str, Sequence[float]]]) -> CaseResult:
        """Judge a case by all of its draws, and put the scores of the new ones to those of the round."""
        case, before = self._cases[name], self.draws.get(name, Wanted())
        result = self._drawing.judged(case, wanted)
        for metric, found in self._drawing.scores(case, self._auto.least, before.student, wanted.student).items():
            scores.setdefault(metric, {})[name] = found
        return result

    def _lose(self, name: str, error: Exception) -> None:
        """Leave out a case that can't be sampled; its own test says so. One that could be until now ends it all."""
        if name in self.draws:
            self._stop(str(error))
        else:
            del self._cases[name]

    def _go_on(self) -> None:
        if all(look.settled for look in self._looks):
            self._stop("")
            return
        while not self.done and len(self._flights) < _AHEAD:
            latest = self._flights[-1] if self._flights else self.draws
            following = self._following(latest)
            if following == latest:
                if not self._flights:
                    self._stop(self._why)
                return
            self._launch(following)

    def _following(self, latest: dict[str, Wanted]) -> dict[str, Wanted]:
        """Return the draws after one more round: what the gates want; nothing more where none can go on."""
        following = dict(latest)
        for look in self._looks:
            more = {} if look.settled else {name: one for name, one in look.wanted().items() if name in latest}
            # A round without one of its cases would tell nothing.
            stops = (why for name, one in more.items() if (why := self._end(name, latest[name], one)))
            if stopped := next(stops, ""):
                self._why = stopped
                continue
            for name, one in more.items():
                asked = (now + further for now, further in zip(latest[name], one, strict=True))
                together = zip(following[name], asked, strict=True)
                following[name] = Wanted(*(min(self._auto.most, max(pair)) for pair in together))
        return following

    def _end(self, name: str, drawn: Wanted, more: Wanted) -> str:
        """Say why a case can have no more draws; nothing where it can."""
        if any(further and now >= self._auto.most for now, further in zip(drawn, more, strict=True)):
            return self._capped
        return self._drawing.exhausted(self._cases[name], drawn, more)

    def _stop(self, why: str) -> None:
        self.done, self._why = True, why
        self._flights.clear()

    def _explained(self, look: Look) -> GateResult:
        """Say why no more was drawn for a gate that more draws would help."""
        result = look.result
        # Where the value is too near to the bound, more would not help either.
        why = "" if result.reason == TOO_NEAR and self._why == self._capped else self._why
        if look.settled or not why:
            return result
        reason = f"{result.reason}; {why}" if result.reason else why
        return msgspec.structs.replace(result, reason=reason)
