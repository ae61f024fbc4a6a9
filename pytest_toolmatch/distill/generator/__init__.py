"""Random tools and requests for them, without end: everything written or made up here, nothing from any data set."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from pytest_toolmatch.distill.generator.dice import Dice
from pytest_toolmatch.distill.generator.drills import answers, verbs
from pytest_toolmatch.distill.generator.endings import done, missing, no_call
from pytest_toolmatch.distill.generator.plain import plain
from pytest_toolmatch.distill.generator.scenes import in_order, one, parallel
from pytest_toolmatch.distill.generator.vocabulary import vocabulary
from pytest_toolmatch.distill.generator.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_toolmatch.distill.examples import Example


class Scene(NamedTuple):
    """A kind of scene, and how often it is: in what is held out, and in what is learned from."""

    make: Callable[[World], Iterator[Example]]
    held_out: float
    learned: float


SCENES = (
    Scene(one, 0.34, 0.18),
    Scene(parallel, 0.21, 0.28),
    Scene(in_order, 0.10, 0.11),
    Scene(done, 0.07, 0.06),
    Scene(no_call, 0.12, 0.21),
    Scene(missing, 0.08, 0.06),
    Scene(plain, 0.0, 0.26),
    Scene(verbs, 0.0, 0.12),
    Scene(answers, 0.0, 0.09),
)
"""Training has more of what is harder. ``in_order`` yields two examples; for ``plain`` see ``everyday``."""


def generate(seed: int, *, held_out: bool = False, unknown_verbs: bool = False) -> Iterator[Example]:
    """Yield examples for ever, the same ones for the same seed.

    ``held_out`` makes them of the other half of the words: nouns, enum values, parameters with their descriptions, and
    phrasings that never occur without it; ``unknown_verbs`` the same for verbs and their synonyms.
    """
    dice = Dice(seed)
    words = vocabulary(held_out, unknown_verbs=unknown_verbs)
    bounds = list(accumulate(scene.held_out if held_out else scene.learned for scene in SCENES))
    while True:
        roll = dice.random() * bounds[-1]
        scene = next(scene for bound, scene in zip(bounds, SCENES, strict=True) if roll < bound)
        yield from scene.make(World(dice, words))


def everyday(seed: int, *, held_out: bool = False) -> Iterator[Example]:
    """Yield requests for the everyday tools for ever: those to learn from, or those held out."""
    dice, words = Dice(seed), vocabulary(held_out)
    while True:
        yield from plain(World(dice, words))
