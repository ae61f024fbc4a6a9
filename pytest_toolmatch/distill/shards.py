"""Packed examples on disk: made once for a seed, read back as they are; no pickle."""

from __future__ import annotations

import hashlib
import itertools
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_toolmatch.distill.batches import Lexicon, Packed, pack
from pytest_toolmatch.distill.targets import Encoded, encode_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_toolmatch.distill.examples import Example

SHARD = 4000
"""Examples in one file."""

_POLL_S = 0.2
_TOLD_AFTER_S = 5.0
_GIVEN_UP_S = 120.0
_WORDS = ("words", "names", "abouts")


class Shards:
    """A sequence of shards of packed examples, made when they are first asked for, and kept on disk.

    ``make(n)`` yields the examples of the n-th. It has to be a function of a module: a worker runs ahead with it. One
    that nobody is at when it is asked for is made there and then. The latest shard alone is in memory.
    """

    def __init__(self, folder: Path, make: Callable[[int], Iterator[Example]], count: int, lexicon: Lexicon) -> None:
        self.folder, self.make, self.count, self.lexicon = folder, make, count, lexicon
        self._loaded: dict[int, list[Packed]] = {}

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, shard: int) -> list[Packed]:
        if shard not in self._loaded:
            file = self.folder / _file(shard)
            _await(file)
            if not file.exists():
                make_shard(self.folder, self.make, shard)
            self._loaded = {shard: load(file, self.lexicon)}
        return self._loaded[shard]

    def work_ahead(self) -> None:
        """Make all that is missing in a process of its own, in order; it ends with this one."""
        context = multiprocessing.get_context("spawn")
        context.Process(target=make_all, args=(self.folder, self.make, self.count), daemon=True).start()


def _await(file: Path) -> None:
    """Wait for a shard that somebody is at; say so where it takes long."""
    since, told = time.monotonic(), False
    while not file.exists() and _being_made(file):
        time.sleep(_POLL_S)
        if not told and time.monotonic() - since > _TOLD_AFTER_S:
            sys.stderr.write(f"waiting for examples: {file} is not made yet\n")
            told = True


def make_all(folder: Path, make: Callable[[int], Iterator[Example]], count: int) -> None:
    """Make the shards that are missing, in a process of its own, as long as the one that wants them lives."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the training, which ends this one
    parent = os.getppid()
    for shard in range(count):
        if os.getppid() != parent:
            return
        if not (folder / _file(shard)).exists() and not _being_made(folder / _file(shard)):
            make_shard(folder, make, shard)


def make_shard(folder: Path, make: Callable[[int], Iterator[Example]], shard: int) -> None:
    """Write one shard; examples that the grammar can't say are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    mark = (folder / _file(shard)).with_suffix(".making")
    mark.touch()
    own = Lexicon(1)
    try:
        examples = encode_all(itertools.islice(make(shard), SHARD))
        save(folder / _file(shard), [pack(one, own) for one in examples if isinstance(one, Encoded)], own)
    finally:
        mark.unlink(missing_ok=True)


def _being_made(file: Path) -> bool:
    """Whether another run is at it; a mark left behind by one that was killed counts for a while only."""
    try:
        return time.time() - file.with_suffix(".making").stat().st_mtime < _GIVEN_UP_S
    except FileNotFoundError:
        return False


def _file(shard: int) -> str:
    return f"{shard:04}.npz"


def source_digest() -> str:
    """Return a short hash of all that examples are made by: words, requests, and the code that packs them."""
    package = Path(__file__).parents[1]
    files = (file for part in ("distill", "pocket") for file in (package / part).rglob("*"))
    made = hashlib.sha256()
    for file in sorted(
        file for file in files if file.suffix in (".py", ".yaml", ".json") and file.parent.name != "weights"
    ):
        made.update(file.relative_to(package).as_posix().encode() + file.read_bytes())
    return made.hexdigest()[:8]


def save(file: Path, examples: Iterable[Packed], lexicon: Lexicon) -> None:
    """Write packed examples with the words of their lexicon; the file appears when it is whole."""
    rows = list(examples)
    arrays: dict[str, Any] = {"lexicon": np.array(list(lexicon.words))}
    for field in Packed._fields:
        parts = [getattr(row, field) for row in rows]
        arrays[field] = np.concatenate([part.ravel() for part in parts])
        arrays[f"{field}.shape"] = np.array([part.shape for part in parts], np.int32)
    part_file = file.with_name(f".{file.stem}.{os.getpid()}.npz")
    np.savez(part_file, **arrays)
    part_file.replace(file)


def load(file: Path, lexicon: Lexicon) -> list[Packed]:
    """Read packed examples; their words get the numbers of ``lexicon``."""
    with np.load(file, allow_pickle=False) as arrays:
        numbers = np.array([lexicon.number(str(word)) for word in arrays["lexicon"]], np.int32)
        columns = [_split(arrays, field, numbers if field in _WORDS else None) for field in Packed._fields]
    return [Packed(*row) for row in zip(*columns, strict=True)]


def _split(arrays: Any, field: str, numbers: Any) -> list[Any]:
    flat, shapes = arrays[field], arrays[f"{field}.shape"]
    flat = flat if numbers is None else numbers[flat]
    ends = np.cumsum(shapes.prod(1))
    return [part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), shapes, strict=True)]
