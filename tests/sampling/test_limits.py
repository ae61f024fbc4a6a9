from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_toolmatch.sampling.limits import Gate, ModelLimits, Pace, Rates


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


@given(
    st.integers(1, 6),
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["stay", "answer", "overload", "cancel"])), max_size=40),
)
@settings(max_examples=80)
def test_never_more_get_in_than_the_gate_is_wide(most: int, visits: list[tuple[int, str]]) -> None:
    async def visit(gate: Gate, ticks: int, what: str) -> None:
        sent = time.monotonic()
        await gate.enter()
        try:
            assert gate.inside <= most
            for _ in range(ticks):
                await asyncio.sleep(0)
            if what == "answer":
                gate.widen()
            if what == "overload":
                gate.narrow(sent)
        finally:
            gate.leave()

    async def play() -> Gate:
        gate = Gate(most)
        tasks = [asyncio.create_task(visit(gate, ticks, what)) for ticks, what in visits]
        await asyncio.sleep(0)
        for task, (_, what) in zip(tasks, visits, strict=True):
            if what == "cancel":
                task.cancel()
        done = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 1)
        assert all(one is None or isinstance(one, asyncio.CancelledError) for one in done)
        return gate

    gate = asyncio.run(play())
    assert gate.inside == 0
    assert 1 <= int(gate.width) <= most


def test_who_is_cancelled_while_waiting_takes_no_place() -> None:
    async def play() -> None:
        gate = Gate(1)
        await gate.enter()
        waiting = [asyncio.create_task(gate.enter()) for _ in range(3)]
        await settle()
        waiting[0].cancel()
        gate.leave()  # lets the second in: its cancellation, in the same moment, has to pass the place on
        waiting[1].cancel()
        await settle()
        assert waiting[2].done()
        assert gate.inside == 1

    asyncio.run(play())


def test_an_overloaded_model_s_gate_is_halved_once_a_round_and_recovers_step_by_step() -> None:
    async def play() -> None:
        gate = Gate(64)
        sent = time.monotonic()
        for _ in range(64):
            await gate.enter()
        for _ in range(64):
            gate.narrow(sent)
            gate.leave()
        assert gate.width == 32
        widths = []
        for _ in range(10):
            for _ in range(int(gate.width)):
                gate.widen()
            widths.append(gate.width)
        assert widths == sorted(widths)
        assert 34 < widths[0] < 38
        assert widths[-1] == 64

    asyncio.run(play())


def test_a_gate_is_never_closed_by_overload() -> None:
    async def play() -> None:
        gate = Gate(8)
        for _ in range(20):
            await gate.enter()
            gate.narrow(time.monotonic())
            gate.leave()
        assert gate.width == 1
        await asyncio.wait_for(gate.enter(), 1)

    asyncio.run(play())


def test_while_the_gate_is_shut_nobody_gets_in() -> None:
    async def play() -> float:
        gate = Gate(8)
        gate.shut(0.1)
        gate.shut(0.02)  # the longest counts
        started = time.monotonic()
        await asyncio.wait_for(asyncio.gather(*(gate.enter() for _ in range(8))), 2)
        return time.monotonic() - started

    assert 0.09 <= asyncio.run(play()) < 0.5


@given(st.floats(0.5, 5000), st.lists(st.floats(0.1, 50), min_size=1, max_size=60))
def test_a_pace_is_kept_over_time(per_minute: float, amounts: list[float]) -> None:
    pace = Pace(per_minute)
    waits = [pace.take(amount) for amount in amounts]
    assert waits == sorted(waits)
    # What was taken before the last one has to be earned, less what may be used up at once.
    earned = sum(amounts[:-1]) * 60 / per_minute
    assert waits[-1] == pytest.approx(max(0, earned - max(10, 60 / per_minute) + 60 / per_minute), abs=0.2)


def test_what_is_given_back_is_free_again() -> None:
    pace = Pace(60)
    assert pace.take(100) == 0
    wait = pace.take(0)
    assert wait > 80
    pace.take(-100)
    assert pace.take(0) == 0


def test_tokens_are_guessed_from_what_requests_have_used() -> None:
    async def play() -> list[float]:
        rates = Rates(ModelLimits(tokens_per_minute=600_000))
        first = await rates.enter()
        rates.settle(first, 50)
        rates.settle(await rates.enter(), 150)
        rates.settle(await rates.enter(), None)
        return [first, await rates.enter()]

    assert asyncio.run(play()) == [1000, 100]


def test_no_limit_is_no_wait() -> None:
    async def play() -> float:
        rates = Rates(ModelLimits())
        started = time.monotonic()
        for _ in range(10_000):
            rates.settle(await rates.enter(), 10**6)
        return time.monotonic() - started

    assert asyncio.run(play()) < 0.5
