from __future__ import annotations

import asyncio
import inspect
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionMessageFunctionToolCall
from openai.types.chat.chat_completion_message_function_tool_call import Function

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.errors import (
    ConfigError,
    ModelUnavailable,
    RequestRejected,
    ServiceFault,
    ToolmatchError,
)
from pytest_toolmatch.core.model import Model, parse_model
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.rollout import Rollout
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.providers.python_callable import from_wire, open_provider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CALL = {"name": "book", "arguments": {"id": 7}}
BOOK = Call("book", {"id": 7})
OOPS = Function(name="book", arguments="{oops")


def request(timeout: float = 5.0) -> Request:
    rollout = Rollout(timeout=timeout)
    return Request(role="student", model="python:agent:run", conversation=user("Book it."), rollout=rollout)


def ask(model: Model | Callable[..., Any], timeout: float = 5.0) -> Turn:
    async def run() -> Turn:
        given = model if isinstance(model, Model) else Model(provider="python", name="mine", client=model)
        provider = open_provider(given)
        try:
            return await provider.complete(request(timeout))
        finally:
            await provider.aclose()

    return asyncio.run(run())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's folder, which is the current one; its modules are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("answer", "turn"),
    [
        ("Done.", Turn(text="Done.")),
        ([], Turn()),
        ([CALL], Turn(calls=(BOOK,), ids=("call_0",))),
        ((BOOK, CALL), Turn(calls=(BOOK, BOOK), ids=("call_0", "call_1"))),
        ([{"name": "book", "arguments": '{"id": 7}'}], Turn(calls=(BOOK,), ids=("call_0",))),
        (
            [{"id": "x", "type": "function", "function": {"name": "book", "arguments": '{"id": 7}'}}],
            Turn(calls=(BOOK,), ids=("call_0",)),
        ),
        (
            [ChatCompletionMessageFunctionToolCall(id="x", type="function", function=OOPS)],
            Turn(calls=(Call("book", "{oops"),), ids=("call_0",)),
        ),
        ([[CALL, CALL], [], (BOOK,)], Turn(chain=((BOOK, BOOK), (BOOK,)))),
        (Turn(calls=(BOOK,), ids=("a",), text="Hm."), Turn(calls=(BOOK,), ids=("a",), text="Hm.")),
        (Turn(text="Hm.", confidence=0.5), Turn(text="Hm.", confidence=0.5)),
        (Turn(calls=[BOOK]), Turn(calls=(BOOK,), ids=("call_0",))),  # type: ignore[arg-type]
        (Turn(chain=((BOOK,),)), Turn(chain=((BOOK,),))),
        ("cut \ud83d", Turn(text="cut ?")),
        (
            [{"name": "book", "arguments": {"id\ud83d": ["\ud83d"]}}],
            Turn(calls=(Call("book", {"id?": ["?"]}),), ids=("call_0",)),
        ),
    ],
)
def test_what_a_function_may_return(answer: Any, turn: Turn) -> None:
    async def later(_: Request) -> Any:
        return answer

    assert ask(lambda _: answer) == ask(later) == turn


ENDLESS: dict[str, Any] = {}
ENDLESS["x"] = ENDLESS


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "returned None; it may return text"),
        (3, "returned int: 3; it may return text"),
        (CALL, "returned dict: "),
        ([CALL, [CALL]], "mixes calls and lists of calls"),
        (["book"], "'book' is no call"),
        ([{"name": "book", "args": {}}], "unknown field `args`"),
        ([{"arguments": {}}], "`name`"),
        ([{"name": "book", "arguments": {"x": object()}}], "is no call"),
        ([{"name": "book", "arguments": ENDLESS}], "is no call"),
        (Turn(text=3), "a Turn that is none"),  # type: ignore[arg-type]
        (Turn(confidence=1.5), "a Turn that is none"),
        (ask, "returned function"),
    ],
)
def test_what_it_may_not(answer: Any, message: str) -> None:
    with pytest.raises(RequestRejected) as caught:
        ask(lambda _: answer)
    assert str(caught.value).startswith("python:mine returned ")
    assert message in str(caught.value)


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_return_value_is_read_or_rejected(answer: Any) -> None:
    try:
        turn = from_wire(answer)
    except RequestRejected as error:
        assert "it may return" in str(error)  # noqa: PT017 - either will do
    else:
        assert len(turn.ids) == len(turn.calls)


def test_it_gets_the_request_in_a_thread_of_its_own() -> None:
    seen: list[Any] = []

    def agent(asked: Request) -> str:
        seen.extend((asked, threading.current_thread()))
        return asked.conversation[-1].content

    assert ask(agent).text == "Book it."
    assert seen[0] == request()
    assert seen[1] is not threading.main_thread()


def test_objects_with_an_async_call_and_functions_that_return_coroutines() -> None:
    class Agent:
        async def __call__(self, _: Request) -> str:
            assert threading.current_thread() is threading.main_thread()
            return "Hi."

    async def answer(_: Request) -> str:
        return "Ho."

    assert ask(Agent()).text == "Hi."
    assert ask(lambda asked: answer(asked)).text == "Ho."  # noqa: PLW0108 - a wrapper is what is tested


def test_one_that_takes_too_long() -> None:
    async def waits(_: Request) -> None:
        await asyncio.sleep(60)

    for slow in (waits, lambda _: time.sleep(0.1)):
        with pytest.raises(ServiceFault, match=r"did not answer in 0\.02 s"):
            ask(slow, timeout=0.02)


def line_of(function: Callable[..., Any], text: str) -> int:
    lines, first = inspect.getsourcelines(function)
    return first + next(index for index, line in enumerate(lines) if text in line)


@pytest.mark.parametrize(
    "error", [ValueError("no"), StopIteration(), SystemExit(3), TimeoutError("theirs"), KeyError("x")]
)
def test_its_exceptions_say_where(error: BaseException) -> None:
    def breaks(_: Request) -> None:
        raise type(error)(*error.args)

    async def breaks_later(_: Request) -> None:
        await asyncio.sleep(0)
        raise type(error)(*error.args)

    for function in (breaks, breaks_later):
        if isinstance(error, StopIteration) and function is breaks_later:
            continue  # Python makes a RuntimeError of it
        with pytest.raises(RequestRejected) as caught:
            ask(function)
        told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        assert str(caught.value) == f"python:mine raised {told} at {__file__}:{line_of(function, 'raise type')}"
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_the_place_is_in_their_code_also_where_a_library_breaks() -> None:
    def breaks(_: Request) -> Any:
        return from_wire_of_json("{")

    with pytest.raises(RequestRejected, match="JSONDecodeError") as caught:
        ask(breaks)
    assert str(caught.value).endswith(f"{__file__}:{line_of(from_wire_of_json, 'json.loads')}")


def from_wire_of_json(text: str) -> Any:
    import json  # noqa: PLC0415

    return json.loads(text)


def test_a_key_in_its_exception_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKEND_API_KEY", "not-so-secret-0123456789")

    def breaks(_: Request) -> None:
        raise ValueError("wrong key not-so-secret-0123456789")

    with pytest.raises(RequestRejected, match=r"wrong key \*\*\* at"):
        ask(breaks)


def test_one_that_takes_no_request() -> None:
    def alone() -> None: ...

    async def alone_later() -> None: ...

    for function in (alone, alone_later):
        with pytest.raises(RequestRejected, match=r"TypeError: .*takes 0 positional arguments") as caught:
            ask(function)
        assert str(caught.value).endswith(f"{__file__}:{function.__code__.co_firstlineno}")


@pytest.mark.parametrize("error", [ServiceFault("busy", retry_after=2), ModelUnavailable("no licence")])
def test_it_may_raise_our_errors_itself(error: ToolmatchError) -> None:
    def breaks(_: Request) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        ask(breaks)
    assert caught.value is error


def test_a_function_of_the_current_folder(project: Path) -> None:
    (project / "my_agent.py").write_text("class A:\n    def run(request):\n        return 'yes'\n")
    assert ask(parse_model("python:my_agent:A.run")).text == "yes"


@pytest.mark.parametrize(
    ("source", "name", "message"),
    [
        ("", "my_agnet:run", "there is no module 'my_agnet' in .*; did you mean 'my_agent'"),
        ("", "my_agent.sub:run", "there is no module 'my_agent.sub'"),
        ("def runs(_): ...", "my_agent:run", r"my_agent\.py has no 'run'; did you mean 'runs'"),
        ("run = 3", "my_agent:run", "python:my_agent:run is no function but int"),
        ("\nimport nothing_here", "my_agent:run", r"No module named 'nothing_here' at .*my_agent\.py:2$"),
        ("from json import nope", "my_agent:run", r"ImportError: cannot import name 'nope' .*my_agent\.py:1$"),
        ("\n\n1 / 0", "my_agent:run", r"ZeroDivisionError: division by zero at .*my_agent\.py:3$"),
        ("def (", "my_agent:run", r"SyntaxError: .*my_agent\.py:1$"),
        ("raise SystemExit", "my_agent:run", r"SystemExit at .*my_agent\.py:1$"),
    ],
)
def test_what_can_not_be_imported(project: Path, source: str, name: str, message: str) -> None:
    (project / "my_agent.py").write_text(source)
    with pytest.raises(ModelUnavailable, match=message):
        open_provider(parse_model(f"python:{name}"))


@pytest.mark.parametrize("name", ["my_agent", "my_agent:", ":run"])
def test_a_name_of_another_form(name: str) -> None:
    with pytest.raises(ConfigError, match="python:module:function"):
        open_provider(parse_model(f"python:{name}"))
