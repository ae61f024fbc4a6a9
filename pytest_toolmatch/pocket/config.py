"""The shape of a network: what both its training and its use have to know."""

from __future__ import annotations

import msgspec


class Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sizes of one network.

    ``buckets`` × ``letters`` is the table of character n-grams; ``width`` the size of a vector, in ``heads`` parts;
    ``layers`` read the conversation and the tools together, ``steps`` layers decide; ``inner`` is the width between.
    """

    buckets: int
    letters: int
    width: int
    heads: int
    layers: int
    steps: int
    inner: int


SHAPES: dict[str, Shape] = {
    "small": Shape(buckets=8192, letters=48, width=96, heads=4, layers=2, steps=1, inner=192),
    "base": Shape(buckets=16384, letters=64, width=128, heads=4, layers=4, steps=2, inner=256),
    "26m": Shape(buckets=49152, letters=128, width=448, heads=8, layers=5, steps=3, inner=1344),
}
"""The named sizes: two are shipped, the third is for a GPU."""

POSITIONS = 64
"""Places of a token in its piece of the conversation that are told apart."""

POOLS = 4
"""Ways in which the words of a name or a description are weighed."""

STEP_FEATURES = 14
"""Lexical features of each token in each step; see ``network.step_features``."""

SHARP = 5.0
"""What a full match adds to attention in the heads that look at matches."""

KIN = 3.0
"""What belonging to the same tool adds in the head that looks at tools."""

PAST = 3.0
"""What it costs a token, in the head that looks at the next call, not to stand behind all that earlier calls used."""

NEAR = 0.5
"""What one token of distance costs in the head that looks around."""
