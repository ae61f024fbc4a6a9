"""Rows that were embedded already: blocks on disk, so that a run that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from pytest_toolmatch.engines.engine import blocks_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_toolmatch.curation.embedding import Embedder, Floats

_BLOCK = 1024


class Kept:
    """An embedder that writes every block to a directory, and reads those that lie there.

    For embedders whose rows do not depend on the texts beside them, and take long: a server's, a large model's.
    """

    def __init__(self, embedder: Embedder, folder: Path) -> None:
        self.name, self.epsilon = embedder.name, embedder.epsilon
        self._embedder, self._folder = embedder, folder

    def rows(self, texts: Sequence[str]) -> Iterator[Floats]:
        """Yield blocks from the disk, else from the embedder, which is asked for all that are missing at once."""
        blocks = list(blocks_of(texts, _BLOCK))
        paths = [self._path(block) for block in blocks]
        missing = [not path.exists() for path in paths]
        made = self._embedder.rows(
            [text for block, asked in zip(blocks, missing, strict=True) if asked for text in block]
        )
        fresh = _cut(made, [len(block) for block, asked in zip(blocks, missing, strict=True) if asked])
        for path, asked in zip(paths, missing, strict=True):
            if not asked:
                yield np.load(path)
                continue
            block = next(fresh)
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part.npy")
            np.save(part, block)
            part.replace(path)
            yield block

    def _path(self, block: Sequence[str]) -> Path:
        told = hashlib.sha256("\0".join((self.name, *block)).encode("utf-8", "replace")).hexdigest()
        return self._folder / f"{told[:32]}.npy"


def _cut(made: Iterator[Floats], sizes: Sequence[int]) -> Iterator[Floats]:
    """Yield rows that come in blocks of any size in blocks of the sizes that are wanted."""
    waiting: list[Floats] = []
    for size in sizes:
        while sum(map(len, waiting)) < size:
            waiting.append(next(made))
        rows = np.vstack(waiting)
        waiting = [rows[size:]]
        yield rows[:size]
