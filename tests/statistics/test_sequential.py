"""Sequential gates: what a bet is worth, what order and pooling change, and how often a decision is wrong."""

from __future__ import annotations

import math
import random
from itertools import combinations, pairwise, product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.statistics.betting import Side, centre_of, gain_of, multiples, stakes_at
from pytest_toolmatch.statistics.sequential import GateTest, part_size

if TYPE_CHECKING:
    from pytest_toolmatch.statistics.sequential import Looked

bounds = st.floats(0.02, 0.98)
score = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1))


def rounds(cases: int, most: int = 8) -> st.SearchStrategy[list[list[list[float]]]]:
    return st.lists(st.lists(st.lists(score, min_size=1, max_size=3), min_size=cases, max_size=cases), max_size=most)


def played(test: GateTest, all_rounds: list[list[list[float]]]) -> list[Looked]:
    return [test.looked, *(test.update(scores) for scores in all_rounds)]


@given(bounds, rounds(4))
def test_bounds_only_close_in_and_a_decision_stays(bound: float, all_rounds: list[list[list[float]]]) -> None:
    looks = played(GateTest(4, bound), all_rounds)
    for before, after in pairwise(looks):
        assert before.interval[0] <= after.interval[0]
        assert before.interval[1] >= after.interval[1]
        assert before.state in ("undecided", after.state)


@given(bounds, rounds(3), st.randoms(use_true_random=False))
def test_the_order_within_a_round_changes_nothing(
    bound: float, all_rounds: list[list[list[float]]], chance: random.Random
) -> None:
    shuffled = [[chance.sample(own, len(own)) for own in scores] for scores in all_rounds]
    turned = [list(reversed(scores)) for scores in all_rounds]
    last = played(GateTest(3, bound), all_rounds)[-1]
    for other in (shuffled, turned):
        found = played(GateTest(3, bound), other)[-1]
        assert found.interval == pytest.approx(last.interval, abs=1e-9)
        assert found.draws == last.draws


@given(bounds, rounds(3))
def test_a_mirrored_gate_is_decided_alike(bound: float, all_rounds: list[list[list[float]]]) -> None:
    looked = played(GateTest(3, bound, ">="), all_rounds)[-1]
    misses = [[[1 - one for one in own] for own in scores] for scores in all_rounds]
    mirrored = played(GateTest(3, 1 - bound, "<="), misses)[-1]
    assert mirrored.interval == pytest.approx((1 - looked.interval[1], 1 - looked.interval[0]), abs=1e-6)
    assert mirrored.state == looked.state


@given(bounds, st.lists(st.lists(st.sampled_from([0.0, 1.0]), min_size=3, max_size=3), max_size=6), st.integers(0, 2))
def test_a_better_last_round_never_lowers_the_lower_bound(
    bound: float, all_rounds: list[list[float]], case: int
) -> None:
    first, second = GateTest(3, bound), GateTest(3, bound)
    for scores in all_rounds:
        first.update([[one] for one in scores])
        second.update([[one] for one in scores])
    worse = first.update([[0.0]] * 3)
    better = second.update([[float(place == case)] for place in range(3)])
    assert better.interval[0] >= worse.interval[0]


@given(bounds, st.floats(0.001, 0.5), st.floats(0, 1), st.lists(st.floats(0, 1), min_size=1, max_size=6), st.data())
def test_a_round_is_a_fair_bet(
    bound: float, gap: float, between: float, centres: list[float], data: st.DataObject
) -> None:
    """The expected factor of a round is at most 1 for any rates whose mean is the bound: here exactly, case by case."""
    between = min(between, 0.95)
    rates = data.draw(st.lists(st.floats(0, 1), min_size=len(centres), max_size=len(centres)))
    above = math.fsum(rates) / len(rates) - bound
    for place, stake in enumerate(stakes_at(bound, gap, between)):
        expected = 0.0
        for rate, centre in zip(rates, centres, strict=True):
            factors = []
            for hit in (0.0, 1.0):
                side = Side(bound, gap)
                side.play([[hit]], [centre], between)
                factors.append(math.exp(side._gains[place]))
            expected += math.log((1 - rate) * factors[0] + rate * factors[1])
        assert expected - stake * bound * len(rates) <= stake * above * len(rates) + 1e-6


@given(st.floats(0.001, 0.5), st.floats(0, 0.95), st.data())
def test_a_part_that_chance_chooses_is_a_fair_bet(gap: float, between: float, data: st.DataObject) -> None:
    """Exactly, over all parts of one size and all their scores, where the mean of the rates is the bound."""
    drawn = data.draw(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=4))
    rates, centres = [rate for rate, _ in drawn], [centre for _, centre in drawn]
    bound = math.fsum(rates) / len(rates)
    parts = list(combinations(range(len(rates)), data.draw(st.integers(1, len(rates)))))
    expected = [0.0] * len(multiples())
    for part in parts:
        for hits in product((0.0, 1.0), repeat=len(part)):
            side, scores = Side(bound, gap), dict(zip(part, hits, strict=True))
            side.play([[scores[case]] if case in scores else None for case in range(len(rates))], centres, between)
            chance = math.prod(rates[case] if hit else 1 - rates[case] for case, hit in scores.items())
            for place, (gain, stake) in enumerate(zip(side._gains, side._stakes, strict=True)):
                expected[place] += chance * math.exp(gain - stake * bound) / len(parts)
    assert max(expected) <= 1 + 1e-9


@pytest.mark.parametrize(("bound", "truth"), [(0.9, 0.95), (0.8, 0.85), (0.5, 0.55), (0.99, 0.995)])
def test_with_the_best_centre_a_bet_gains_as_the_likelihood_ratio_does(bound: float, truth: float) -> None:
    stake = stakes_at(bound, truth - bound, 0.0)[multiples().index(1.0)]
    best = truth * math.log(truth / bound) + (1 - truth) * math.log((1 - truth) / (1 - bound))
    assert centre_of(stake, truth) == pytest.approx(bound)
    assert gain_of(stake, truth, bound) == pytest.approx(best)


@given(st.floats(0.01, 5), st.floats(0, 1), st.floats(0, 0.95))
def test_no_other_centre_gains_more(stake: float, rate: float, other: float) -> None:
    other *= min(1.0, 0.75 / stake)

    def gain(at: float) -> float:
        return rate * math.log1p(stake * (1 - at)) + (1 - rate) * math.log1p(-stake * at) + stake * at

    assert gain(other) <= gain(centre_of(stake, rate)) + 1e-12


def test_a_case_that_lags_behind_holds_the_round_back() -> None:
    test = GateTest(2, 0.5)
    assert test.update([[1.0, 1.0], []]).rounds == 0
    assert test.update([[], [1.0]]).rounds == 1
    assert test.looked.draws == 3


def test_a_part_of_the_cases_closes_a_round_after_a_whole_one() -> None:
    test = GateTest(3, 0.5)
    assert test.update([[1.0], None, None]).rounds == 0
    assert test.waits
    assert test.update([None, [1.0], [0.0]]).rounds == 1
    assert test.update([None, [1.0], None]).rounds == 2
    assert test.looked.draws == 4
    assert not test.waits


def test_a_part_that_lost_a_draw_waits_for_it_before_all_others() -> None:
    whole, waiting = GateTest(4, 0.5), GateTest(4, 0.5)
    for test in (whole, waiting):
        test.update([[1.0], [1.0], [0.0], [1.0]])
    assert waiting.update([[0.0], [], None, None]).rounds == 1
    assert waiting.update([None, [], [1.0], [1.0]]).rounds == 1  # no other part in its place
    waiting.update([[1.0], [1.0], [1.0], [0.0]])
    assert waiting.looked.rounds == 2
    whole.update([[0.0], [1.0], None, None])
    assert waiting.looked.interval == whole.looked.interval
    # What came meanwhile is a whole round, as soon as there is some of every case.
    waiting.update([[], [0.0], [], []])
    whole.update([[1.0], [0.0], [1.0, 1.0], [1.0, 0.0]])
    assert waiting.looked == whole.looked


def test_a_part_whose_draws_are_all_lost_is_waited_for() -> None:
    test = GateTest(2, 0.5)
    test.update([[1.0], [1.0]])
    test.update([[], None])
    assert test.waits
    assert test.update([[1.0], [1.0]]).rounds == 2
    assert test.waits


@given(st.integers(1, 2000), st.integers(0, 100_000))
def test_a_round_has_less_than_half_of_the_cases_or_all(cases: int, draws: int) -> None:
    size = part_size(cases, draws)
    assert 10 <= size < cases / 2 or size == cases


def test_how_many_matches_without_a_miss_decide() -> None:
    test, looks = GateTest(1, 0.9), []
    while test.looked.state == "undecided":
        looks.append(test.update([[1.0]]))
    assert test.looked.state == "holds"
    # No test at all can decide before 0.9ⁿ ≤ 0.05, at 29.
    assert 29 <= len(looks) <= 60


def test_what_is_still_needed_shrinks_and_ends_at_nothing() -> None:
    test = GateTest(10, 0.8)
    assert math.isinf(test.more_draws())
    needed = []
    while test.looked.state == "undecided":
        test.update([[1.0]] * 10)
        needed.append(test.more_draws())
    assert needed == sorted(needed, reverse=True)
    assert needed[-1] == 0


def test_further_draws_go_to_the_cases_that_waver() -> None:
    test = GateTest(3, 0.5)
    for _ in range(6):
        test.update([[1.0], [1.0, 0.0], [0.0]])
    assert test.next_draws(2) == [1, 1, 1]
    sure, wavering, also_sure = test.next_draws(12)
    assert sure + wavering + also_sure == 12
    assert wavering > max(sure, also_sure)


@pytest.mark.parametrize(("good", "state"), [(97, "holds"), (93, "holds"), (88, "fails"), (55, "fails")])
def test_a_student_that_never_wavers_is_soon_decided_on(good: int, state: str) -> None:
    test = GateTest(100, 0.9)
    for _ in range(8):
        test.update([[1.0]] * good + [[0.0]] * (100 - good))
    assert test.looked.state == state


@pytest.mark.parametrize("bound", [0.0, 1.0])
def test_gates_at_the_ends_fail_only_on_what_refutes_them(bound: float) -> None:
    right, wrong = GateTest(2, bound), GateTest(2, bound)
    assert right.update([[bound], [bound]]).state == "undecided"
    assert wrong.update([[1 - bound], [bound]]).state == ("fails" if bound else "holds")


@pytest.mark.parametrize("bound", [0.0, 0.001, 0.999, 1.0])
@pytest.mark.parametrize("second", [0.0, 1.0])
def test_gates_at_the_ends_go_on_being_looked_at(bound: float, second: float) -> None:
    test = GateTest(2, bound)
    for _ in range(20):
        looked = test.update([[float(bound < 0.5)], [second]])
    assert looked.state == ("holds" if bound < 0.5 else "fails")
    assert looked.rounds == 20


@pytest.mark.parametrize(("cases", "bound"), [(0, 0.5), (3, 1.2), (3, math.nan)])
def test_gates_that_mean_nothing_are_refused(cases: int, bound: float) -> None:
    with pytest.raises(ValueError, match="a gate needs"):
        GateTest(cases, bound)


def wrong_share(truth: list[float], bound: float, *, looks: int, suites: int) -> float:
    """Return how often a gate at its truth is decided at all: each of both decisions is wrong for some truth nearby."""
    chance = random.Random(11)  # noqa: S311 - a simulation
    decided = {"holds": 0, "fails": 0, "undecided": 0}
    for _ in range(suites):
        test = GateTest(len(truth), bound)
        for _ in range(looks):
            if test.update([[float(chance.random() < rate)] for rate in truth]).state != "undecided":
                break
        decided[test.looked.state] += 1
    return max(decided["holds"], decided["fails"]) / suites


@pytest.mark.parametrize("bad", [0.5, 0.0])
@pytest.mark.parametrize("good", [0.8, 1.0])
def test_at_the_bound_parts_of_unlike_cases_are_seldom_wrong(good: float, bad: float) -> None:
    few = round(40 * (good - 0.7) / (good - bad))
    truth, wrong = [good] * (40 - few) + [bad] * few, 0
    bound, chance = math.fsum(truth) / 40, random.Random(12)  # noqa: S311 - a simulation
    for _ in range(100):
        test = GateTest(40, bound)
        test.update([[float(chance.random() < rate)] for rate in truth])
        for _ in range(25):
            part = set(chance.sample(range(40), 10))
            test.update([[float(chance.random() < rate)] if n in part else None for n, rate in enumerate(truth)])
        wrong += test.looked.state != "undecided"
    assert wrong <= 12  # 10 % may be wrong, 5 % on either side; 18 or more of 100 have a chance of 1 %


@pytest.mark.parametrize("truth", [[0.8] * 10, [1.0] * 6 + [0.5] * 4, [1.0] * 8 + [0.0] * 2])
def test_at_the_bound_looking_after_every_round_is_seldom_wrong(truth: list[float]) -> None:
    assert wrong_share(truth, 0.8, looks=30, suites=150) <= 0.08
