"""What a run has finished, on disk until it has ended: the same command goes on from there after it was stopped."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_Block = TypeVar("_Block")

FOLDER = ".curating"
_encoder = msgspec.json.Encoder()


class Finished:
    """Blocks and arrays of stages, by name, under a hash of all that has a say in them; ``told`` is what has.

    Without a folder nothing is kept. Where nothing can be written, a run goes on without.
    """

    def __init__(self, folder: Path | None = None, told: Sequence[str] = ()) -> None:
        self._folder = folder and folder / hashlib.sha256("\0".join(told).encode("utf-8", "replace")).hexdigest()[:16]

    @property
    def stages(self) -> list[str]:
        """The stages of which something is there."""
        return sorted(path.stem for path in self._folder.iterdir()) if self._folder and self._folder.exists() else []

    def arrays(self, stage: str, make: Callable[[], Sequence[NDArray[Any]]]) -> list[NDArray[Any]]:
        """Return the arrays of a stage: those that lie there, else those that are made."""
        path = self._folder and self._folder / f"{stage}.npz"
        if path and path.exists():
            with np.load(path) as kept:
                return [kept[name] for name in kept.files]
        made = list(make())
        if path:
            part = path.with_suffix(".part")
            with suppress(OSError):
                part.parent.mkdir(parents=True, exist_ok=True)
                with part.open("wb") as file:
                    np.savez(file, *made)
                part.replace(path)
        return made

    def blocks(self, stage: str, kind: Any, make: Callable[[int], Iterable[_Block]]) -> Iterator[_Block]:
        """Yield the blocks of a stage: those that lie there, then those that ``make`` yields after so many."""
        path = self._folder and self._folder / f"{stage}.jsonl"
        count = end = 0
        if path and path.exists():
            decoder = msgspec.json.Decoder(kind)
            with path.open("rb") as lines:
                for line in lines:
                    if line.endswith(b"\n"):  # else it is what a stopped writer leaves behind
                        yield decoder.decode(line)
                        count, end = count + 1, end + len(line)
        for block in make(count):
            if path and _added(path, end, line := _encoder.encode(block) + b"\n"):
                end += len(line)
            else:
                path = None
            yield block

    def forget(self) -> None:
        """Remove all that was kept, whatever it was kept for."""
        if self._folder:
            shutil.rmtree(self._folder.parent, ignore_errors=True)


def _added(path: Path, end: int, line: bytes) -> bool:
    """Write a line at the end of what is whole; say whether that could be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.truncate(end)
            file.write(line)
    except OSError:
        return False
    return True


NOTHING = Finished()
"""What keeps nothing."""
