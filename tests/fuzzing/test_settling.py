"""Findings made small: in a hurry, at leisure, and after luck had a hand in it."""

from __future__ import annotations

import math
from collections.abc import Callable

from pytest_toolmatch.fuzzing.comparing import compared
from pytest_toolmatch.fuzzing.scoring import Scorer
from pytest_toolmatch.fuzzing.settling import Examined, Settled, settled, smaller
from pytest_toolmatch.fuzzing.shrinking import Shrinker
from pytest_toolmatch.fuzzing.trial import drive
from pytest_toolmatch.fuzzing.variant import Variant
from pytest_toolmatch.statistics.drops import Tally
from tests.fuzzing.simulated import SimulatedModels
from tests.fuzzing.test_comparing import SUITE, variant_of, weak

BEFORE, NEEDED = Tally(5, 5), math.log(40)
SUSPECT = variant_of("order", "changed", "leaves")


def words(variant: Variant) -> int:
    return len(variant.query.split())


def made_small(models: SimulatedModels, hurried: Callable[[], bool]) -> Settled:
    examined = Examined(suspect=SUSPECT, after=Tally(0, 3))
    trial = settled(examined, Scorer(SUITE), BEFORE, needed=lambda: NEEDED, hurried=hurried)
    return drive(trial, models.answer)


def test_what_says_nothing_goes_even_in_a_hurry_and_the_rest_later() -> None:
    for seed in range(5):
        models = SimulatedModels(weak, seed=seed)
        first = made_small(models, lambda: True)
        assert first.smallest
        assert words(first.smallest.compared.variant) < words(SUSPECT)
        assert len(first.smallest.compared.variant.edits) == 3

        trial = smaller(first, Scorer(SUITE), BEFORE, needed=NEEDED, hurried=lambda: False)
        second = drive(trial, models.answer)
        assert second.smallest
        assert len(second.smallest.compared.variant.edits) == 1
        assert len(second.compared) == len(first.compared) + 1
        assert weak(second.smallest.compared.variant)


def test_what_can_not_be_made_smaller_stays_as_it_is() -> None:
    models = SimulatedModels(weak)
    first = made_small(models, lambda: False)
    assert drive(smaller(first, Scorer(SUITE), BEFORE, needed=NEEDED, hurried=lambda: False), models.answer) == first


def test_a_shrinking_goes_back_to_what_more_draws_bear_out_and_no_further() -> None:
    models, scorer = SimulatedModels(weak, noise=0.0), Scorer(SUITE)
    found = drive(compared(SUSPECT, scorer, needed=NEEDED), models.answer)
    shrinker = Shrinker(SUSPECT, scorer, found.before, found.after.draws, found.after.rate)
    stands, luck = variant_of("order", "changed"), variant_of("changed")
    shrinker.kept += [stands, luck, variant_of("leaves")]
    drive(shrinker.back(), models.answer)
    assert shrinker.smallest == stands
