"""Samples drawn in rounds until a suite's gates are decided.

Others are always in flight while a round is judged: how many draws a case gets in it was settled by the rounds before,
never by its own. A round of a large suite may be a part of its cases that chance chooses. What was drawn ahead when the
last gate is decided is recorded, and not looked at: so a replay of the recording, which makes the same rounds, decides
the same.
"""

from __future__ import annotations

import math
from collections import deque
from random import Random
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from pytest_toolmatch.judging.lacking import TOO_NEAR
from pytest_toolmatch.judging.looks import Round, Wanted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from pytest_toolmatch.core.auto import Auto
    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.judging.gate import GateResult
    from pytest_toolmatch.judging.looks import Look
    from pytest_toolmatch.judging.verdict import CaseResult

_BUSY = 50
"""Draws that are enough to keep a model busy. The rounds are the same however many of them may be in flight."""


_FAR = 4
"""How many times as many draws are far."""


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


class Flight(NamedTuple):
    """A round on its way: the draws of each case when it is there, and what cases chance chose for it, if it did."""

    draws: dict[str, Wanted]
    part: Collection[str] | None = None


class Rounds:
    """Draws the cases of one suite in rounds until ``done``.

    ``draws`` are those of each case that are judged: of closed rounds only.
    """

    def __init__(self, drawing: Drawing, cases: Iterable[Case], looks: Sequence[Look], auto: Auto) -> None:
        self._drawing = drawing
        self._auto = auto
        self._cases = {case.id: case for case in cases}
        self._looks = looks
        self._flights: deque[Flight] = deque()
        self._launched = 0
        self._seed = self._why = ""
        self._results: dict[str, CaseResult] = {}
        self._capped = f"stopped at {auto.most} samples a case, the most that {auto} allows"
        self.draws: dict[str, Wanted] = {}
        self.done = self._closing = False
        first = Wanted(auto.least, auto.first(len(self._cases)))
        self._launch(Flight(dict.fromkeys(self._cases, first)))

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
        return [(case, draws) for case, draws in self._flights[0].draws.items() if case in self._cases]

    def _launch(self, flight: Flight) -> None:
        for case, wanted in flight.draws.items():
            self._drawing.begin(self._cases[case], wanted)
        self._flights.append(flight)
        self._launched += 1

    def _close(self, flight: Flight) -> None:
        """Judge a round and look at the gates; then begin others."""
        self._closing = True
        scores: dict[str, dict[str, Sequence[float]]] = {}
        for name, wanted in flight.draws.items():
            if name not in self._cases or wanted == self.draws.get(name):
                continue
            try:
                self._results[name] = self._judge(name, wanted, scores)
            except Exception as error:  # noqa: BLE001 - whatever it is, the case's own test meets it again
                self._lose(name, error)
        if not self.done:
            self.draws = {name: wanted for name, wanted in flight.draws.items() if name in self._cases}
            self._seed = self._seed or repr({name: found for name, found in scores.items() if name != "latency"})
            for look in self._looks:
                look.update(Round([self._results[name] for name in self.draws], scores, flight.part))
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
        while not self.done and not self._busy():
            latest = self._flights[-1].draws if self._flights else self.draws
            flight = self._next(latest)
            if flight.draws == latest:
                if not self._flights:
                    self._stop(self._why)
                return
            self._launch(flight)

    def _busy(self) -> bool:
        """Whether there is enough in flight behind the round that is next to be judged."""
        if len(self._flights) < 2:  # noqa: PLR2004 - that one, and another
            return False
        last, first = (sum(map(sum, flight.draws.values())) for flight in (self._flights[-1], self._flights[0]))
        return last - first >= min(len(self._cases), _BUSY)

    def _next(self, latest: dict[str, Wanted]) -> Flight:
        """Return one more round, of a part of the cases where that has any that a gate wants."""
        part = self._part(latest)
        if part and (following := self._following(latest, part)) != latest:
            return Flight(following, part)
        return Flight(self._following(latest, latest))

    def _part(self, latest: dict[str, Wanted]) -> frozenset[str] | None:
        """Choose the cases of one more round by chance; None where all have a part in it.

        The choice is another one for other samples, and the same for the same. It leaves some cases with more draws
        than others, which would have to stop before them: so it ends far from the most that they may have.
        """
        share = max(look.part for look in self._looks if not look.settled)
        if share >= 1 or any(_FAR * max(drawn) > self._auto.most for drawn in latest.values()):
            return None
        chance = Random(f"{self._seed} {self._launched}")  # noqa: S311 - nobody is to be kept from guessing it
        order = sorted(sorted(latest), key=lambda _: chance.random())
        return frozenset(order[: math.ceil(share * len(order))])

    def _following(self, latest: dict[str, Wanted], part: Collection[str]) -> dict[str, Wanted]:
        """Return the draws after one more round: what the gates want of these cases; no more where none can go on."""
        following = dict(latest)
        for look in self._looks:
            more = {} if look.settled else {name: one for name, one in look.wanted().items() if name in part}
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
