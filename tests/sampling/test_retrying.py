from __future__ import annotations

import asyncio
import time

import pytest

from pytest_toolmatch.core.errors import ServiceFault
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.sampling.retrying import Health, Retries, ask_again

FAULT = ServiceFault("HTTP 500")
NOBODY = ServiceFault("connection refused", unreachable=True)


def pauses(health: Health, fault: ServiceFault) -> list[float]:
    """Return how long a request waits each time that keeps meeting a fault."""
    found: list[float] = []

    async def send() -> Turn:
        raise fault

    async def sleep(seconds: float) -> None:
        found.append(seconds)

    with pytest.raises(ServiceFault):
        asyncio.run(ask_again(fault, send, health, sleep))
    return found


def test_a_fault_is_asked_again_four_times() -> None:
    assert len(pauses(Health(Retries()), FAULT)) == 4
    assert pauses(Health(Retries(attempts=1)), FAULT) == []


def test_the_windows_double_up_to_the_longest() -> None:
    rules = Retries(attempts=9, first_wait=0.5, longest_wait=8)
    drawn = list(zip(*(pauses(Health(rules), FAULT) for _ in range(50)), strict=True))
    for attempt, waits in enumerate(drawn):
        window = min(8.0, 0.5 * 2**attempt)
        assert all(0 <= one <= window for one in waits)
        assert len(set(waits)) > 40  # drawn at random: requests that failed together do not come back together
        assert max(waits) > window / 2
    assert len(drawn) == 8


def test_an_answer_ends_it() -> None:
    answers = iter([FAULT, Turn(text="Hello.")])

    async def send() -> Turn:
        match next(answers):
            case Turn() as turn:
                return turn
            case fault:
                raise fault

    async def sleep(_: float) -> None:
        """Go on at once."""

    assert asyncio.run(ask_again(FAULT, send, Health(Retries()), sleep)) == Turn(text="Hello.")


@pytest.mark.parametrize(("asked", "waited"), [(7.0, 7.0), (0.25, 0.25), (3600.0, 60.0)])
def test_what_the_service_asks_for_overrules_up_to_a_cap(asked: float, waited: float) -> None:
    assert set(pauses(Health(Retries()), ServiceFault("HTTP 429", retry_after=asked))) == {waited}


def test_the_cap_is_a_setting_and_zero_is_no_advice() -> None:
    assert set(pauses(Health(Retries(longest_pause=5)), ServiceFault("HTTP 429", retry_after=60))) == {5}
    assert len(set(pauses(Health(Retries()), ServiceFault("HTTP 429", retry_after=0)))) > 1


def test_a_server_that_never_answered_is_tried_less_often() -> None:
    health = Health(Retries())
    assert len(pauses(health, NOBODY)) == 2
    health.answer()
    assert len(pauses(health, NOBODY)) == 4


def gone() -> Health:
    """Return what is known of a server that answered once and is given up."""
    health = Health(Retries(patience=0.01, probe_every=0.05))
    health.answer()
    health.fault(NOBODY)
    assert not health.given_up
    time.sleep(0.02)
    health.fault(NOBODY)
    assert health.given_up
    return health


def test_who_meets_a_server_that_is_given_up_does_not_try_again() -> None:
    assert pauses(gone(), NOBODY) == []


@pytest.mark.parametrize("is_back", [False, True])
def test_a_server_that_is_given_up_is_probed_and_all_wait_for_what_the_probe_finds(is_back: bool) -> None:
    async def play() -> list[object]:
        health = gone()
        assert await health.admit()  # the probe
        others = asyncio.gather(*(health.admit() for _ in range(3)), return_exceptions=True)
        await asyncio.sleep(0.01)
        assert not others.done()
        health.answer() if is_back else health.fault(NOBODY)
        health.probed()
        found = await others
        if not is_back:
            with pytest.raises(ServiceFault, match="connection refused") as caught:
                await health.admit()
            assert caught.value.unreachable
            await asyncio.sleep(0.06)
            assert await health.admit()  # the next probe
        return found

    found = asyncio.run(play())
    assert found == [False] * 3 if is_back else [str(one) for one in found] == ["connection refused"] * 3


def test_who_is_cancelled_while_waiting_for_a_probe_takes_nobody_along() -> None:
    async def play() -> None:
        health = gone()
        await health.admit()
        waiting = [asyncio.create_task(health.admit()) for _ in range(2)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
        health.answer()
        health.probed()
        assert await asyncio.wait_for(waiting[1], 1) is False

    asyncio.run(play())


def test_a_server_that_answers_with_faults_is_not_gone() -> None:
    health = gone()
    health.fault(FAULT)
    assert not health.given_up
    assert asyncio.run(health.admit()) is False
    assert len(pauses(health, FAULT)) == 4
