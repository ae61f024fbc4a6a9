"""A pocket model with random weights: it knows nothing, but it reads, calls and is of two minds like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pytest_toolmatch.pocket.config import POOLS, POSITIONS, STEP_FEATURES, Shape
from pytest_toolmatch.pocket.reading import ITEM_FEATURES, SEGMENTS, SPECIALS, TOKEN_FEATURES
from pytest_toolmatch.pocket.slots import KINDS
from pytest_toolmatch.pocket.weights import write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TINY = Shape(buckets=512, letters=16, width=32, heads=4, layers=1, steps=1, inner=64)


def untrained(folder: Path, seed: int = 0) -> str:
    """Write a tiny model and return what it is called."""
    rng = np.random.default_rng(seed)
    arrays = {name: rng.normal(0, 0.3, size).astype(np.float32) for name, size in _sizes(TINY)}
    write(folder, "tiny", TINY, arrays, {})
    return f"pocket:{folder}"


def _sizes(shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
    width, inner = shape.width, shape.inner
    linear = {
        **dict.fromkeys(("token_words", "item_words"), (3 * width, shape.letters)),
        "token_features": (width, TOKEN_FEATURES),
        "item_features": (width, ITEM_FEATURES),
        "weigh": (POOLS, width),
        **dict.fromkeys(("named", "described", "of_tool", "of_argument", "previous", "slot", "tool"), (width, width)),
        **dict.fromkeys(("point", "pointed"), (width, width)),
    }
    layers = [f"layers.{place}" for place in range(shape.layers)]
    steps = [f"steps.{place}" for place in range(shape.steps)]
    for layer in [*layers, *steps]:
        linear |= {f"{layer}.feed.up": (inner, width), f"{layer}.feed.down": (width, inner)}
        for part in ("self_attention", "look") if layer in steps else ("self_attention",):
            linear |= {f"{layer}.{part}.ask": (width, width), f"{layer}.{part}.out": (width, width)}
            linear[f"{layer}.{part}.answer"] = (2 * width, width)
    for name, size in linear.items():
        yield f"{name}.weight", size
        yield f"{name}.bias", size[:1]
    tables = {"segment": SEGMENTS, "position": POSITIONS, "role": 2, "special": SPECIALS, "step": 6, "turn": 3}
    for name, rows in {**tables, "kind": 3 * (len(KINDS) + 1)}.items():
        yield f"{name}.weight", (rows, width)
    yield "letters.weight", (shape.buckets, shape.letters)
    yield "clues.weight", (3, STEP_FEATURES)
    norms = [f"{layer}.norm{place}" for layer in [*layers, *steps] for place in (1, 2, 3)]
    for name in (*norms, "read", "decided"):
        yield f"{name}.weight", (width,)
