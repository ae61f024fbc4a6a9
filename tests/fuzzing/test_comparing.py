"""Trials against simulated models of known rates."""

from __future__ import annotations

import math

from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.fuzzing.comparing import compared, prepared
from pytest_toolmatch.fuzzing.edits import Rewrite
from pytest_toolmatch.fuzzing.scoring import Scorer
from pytest_toolmatch.fuzzing.shrinking import shrunk
from pytest_toolmatch.fuzzing.trial import Asked, Told, drive
from pytest_toolmatch.fuzzing.variant import Variant, made
from tests.fuzzing.simulated import SimulatedModels, simulated_suite

SUITE = simulated_suite()
CASE = SUITE.cases[4]
"""I have changed my mind so cancel order F-10 before it leaves the house"""
NEEDED = math.log(200)


def variant_of(*words: str, relation: str = "shouting") -> Variant:
    scorer = Scorer(SUITE)
    subject = drive(prepared(CASE, scorer), SimulatedModels().answer)
    assert subject is not None
    places = [(CASE.query.index(word), word) for word in words]
    return made(subject, relation, "same", [Rewrite(at, at + len(word), word.upper()) for at, word in places])


def weak(variant: Variant) -> bool:
    return "ORDER" in variant.query.split()


def test_a_weakness_is_shown_by_a_few_draws_with_both_rates() -> None:
    models = SimulatedModels(weak)
    found = drive(compared(variant_of("order"), Scorer(SUITE), needed=NEEDED), models.answer)
    assert found.state == "lower"
    assert found.before.rate > 0.7
    assert found.after.rate < 0.4
    assert found.after.draws <= 15


def test_a_noisy_student_without_a_weakness_is_let_off() -> None:
    states = [
        drive(
            compared(variant_of("order"), Scorer(SUITE), needed=math.log(20)), SimulatedModels(seed=seed).answer
        ).state
        for seed in range(120)
    ]
    assert states.count("lower") <= 6
    assert states.count("holds") >= 90


def test_draws_that_were_looked_at_before_do_not_count() -> None:
    models = SimulatedModels(weak)
    found = drive(compared(variant_of("order"), Scorer(SUITE), needed=NEEDED, skip=4), models.answer)
    assert found.skipped == 4
    drawn = models.drawn("student", found.variant)
    assert drawn == 4 + found.after.draws


def test_infrastructure_is_no_failure() -> None:
    def broken(asked: Asked) -> Told:
        return tuple(
            [Sample(case=one.case.id, role=one.role, draw=draw, outcome="infrastructure") for draw in range(one.draws)]
            for one in asked
        )

    assert drive(compared(variant_of("order"), Scorer(SUITE), needed=NEEDED), broken).state == "unsampled"


def test_a_case_without_a_consensus_is_no_subject() -> None:
    def torn(asked: Asked) -> Told:
        whole = SimulatedModels().answer(asked)
        return tuple(
            [one if one.draw % 2 else Sample(case=one.case, role="teacher", draw=one.draw, outcome="answered")]
            for samples in whole
            for one in samples[:2]
        )

    assert drive(prepared(CASE, Scorer(SUITE)), lambda asked: torn(asked)[:1]) is not None
    assert drive(prepared(CASE, Scorer(SUITE)), lambda asked: (torn(asked)[0] + torn(asked)[1],)) is None


def test_shrinking_leaves_the_one_edit_and_the_few_words_that_matter() -> None:
    sizes = []
    for seed in range(30):
        models, scorer = SimulatedModels(weak, seed=seed), Scorer(SUITE)
        found = drive(compared(variant_of("mind", "order", "house"), scorer, needed=NEEDED), models.answer)
        if found.state != "lower":  # a rare run of luck
            continue
        small = drive(shrunk(found, scorer), models.answer)
        assert weak(small.variant)
        assert small.state == "lower"
        assert small.variant.query.strip()
        sizes.append(len(small.variant.query.split()))
    assert len(sizes) >= 27
    # "cancel ORDER F-10" is the shortest prompt there is.
    assert sum(sizes) / len(sizes) <= 1.5 * 3
    assert min(sizes) == 3


def test_a_shrunk_variant_is_compared_with_a_parent_that_the_student_still_gets_right() -> None:
    models, scorer = SimulatedModels(weak), Scorer(SUITE)
    found = drive(compared(variant_of("order"), scorer, needed=NEEDED), models.answer)
    small = drive(shrunk(found, scorer), models.answer)
    assert small.variant.cuts
    assert small.variant.parent.query.lower() == small.variant.query.lower()
    assert small.before.rate > 0.6


def test_of_a_query_that_is_changed_as_a_whole_the_words_that_matter_are_left() -> None:
    models, scorer = SimulatedModels(weak), Scorer(SUITE)
    subject = drive(prepared(CASE, scorer), models.answer)
    assert subject is not None
    text = CASE.query.upper().replace("CANCEL", "cancel")
    whole = made(subject, "shouting", "same", [Rewrite(0, len(CASE.query), text)])
    found = drive(compared(whole, scorer, needed=NEEDED), models.answer)
    small = drive(shrunk(found, scorer), models.answer)
    assert small.variant.query == "cancel ORDER F-10"
