from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_toolmatch.core.errors import BudgetSpent, ConfigError
from pytest_toolmatch.core.sample import Spending
from pytest_toolmatch.sampling.budget import Budget, Limit, left_of, parse_budget

if TYPE_CHECKING:
    from pytest_toolmatch.sampling.budget import Account


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("5", Limit(5.0, None)),
        ("2.50usd", Limit(2.5, None)),
        ("2.50 USD", Limit(2.5, None)),
        ("$2.50", Limit(2.5, None)),
        (".5", Limit(0.5, None)),
        ("0", Limit(0.0, None)),
        ("1000calls", Limit(None, 1000)),
        ("1 call", Limit(None, 1)),
        ("5usd,1000calls", Limit(5.0, 1000)),
        ("1000calls, $5", Limit(5.0, 1000)),
    ],
)
def test_budgets_are_read(text: str, limit: Limit) -> None:
    assert parse_budget(text) == limit


@pytest.mark.parametrize("text", ["", "five", "-5", "5eur", "1.5calls", "5,6", "5calls,6calls", "5usd,", "nan", "inf"])
def test_what_is_no_budget_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ConfigError, match="write US dollars") as caught:
        parse_budget(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("budget", "left"),
    [
        ("", ""),
        ("5", "3.500000usd"),
        ("$1", "0.000000usd"),
        ("100calls", "58calls"),
        ("42calls", "0calls"),
        ("40calls, 2usd", "0.500000usd,0calls"),
    ],
)
def test_what_is_left_of_a_budget_is_one(budget: str, left: str) -> None:
    assert left_of(budget, Spending(calls=42, cost=1.5)) == left
    assert left_of(left, Spending()) == left


async def draw(account: Account, costs: list[float], *, turns: int = 1, order: list[int] | None = None) -> bool:
    """Play a draw of so many calls; return that it came to its end."""
    await account.begin()
    made = 0
    try:
        for _ in range(turns):
            await account.send()
            made += 1
            for _ in range(order.pop() if order else 1):
                await asyncio.sleep(0)
            account.settle(costs.pop() if costs else None)
    finally:
        account.end(made)
    return True


async def play(account: Account, draws: list[int], cost: float | None, waits: list[int]) -> list[object]:
    costs = [] if cost is None else [cost] * sum(draws)
    order = [*waits]
    tasks = (draw(account, costs, turns=turns, order=order) for turns in draws)
    return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)


@given(
    st.integers(0, 30),
    st.lists(st.integers(1, 4), max_size=30),
    st.lists(st.integers(1, 6), max_size=40),
)
@settings(max_examples=60)
def test_calls_are_never_exceeded_and_every_draw_gets_an_answer(limit: int, draws: list[int], waits: list[int]) -> None:
    budget = Budget(calls=limit)
    results = asyncio.run(play(budget.account(priced=False), draws, None, waits))
    assert all(one is True or isinstance(one, BudgetSpent) for one in results)
    assert budget.calls <= limit
    if sum(draws) <= limit:
        assert results == [True] * len(draws)
    elif draws and limit >= max(draws):
        assert True in results


@given(st.integers(0, 40), st.integers(0, 60), st.lists(st.integers(1, 6), max_size=40))
@settings(max_examples=60)
def test_calls_that_all_cost_the_same_never_exceed_the_dollars(limit: int, draws: int, waits: list[int]) -> None:
    budget = Budget(usd=limit / 4)
    results = asyncio.run(play(budget.account(priced=True), [1] * draws, 0.25, waits))
    assert budget.usd <= limit / 4
    assert results.count(True) == min(draws, limit)


def test_models_take_turns_where_there_is_a_limit() -> None:
    async def run(limit: int | None) -> list[str]:
        budget, order = Budget(calls=limit), list[str]()
        left = {"fast": 20, "slow": 20}

        async def work(name: str, account: Account, pause: int) -> None:
            while left[name]:
                left[name] -= 1
                await draw(account, [], order=[pause])
                order.append(name)

        tasks = []
        for name, pause in (("fast", 1), ("slow", 5)):
            account = budget.account(priced=False)
            account.queued = partial(left.__getitem__, name)
            tasks.append(work(name, account, pause))
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        return order

    assert asyncio.run(run(None))[:6].count("fast") >= 5  # without a limit nobody waits for another
    limited = asyncio.run(run(20))
    assert abs(limited.count("fast") - limited.count("slow")) <= 1
    assert len(asyncio.run(run(40))) == 40


def test_all_of_a_budget_is_used() -> None:
    budget = Budget(calls=7)
    results = asyncio.run(play(budget.account(priced=False), [1] * 20, None, []))
    assert results.count(True) == budget.calls == 7
    (message,) = {str(one) for one in results if one is not True}
    assert message.startswith("budget of 7 calls is spent (0.00 USD, 7 calls so far)")
    assert str(Limit(calls=1)) == "1 call"


def test_what_is_half_paid_is_finished_before_anything_begins() -> None:
    budget = Budget(calls=40)
    results = asyncio.run(play(budget.account(priced=False), [2] * 100, None, []))
    assert budget.calls == 40
    assert results.count(True) == 20  # nothing was begun that was not finished


def test_hundreds_in_flight_do_not_overshoot_the_dollars() -> None:
    budget = Budget(usd=1.0)
    results = asyncio.run(play(budget.account(priced=True), [3] * 500, 0.01, []))
    assert budget.usd <= 1.01
    assert budget.calls == pytest.approx(100, abs=1)
    assert results.count(True) >= 30


def test_until_a_price_is_known_one_draw_goes_ahead() -> None:
    async def begun() -> tuple[int, int]:
        account = Budget(usd=1.0).account(priced=True)
        tasks = [asyncio.create_task(account.begin()) for _ in range(50)]
        await asyncio.sleep(0.01)
        before = account.open
        await account.send()
        account.settle(0.02)
        await asyncio.sleep(0.01)
        after = account.open
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return before, after

    before, after = asyncio.run(begun())
    assert before == 1
    assert 2 <= after <= 1.0 / 0.02


def test_a_model_without_a_price_goes_on_when_the_dollars_are_spent() -> None:
    async def both() -> tuple[list[object], list[object]]:
        budget = Budget(usd=0.5)
        return (
            await play(budget.account(priced=True), [1] * 9, 0.25, []),
            await play(budget.account(priced=False), [1] * 9, None, []),
        )

    paid, free = asyncio.run(both())
    assert paid.count(True) == 2
    assert free == [True] * 9


def test_a_call_that_was_not_sent_does_not_count() -> None:
    async def unsent() -> None:
        await account.begin()
        await account.send()
        account.settle(None, sent=False)
        account.end(0)

    budget = Budget(calls=1)
    account = budget.account(priced=False)
    asyncio.run(unsent())
    assert budget.calls == 0


def test_no_limit_limits_nothing() -> None:
    results = asyncio.run(play(Budget().account(priced=True), [2] * 50, 3.0, []))
    assert results == [True] * 50
