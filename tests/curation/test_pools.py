"""The choice has one of each kind and the best; the pool that evaluates is a fair sample of the whole."""

from __future__ import annotations

from collections import Counter
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.chain import chain_of
from pytest_toolmatch.core.conversation import Conversation, Message, user
from pytest_toolmatch.curation.car import Candidate, choose
from pytest_toolmatch.curation.evaluation import drawn, strata, told
from pytest_toolmatch.curation.families import families
from pytest_toolmatch.curation.predicted import predicted
from pytest_toolmatch.curation.quality import WEIGHTS, Known, quality, terms
from pytest_toolmatch.curation.splits import parts

CANDIDATES = st.lists(
    st.builds(
        Candidate,
        st.floats(0, 1),
        st.sampled_from("abc"),
        st.lists(st.sampled_from(["tool x", "tool y", "tool z", "no call", "ambiguous"]), min_size=1, max_size=3),
    ),
    max_size=40,
)


@given(CANDIDATES, st.integers(0, 45))
def test_a_choice_is_as_large_as_asked_for_and_has_one_of_every_kind(found: list[Candidate], size: int) -> None:
    choice = choose(found, [f"{one.stratum}.1" for one in found], size)
    assert len(choice.why) == min(size, len(found))
    there = {kind for one in found for kind in one.kinds}
    covered = {kind for place in choice.why for kind in found[place].kinds}
    assert set(choice.lacking) <= there
    assert there - covered <= set(choice.lacking)
    if size >= len(there):
        assert there == covered


def test_the_best_of_all_is_chosen_and_the_best_of_every_cluster() -> None:
    found = [Candidate(number / 100, "ab"[number % 2], ["tool x"]) for number in range(100)]
    clusters = [f"{one.stratum}.{number % 5}" for number, one in enumerate(found)]
    choice = choose(found, clusters, 20)
    assert set(range(90, 100)) <= choice.why.keys()
    assert {clusters[place] for place in choice.why} == set(clusters)


def test_where_there_are_more_tools_than_room_the_common_ones_come_first() -> None:
    found = [Candidate(0.5, "s", [f"tool {number // (number % 7 + 1)}", "1 call"]) for number in range(200)]
    choice = choose(found, ["s.1"] * 200, 10)
    often = Counter(kind for one in found for kind in one.kinds).most_common(2)[1][0]
    assert any(often in found[place].kinds for place in choice.why)
    assert choice.lacking


CASES = st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abcdefghijklmnop")), min_size=1, max_size=80)


@given(CASES, st.integers(0, 60), st.integers(0, 5))
def test_weights_have_mean_1_and_no_more_are_drawn_than_asked(
    cases: list[tuple[float, str]], size: int, seed: int
) -> None:
    names, kin = [f"c{place}" for place in range(len(cases))], [family for _, family in cases]
    found = drawn(names, told([hard for hard, _ in cases], [{}] * len(cases), size), kin, size, seed)
    assert len(found) == len({one.place for one in found}) <= min(size, len(cases) // 2)
    assert all(0 < one.share <= 1 and one.weight > 0 for one in found)
    if found:
        assert fmean(one.weight for one in found) == pytest.approx(1, abs=1e-5)


@given(CASES, st.integers(2, 30))
def test_the_order_of_the_cases_has_no_say(cases: list[tuple[float, str]], size: int) -> None:
    numbered = list(enumerate(cases))
    taken = []
    for some in (numbered, numbered[::-1]):
        names, matches = [f"c{place}" for place, _ in some], [{"student": round(hard)} for _, (hard, _) in some]
        columns = told([hard for _, (hard, _) in some], matches, size)
        found = drawn(names, columns, [family for _, (_, family) in some], size, 0)
        taken.append({names[one.place]: one.weight for one in found})
    assert taken[0] == taken[1]


def said(values: list[float], expected: list[float], kin: list[str], size: int, draws: int) -> list[float]:
    """Return what so many pools say of the mean of the values."""
    names, columns = [f"c{place}" for place in range(len(values))], told(expected, [{}] * len(values), size)
    pools = [drawn(names, columns, kin, size, seed) for seed in range(draws)]
    return [sum(one.weight * values[one.place] for one in pool) / sum(one.weight for one in pool) for pool in pools]


def test_a_pool_says_without_bias_what_the_whole_would_say() -> None:
    values = [float(place % 10 < place // 40) for place in range(400)]
    found = said(values, [place / 400 for place in range(400)], [f"c{place}" for place in range(400)], 50, 150)
    assert fmean(found) == pytest.approx(fmean(values), abs=0.01)


def test_a_family_that_matches_always_counts_for_what_it_is() -> None:
    values = [float(place < 20) for place in range(60)]
    kin = ["one" if place < 6 else "two" if place < 10 else f"k{place}" for place in range(60)]
    assert fmean(said(values, [0.5] * 60, kin, 20, 300)) == pytest.approx(1 / 3, abs=0.02)


def test_a_pool_is_like_the_whole_to_students_that_are_recorded() -> None:
    matches = [{"a": float(place % 3 == 0), "b": float(place % 7 < 3)} for place in range(300)]
    names, columns = [f"c{place}" for place in range(300)], told([0.5] * 300, matches, 30)
    for seed in range(20):
        pool = drawn(names, columns, names, 30, seed)
        for student in "ab":
            rate = sum(one.weight * matches[one.place][student] for one in pool) / 30
            assert rate == pytest.approx(fmean(one[student] for one in matches), abs=0.05)


def test_what_is_in_doubt_is_drawn_more_often_and_counts_less() -> None:
    expected = [0.5] * 100 + [1.0] * 100
    pool = drawn(
        [f"c{place}" for place in range(200)], told(expected, [{}] * 200, 40), list(map(str, range(200))), 40, 0
    )
    sure = [one for one in pool if one.place >= 100]
    assert len(sure) < 16
    assert all(one.weight > 1.5 * other.weight for one in sure for other in pool if other.place < 100)


@pytest.mark.parametrize("families", [1, 2, 12])
def test_where_families_are_large_something_is_left_to_optimise_on(families: int) -> None:
    kin = [f"k{place % families}" for place in range(120)]
    left = []
    for seed in range(20):
        pool = drawn([f"c{place}" for place in range(120)], told([0.5] * 120, [{}] * 120, 50), kin, 50, seed)
        left.append(1 - len({kin[one.place] for one in pool}) / families)
        assert len(pool) in ((50,) if families == 12 else (0, 50))
    assert fmean(left) == pytest.approx(0.5, abs=0.3 if families == 1 else 0.1)


def test_strata_are_neighbours_and_none_has_one_case() -> None:
    pool = drawn(
        [f"c{place}" for place in range(200)], told([0.5] * 200, [{}] * 200, 15), list(map(str, range(200))), 15, 0
    )
    assert sorted(Counter(strata(pool, 200)).values()) == [2] * 6 + [3]
    assert set(strata(pool, 149)) == {""}


@given(st.lists(st.sampled_from(["book a flight to rome", "book a flight to oslo", "hi", "cancel it"]), max_size=9))
def test_parts_never_share_a_family(queries: list[str]) -> None:
    names = families(queries, [user(query) for query in queries], list(range(len(queries))))
    sides: dict[str, set[str]] = {}
    for name, part in zip(names, parts(names, 0, 0.5), strict=True):
        sides.setdefault(name, set()).add(part)
    assert all(len(one) == 1 for one in sides.values())


def turns(*texts: str) -> Conversation:
    return tuple(Message("assistant" if place % 2 else "user", text) for place, text in enumerate(texts))


def test_turns_of_one_session_are_one_family() -> None:
    talks = [
        turns("hello there my friend"),
        turns("hello there my friend", "hi", "book the red bus"),
        turns("hello there my friend", "hi", "book the red bus", "done", "what about tomorrow"),
        turns("something else", "yes", "delete the file"),
        turns("something else", "no", "show every invoice"),
    ]
    names = families([one[-1].content for one in talks], talks, list(range(5)))
    assert len(set(names[:3])) == 1
    assert len({names[0], names[3], names[4]}) == 3


def test_who_stands_for_whom_is_one_family() -> None:
    names = families(["a b c d", "w x y z", "k"], [user(text) for text in "abc"], [1, 1, 2])
    assert names[0] == names[1] != names[2]


def test_the_larger_the_test_part_the_more_is_in_it() -> None:
    names = [str(number) for number in range(500)]
    small, large = (parts(names, 0, share) for share in (0.2, 0.5))
    assert {name for name, part in zip(names, small, strict=True) if part == "test"} < {
        name for name, part in zip(names, large, strict=True) if part == "test"
    }
    assert parts(names, 0) == small
    assert Counter(large)["train"] == pytest.approx(7 * Counter(large)["validation"], rel=0.5)


def test_terms_lie_between_0_and_1_and_unknown_ones_are_left_out() -> None:
    one = Known(chain=chain_of([[{"name": "a"}], [{"name": "b"}]]), consistency=0.5, validity=1.0, failure=0.25)
    found = terms([one, Known(chain=()), Known(chain=chain_of([[{"name": "a"}]]))])
    assert found[0].keys() == WEIGHTS.keys()
    assert found[0]["length"] == 0.5
    assert found[0]["rarity"] == 1.0
    assert found[1].keys() == {"length", "rarity"}
    assert all(0 <= value <= 1 for said in found for value in said.values())
    assert quality(found[0]) == pytest.approx((0.5 + 1 + 0.25 + 0.5 + 0.25) / 4)


MATCHES = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.sampled_from([0.0, 0.5, 1.0]), max_size=3), min_size=1, max_size=30
)


@given(MATCHES, st.data())
def test_what_is_expected_is_a_rate_and_grows_with_what_others_match(
    matches: list[dict[str, float]], data: st.DataObject
) -> None:
    likes = data.draw(st.lists(st.sampled_from("xy"), min_size=len(matches), max_size=len(matches)))
    found = predicted(matches, [None] * len(matches), likes)
    assert all(0 <= one <= 1 for one in found)
    order = data.draw(st.permutations(range(len(matches))))
    shuffled = predicted([matches[place] for place in order], [None] * len(matches), [likes[place] for place in order])
    assert shuffled == pytest.approx([found[place] for place in order], abs=1e-6)
    full = [place for place, one in enumerate(matches) if len(one) == 3 and likes[place] == "x"]
    by_mean = sorted(full, key=lambda place: fmean(matches[place].values()))
    assert [found[place] for place in by_mean] == sorted(found[place] for place in by_mean)


def test_of_students_that_have_nothing_in_common_little_is_expected() -> None:
    alike = [{"a": float(place % 2), "b": float(place % 2)} for place in range(80)]
    unlike = [{"a": float(place % 2), "b": float(place // 2 % 2)} for place in range(80)]
    spans = [max(found) - min(found) for found in (predicted(one, [None] * 80, [""] * 80) for one in (alike, unlike))]
    assert spans[0] > 0.6
    assert spans[1] < 0.15


def test_without_students_the_teacher_says_what_is_hard() -> None:
    assert predicted([{}, {}, {}], [0.2, None, 1.0], ["", "", ""]) == pytest.approx([0.4, 0.6, 0.8])
    assert predicted([{}], [None], [""]) == [0.5]
