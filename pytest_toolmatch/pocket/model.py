"""A pocket model: a conversation and tools in, calls and their probabilities out."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from pytest_toolmatch.pocket.grammar import Dropped, turn
from pytest_toolmatch.pocket.latest import Latest
from pytest_toolmatch.pocket.network import Network
from pytest_toolmatch.pocket.reading import Reading
from pytest_toolmatch.pocket.toolbox import Toolbox
from pytest_toolmatch.pocket.weights import manifest_of, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pytest_toolmatch.core.chain import Call
    from pytest_toolmatch.core.conversation import Conversation
    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.pocket.grammar import Step

_TOOLBOXES_KEPT = 64


class Answer(NamedTuple):
    """What a model does in one turn: no calls is an answer.

    ``confidence`` has one natural log-probability for each call, and ``whole`` that of all choices of the turn, END
    included; both without temperature. ``dropped`` names the tools of calls that could not be made valid.
    """

    calls: tuple[Call, ...]
    confidence: tuple[float, ...]
    whole: float
    dropped: tuple[str, ...] = ()


class PocketModel:
    """A network with its weights. Safe to use from several threads; the same seed draws the same answer."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._toolboxes: Latest[bytes, Toolbox] = Latest(_TOOLBOXES_KEPT)

    def answer(
        self,
        conversation: Conversation,
        tools: Sequence[Tool],
        *,
        instructions: str = "",
        temperature: float = 0.0,
        seed: int = 0,
    ) -> Answer:
        """Return the model's turn; at temperature 0 the likeliest choice is taken in each step.

        ``instructions`` are read for what day it is and which time zone, and for nothing else.
        """
        reading = Reading(conversation, self.toolbox(tools), instructions)
        memory = self.network.read(reading)
        rng = np.random.default_rng(seed) if temperature > 0 else None
        sums: dict[int, float] = {}
        whole = 0.0
        walk = turn(reading)
        step: Step = next(walk)
        while True:
            places, logs = likelihoods(self.network.score(memory, step), step)
            best = int(logs.argmax()) if rng is None or len(places) == 1 else drawn(odds_at(logs, temperature), rng)
            sums[step.call] = sums.get(step.call, 0.0) + float(logs[best])
            whole += float(logs[best])
            try:
                step = walk.send(int(places[best]))
            except StopIteration as stop:
                return answer_of(stop.value, sums, whole)

    def toolbox(self, tools: Sequence[Tool]) -> Toolbox:
        """Return the tools encoded, from the last few lists where they are the same."""
        key = msgspec.json.encode([tool.shown() for tool in tools])
        return self._toolboxes.get(key, partial(Toolbox, tools))


def open_model(name: str) -> PocketModel:
    """Return a shipped model by its name, or a distilled one by its folder or manifest; raises ConfigError."""
    return PocketModel(Network(*read(manifest_of(name))))


def likelihoods(fits: NDArray[np.float32], step: Step) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the places that a step allows, and the natural logarithms of their probabilities."""
    places = np.flatnonzero(step.allowed)
    logs = fits[places].astype(np.float64)
    logs -= logs.max()
    return places, logs - math.log(np.exp(logs).sum())


def odds_at(logs: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Return running sums of probabilities, up to a factor, at a temperature above 0."""
    return np.cumsum(np.exp((logs - logs.max()) / temperature))


def drawn(odds: NDArray[np.float64], random: np.random.Generator) -> int:
    """Return the index that a random number falls to."""
    return min(int(np.searchsorted(odds, random.random() * odds[-1], side="right")), len(odds) - 1)


def answer_of(made: list[Call | Dropped], logs: dict[int, float], whole: float) -> Answer:
    """Return the answer of a walk to its end; ``logs`` are the log-probabilities by the place of their call.

    A call that could not be made valid is dropped.
    """
    kept = [(call, logs[place]) for place, call in enumerate(made) if not isinstance(call, Dropped)]
    dropped = tuple(call.name for call in made if isinstance(call, Dropped))
    return Answer(tuple(call for call, _ in kept), tuple(log for _, log in kept), whole, dropped)
