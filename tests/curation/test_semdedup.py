"""What is dropped has somebody that stands for it, and neither the order of the cases nor chance has a say."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.curation.clusters import clustered
from pytest_toolmatch.curation.embedding import unit
from pytest_toolmatch.curation.semdedup import Order, at_each, deduplicated, ordered

EXACT = (10_000, 0)


def around(seed: int, centres: int, each: int, spread: float) -> Any:
    chance = np.random.default_rng(seed)
    middle = unit(chance.standard_normal((centres, 32)).astype(np.float32))
    noise = chance.standard_normal((centres * each, 32)).astype(np.float32) * np.float32(spread)
    return unit(np.repeat(middle, each, axis=0) + noise)


ROWS = st.builds(around, st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 9), st.sampled_from([0.01, 0.1, 0.4]))
EPSILON = st.sampled_from([0.01, 0.1, 0.3])


@given(ROWS, EPSILON, st.sampled_from(EXACT))
def test_every_dropped_row_is_near_a_kept_one_that_stands_for_it(rows: Any, epsilon: float, exact: int) -> None:
    stands = deduplicated(rows, epsilon, ordered(rows, exact))
    for place, other in enumerate(stands):
        assert stands[other] == other
        assert place == other or rows[place] @ rows[other] > 1 - epsilon - 1e-5


@given(ROWS, EPSILON)
def test_no_two_kept_rows_are_near(rows: Any, epsilon: float) -> None:
    stands = deduplicated(rows, epsilon)
    kept = [place for place, other in enumerate(stands) if place == other]
    assert all(rows[one] @ rows[other] <= 1 - epsilon + 1e-5 for one, other in combinations(kept, 2))


@given(st.integers(0, 10**6), EPSILON)
def test_it_is_what_the_formula_says(seed: int, epsilon: float) -> None:
    rows = around(seed, 5, 8, 0.15)
    order = ordered(rows).places
    stands = deduplicated(rows, epsilon)
    kept: list[int] = []
    for place in order:
        likeness = [float(rows[place] @ rows[other]) for other in kept]
        if abs(max(likeness, default=0.0) - (1 - epsilon)) < 1e-5:
            return  # too near to call: rounding decides
        assert (stands[place] == place) == (max(likeness, default=0.0) <= 1 - epsilon)
        kept += [place] if stands[place] == place else []


@given(st.integers(0, 10**6), st.integers(1, 40), EPSILON)
def test_rows_of_other_groups_stand_for_none_and_change_nothing(seed: int, names: int, epsilon: float) -> None:
    rows = around(seed, 5, 120, 0.15)
    groups = np.random.default_rng(seed).integers(0, names, len(rows)) * 7
    order = ordered(rows)
    stands = deduplicated(rows, epsilon, order, groups)
    for name in set(groups.tolist()):
        mine = order.places[groups[order.places] == name]
        assert (
            stands[mine].tolist() == mine[deduplicated(rows[mine], epsilon, Order(np.arange(len(mine)), None))].tolist()
        )


def test_of_two_the_one_farther_from_the_centre_stays() -> None:
    rows = unit(np.array([[1, 0, 0], [1, 0.1, 0], [1, 0.2, 0], [1, 0, 0.01]], np.float32))
    assert deduplicated(rows, 0.1).tolist() == [2, 2, 2, 2]


def test_clusters_miss_hardly_any_duplicate() -> None:
    rows = around(1, 700, 3, 0.02)
    exact, clusters = (deduplicated(rows, 0.1, ordered(rows, limit)) for limit in EXACT)
    same = np.arange(len(rows))
    assert (exact != same).sum() == 1400
    assert (clusters != same).sum() >= 0.99 * 1400


def test_the_farther_apart_duplicates_may_be_the_more_go() -> None:
    rows = around(2, 30, 5, 0.1)
    curve = [int((deduplicated(rows, one) != np.arange(len(rows))).sum()) for one in (0.01, 0.1, 0.5)]
    assert curve == sorted(curve)
    assert curve[0] < curve[-1]


@pytest.mark.parametrize("exact", EXACT)
def test_several_values_of_epsilon_at_once_say_what_each_says_alone(exact: int) -> None:
    rows = around(4, 40, 6, 0.1)
    order, epsilons = ordered(rows, exact), (0.02, 0.2, 0.4)
    alone = [deduplicated(rows, one, order).tolist() for one in epsilons]
    assert [found.tolist() for found in at_each(rows, epsilons, order)] == alone
    assert alone[0] != alone[1]


@pytest.mark.parametrize("count", [0, 1])
def test_next_to_nothing_is_no_fault(count: int) -> None:
    assert deduplicated(around(0, 1, 1, 0.1)[:count], 0.1).tolist() == list(range(count))


def test_rows_lie_in_the_cluster_whose_centre_is_nearest() -> None:
    rows = around(3, 6, 20, 0.05)
    found = clustered(rows, 6, near=2)
    likeness = rows @ found.centres.T
    assert (likeness.argmax(1) == found.own).all()
    assert (np.take_along_axis(likeness, found.nearest, 1)[:, 1] <= likeness.max(1)).all()
    assert len(set(found.own[:20])) == 1
