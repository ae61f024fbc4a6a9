"""Verdicts on single cases: what shows that one is below the wanted share, alone and among many."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.judging.family import Family
from pytest_toolmatch.judging.verdict import CaseResult
from pytest_toolmatch.statistics.alarms import (
    FAR,
    bar,
    evidence_below,
    more_draws,
    p_below,
    p_value,
)
from pytest_toolmatch.statistics.measures import Measure

stats = pytest.importorskip("scipy.stats")
WANTED = st.floats(0.05, 0.99)
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)
COUNTS = st.integers(1, 30).flatmap(lambda draws: st.tuples(st.integers(0, draws), st.just(draws)))


def case(matches: float, draws: float, *, wanted: float = 0.8) -> CaseResult:
    state = "agrees" if matches >= wanted * draws else "diverges"
    measures = {"chain_match": Measure(matches / draws, 1.0, 0.0, draws)}
    return CaseResult(suite="s", case="c", query="", state=state, reason="step 1", wanted=wanted, measures=measures)


def family(*results: CaseResult, fixed: bool = True) -> Family:
    made = Family(0.95, fixed=fixed)
    for result in results:
        made.add(result)
    return made


def states_of(counts: list[tuple[float, float]], wanted: float = 0.8, *, fixed: bool = True) -> list[str]:
    results = [case(*count, wanted=wanted) for count in counts]
    made = family(*results, fixed=fixed)
    return [made.settled(result).state for result in results]


@given(COUNTS, WANTED)
def test_the_p_value_is_the_binomial_tail(count: tuple[int, int], wanted: float) -> None:
    assert p_below(*count, wanted) == pytest.approx(stats.binom.cdf(*count, wanted), rel=1e-9, abs=1e-12)


@given(COUNTS, WANTED, st.floats(0, 1))
def test_between_whole_matches_it_lies_between_them(count: tuple[int, int], wanted: float, part: float) -> None:
    matches, draws = count
    below, above = p_below(max(0, matches - 1), draws, wanted), p_below(matches, draws, wanted)
    assert below - 1e-12 <= p_below(max(0.0, matches - part), draws, wanted) <= above + 1e-12


def test_where_all_shall_match_a_miss_is_proof() -> None:
    assert states_of([(39, 40), (40, 40), (0.5, 1)], 1.0) == ["diverges", "agrees", "diverges"]
    assert states_of([(39, 40)] * 200, 1.0, fixed=False) == ["diverges"] * 200


@pytest.mark.parametrize("wanted", [0.0, -0.1, 1.1])
def test_a_share_is_wanted(wanted: float) -> None:
    with pytest.raises(ValueError, match="above 0 and at most at 1"):
        p_value(1.0, 2.0, wanted, fixed=True)


@given(st.integers(0, 12), st.integers(0, 12), st.floats(0.05, 0.95))
def test_evidence_is_the_mean_likelihood_ratio(matches: int, misses: int, wanted: float) -> None:
    steps = 2000
    rates = [wanted * (step + 0.5) / steps for step in range(steps)]
    by_hand = sum((q / wanted) ** matches * ((1 - q) / (1 - wanted)) ** misses for q in rates) / steps
    assert evidence_below(matches, matches + misses, wanted) == pytest.approx(math.log(by_hand), abs=1e-3)


@given(st.integers(0, 30), st.integers(1, 30), st.booleans())
def test_a_miss_speaks_against_a_case_and_a_match_for_it(matches: int, misses: int, fixed: bool) -> None:
    now = p_value(matches, matches + misses, 0.8, fixed=fixed)
    assert p_value(matches, matches + misses + 1, 0.8, fixed=fixed) <= now
    assert p_value(matches + 1, matches + misses + 1, 0.8, fixed=fixed) >= now


@given(P_VALUES, st.integers(0, 20))
def test_the_bar_is_that_of_benjamini_and_hochberg(values: list[float], others: int) -> None:
    found = bar(values, 0.95, others)
    padded = [*values, *[1.0] * others]
    expected = stats.false_discovery_control(padded)[: len(values)] <= 0.05 + 1e-15
    assert [value <= found.shown for value in values] == expected.tolist()
    # One that reaches what one more would need is shown, and so are all that are shown now.
    hidden = [value for value in values if value > found.shown]
    if hidden:
        values[values.index(min(hidden))] = found.next_one
        assert bar(values, 0.95, others).shown >= found.next_one


@given(st.lists(COUNTS, min_size=1, max_size=40), st.sampled_from([0.5, 0.8, 0.95, 1.0]), st.booleans())
def test_what_a_suite_shows_each_case_shows_alone(counts: list[tuple[int, int]], wanted: float, fixed: bool) -> None:
    for count, state in zip(counts, states_of([*counts], wanted, fixed=fixed), strict=True):
        (alone,) = states_of([count], wanted, fixed=fixed)
        assert (state == "agrees") == (alone == "agrees")
        assert state != "diverges" or alone == "diverges"


def suite_states(chance: random.Random, rates: list[float], draws: int, *, fixed: bool = True) -> list[str]:
    counts = [(float(sum(chance.random() < rate for _ in range(draws))), float(draws)) for rate in rates]
    return states_of(counts, fixed=fixed)


@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize("draws", [5, 12])
def test_suites_of_good_cases_raise_next_to_no_alarm(draws: int, fixed: bool) -> None:
    chance = random.Random(3)  # noqa: S311 - a simulation
    alarms = sum("diverges" in suite_states(chance, [0.8] * 200, draws, fixed=fixed) for _ in range(200))
    assert alarms <= 10


def test_bad_cases_are_found() -> None:
    chance = random.Random(4)  # noqa: S311
    found = [suite_states(chance, [0.2] * 10 + [0.95] * 190, 16)[:10].count("diverges") for _ in range(50)]
    assert sum(found) / 50 > 9.8
    assert states_of([(0, 5)] * 10 + [(5, 5)] * 190)[:10] == ["diverges"] * 10


def test_looking_after_every_round_raises_no_more_alarms() -> None:
    chance = random.Random(5)  # noqa: S311
    alarms = 0
    for _ in range(100):
        matches, ever = [0] * 50, False
        for draws in range(1, 25):
            matches = [count + (chance.random() < 0.8) for count in matches]
            ever |= "diverges" in states_of([(count, draws) for count in matches], fixed=False)
        alarms += ever
    assert alarms <= 5


@given(COUNTS, st.floats(0.5, 0.99), st.sampled_from([0.05, 0.001]), st.booleans())
def test_so_many_more_tell_and_one_fewer_does_not(
    count: tuple[int, int], wanted: float, level: float, fixed: bool
) -> None:
    matches, draws = count
    share = matches / draws

    def reached(more: int) -> bool:
        return p_value(share * (draws + more), draws + more, wanted, fixed=fixed) <= level

    more = more_draws(matches, draws, wanted, level, fixed=fixed)
    if more is None:
        assert not reached(FAR)
    else:
        assert reached(more)
        assert more == 1 or not reached(more - 1)


@given(st.lists(COUNTS, min_size=1, max_size=20), st.booleans())
def test_a_family_shows_what_reaches_its_bar(counts: list[tuple[int, int]], fixed: bool) -> None:
    values = [p_value(*count, 0.8, fixed=fixed) for count in counts]
    shown = [value <= bar(values, 0.95).shown for value in values]
    assert [state == "diverges" for state in states_of([*counts], fixed=fixed)] == shown


@given(st.lists(COUNTS, min_size=1, max_size=20), st.data())
def test_what_is_clear_stays_whatever_joins(counts: list[tuple[int, int]], data: st.DataObject) -> None:
    early = data.draw(st.integers(1, len(counts)))
    results = [case(*count) for count in counts]
    made, whole = family(*results[:early]), family(*results)
    for result in results[:early]:
        if made.is_clear(result, len(counts) - early):
            assert whole.settled(result) is result


def test_reasons_say_what_is_seen_and_what_would_tell() -> None:
    some = case(3, 5)
    assert family(some).settled(some).reason == (
        "3 of 5 samples match, wanted 0.80: could be chance; about 12 more would tell"
    )
    good = [case(5, 5)] * 42
    assert family(some, *good).settled(some).reason == (
        "3 of 5 samples match, wanted 0.80: could be chance among 43 cases; about 44 more would tell"
    )
    assert family(some).settled(some, others=42).reason == family(some, *good).settled(some).reason
    one = case(0, 1)
    assert family(one).settled(one).reason.startswith("0 of 1 sample matches, wanted 0.80: could be chance; about 1 ")
    near = case(79, 100)
    assert family(near).settled(near).reason.endswith("could be chance; too close to tell with more samples")
    part = case(1.25, 5)
    assert family(part, *good).settled(part).reason.startswith("25% of 5 samples match, wanted 0.80")


def test_a_case_that_was_not_measured_is_no_part_of_a_family() -> None:
    unsure = CaseResult(suite="s", case="c", query="", state="ambiguous", reason="teacher", wanted=0.8)
    made = family(unsure, unsure, case(0, 2))
    assert made.settled(unsure) is unsure
    assert made.settled(case(0, 2)).state == "diverges"
