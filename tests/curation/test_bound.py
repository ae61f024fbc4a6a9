"""Bounds spare work and lose no pair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytest_toolmatch.curation.bound import Alike, narrowed
from pytest_toolmatch.curation.embedding import unit

COUNT = 2400


def rows(kind: str) -> Any:
    """Return rows whose bound pays, rows of which many are alike, and rows that no few columns tell of."""
    chance = np.random.default_rng(1)
    made = chance.standard_normal((COUNT, 48)).astype(np.float32)
    made[COUNT // 2 :] = made[: COUNT // 2] + np.float32(0.3) * chance.standard_normal((COUNT // 2, 48))
    if kind != "flat":
        made[:, 12:] *= 0.3
    if kind == "dense":
        made[::2] = made[0] + np.float32(0.2) * made[::2]
    made[7] = 0
    return unit(made)


@pytest.mark.parametrize(("kind", "least"), [("steep", 0.8), ("dense", 0.8), ("flat", 0.3)])
def test_all_pairs_are_found_and_no_other(kind: str, least: float) -> None:
    given = rows(kind)
    order = np.random.default_rng(2).permutation(COUNT)
    assert (narrowed(given, least, order) is not None) == (kind == "steep")
    products = given[order] @ given[order].T
    alike, found = Alike(given, least, order), set[tuple[int, int]]()
    for start in range(0, COUNT, 400):
        ones, others, likeness = alike.pairs(start, start + 400)
        assert np.allclose(likeness, products[ones, others], atol=1e-6)
        assert (np.diff(ones * COUNT + others) > 0).all()
        found |= {*zip(ones.tolist(), others.tolist(), strict=True)}
        alike.add(np.arange(start, start + 400, 2))
    earlier = np.arange(COUNT) // 400
    able = (earlier[:, None] > earlier) & (np.arange(COUNT) % 2 == 0)
    sure, maybe = ({*map(tuple, np.argwhere(able & (products > least + e)).tolist())} for e in (1e-5, -1e-5))
    assert set() < sure <= found <= maybe


def test_a_bound_is_no_less_than_the_product() -> None:
    given = rows("steep")
    bound = narrowed(given, 0.8, np.arange(COUNT))
    assert bound is not None
    assert (bound @ bound.T >= given @ given.T - 1e-5).all()


def test_where_a_bound_leaves_too_much_all_is_compared() -> None:
    given = rows("steep")
    given[:80] = given[0]
    alike = Alike(given, 0.8, np.arange(COUNT))
    alike.add(np.arange(40))
    ones, others, likeness = alike.pairs(40, 80)
    assert (ones * 40 + others).tolist() == [40 * one + other for one in range(40, 80) for other in range(40)]
    assert np.allclose(likeness, 1)
