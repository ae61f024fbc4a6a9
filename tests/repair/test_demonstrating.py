"""A search over examples mends what only examples mend, within its rollouts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_toolmatch.repair.candidate import EXAMPLES, INSTRUCTIONS, example_ids
from pytest_toolmatch.repair.demonstrating import demonstrate
from pytest_toolmatch.repair.phase import Mended
from tests.repair.planted import THINGS, TRAIN, Planted, ground, match

if TYPE_CHECKING:
    from pathlib import Path


def mended(server: Planted, folder: Path, **options: object) -> tuple[Mended, float, float, int]:
    """Run the search; return what it came to, the match on unseen cases before and after, and the rollouts."""
    with ground(server, folder, **options) as given:
        start = given.components.start
        last = demonstrate(given, start, lambda _: None)
        rollouts = given.evaluator.rollouts
        return last, match(given, start), match(given, last.candidate), rollouts


def test_a_fault_that_only_examples_mend_is_mended_by_no_more_of_them_than_it_takes(tmp_path: Path) -> None:
    with Planted() as server:
        found, before, after, rollouts = mended(server, tmp_path)
    assert before == pytest.approx(1 / 3)
    assert after == 1
    # One shows the code of each of the two tools.
    assert sorted(name.partition("-")[0] for name in example_ids(found.candidate)) == ["bill", "book"]
    assert found.candidate[INSTRUCTIONS] == "You run an office."
    assert found.learnt_from == len(TRAIN)
    assert rollouts <= 300


@pytest.mark.parametrize("seed", range(3))
def test_noise_does_not_keep_it_from_the_right_examples(tmp_path: Path, seed: int) -> None:
    with Planted(noise=0.15) as server:
        found, _, _, rollouts = mended(server, tmp_path, seed=seed)
    assert {name.partition("-")[0] for name in example_ids(found.candidate)} >= {"bill", "book"}
    assert rollouts <= 300


def test_the_same_seed_finds_the_same_and_pays_for_nothing_again(tmp_path: Path) -> None:
    with Planted(noise=0.15) as server:
        first = mended(server, tmp_path, seed=3)
        asked = len(server.of_student)
        again = mended(server, tmp_path, seed=3)
        assert len(server.of_student) == asked
        mended(server, tmp_path, seed=4)
        assert len(server.of_student) > asked
    assert again == first


def test_examples_go_over_the_wire_as_calls_and_replies(tmp_path: Path) -> None:
    with Planted() as server:
        mended(server, tmp_path)
        shown = [one["messages"] for one in server.of_student if len(one["messages"]) > 5]
    messages = next(one for one in shown if one[0]["role"] == "system")
    assert [one["role"] for one in messages[1:5]] == ["user", "assistant", "tool", "assistant"]
    call = messages[2]["tool_calls"][0]
    assert messages[3]["tool_call_id"] == call["id"]
    assert messages[3]["content"] == '{"ok": true}'
    assert messages[4]["content"] == "Done as you wished."


def test_no_example_is_shown_before_its_own_query(tmp_path: Path) -> None:
    with Planted() as server:
        mended(server, tmp_path)
        asked = [[m["content"] for m in one["messages"] if m["role"] == "user"] for one in server.of_student]
    assert [queries for queries in asked if queries[-1] in queries[:-1]] == []


def test_rollouts_that_are_too_few_leave_the_start(tmp_path: Path) -> None:
    with Planted() as server:
        found, _, _, rollouts = mended(server, tmp_path, rollouts=3)
        assert found.candidate[EXAMPLES] == "[]"
        assert found.stopped == "stopped: too few rollouts are left to try anything"
        assert rollouts == 0


def test_frozen_examples_are_left_alone_and_nothing_is_asked(tmp_path: Path) -> None:
    with Planted() as server:
        with ground(server, tmp_path, freeze=("examples",)) as given:
            last = demonstrate(given, given.components.start, lambda _: None)
        assert last == Mended(given.components.start, len(TRAIN), "no example may be shown")
        assert server.requests == []


def test_all_of_a_round_are_in_flight_at_once(tmp_path: Path) -> None:
    with Planted(delay=0.1) as server:
        mended(server, tmp_path, rollouts=150)
        assert server.most_in_flight > 2 * len(THINGS)
