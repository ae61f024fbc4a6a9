"""The engine of this process: order, one thread a block, and nothing left behind."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from pytest_toolmatch.core.errors import SuiteError
from pytest_toolmatch.engines import engine_of
from pytest_toolmatch.engines.engine import blocks_of
from pytest_toolmatch.engines.local import Local

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.engines.engine import Engine


@pytest.fixture
def engine() -> Iterator[Engine]:
    with threadpool_limits(3, user_api="blas"), engine_of("local") as found:
        yield found


def threads() -> int:
    np.ones((2, 2)) @ np.ones((2, 2))
    return max(one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas")


def test_results_come_in_order_from_several_threads(engine: Engine) -> None:
    def late(number: int) -> tuple[int, int]:
        time.sleep(0.002 * (number % 3))
        return number, threading.get_ident()

    found = list(engine.map(late, range(40)))
    assert [number for number, _ in found] == list(range(40))
    assert len({thread for _, thread in found}) == 3


def test_a_block_has_one_thread_for_its_linear_algebra(engine: Engine) -> None:
    assert list(engine.map(lambda _: threads(), range(5))) == [1] * 5
    assert threads() == 3, "as it was before"


def test_an_engine_that_is_left_lets_go(engine: Engine) -> None:
    asked = []
    results = engine.map(abs, (asked.append(number) or number for number in range(1000)))
    assert next(results) == 0
    assert len(asked) <= 6
    results.close()  # type: ignore[attr-defined]
    assert threads() == 3
    assert len(asked) <= 6


def test_what_a_block_raises_is_raised_here(engine: Engine) -> None:
    def wrong(number: int) -> None:
        if number == 2:
            raise SuiteError("a reason")

    with pytest.raises(SuiteError, match="a reason"):
        list(engine.map(wrong, range(9)))


def test_threads_are_those_that_linear_algebra_would_have() -> None:
    with threadpool_limits(2, user_api="blas"):
        assert Local()._threads == 2


def test_blocks_hold_all_items_in_order() -> None:
    assert list(blocks_of(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
