"""Rows are drawn as often as they should be, and what is balanced is as in the whole."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.curation.balanced import balanced


@given(st.lists(st.tuples(st.floats(0.01, 1), st.integers(0, 2)), min_size=1, max_size=60), st.integers(0, 9))
def test_as_many_are_drawn_as_probabilities_add_up_to(rows: list[tuple[float, int]], seed: int) -> None:
    share = np.array([one for one, _ in rows])
    share *= max(1, int(share.sum())) / share.sum()
    share = np.minimum(share, 1.0)
    columns = np.column_stack([share, [kind == 1 for _, kind in rows], [1.0] * len(rows)])
    found = balanced(columns, share, np.random.default_rng(seed))
    assert found == sorted(set(found))
    assert abs(len(found) - share.sum()) < 1 + 1e-6
    assert set(np.flatnonzero(share == 1)) <= set(found)


def test_every_row_is_drawn_with_its_probability() -> None:
    share = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.6, 0.9, 1.0, 0.0, 0.25, 0.25])
    columns = np.column_stack([share, np.arange(12.0), np.arange(12) % 2])
    chance, draws = np.random.default_rng(1), 3000
    found = [balanced(columns, share, chance) for _ in range(draws)]
    assert {len(one) for one in found} == {5}
    often = np.bincount(np.concatenate(found), minlength=12) / draws
    assert np.all(np.abs(often - share) <= 4 * np.sqrt(share * (1 - share) / draws))


def test_what_is_balanced_hardly_varies() -> None:
    chance = np.random.default_rng(2)
    known, share = chance.random((300, 3)), np.full(300, 0.1)
    means = [known[balanced(np.column_stack([share, known]), share, chance)].mean(0) for _ in range(40)]
    by_chance = known.std(0) / 30**0.5
    assert np.all(np.std(means, 0) < 0.3 * by_chance)
    assert np.allclose(np.mean(means, 0), known.mean(0), atol=0.01)
