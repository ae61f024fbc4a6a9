"""The interval of a stratified sample covers as often as it says."""

from __future__ import annotations

import random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.statistics.stratified import Observed, stratified

CASES = st.lists(
    st.builds(Observed, st.floats(0, 1), st.floats(0.1, 9), st.integers(0, 5), st.floats(0, 1)), min_size=1, max_size=60
)


@given(CASES, st.sampled_from([0.8, 0.95]))
def test_the_value_lies_in_its_interval(cases: list[Observed], confidence: float) -> None:
    value, (low, high) = stratified(cases, confidence)
    assert 0 <= low <= value <= high <= 1
    assert value == pytest.approx(sum(c.weight * c.value for c in cases) / sum(c.weight for c in cases), abs=1e-9)


@given(CASES, st.floats(0.1, 10))
def test_the_scale_of_the_weights_has_no_say(cases: list[Observed], scale: float) -> None:
    scaled = [one._replace(weight=one.weight * scale) for one in cases]
    assert stratified(scaled, 0.95)[1] == pytest.approx(stratified(cases, 0.95)[1], abs=1e-6)


@pytest.mark.parametrize(("size", "each"), [(1000, 50), (120, 50)])
def test_it_covers_at_the_stated_rate(size: int, each: int) -> None:
    chance = random.Random(5)  # noqa: S311 - a seeded simulation
    blocks = each // 2
    inside = []
    for _ in range(400):
        whole = [
            [float(chance.random() < (block + 1) / (blocks + 2)) for _ in range(size // blocks)]
            for block in range(blocks)
        ]
        truth = fmean(value for block in whole for value in block)
        sample = [
            Observed(value, 1.0, number, 2 / len(block))
            for number, block in enumerate(whole)
            for value in chance.sample(block, 2)
        ]
        low, high = stratified(sample, 0.95)[1]
        inside.append(low <= truth <= high)
    assert fmean(inside) >= 0.92


def test_strata_that_tell_narrow_it() -> None:
    told = [Observed(float(number >= 25), stratum=number // 5) for number in range(50)]
    mixed = [Observed(float(number % 2), stratum=number // 5) for number in range(50)]
    widths = [high - low for _, (low, high) in (stratified(told, 0.95), stratified(mixed, 0.95))]
    assert widths[0] < 0.6 * widths[1]
