"""The regression gate, and which cases really changed."""

from __future__ import annotations

import math
import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.judging.baseline import Both, no_worse
from pytest_toolmatch.judging.changed import Counts, counts_of, discoveries, draws_lacking, findings
from pytest_toolmatch.statistics.measures import Measure
from pytest_toolmatch.statistics.ustatistics import mean_of_draws

stats = pytest.importorskip("scipy.stats")
tables = st.tuples(st.integers(1, 30), st.integers(1, 30)).flatmap(
    lambda sizes: st.builds(
        Counts, st.integers(0, sizes[0]), st.just(sizes[0]), st.integers(0, sizes[1]), st.just(sizes[1])
    )
)


def matched(matches: int, draws: int) -> Measure:
    return mean_of_draws([1.0] * matches + [0.0] * (draws - matches))


def pair_of(table: Counts) -> tuple[Measure, Measure]:
    return matched(table.then, table.of_then), matched(table.now, table.of_now)


def named(*tables: Counts, confidence: float = 0.95) -> list[bool]:
    return [one.real for one in findings([pair_of(table) for table in tables], confidence)]


@given(tables)
def test_p_is_that_of_fishers_exact_test(table: Counts) -> None:
    then, of_then, now, of_now = table
    theirs = stats.fisher_exact([[then, of_then - then], [now, of_now - now]]).pvalue
    assert table.p() == pytest.approx(theirs)
    assert Counts(now, of_now, then, of_then).p() == pytest.approx(table.p())


@given(tables)
def test_the_least_p_is_that_of_some_table_with_the_same_margins(table: Counts) -> None:
    matches = table.then + table.now
    others = [
        table._replace(then=then, now=matches - then)
        for then in range(table.of_then + 1)
        if 0 <= matches - then <= table.of_now
    ]
    assert table.least_p() == min(other.p() for other in others) <= table.p()


@given(st.lists(st.floats(0, 1), max_size=12))
def test_discoveries_are_those_of_scipy(p_values: list[float]) -> None:
    adjusted = stats.false_discovery_control(p_values) if p_values else []
    found = discoveries(dict(enumerate(p_values)), 0.95)
    assert found == {place for place, p in enumerate(adjusted) if p <= 0.05}


def test_cases_whose_draws_can_show_nothing_take_nothing_from_the_others() -> None:
    alike, better = Counts(8, 8, 8, 8), Counts(3, 8, 8, 8)
    assert named(better, *[alike] * 4) == [True, False, False, False, False]
    assert named(better, *[Counts(4, 8, 5, 8)] * 4) == [False] * 5


@given(st.lists(tables, min_size=1, max_size=8))
def test_which_cases_changed_does_not_depend_on_which_run_was_first(some: list[Counts]) -> None:
    mirrored = [Counts(one.now, one.of_now, one.then, one.of_then) for one in some]
    assert named(*some) == named(*mirrored)


@given(st.lists(tables, min_size=1, max_size=8))
def test_no_case_that_is_as_before_has_changed(some: list[Counts]) -> None:
    assert not any(named(*(Counts(one.then, one.of_then, one.then, one.of_then) for one in some)))


shares = st.builds(
    lambda quarters, draws: Measure(quarters / 64, 1.0, 0.0, draws), st.integers(0, 64), st.integers(1, 9)
)


@given(shares, shares)
def test_matches_that_are_no_whole_numbers_are_taken_nearer_to_each_other(then: Measure, now: Measure) -> None:
    table = counts_of(then, now)
    before, after = table.then / table.of_then, table.now / table.of_now
    assert 0 <= before <= 1
    assert 0 <= after <= 1
    assert abs(after - before) <= abs(now.value - then.value) + 1e-9
    assert before == after or (after > before) == (now.value > then.value)
    assert counts_of(now, then).p() == table.p()


def test_too_few_draws_to_show_anything_are_counted() -> None:
    assert draws_lacking([(matched(1, 1), matched(0, 1))] * 9, 0.95) == 4
    assert draws_lacking([(matched(1, 3), matched(0, 3))], 0.99) == 5
    assert draws_lacking([(matched(1, 1), matched(0, 1)), (matched(1, 4), matched(0, 4))], 0.95) == 0
    assert draws_lacking([], 0.95) == 0


def drawn(rates: list[float], draws: int, chance: random.Random) -> list[Measure]:
    return [matched(sum(chance.random() < rate for _ in range(draws)), draws) for rate in rates]


def test_two_runs_of_one_student_rarely_name_a_case() -> None:
    chance = random.Random(4)  # noqa: S311 - a simulation
    rates = [chance.choice((0.3, 0.6, 0.8, 0.9, 1.0)) for _ in range(200)]
    pairs = [list(zip(drawn(rates, 10, chance), drawn(rates, 10, chance), strict=True)) for _ in range(100)]
    assert sum(any(one.real for one in findings(some, 0.95)) for some in pairs) <= 5


def test_a_run_that_breaks_some_cases_names_them_and_few_others() -> None:
    chance, right, wrong = random.Random(5), 0, 0  # noqa: S311
    before = [0.9] * 60
    after = [0.1] * 10 + [0.9] * 50
    for _ in range(20):
        some = list(zip(drawn(before, 10, chance), drawn(after, 10, chance), strict=True))
        found = [one.real for one in findings(some, 0.95)]
        right, wrong = right + sum(found[:10]), wrong + sum(found[10:])
    assert right >= 0.8 * 200
    assert wrong <= 0.1 * right


suites = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=10)


def gate(pairs: list[tuple[int, int]], margin: float = 0.05, draws: int = 8, confidence: float = 0.95) -> object:
    now = {place: matched(after, draws) for place, (_, after) in enumerate(pairs)}
    then = {place: matched(before, draws) for place, (before, _) in enumerate(pairs)}
    return no_worse(Both.of(now, then), margin, confidence)


@given(suites)
def test_the_gate_looks_at_the_difference_and_turns_with_it(pairs: list[tuple[int, int]]) -> None:
    one, other = gate(pairs), gate([(after, before) for before, after in pairs])
    assert one.value == pytest.approx(sum(after - before for before, after in pairs) / 8 / len(pairs))
    assert one.low <= one.value <= one.high
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


@given(suites, st.floats(0.01, 0.98))
def test_the_state_is_where_the_interval_lies(pairs: list[tuple[int, int]], margin: float) -> None:
    made = gate(pairs, margin)
    expected = "holds" if made.low >= -margin else "fails" if made.high < -margin else "undecided"
    assert made.state == expected
    assert ("more" in made.reason) == (expected == "undecided")


@given(suites, st.floats(0.01, 0.5), st.floats(0.01, 0.4))
def test_a_wider_margin_never_turns_a_gate_that_holds(pairs: list[tuple[int, int]], margin: float, more: float) -> None:
    if gate(pairs, margin).state == "holds":
        assert gate(pairs, margin + more).state == "holds"


def test_what_both_have_is_compared_and_the_rest_counted() -> None:
    now = {name: matched(8, 10) for name in "abcd"}
    then = {name: matched(9, 10) for name in "bcdefg"}
    made = no_worse(Both.of(now, then), 0.5, 0.95)
    assert made.state == "holds"
    assert made.expression == "chain_match >= baseline - 0.5"
    assert made.reason == (
        "0.80 now, 0.90 in the baseline, over 3 cases that both have, 1 only now, 3 only in the baseline"
    )


@given(suites, suites)
def test_cases_with_the_same_samples_add_neither_difference_nor_noise(
    drawn: list[tuple[int, int]], kept: list[tuple[int, int]]
) -> None:
    alone = gate(drawn)
    now = {place: matched(after, 8) for place, (_, after) in enumerate([*drawn, *kept])}
    then = {place: matched(before, 8) for place, (before, _) in enumerate(drawn)}
    then |= {place: now[place] for place in range(len(drawn), len(now))}
    share = len(drawn) / len(now)
    made = no_worse(Both.of(now, then, range(len(drawn), len(now))), 0.05, 0.95)
    assert (made.value, made.low, made.high) == pytest.approx(
        (share * alone.value, share * alone.low, share * alone.high)
    )


def test_a_replay_of_the_baseline_holds_however_few_samples_there_are() -> None:
    rates = {"a": matched(1, 2)}
    made = no_worse(Both.of(rates, rates, {"a"}), 0.05, 0.95)
    assert (made.state, made.low, made.high) == ("holds", 0, 0)
    assert "(1 by the same samples)" in made.reason


def test_nothing_in_common_is_undecided() -> None:
    made = no_worse(Both.of({"a": matched(1, 1)}, {"b": matched(1, 1)}), 0.05, 0.95)
    assert (made.state, made.value) == ("undecided", None)
    assert "no case" in made.reason


def test_an_undecided_gate_says_how_many_samples_would_tell() -> None:
    pairs = [(9, 9)] * 10
    made = gate(pairs, 0.08, draws=10)
    assert made.state == "undecided"
    more = int(made.reason.partition(" a case)")[0].rpartition("(")[2])
    now = {place: matched(9 * (10 + more), 10 * (10 + more)) for place in range(10)}
    assert f"about {10 * more} more of the student would" in made.reason
    then = {place: matched(9, 10) for place in range(10)}
    scaled = {place: Measure(one.value, 1.0, one.variance, 10 + more) for place, one in now.items()}
    assert no_worse(Both.of(scaled, then), 0.08, 0.95).state == "holds"


def test_a_baseline_that_is_too_small_itself_is_said_to_be() -> None:
    assert "the baseline itself has too few samples" in gate([(3, 3)] * 3, 0.05, draws=4).reason


@pytest.mark.parametrize(("loss", "wrong"), [(0.0, "fails"), (0.05, "holds"), (0.12, "holds")])
def test_the_gate_is_rarely_wrong(loss: float, wrong: str) -> None:
    chance = random.Random(6)  # noqa: S311
    rates = [chance.choice((0.6, 0.8, 0.95)) for _ in range(40)]
    worse = [rate - loss for rate in rates]
    runs = 200
    states = [
        no_worse(
            Both.of(dict(enumerate(drawn(worse, 10, chance))), dict(enumerate(drawn(rates, 10, chance)))), 0.05, 0.95
        ).state
        for _ in range(runs)
    ]
    assert states.count(wrong) <= 0.05 * runs + 2 * math.sqrt(0.05 * 0.95 * runs) * (loss == 0.05)


def test_every_small_table_is_exact() -> None:
    for of_then, of_now in product(range(1, 6), repeat=2):
        for then, now in product(range(of_then + 1), range(of_now + 1)):
            theirs = stats.fisher_exact([[then, of_then - then], [now, of_now - now]]).pvalue
            assert Counts(then, of_then, now, of_now).p() == pytest.approx(theirs)
