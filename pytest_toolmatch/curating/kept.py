"""Rows that were embedded already: blocks on disk, so that a run that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_toolmatch.curation.embedding import Embedder, Floats

FOLDER = ".embedded"
_BLOCK = 1024


class Kept:
    """An embedder that writes every block to a directory, and reads those that lie there.

    For embedders whose rows do not depend on the texts beside them, and take long: a server's, a large model's.
    """

    def __init__(self, embedder: Embedder, folder: Path) -> None:
        self.name, self.epsilon = embedder.name, embedder.epsilon
        self._embedder, self._folder = embedder, folder

    def rows(self, texts: Sequence[str]) -> Iterator[Floats]:
        """Yield blocks from the disk, else from the embedder."""
        for start in range(0, len(texts), _BLOCK):
            block = texts[start : start + _BLOCK]
            told = hashlib.sha256("\0".join((self.name, *block)).encode("utf-8", "replace")).hexdigest()
            path = self._folder / f"{told[:32]}.npy"
            if path.exists():
                yield np.load(path)
                continue
            made = np.vstack(list(self._embedder.rows(block)))
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part.npy")
            np.save(part, made)
            part.replace(path)
            yield made

    def forget(self) -> None:
        """Remove what was kept."""
        shutil.rmtree(self._folder, ignore_errors=True)
