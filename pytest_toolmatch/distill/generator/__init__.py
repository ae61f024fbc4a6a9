"""Random tools and requests for them, without end: everything written or made up here, nothing from any data set."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from pytest_toolmatch.distill.generator.dice import Dice
from pytest_toolmatch.distill.generator.endings import done, missing, no_call
from pytest_toolmatch.distill.generator.plain import plain
from pytest_toolmatch.distill.generator.scenes import in_order, one, parallel
from pytest_toolmatch.distill.generator.vocabulary import vocabulary
from pytest_toolmatch.distill.generator.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_toolmatch.distill.examples import Example


SCENES: tuple[tuple[float, Callable[[World], Iterator[Example]]], ...] = (
    (0.34, one),
    (0.21, parallel),
    (0.10, in_order),
    (0.07, done),
    (0.12, no_call),
    (0.08, missing),
    (0.0, plain),
)
"""Share of each kind of scene in what is held out; ``in_order`` yields two examples. See ``everyday`` for the last."""

LEARNED = (0.18, 0.28, 0.11, 0.06, 0.21, 0.06, 0.26)
"""Shares of the same kinds in training: more of what is harder, and everyday tools."""


def generate(seed: int, *, held_out: bool = False, unknown_verbs: bool = False) -> Iterator[Example]:
    """Yield examples for ever, the same ones for the same seed.

    ``held_out`` makes them of the other half of the words: nouns, enum values, parameters with their descriptions, and
    phrasings that never occur without it; ``unknown_verbs`` the same for verbs and their synonyms.
    """
    dice = Dice(seed)
    words = vocabulary(held_out, unknown_verbs=unknown_verbs)
    bounds = list(accumulate(share for share, _ in SCENES) if held_out else accumulate(LEARNED))
    while True:
        roll = dice.random() * bounds[-1]
        scene = next(scene for bound, (_, scene) in zip(bounds, SCENES, strict=True) if roll < bound)
        yield from scene(World(dice, words))


def everyday(seed: int, *, held_out: bool = False) -> Iterator[Example]:
    """Yield requests for the everyday tools for ever: those to learn from, or those held out."""
    dice, words = Dice(seed), vocabulary(held_out)
    while True:
        yield from plain(World(dice, words))
