"""Draws of a pocket model: what several draws of one conversation share is computed once.

A draw is a path through a tree of choices. The draws of a case read the same words and mostly choose the same, so the
tree is kept: a draw that goes where another went costs a few random numbers. What comes is the same to the last digit
as what the model answers when it is asked alone.
"""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
from threadpoolctl import ThreadpoolController

from pytest_toolmatch.pocket.grammar import turn
from pytest_toolmatch.pocket.latest import Latest
from pytest_toolmatch.pocket.model import Answer, answer_of, drawn, likelihoods, odds_at
from pytest_toolmatch.pocket.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.random import Generator as Random
    from numpy.typing import NDArray

    from pytest_toolmatch.core.chain import Call
    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.pocket.grammar import Dropped, Step
    from pytest_toolmatch.pocket.model import PocketModel
    from pytest_toolmatch.pocket.network import Memory

_TREES_KEPT = 16
"""Of the latest conversations, up to a megabyte each: the draws of a case come one soon after the other."""


class _OneThread:
    """Keeps the BLAS to one thread as long as anybody computes, and puts it back as it was after the last.

    Matrices are small: on a machine that has other things to do, a BLAS that shares them out among threads takes ten
    times as long. The limit concerns the whole process, so two models that compute at once have one limit.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._computing = 0
        self._libraries = ThreadpoolController()
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if not self._computing:
                self._limit = self._libraries.limit(limits=1, user_api="blas")
            self._computing += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._computing -= 1
            if not self._computing:
                self._limit.restore_original_limits()


_ONE_THREAD = _OneThread()


class Drawn(NamedTuple):
    """One draw: the answer, the words that were read, the choices that were made, and what that took in seconds.

    The seconds of what an earlier draw has computed count again: a model that is asked once would need them.
    """

    answer: Answer
    read: int
    chosen: int
    seconds: float


class Draws:
    """Draws from one model; for use in one thread."""

    def __init__(self, model: PocketModel) -> None:
        self._model = model
        self._trees: Latest[str, _Tree] = Latest(_TREES_KEPT)

    def draw(self, request: Request, key: str, temperature: float, seed: int) -> Drawn:
        """Return one draw; ``key`` tells conversations apart."""
        with _ONE_THREAD:
            tree = self._trees.get(key, partial(_Tree, self._model, request))
            return tree.draw(temperature, np.random.default_rng(seed))

    def close(self) -> None:
        """There is nothing to end."""


class _Fork(msgspec.Struct, eq=False):
    """A choice to make: the places that may be chosen, their log-probabilities, and where those tried so far lead.

    ``past`` is what the network remembers of the way here; ``walk`` the grammar at this point, until it is sent on.
    """

    places: NDArray[Any]
    logs: NDArray[Any]
    call: int
    past: list[list[Any]]
    walk: Generator[Step, int, list[Call | Dropped]] | None
    seconds: float
    ways: dict[int, _Fork | Answer] = {}
    odds: dict[float, NDArray[Any]] = {}

    def choose(self, temperature: float, random: Random) -> int:
        """Return which of the places is taken."""
        if temperature == 0 or len(self.places) == 1:
            return int(self.logs.argmax())
        odds = self.odds.get(temperature)
        if odds is None:
            odds = self.odds[temperature] = odds_at(self.logs, temperature)
        return drawn(odds, random)


class _Tree:
    """One conversation with the choices that were made on it."""

    def __init__(self, model: PocketModel, request: Request) -> None:
        start = time.perf_counter()
        self._network = model.network
        self._reading = Reading(request.conversation, model.toolbox(request.tools), request.instructions)
        self._memory: Memory = self._network.read(self._reading)
        self._words = len(self._reading.words) + len(self._reading.toolbox.items)
        self._seconds = time.perf_counter() - start
        walk = turn(self._reading)
        self._root = self._fork(walk, next(walk), [[] for _ in self._memory.past], time.perf_counter())

    def draw(self, temperature: float, random: Random) -> Drawn:
        here: _Fork | Answer = self._root
        way: list[tuple[_Fork, int]] = []
        seconds = self._seconds
        while isinstance(here, _Fork):
            seconds += here.seconds
            choice = here.choose(temperature, random)
            way.append((here, choice))
            if choice not in here.ways:
                here.ways[choice] = self._go(here, way)
            here = here.ways[choice]
        return Drawn(here, self._words, len(way), seconds)

    def _go(self, fork: _Fork, way: list[tuple[_Fork, int]]) -> _Fork | Answer:
        """Return where a choice leads that nobody has made before; the last of ``way``."""
        start = time.perf_counter()
        walk, fork.walk = fork.walk or self._again(way[:-1]), None
        try:
            step = walk.send(int(fork.places[way[-1][1]]))
        except StopIteration as stop:
            return _answer(stop.value, way)
        return self._fork(walk, step, [list(layer) for layer in fork.past], start)

    def _again(self, way: list[tuple[_Fork, int]]) -> Generator[Step, int, list[Call | Dropped]]:
        walk = turn(self._reading)
        next(walk)
        for fork, choice in way:
            walk.send(int(fork.places[choice]))
        return walk

    def _fork(self, walk: Any, step: Step, past: list[list[Any]], start: float) -> _Fork:
        places, logs = likelihoods(self._network.score(self._memory._replace(past=past), step), step)
        return _Fork(places, logs, step.call, past, walk, time.perf_counter() - start)


def _answer(made: list[Call | Dropped], way: list[tuple[_Fork, int]]) -> Answer:
    logs: dict[int, float] = {}
    for fork, choice in way:
        logs[fork.call] = logs.get(fork.call, 0.0) + float(fork.logs[choice])
    return answer_of(made, logs, sum(float(fork.logs[choice]) for fork, choice in way))
