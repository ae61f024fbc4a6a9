"""The scripted world of the bench: what is planted shows where it should, and nothing else does."""

from __future__ import annotations

import importlib
import itertools
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pytest_toolmatch.core.errors import BudgetSpent
from pytest_toolmatch.fuzzing.edits import Rewrite
from pytest_toolmatch.fuzzing.generating import drawn
from pytest_toolmatch.fuzzing.relation import NotApplicable
from pytest_toolmatch.fuzzing.relations import RELATIONS
from pytest_toolmatch.fuzzing.scoring import Scorer
from pytest_toolmatch.fuzzing.trial import Ask
from pytest_toolmatch.fuzzing.variant import Subject, Variant, made

BENCHES = Path(__file__).parents[2] / "benches"
KINDS = "typos casing punctuation politeness formats context tool_order distractors injection tool_names enum_values"


class Made(NamedTuple):
    """The modules of the bench."""

    world: Any
    cases: Any


@pytest.fixture(scope="module")
def bench() -> Iterator[Made]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHES)
        yield Made(importlib.import_module("planted"), importlib.import_module("planted_cases"))


def subjects(bench: Made) -> list[Subject]:
    quiet = bench.world.World(noise=0)
    return [
        Subject(
            case=case,
            tools=bench.cases.SUITE.tools,
            chain=bench.cases.KNOWN[case.id].chain,
            replies=quiet.sample(case, "student", 0).replies,
        )
        for case in bench.cases.SUITE.cases
    ]


@cache
def variants(bench: Made, relation: str, each: int = 12) -> tuple[Variant, ...]:
    found: list[Variant] = []
    for subject in subjects(bench):
        try:
            found += drawn(RELATIONS[relation].variants(subject), each, f"{relation}/{subject.case.id}")
        except NotApplicable:
            continue
    return tuple(found)


def weakness(bench: Made, relation: str) -> Any:
    return next(one for one in bench.world.WEAKNESSES if one.relation == relation)


def test_there_are_twelve_weaknesses_of_twelve_kinds(bench: Made) -> None:
    assert {one.relation for one in bench.world.WEAKNESSES} == {*KINDS.split(), "missing_value"}
    assert {one.relation for one in bench.world.WEAKNESSES} <= set(RELATIONS)


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_student_without_weakness_is_right_but_for_noise(bench: Made, relation: str) -> None:
    world, scorer, hits = bench.world.World(seed=3), Scorer(bench.cases.SUITE), []
    for variant in variants(bench, relation)[:400]:
        expected = bench.world.truth(variant) if variant.must == "teacher" else variant.expected
        hits += scorer.hits(variant, expected, [world.sample(variant, "student", draw) for draw in range(2)])
    assert len(hits) >= 20
    assert sum(hits) / len(hits) > 0.9 - 3 * (0.09 / len(hits)) ** 0.5


@pytest.mark.parametrize("relation", [*KINDS.split(), "missing_value"])
def test_a_weakness_shows_in_its_relation_and_there_only(bench: Made, relation: str) -> None:
    planted = weakness(bench, relation)
    shows = {
        other: sum(bool(bench.world.shown(variant, [planted])) for variant in variants(bench, other))
        for other in RELATIONS
    }
    concerned = [one for one in variants(bench, relation) if one.subject.case.id in bench.world.cases_of(planted)]
    assert shows.pop(relation) >= 0.1 * len(concerned)
    assert not any(shows.values()), shows


@pytest.mark.parametrize("relation", [*KINDS.split(), "missing_value"])
def test_the_parents_have_no_weakness_whatever_is_cut(bench: Made, relation: str) -> None:
    for subject in subjects(bench):
        cuts = [Rewrite(word.start(), word.end()) for word in re.finditer(r"\S+\s*", subject.query)]
        # Without its last word a parent may end without a mark, as no shorter prompt of its own does.
        for cut in cuts[:-1]:
            parent = made(subject, "parent", "same", (), (cut,))
            assert not bench.world.shown(parent, [weakness(bench, relation)])


@pytest.mark.parametrize("relation", [*KINDS.split(), "missing_value"])
def test_no_prompt_has_fewer_words_than_the_least(bench: Made, relation: str) -> None:
    planted = weakness(bench, relation)
    least: dict[str, int] = {}
    for variant in variants(bench, relation):
        case = variant.subject.case.id
        if bench.world.shown(variant, [planted]):
            shortest = min(len(one.query.split()) for one in shortened(bench, variant, planted))
            least[case] = min(least.get(case, 99), shortest)
    assert least
    assert least == {case: bench.world.least_words(case, planted) for case in least}


def shortened(bench: Made, variant: Variant, planted: Any) -> Iterator[Variant]:
    """Yield all that is left of a variant's edits, one by one, after any cuts, where the weakness still shows."""
    spare = [
        Rewrite(word.start(), word.end())
        for word in re.finditer(r"\S+\s*", variant.subject.query)
        if bench.world.understood(variant.subject.case.id, [Rewrite(word.start(), word.end())])
    ]
    for size in range(len(spare), -1, -1):
        found = []
        for cuts in itertools.combinations(spare, size):
            for edits in [variant.edits, *((edit,) for edit in variant.edits)]:
                one = made(variant.subject, variant.relation, variant.must, edits, cuts)
                found += [one] if bench.world.shown(one, [planted]) else []
        if found:
            yield from found
            return


def test_noise_is_as_planted(bench: Made) -> None:
    world = bench.world.World(bench.world.WEAKNESSES, seed=1)
    case = bench.cases.SUITE.cases[0]
    loud = next(one for one in variants(bench, "casing") if bench.world.shown(one, bench.world.WEAKNESSES))
    right = {"student": 0.9, "teacher": 0.98}
    for role, rate in right.items():
        (samples,) = world.answer((Ask(case, role, 600),))
        assert abs(sum(one.chain == bench.world.truth(case) for one in samples) / 600 - rate) < 0.04
    (samples,) = world.answer((Ask(loud, "student", 600),))
    assert abs(sum(one.chain == bench.world.truth(loud) for one in samples) / 600 - 0.09) < 0.04


def test_draws_are_made_once_and_counted_until_the_budget_is_spent(bench: Made) -> None:
    world, case = bench.world.World(most=20), bench.cases.SUITE.cases[0]
    first, again = (world.answer((Ask(case, "teacher", draws),))[0] for draws in (3, 5))
    assert again[:3] == first
    assert (world.draws, world.calls) == (5, sum(1 + len(one.chain) for one in again))
    world.begin((Ask(case, "teacher", 20),))
    with pytest.raises(BudgetSpent):
        world.begin((Ask(case, "teacher", 21),))
