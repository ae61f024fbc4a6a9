"""Small learned models that come with the package, or were distilled: ``pocket:NAME`` or ``pocket:FOLDER``."""

from __future__ import annotations

import asyncio
import hashlib
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pytest_toolmatch.core.errors import ConfigError, ModelUnavailable, RequestRejected, did_you_mean
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.turn import Turn

if TYPE_CHECKING:
    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.pocket.draws import Drawn

_DIGITS = 6
"""Of a probability: the last ones differ from one machine to the next."""

TEMPERATURE = 0.7
"""Of both models where nothing else is set: so much that a teacher is of two minds where a request is."""


class Sampling(NamedTuple):
    """How to draw: the settings of a pocket model."""

    temperature: float
    seed: int


class Source(Protocol):
    """Where draws are made: in this process (``Draws``) or in one of their own (``Process``)."""

    def draw(self, request: Request, key: str, temperature: float, seed: int) -> Drawn:
        """Return one draw; ``key`` tells conversations apart."""
        ...

    def close(self) -> object:
        """End what was begun."""
        ...


class Provider:
    """Draws one after the other, and waits for that in a thread: the loop stays free for other models.

    The same request draws the same answer; its key, which tells draws apart, is part of the seed.
    """

    def __init__(self, draws: Source, model: str) -> None:
        self._draws = draws
        self._model = model
        self._thread = ThreadPoolExecutor(1, "toolmatch-pocket")

    async def complete(self, request: Request) -> Turn:
        """Draw one answer."""
        try:
            sampling = read_settings(self._model, request.settings)
        except ConfigError as error:  # two models of one name share a provider, and it was opened for the other
            raise RequestRejected(str(error)) from None
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._draw, request, sampling)

    async def aclose(self) -> None:
        """End the thread, and the process where there is one."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._draws.close()

    def _draw(self, request: Request, sampling: Sampling) -> Turn:
        key = request.key
        digest = hashlib.sha256(f"{sampling.seed}/{key}".encode()).digest()
        seed = int.from_bytes(digest[:8], "little")
        return from_wire(self._draws.draw(request, key.partition("/")[0], sampling.temperature, seed))


def from_wire(drawn: Drawn) -> Turn:
    """Return a draw as a turn; what is counted as tokens are words read and choices made.

    Its confidence is the probability of all of its choices, that to call nothing more among them, and a call's that of
    its own: products, at temperature 1 whatever the draw was made at, so that confidences of draws can be compared.
    """
    answer = drawn.answer
    return Turn(
        calls=answer.calls,
        ids=tuple(f"call_{place}" for place in range(len(answer.calls))),
        text="" if answer.calls or not answer.dropped else f"(no valid call of {', '.join(answer.dropped)} was found)",
        usage=Usage(input=drawn.read, output=drawn.chosen),
        latency=drawn.seconds,
        confidence=_probability(answer.whole),
        confidences=tuple(map(_probability, answer.confidence)),
    )


def _probability(log: float) -> float:
    return round(math.exp(log), _DIGITS)


def open_provider(model: Model) -> Provider:
    """Return the provider of a pocket model.

    Raises ConfigError for an unknown name, an unknown setting and weights that are not whole, ModelUnavailable where
    numpy is missing.
    """
    read_settings(model.identity, model.settings)
    try:
        from pytest_toolmatch.pocket.process import Process  # noqa: PLC0415 - imports numpy
        from pytest_toolmatch.pocket.weights import manifest_of, read, shipped  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "numpy":
            raise
        raise ModelUnavailable(f"{model.identity}: the package 'numpy' is not installed: pip install numpy") from None
    if model.name not in shipped() and not Path(model.name).expanduser().exists():
        known = [f"pocket:{name}" for name in shipped()]
        raise ConfigError(
            f"{model.identity}: there is no such model{did_you_mean(model.identity, known)}; those shipped are "
            f"{', '.join(known)}; one of your own is named by the folder that toolmatch distill wrote"
        )
    manifest = manifest_of(model.name)
    read(manifest)  # what is wrong with the weights is told here
    return Provider(Process(manifest), model.identity)


def read_settings(model: str, settings: dict[str, Any]) -> Sampling:
    """Return how to draw; raises ConfigError for a setting that is unknown or out of range."""
    for name in settings:
        if name not in Sampling._fields:
            hint = did_you_mean(name, Sampling._fields)
            raise ConfigError(f"{model}: there is no setting {name!r}{hint}; there are {', '.join(Sampling._fields)}")
    temperature, seed = settings.get("temperature", TEMPERATURE), settings.get("seed", 0)
    if isinstance(temperature, bool) or not isinstance(temperature, int | float) or not 0 <= temperature < float("inf"):
        raise ConfigError(f"{model}: temperature is {temperature!r}: write 0 or more; 0 always takes what is likeliest")
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise ConfigError(f"{model}: seed is {seed!r}: write a whole number")
    return Sampling(float(temperature), seed)
