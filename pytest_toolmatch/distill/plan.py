"""How a run of training is asked for, and where it is."""

from __future__ import annotations

import msgspec

from pytest_toolmatch.pocket.config import Shape


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How to train: so long, ``rate`` at its height, ``shards`` of examples, gone round as needed."""

    shape: Shape
    minutes: float = 20.0
    steps: int = 0
    seed: int = 0
    rate: float = 1.5e-3
    batch: int = 16
    shards: int = 40
    patience: int = 0
    device: str = "cpu"


class Progress(msgspec.Struct):
    """Where a run is: ``curve`` rows are (minute, step, examples, loss, validation exact)."""

    step: int = 0
    seconds: float = 0.0
    best: float = -1.0
    stale: int = 0
    curve: list[tuple[float, int, int, float, float]] = []
