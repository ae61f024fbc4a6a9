"""Many trials at once over one source of draws, so that an endpoint never waits for a verdict."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from pytest_toolmatch.core.errors import BudgetSpent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_toolmatch.fuzzing.trial import Ask, Asked, Told, Trial

T = TypeVar("T")

LAG = 4
"""Turns between asking and handing out: while the draws of one are waited for, those of the others are under way."""


class Source(Protocol):
    """Where draws come from."""

    def begin(self, asked: Asked) -> None:
        """Have draws made; returns at once."""

    def ready(self, asked: Asked) -> bool:
        """Say whether these draws are there, or never will be."""

    def told(self, asked: Asked) -> Told:
        """Return the samples of draws that are ready; raises what keeps them from being made."""

    def rest(self) -> None:
        """Wait a moment for draws to come in."""


class Running(Generic[T]):
    """A trial under way: ``done`` once it has come to its end, with its ``result``.

    One that was ``stopped``, as where the budget did not allow it to go on, is done, too, without a result. ``due`` is
    the turn in which it is handed what it has asked for.
    """

    def __init__(self, trial: Trial[T]) -> None:
        self._trial = trial
        self.asked: Asked = ()
        self.due = 0
        self.done = self.stopped = False
        self.result: T | None = None

    def go_on(self, told: Told | None) -> None:
        """Hand the trial what it has asked for, and note what it asks for next."""
        try:
            self.asked = next(self._trial) if told is None else self._trial.send(told)
        except StopIteration as end:
            self.done, self.result = True, end.value

    def stop(self) -> None:
        """End the trial where it is."""
        self._trial.close()
        self.done = self.stopped = True


def side_by_side(trials: Sequence[Trial[T]]) -> Trial[list[T]]:
    """Run trials side by side: what all of them ask for is asked at once. Each has an end."""
    running = [Running(trial) for trial in trials]
    for one in running:
        one.go_on(None)
    while left := [one for one in running if not one.done]:
        told = iter((yield tuple(ask for one in left for ask in one.asked)))
        for one in left:
            one.go_on(tuple(next(told) for _ in one.asked))
    return [one.result for one in running if one.result is not None]


class Pool:
    """Trials under way, in the order in which they were started; ``spent`` once the budget allows no more draws.

    They go on as draws come in, or in turns: what is asked for in one turn is handed out ``LAG`` turns later, be it
    there before or not. What comes of turns depends on no clock.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._drawn: dict[tuple[str, str], list[tuple[int, int]]] = {}
        """By role and case: how many draws were asked for, and the turns in which they are handed out."""
        self._due = Counter[int]()
        self._turn = 0
        self._running: list[Running[Any]] = []
        self.draws = 0
        """How many draws were asked for; one that several trials ask for counts once."""
        self.spent = False

    def __len__(self) -> int:
        return len(self._running)

    @property
    def under_way(self) -> int:
        """How many draws were asked for and not yet handed out, in turns."""
        return sum(self._due.values())

    def turn(self) -> Iterator[None]:
        """Let a turn pass, with a stop now and then for whoever shows how far it has come."""
        self._turn += 1
        for one in [one for one in self._running if one.due <= self._turn]:
            while not one.done and one.due <= self._turn:
                while not self._source.ready(one.asked):
                    self._source.rest()
                    yield
                self._hand(one)
        del self._due[self._turn]
        self._running = [one for one in self._running if not one.done]

    def start(self, trial: Trial[T]) -> Running[T]:
        """Begin a trial; what it asks for first is drawn from now on."""
        running = Running(trial)
        self._step(running, None)
        if not running.done:
            self._running.append(running)
        return running

    def advance(self) -> bool:
        """Hand every trial what is there for it; say whether anything has moved."""
        ready = [one for one in self._running if self._source.ready(one.asked)]
        for one in ready:
            self._hand(one)
        self._running = [one for one in self._running if not one.done]
        return bool(ready)

    def _hand(self, running: Running[Any]) -> None:
        try:
            told = self._source.told(running.asked)
        except BudgetSpent:
            self.spent = True
            running.stop()
        else:
            self._step(running, told)

    def go_on(self) -> None:
        """Move what can be moved, or wait a moment."""
        if not self.advance():
            self._source.rest()

    def finish(self, *waited: Running[Any]) -> None:
        """Wait until these trials have come to their ends; without any, until all have."""
        while self._running and not (waited and all(one.done for one in waited)):
            self.go_on()

    def stop(self) -> None:
        """End all trials where they are."""
        for one in self._running:
            one.stop()
        self._running = []

    def _step(self, running: Running[Any], told: Told | None) -> None:
        running.go_on(told)
        if not running.done:
            running.due = max((self._noted(one) for one in running.asked), default=self._turn)
            try:
                self._source.begin(running.asked)
            except BudgetSpent:
                self.spent = True
                running.stop()

    def _noted(self, asked: Ask) -> int:
        """Return the turn in which so many draws are handed out; those that are new are counted."""
        known = self._drawn.setdefault((asked.role, asked.case.id), [(0, 0)])
        if (more := asked.draws - known[-1][0]) > 0:
            known.append((asked.draws, self._turn + LAG))
            self._due[self._turn + LAG] += more
            self.draws += more
        return next(due for draws, due in known if draws >= asked.draws)
