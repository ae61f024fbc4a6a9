"""Embedders by name: the one that comes with us, a server's, and that of sentence-transformers."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_toolmatch.core.errors import ConfigError, did_you_mean
from pytest_toolmatch.curating.server import Server
from pytest_toolmatch.curation.embedding import unit
from pytest_toolmatch.curation.hashed import NAME, Hashed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_toolmatch.curation.embedding import Embedder, Floats

_BLOCK = 512
_WAYS = "hashed, http://HOST/v1#MODEL, or st:NAME for sentence-transformers"


class SentenceTransformer:
    """A model of sentence-transformers, by name or directory."""

    epsilon = 0.25

    def __init__(self, name: str) -> None:
        self.name = f"st:{name}"
        if find_spec("sentence_transformers") is None:
            raise ConfigError(
                f"--embedder {self.name} needs sentence-transformers, which is not installed: "
                "pip install 'pytest-toolmatch[embed]'"
            )
        self._model = self._loaded(name)

    def _loaded(self, name: str) -> Any:
        from sentence_transformers import SentenceTransformer as Theirs  # noqa: PLC0415 - takes seconds, pulls torch

        try:
            return Theirs(name)
        except Exception as error:  # noqa: BLE001 - a hub, a file system, a model's own code
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ConfigError(f"--embedder {self.name}: can't load it: {reason[:300]}") from None

    def rows(self, texts: Sequence[str]) -> Iterator[Floats]:
        """Yield the model's rows."""
        for start in range(0, len(texts), _BLOCK):
            made = self._model.encode(list(texts[start : start + _BLOCK]), convert_to_numpy=True)
            yield unit(np.asarray(made, np.float32))


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
