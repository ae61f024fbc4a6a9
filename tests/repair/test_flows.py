"""Draws that follow on one another: they wait for nothing else, and how fast they are decides nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_toolmatch.repair.flows import once
from tests.repair.planted import TEST, TRAIN, Planted, ground
from tests.servers.loopback import Answer, Received

if TYPE_CHECKING:
    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.repair.flows import Flow
    from pytest_toolmatch.repair.phase import Ground

SLOW, QUICK = TRAIN[0], TRAIN[1]


class Slow(Planted):
    """A student that takes its time for one case."""

    def _answered(self, received: Received) -> Answer:
        answer = super()._answered(received)
        slow = SLOW.query in received.body.decode()
        return Answer(answer.body, delay=0.5) if slow else answer


def after(here: Ground, case: Case, draws: int, ended: list[str]) -> Flow[float]:
    """Draw a case again and again, and note its end."""
    total = 0.0
    for draw in range(1, draws + 1):
        (found,) = yield [(here.components.start, case, draw)]
        total += found.score
    ended.append(case.id)
    return total


def test_a_flow_goes_on_while_another_one_waits(tmp_path: Path) -> None:
    ended: list[str] = []
    with Slow() as server, ground(server, tmp_path) as here:
        found = here.evaluator.together([after(here, SLOW, 1, ended), after(here, QUICK, 3, ended)])
        assert here.evaluator.rollouts == 4
    assert ended == [QUICK.id, SLOW.id]
    assert len(found) == 2


def test_what_is_begun_aside_counts_as_much_as_it_may_take_until_it_is_waited_for(tmp_path: Path) -> None:
    ended: list[str] = []
    with Slow() as server, ground(server, tmp_path) as here:
        wait = here.evaluator.aside([after(here, SLOW, 2, ended)], 9)
        assert here.evaluator.rollouts == 9
        here.evaluator.together([after(here, QUICK, 3, ended)])
        assert here.evaluator.rollouts == 12
        assert here.evaluator.known(here.components.start, SLOW) == 0
        assert len(wait()) == 1
        assert here.evaluator.rollouts == 5
        assert here.evaluator.known(here.components.start, SLOW) == 2


@pytest.mark.parametrize("slots", [3, 50])
def test_what_is_drawn_ahead_is_paid_for_once_and_counts_when_it_is_asked_for(tmp_path: Path, slots: int) -> None:
    with Planted() as server, ground(server, tmp_path) as here:
        start = here.components.start
        jobs = [(start, case, 2) for case in TEST]
        here.evaluator.ahead(jobs, slots)
        here.evaluator.ahead(jobs, slots)
        for case in TRAIN:
            here.evaluator.together([once([(start, case, 1)])])
        assert here.evaluator.rollouts == len(TRAIN)
        assert here.evaluator.drawn.paid > len(TRAIN)
        here.evaluator.evaluate(jobs)
        assert here.evaluator.drawn == (len(TRAIN) + 2 * len(TEST), len(TRAIN) + 2 * len(TEST))
