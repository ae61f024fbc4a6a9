"""Where cases lie on a map."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.curation.embedding import unit
from pytest_toolmatch.curation.layout import laid_out, principal


def rows(count: int, seed: int = 0, dimensions: int = 12) -> Any:
    return unit(np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32))


def split(sizes: list[int]) -> list[list[int]]:
    ends = np.cumsum(sizes).tolist()
    return [list(range(end - size, end)) for size, end in zip(sizes, ends, strict=True)]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(0, 5), st.booleans())
def test_islands_do_not_touch_and_hold_their_cases(sizes: list[int], seed: int, same: bool) -> None:
    some = np.ones((sum(sizes), 12), np.float32) if same else rows(sum(sizes), seed)
    points, islands = laid_out(some, split(sizes))
    assert np.isfinite(points).all()
    for one in islands:
        mine = points[list(one.places)]
        assert (np.hypot(*(mine - (one.x, one.y)).T) <= one.radius).all()
        assert len({tuple(point) for point in mine.round(6).tolist()}) == len(mine), "no two on one spot"
    for one, other in combinations(islands, 2):
        assert np.hypot(one.x - other.x, one.y - other.y) > one.radius + other.radius
    assert [list(one.places) for one in islands] == split(sizes)


def test_the_same_rows_lie_at_the_same_place() -> None:
    one, other = (laid_out(rows(90), split([50, 30, 10])) for _ in range(2))
    assert one[0].tobytes() == other[0].tobytes()
    assert one[1] == other[1]


def test_like_lies_beside_like() -> None:
    middles, places = rows(4, 3), np.arange(120) % 4
    some = unit(middles[places] + 0.02 * rows(120, 4))
    points, _ = laid_out(some, [list(range(120))])
    apart = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    assert (places[apart.argmin(1)] == places).mean() > 0.9


@pytest.mark.parametrize("count", [1, 2, 9, 40])
def test_principal_components_are_those_of_a_singular_value_decomposition(count: int) -> None:
    some = rows(count)
    _, values, directions = np.linalg.svd(some - some.mean(0), full_matrices=False)
    expected = ((some - some.mean(0)) @ directions.T)[:, :2]
    assert np.abs(principal(some)[:, : expected.shape[1]]) == pytest.approx(np.abs(expected), abs=1e-4)
    assert values[0] >= 0
