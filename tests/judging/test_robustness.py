from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.judging.robustness import VariantResult, VariantState, robustness
from pytest_toolmatch.statistics.drops import Tally

STATES: tuple[VariantState, ...] = ("lower", "holds", "unclear", "ambiguous", "unsampled", "teacher")


@st.composite
def tallies(draw: st.DrawFn) -> Tally:
    draws = draw(st.integers(1, 5))
    return Tally(draw(st.integers(0, draws)), draws)


@st.composite
def results(draw: st.DrawFn) -> VariantResult:
    return VariantResult(
        suite="trips",
        case=draw(st.sampled_from("abc")),
        variant="v",
        relation=draw(st.sampled_from(["typos", "casing"])),
        state=draw(st.sampled_from(STATES)),
        before=draw(tallies()),
        after=draw(tallies()),
        teacher=draw(st.just(Tally()) | tallies()),
    )


def one(case: str, after: Tally, state: VariantState = "holds") -> VariantResult:
    before = Tally(10, 10)
    return VariantResult(suite="s", case=case, variant="v", relation="typos", state=state, before=before, after=after)


def test_nothing_makes_no_profile() -> None:
    assert robustness([], 0.95) == {}


def test_each_case_counts_alike_whatever_the_number_of_its_variants() -> None:
    many = [one("a", Tally(3, 3)) for _ in range(9)]
    found = robustness([*many, one("b", Tally(0, 3), "lower")], 0.95)["typos"]
    assert found.match is not None
    assert found.match.value == 0.5
    assert (found.variants, found.cases, found.lower, found.left_out, found.match.n) == (10, 2, 1, 0, 2)


def test_what_could_not_be_judged_is_counted_apart() -> None:
    found = robustness([one("a", Tally(), "ambiguous"), one("a", Tally(), "unsampled")], 0.95)["typos"]
    assert (found.variants, found.left_out, found.match, found.parents) == (0, 2, None, None)


def test_a_drop_that_is_the_teachers_too_is_none_of_the_students() -> None:
    assert robustness([one("a", Tally(0, 3), "teacher")], 0.95)["typos"].lower == 0


@given(st.lists(results(), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_the_order_of_results_changes_no_digit(found: list[VariantResult], chance: random.Random) -> None:
    shuffled = list(found)
    chance.shuffle(shuffled)
    mine, theirs = robustness(found, 0.95), robustness(shuffled, 0.95)
    assert {name: (r.match, r.teacher, r.lower, r.variants) for name, r in mine.items()} == {
        name: (r.match, r.teacher, r.lower, r.variants) for name, r in theirs.items()
    }


@given(st.lists(results(), min_size=1, max_size=20))
def test_rates_lie_in_their_intervals(found: list[VariantResult]) -> None:
    for profile in robustness(found, 0.95).values():
        for estimate in (profile.match, profile.parents, profile.teacher):
            if estimate is not None:
                assert estimate.suite[1] is not None
                assert estimate.suite[0] - 1e-9 <= estimate.value <= estimate.suite[1] + 1e-9


def test_the_lowest_match_stands_first() -> None:
    low = VariantResult(suite="s", case="a", variant="v", relation="z", state="holds", after=Tally(0, 3))
    assert list(robustness([one("a", Tally(3, 3)), low], 0.95)) == ["z", "typos"]
