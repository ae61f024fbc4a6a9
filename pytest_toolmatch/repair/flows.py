"""Draws that follow on one another: each flow of them goes on as soon as its own are there, beside all others.

So that no draw waits for others that don't bear on it. What a flow does may depend on its own draws alone, and no two
flows may go on to draw a candidate on the same case: the order in which draws come in then decides nothing.
"""

from __future__ import annotations

from itertools import count
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from concurrent.futures import Future

    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.repair.evaluating import Evaluator, Job, Scored

T = TypeVar("T")

Flow: TypeAlias = "Generator[Sequence[Job], list[Scored], T]"
"""Yields jobs, is sent what they come to, in their order, and returns what it was after."""


def once(jobs: Sequence[Job]) -> Flow[list[Scored]]:
    """Return a flow of one step: what jobs come to."""
    return (yield jobs)


def noting(flow: Flow[T], note: Callable[[Sequence[Job]], None]) -> Flow[T]:
    """Return a flow that tells which jobs it yields, before they are begun."""
    try:
        jobs = next(flow)
        while True:
            note(jobs)
            jobs = flow.send((yield jobs))
    except StopIteration as end:
        returned: T = end.value
        return returned


class Flows:
    """Flows in progress: those that are waited for, and those that go on beside them."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._ready: SimpleQueue[int] = SimpleQueue()
        self._flows: dict[int, Flow[Any]] = {}
        self._waiting: dict[int, Sequence[Job]] = {}
        self._found: dict[int, Any] = {}
        self._numbers = count()

    def start(self, flow: Flow[Any]) -> int:
        """Begin a flow, and return the number under which it is waited for."""
        number = next(self._numbers)
        self._flows[number] = flow
        self._go_on(number, None)
        return number

    def finish(self, numbers: Sequence[int]) -> list[Any]:
        """Wait for flows, and return what they return; raises what keeps draws from being made."""
        seen: list[Scored] = []
        while not self._found.keys() >= {*numbers}:
            self._evaluator.fill()
            number = self._evaluator.session.take(self._ready)
            drawn = [self._evaluator.finished(job) for job in self._waiting.pop(number)]
            seen += drawn
            self._go_on(number, drawn)
        self._evaluator.check(seen)
        return [self._found.pop(number) for number in numbers]

    def _go_on(self, number: int, drawn: list[Scored] | None) -> None:
        flow = self._flows[number]
        try:
            # A generator that has not begun takes nothing but None.
            self._waiting[number] = next(flow) if drawn is None else flow.send(drawn)
        except StopIteration as end:
            del self._flows[number]
            self._found[number] = end.value
            return
        _announce(self._evaluator.begin(self._waiting[number]), number, self._ready)


def _announce(futures: Sequence[Future[Sample]], number: int, ready: SimpleQueue[int]) -> None:
    """Put a number into a queue once all futures are done, whatever has become of them."""
    done = count(1)

    def one_more(_: Future[Sample]) -> None:
        if next(done) == len(futures):
            ready.put(number)

    for future in futures:
        future.add_done_callback(one_more)
    if not futures:
        ready.put(number)
