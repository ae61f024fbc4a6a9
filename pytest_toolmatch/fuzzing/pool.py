"""Many trials at once over one source of draws, so that an endpoint never waits for a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from pytest_toolmatch.core.errors import BudgetSpent

if TYPE_CHECKING:
    from pytest_toolmatch.fuzzing.trial import Asked, Told, Trial

T = TypeVar("T")


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

    One that the budget did not allow to go on is done, too, without a result.
    """

    def __init__(self, trial: Trial[T]) -> None:
        self._trial = trial
        self.asked: Asked = ()
        self.done = False
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
        self.done = True


class Pool:
    """Trials under way, in the order in which they were started; ``spent`` once the budget allows no more draws."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._drawn: dict[tuple[str, str], int] = {}
        self._running: list[Running[Any]] = []
        self.spent = False

    def __len__(self) -> int:
        return len(self._running)

    @property
    def draws(self) -> int:
        """How many draws were asked for; one that several trials ask for counts once."""
        return sum(self._drawn.values())

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
            try:
                told = self._source.told(one.asked)
            except BudgetSpent:
                self.spent = True
                one.stop()
            else:
                self._step(one, told)
        self._running = [one for one in self._running if not one.done]
        return bool(ready)

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
            for one in running.asked:
                key = (one.role, one.case.id)
                self._drawn[key] = max(one.draws, self._drawn.get(key, 0))
            try:
                self._source.begin(running.asked)
            except BudgetSpent:
                self.spent = True
                running.stop()
