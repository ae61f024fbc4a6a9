"""Embedders by name: the one that comes with us, a server's, and that of sentence-transformers."""

from __future__ import annotations

from functools import cache, partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from pytest_toolmatch.core.errors import ConfigError, did_you_mean
from pytest_toolmatch.curating.server import Server
from pytest_toolmatch.curation.embedding import Embedder, unit
from pytest_toolmatch.curation.hashed import NAME, Hashed
from pytest_toolmatch.engines.engine import blocks_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_toolmatch.curation.embedding import Floats
    from pytest_toolmatch.engines.engine import Engine

_BLOCK = 512
_WAYS = "hashed, http://HOST/v1#MODEL, or st:NAME for sentence-transformers"


class SentenceTransformer:
    """A model of sentence-transformers, by name or directory."""

    epsilon = 0.25

    def __init__(self, name: str) -> None:
        self.name, self._model = f"st:{name}", name
        if find_spec("sentence_transformers") is None:
            raise ConfigError(
                f"--embedder {self.name} needs sentence-transformers, which is not installed: "
                "pip install 'pytest-toolmatch[embed]'"
            )
        _loaded(name)

    def rows(self, texts: Sequence[str]) -> Iterator[Floats]:
        """Yield the model's rows."""
        return map(self.work(texts), blocks_of(texts, _BLOCK))

    def work(self, _: Sequence[str]) -> Callable[[Sequence[str]], Floats]:
        """Return what makes rows, wherever it is called: the model's name travels, not the model."""
        return partial(_encoded, self._model)


@cache
def _loaded(name: str) -> Any:
    """Return the model, once for every process that needs it."""
    from sentence_transformers import SentenceTransformer as Theirs  # noqa: PLC0415 - takes seconds, pulls torch

    try:
        return Theirs(name)
    except Exception as error:  # noqa: BLE001 - a hub, a file system, a model's own code
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ConfigError(f"--embedder st:{name}: can't load it: {reason[:300]}") from None


def _encoded(name: str, texts: Sequence[str]) -> Floats:
    return unit(np.asarray(_loaded(name).encode(list(texts), convert_to_numpy=True), np.float32))


@runtime_checkable
class _Divisible(Embedder, Protocol):
    """An embedder that makes rows where it is told to, not only here."""

    def work(self, texts: Sequence[str]) -> Callable[[Sequence[str]], Floats]:
        """Return a function that makes the rows of some of the texts."""
        ...


class _Shared:
    """An embedder whose blocks an engine has."""

    def __init__(self, embedder: _Divisible, engine: Engine) -> None:
        self.name, self.epsilon = embedder.name, embedder.epsilon
        self._embedder, self._engine = embedder, engine

    def rows(self, texts: Sequence[str]) -> Iterator[Floats]:
        """Yield what the embedder itself would."""
        return self._engine.map(self._embedder.work(texts), blocks_of(texts, _BLOCK))


def on_engine(embedder: Embedder, engine: Engine) -> Embedder:
    """Return an embedder that works on an engine, where both can.

    A server is asked from here, whatever the engine: it is what is waited for, and its key stays here.
    """
    return _Shared(embedder, engine) if engine.apart and isinstance(embedder, _Divisible) else embedder


def embedder_of(name: str) -> Embedder:
    """Return the embedder of a name; ConfigError for one that is none, or needs what is not installed."""
    for prefix, made in _BY_PREFIX.items():
        if name.startswith(prefix):
            return made(name)
    if name == NAME:
        return Hashed()
    raise ConfigError(f"--embedder {name}: no such embedder{did_you_mean(name, [NAME])}; there are {_WAYS}")


def _server(name: str) -> Server:
    url, _, model = name.partition("#")
    if not model:
        raise ConfigError(f"--embedder {name}: name its model, as in {url.rstrip('/')}#nomic-embed-text")
    return Server(url, model)


_BY_PREFIX: dict[str, Callable[[str], Embedder]] = {
    "http://": _server,
    "https://": _server,
    "st:": lambda name: SentenceTransformer(name.removeprefix("st:")),
}
