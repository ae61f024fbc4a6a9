from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import datetime as dt
import enum
import functools
import pathlib
import threading
import time
from typing import Any

import numpy as np
import pydantic
import pytest

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.errors import ServiceFault
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.signature import tool
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.sampling.replies import Replies, Reply, as_text


@dataclasses.dataclass
class Flight:
    number: str
    day: dt.date


class Guest(pydantic.BaseModel):
    name: str
    born: dt.date


class Cabin(enum.Enum):
    ECONOMY = "economy"


def reply_of(one: Tool, arguments: Any = None, timeout: float = 5.0) -> Reply:
    return asyncio.run(Replies(timeout).answerer([one])(Call(one.name, arguments)))


def reading(function: Any) -> Tool:
    return tool(effect="read", name="f")(function)


def test_a_canned_reply_comes_before_the_implementation() -> None:
    def never() -> None:
        raise AssertionError

    assert reply_of(tool(effect="read", reply="as it is")(never)) == Reply("as it is", kind="canned")
    assert reply_of(tool(effect="read", reply={"price": 89})(never)) == Reply('{"price":89}', kind="canned")
    assert reply_of(Tool(name="f", reply=[])) == Reply("[]", kind="canned")


def test_a_canned_reply_may_depend_on_the_arguments() -> None:
    one = Tool(name="f", reply=lambda city, **_: {"Rome": 21}.get(city))
    assert reply_of(one, {"city": "Rome", "day": 1}) == Reply("21", kind="canned")
    assert reply_of(one, {"day": 1}).error
    request = Request(role="student", model="m", conversation=user("q"), tools=(one,))
    assert request.key


@pytest.mark.parametrize(
    ("effect", "execute", "kind"),
    [
        ("read", False, "run"),
        ("write", False, "simulated"),
        (None, False, "simulated"),
        ("write", True, "run"),
        (None, True, "run"),
    ],
)
def test_only_what_reads_is_run_unless_told(effect: Any, execute: bool, kind: str) -> None:
    ran = []

    def book() -> str:
        ran.append(1)
        return "booked"

    assert reply_of(tool(effect=effect, execute=execute)(book)).kind == kind
    assert bool(ran) == (kind == "run")


def test_a_simulated_reply_fits_what_the_tool_returns() -> None:
    assert reply_of(Tool(name="f")) == Reply('{"status":"ok"}', kind="simulated")
    one = Tool(name="f", returns={"type": "object", "properties": {"city": {"type": "string"}}})
    assert reply_of(one) == Reply('{"city":"Oslo"}', kind="simulated")


def test_functions_run_in_threads_and_coroutines_on_the_loop() -> None:
    names = []

    def blocking(x: int) -> int:
        names.append(threading.current_thread())
        return x + 1

    async def waiting(x: int) -> int:
        names.append(threading.current_thread())
        await asyncio.sleep(0)
        return x + 2

    class Callable_:  # noqa: N801
        async def __call__(self, x: int) -> int:
            return x + 3

    assert reply_of(reading(blocking), {"x": 1}) == Reply("2")
    assert reply_of(reading(waiting), {"x": 1}) == Reply("3")
    assert reply_of(reading(Callable_()), {"x": 1}) == Reply("4")
    assert reply_of(reading(functools.partial(waiting, x=1))) == Reply("3")
    assert reply_of(reading(lambda: waiting(2))) == Reply("4")
    assert names[0] is not threading.main_thread()
    assert names[0].daemon
    assert names[1] is threading.main_thread()


def test_threads_see_the_context() -> None:
    shop = contextvars.ContextVar("shop", default="none")

    async def main() -> Reply:
        shop.set("flights")
        return await Replies().answerer([reading(lambda: shop.get() + "s")])(Call("f"))

    assert asyncio.run(main()) == Reply("flightss")


def test_arguments_come_as_the_hints_say() -> None:
    def f(day: dt.date, flight: Flight, guests: list[Guest], cabin: Cabin = Cabin.ECONOMY, path: Any = 1) -> str:
        return f"{day:%d.%m.} {flight.number} {guests[0].born.year} {cabin.name} {path}"

    arguments = {
        "day": "2026-03-05",
        "flight": {"number": "DY1", "day": "2026-03-05"},
        "guests": [{"name": "Ada", "born": "1815-12-10"}],
        "cabin": "economy",
        "path": "x",
    }
    assert reply_of(reading(f), arguments) == Reply("05.03. DY1 1815 ECONOMY x")


def test_arguments_that_do_not_convert_come_as_they_are() -> None:
    def f(day: dt.date, file: pathlib.Path, other: Gone) -> str:  # type: ignore[name-defined]  # noqa: F821
        return f"{day!r} {file!r} {other!r}"

    def g(day: dt.date, file: pathlib.Path) -> str:
        return f"{day!r} {file!r}"

    assert (
        reply_of(Tool(name="f", effect="read", implementation=f), {"day": "x", "file": "y", "other": 1}).text
        == "'x' 'y' 1"
    )
    assert reply_of(reading(g), {"day": "x", "file": "y"}).text == f"'x' {pathlib.Path('y')!r}"


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("plain", "plain"),
        (None, "null"),
        ({"a": [1, 2.5, True]}, '{"a":[1,2.5,true]}'),
        ([Flight("DY1", dt.date(2026, 3, 5))], '[{"number":"DY1","day":"2026-03-05"}]'),
        (Guest(name="Ada", born=dt.date(1815, 12, 10)), '{"name":"Ada","born":"1815-12-10"}'),
        (Cabin.ECONOMY, '"economy"'),
        ({"mean": np.float64(0.5), "all": np.arange(2)}, '{"mean":0.5,"all":[0,1]}'),
        (pathlib.PurePosixPath("a/b"), '"a/b"'),
        ({(1, 2): 3}, '{"(1, 2)":3}'),
        ("\ud800", "?"),
        ({"x": "\ud800"}, "{'x': '\\ud800'}"),
    ],
    ids=str,
)
def test_results_as_text(result: Any, text: str) -> None:
    shown = as_text(result)
    assert shown == text
    assert shown.encode()


def test_a_result_that_holds_itself() -> None:
    knot: list[Any] = []
    knot.append(knot)
    assert as_text(knot) == "[[...]]"


def raising(error: BaseException) -> Any:
    def f() -> None:
        raise error

    return f


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("no such city"), "ValueError: no such city"),
        (KeyError("Rome"), "KeyError: 'Rome'"),
        (StopIteration(), "RuntimeError: coroutine raised StopIteration"),
        (TimeoutError("of its own"), "TimeoutError: of its own"),
        (SystemExit(3), "RuntimeError: SystemExit: 3"),
    ],
)
def test_what_a_tool_raises_is_told_to_the_model(error: BaseException, text: str) -> None:
    assert reply_of(reading(raising(error))) == Reply(text, error=True)


def test_what_an_async_tool_raises_is_told_to_the_model() -> None:
    async def f() -> None:
        raise LookupError("gone")

    assert reply_of(reading(f)) == Reply("LookupError: gone", error=True)


def test_arguments_that_do_not_fit_the_function_are_a_fault_of_the_tool() -> None:
    one = Tool(name="f", effect="read", implementation=lambda city: city)
    assert reply_of(one, {"town": 1}).text.startswith("TypeError: ")


def test_trouble_that_is_no_fault_of_the_call_is_raised() -> None:
    with pytest.raises(ServiceFault, match="server died"):
        reply_of(reading(raising(ServiceFault("server died"))))


def test_a_tool_that_takes_too_long() -> None:
    async def hang() -> None:
        await asyncio.sleep(3600)

    late = Reply("TimeoutError: no reply within 0.05 s", error=True)
    assert reply_of(reading(hang), timeout=0.05) == late
    assert reply_of(reading(lambda: time.sleep(0.15)), timeout=0.05) == late
    time.sleep(0.15)  # the thread finds the loop closed, and says nothing


def test_a_reply_may_be_given_as_such() -> None:
    assert reply_of(reading(lambda: Reply("no seats", error=True))) == Reply("no seats", error=True)


def test_calls_of_no_tool() -> None:
    answer = Replies().answerer([])
    assert asyncio.run(answer(Call("gone"))) == Reply(
        "gone: no such tool, or no JSON object as arguments", error=True, kind="refused"
    )
    assert reply_of(Tool(name="f"), "{").kind == "refused"


def test_cancelling_is_never_swallowed() -> None:
    async def main() -> None:
        task = asyncio.create_task(Replies().answerer([reading(lambda: time.sleep(0.05))])(Call("f")))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
