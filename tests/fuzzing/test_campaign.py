"""Campaigns against simulated models: what is planted is found, noise is not."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.errors import BudgetSpent
from pytest_toolmatch.core.sample import Sample, SampleRole
from pytest_toolmatch.fuzzing.campaign import Campaign
from pytest_toolmatch.fuzzing.exploring import Cell, cells_of
from pytest_toolmatch.fuzzing.pool import Pool
from pytest_toolmatch.fuzzing.scoring import Scorer
from pytest_toolmatch.fuzzing.trial import Asked, Told
from pytest_toolmatch.fuzzing.variant import Variant
from tests.fuzzing.simulated import GREETING, SHOUTING, SimulatedModels, simulated_suite

SUITE = simulated_suite()


def weak(variant: Variant) -> bool:
    words, relations = variant.query.split(), variant.relation.split("+")
    shouted = "shouting" in relations and "ORDER" in words and "cancel" in variant.query.lower()
    return shouted or ("greeting" in relations and "dear" in words and "where" in variant.query.lower().split())


def fuzzed(
    is_weak: Callable[[Variant], bool], *, seed: int = 0, budget: int = 1000, at_once: int = 32
) -> tuple[SimulatedModels, Campaign]:
    models = SimulatedModels(is_weak, seed=seed)
    campaign = Campaign(
        Pool(models),
        Scorer(SUITE),
        [SHOUTING, GREETING],
        seed=seed,
        at_once=at_once,
        afford=lambda: models.calls / budget,
    )
    for _ in campaign.run(SUITE.cases):
        pass
    return models, campaign


def test_planted_weaknesses_are_found_told_apart_and_made_small() -> None:
    for seed in range(3):
        models, campaign = fuzzed(weak, seed=seed)
        assert {one.cell for one in campaign.findings} == {
            Cell("shouting", "cancel_order"),
            Cell("greeting", "track_parcel"),
        }
        for one in campaign.findings:
            assert weak(one.smallest.variant)
            assert len(one.smallest.variant.query.split()) <= len(one.suspect.query.split())
        assert models.calls <= 1100


def test_noise_raises_no_finding() -> None:
    raised = sum(bool(fuzzed(lambda _: False, seed=seed, budget=300)[1].findings) for seed in range(15))
    assert raised <= 1


def test_the_same_seed_tries_the_same_prompts_in_the_same_order() -> None:
    tried = [[one.variant.id for one in fuzzed(weak, seed=3, budget=500)[1].screened] for _ in range(2)]
    assert tried[0] == tried[1]
    assert tried[0] != [one.variant.id for one in fuzzed(weak, seed=4, budget=500)[1].screened]


class Slow(SimulatedModels):
    """Answers come in whatever order."""

    def __init__(self, is_weak: Callable[[Variant], bool], order: int) -> None:
        super().__init__(is_weak, seed=3)
        self._order = random.Random(order)  # noqa: S311 - any order will do

    def ready(self, _: Asked) -> bool:
        return self._order.random() < 0.5

    def rest(self) -> None:
        pass


def test_what_is_tried_and_found_depends_on_no_order_of_answers() -> None:
    ends = []
    for order in range(2):
        models = Slow(weak, order)
        afford = partial(lambda models: models.calls / 600, models)
        campaign = Campaign(Pool(models), Scorer(SUITE), [SHOUTING, GREETING], seed=3, at_once=32, afford=afford)
        for _ in campaign.run(SUITE.cases):
            pass
        ends.append(([one.variant.id for one in campaign.screened], campaign.findings, models.calls))
    assert ends[0] == ends[1]
    assert ends[0][1]


def test_every_relation_is_tried_alone_on_every_tool_and_then_with_others() -> None:
    _, campaign = fuzzed(lambda _: False, budget=600)
    alone = [one.variant for one in campaign.screened if not one.variant.parts]
    cells = [cells_of(variant)[0] for variant in alone]
    assert set(cells) == {Cell(name, tool.name) for name in ("shouting", "greeting") for tool in SUITE.tools}
    assert [one.variant for one in campaign.screened][: len(set(cells))] == alone[: len(set(cells))]
    together = [one.variant for one in campaign.screened if one.variant.parts]
    assert len({variant.subject.case.id for variant in together}) >= len(SUITE.cases) - 2
    assert {frozenset(part.relation for part in variant.parts) for variant in together} == {
        frozenset({"shouting", "greeting"})
    }


class Poor(SimulatedModels):
    """Has a budget that refuses every draw beyond it."""

    most = 300

    def told(self, asked: Asked) -> Told:
        if self.calls > self.most:
            raise BudgetSpent("spent")
        return super().told(asked)


def test_a_budget_that_is_spent_ends_it_and_keeps_what_was_found() -> None:
    models = Poor(weak)
    campaign = Campaign(Pool(models), Scorer(SUITE), [SHOUTING, GREETING], at_once=32)
    for _ in campaign.run(SUITE.cases):
        pass
    assert campaign.screened
    assert all(weak(one.smallest.variant) for one in campaign.findings)


class Fragile(SimulatedModels):
    """A teacher that fails where its student does."""

    def sampled(self, case: Case, role: SampleRole, draw: int) -> Sample:
        return super().sampled(case, "student" if isinstance(case, Variant) else role, draw)


def test_where_the_teacher_breaks_too_nothing_is_held_against_the_student() -> None:
    models = Fragile(weak)
    campaign = Campaign(
        Pool(models), Scorer(SUITE), [SHOUTING, GREETING], at_once=32, afford=lambda: models.calls / 800
    )
    for _ in campaign.run(SUITE.cases):
        pass
    assert campaign.findings == []
    assert campaign.broken > 0
