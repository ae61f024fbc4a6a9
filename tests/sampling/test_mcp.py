from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.errors import ModelUnavailable, ServiceFault, SuiteError
from pytest_toolmatch.core.tool import find_tool
from pytest_toolmatch.sampling.mcp import close_sessions, fetch_tools, list_tools
from pytest_toolmatch.sampling.replies import Replies, Reply

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from pytest_toolmatch.core.tool import Tool

SCRIPT = str(Path(__file__).parent.parent / "servers" / "mcp_stdio.py")
SERVER = {"command": [sys.executable, SCRIPT], "env": {"SHOP": "$TOOLMATCH_SHOP"}, "timeout": 20}


def server(*arguments: str, **more: Any) -> dict[str, Any]:
    return {"command": [sys.executable, SCRIPT, *arguments], "timeout": 20, **more}


@pytest.fixture(scope="module")
def tools() -> tuple[Tool, ...]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOOLMATCH_SHOP", "Oslo")
        return list_tools({**SERVER, "cwd": str(Path(SCRIPT).parent)})


async def closing(coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await coroutine
    finally:
        await close_sessions()


def called(tools: tuple[Tool, ...], *calls: Call) -> list[Reply]:
    async def main() -> list[Reply]:
        answer = Replies().answerer(tools)
        return [await answer(call) for call in calls]

    return asyncio.run(closing(main()))


def test_tools_come_with_schemas_and_effects(tools: tuple[Tool, ...]) -> None:
    effects = {tool.name: tool.effect for tool in tools}
    assert effects == {
        **dict.fromkeys(("search_flights", "instance", "fail", "die", "hang"), "read"),
        "book_flight": "write",
        "note": None,
    }
    search = tools[0]
    assert search.description == "Find flights between two airports."
    assert search.parameters is not None
    assert search.parameters["required"] == ["origin", "destination"]
    assert search.returns is not None
    assert search.returns["properties"]["result"]["type"] == "array"
    assert tools[-1].returns is None


def test_tools_that_read_are_called_and_others_are_not(tools: tuple[Tool, ...]) -> None:
    found, failed, booked, noted = called(
        tools,
        Call("search_flights", {"origin": "OSL", "destination": "FCO"}),
        Call("fail"),
        Call("book_flight", {"flight": "1"}),
        Call("note", {"text": "x"}),
    )
    assert found.kind == "run"
    assert not found.error
    assert "OSL-FCO" in found.text
    assert failed.error
    assert "no such airport" in failed.text
    assert booked == Reply('{"result":"result"}', kind="simulated")
    assert noted == Reply('{"status":"ok"}', kind="simulated")


def test_a_server_is_started_once_per_loop_with_its_environment(tools: tuple[Tool, ...]) -> None:
    async def main() -> list[Reply]:
        answer = Replies().answerer(tools)
        return await asyncio.gather(*(answer(Call("instance")) for _ in range(5)))

    replies = asyncio.run(closing(main()))
    assert len({one.text for one in replies}) == 1
    _, shop, directory = replies[0].text.split()
    assert (shop, directory) == ("Oslo", str(Path(SCRIPT).parent))


def test_a_server_that_dies_is_started_again(tools: tuple[Tool, ...]) -> None:
    async def main() -> Reply:
        answer = Replies().answerer(tools)
        with pytest.raises(ServiceFault) as raised:
            await answer(Call("die"))
        message = str(raised.value)
        assert message.startswith(f"MCP server `{sys.executable}")
        assert "die: Connection closed; its stderr ends:" in message
        assert "\n    out of fuel" in message
        assert "Oslo" not in message
        return await answer(Call("instance"))

    assert "Oslo" in asyncio.run(closing(main())).text


def test_a_server_that_hangs() -> None:
    async def main() -> None:
        hang = find_tool(await fetch_tools(server(timeout=6)), "hang")
        assert hang is not None
        with pytest.raises(ServiceFault, match=r"hang: .*timed out"):
            await hang.implementation()

    asyncio.run(closing(main()))


def test_a_call_that_is_cancelled_leaves_the_session_open(tools: tuple[Tool, ...]) -> None:
    async def main() -> None:
        answer = Replies().answerer(tools)
        before = await answer(Call("instance"))
        late = await Replies(timeout=0.1).answerer(tools)(Call("hang"))
        assert late == Reply("TimeoutError: no reply within 0.1 s", error=True)
        assert await answer(Call("instance")) == before

    asyncio.run(closing(main()))


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({}, "s.yaml:3: mcp: write either a command to start, or a url"),
        ({"command": ["x"], "url": "http://x"}, "s.yaml:3: mcp: write either a command to start, or a url"),
        ({"comand": ["x"]}, "s.yaml:3: mcp: Object contains unknown field `comand`"),
        ({"command": 3}, "s.yaml:3: mcp: Expected `str | array`, got `int` - at `$.command`"),
        ({"command": "a 'b"}, "s.yaml:3: mcp: No closing quotation"),
        (
            {"command": "x", "env": {"KEY": "$TOOLMATCH_NO_SUCH"}},
            "s.yaml:3: MCP server `x`: the environment has no TOOLMATCH_NO_SUCH: set it",
        ),
        ({"command": ["/no/such/program"]}, "s.yaml:3: MCP server `/no/such/program`: [Errno 2] No such file"),
        (
            {"url": "http://me:secret@127.0.0.1:1/mcp?key=secret", "timeout": 5},
            "s.yaml:3: MCP server http://127.0.0.1:1/mcp: ",
        ),
    ],
    ids=str,
)
def test_a_server_that_can_not_be_had(described: dict[str, Any], message: str) -> None:
    with pytest.raises(SuiteError) as raised:
        list_tools(described, where="s.yaml:3")
    assert str(raised.value).startswith(message)
    assert "secret" not in str(raised.value)


def test_a_server_that_does_not_start_is_quoted() -> None:
    with pytest.raises(SuiteError, match=r"Connection closed; its stderr ends:\n    no fuel$"):
        list_tools(server("crash"))


def test_a_server_that_says_nothing() -> None:
    with pytest.raises(SuiteError, match=r"mcp_stdio.py mute`: no answer within 0.3 s"):
        list_tools(server("mute", timeout=0.3))


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(ModelUnavailable, match=r"pip install 'pytest-toolmatch\[mcp\]'"):
        list_tools(SERVER | {"env": {}})


@pytest.fixture
def url() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen([sys.executable, SCRIPT, "http", str(port)], stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
        process.kill()


def test_a_server_over_http(url: str) -> None:
    tools = list_tools({"url": url, "headers": {"X-Shop": "Oslo"}})
    (found,) = called(tools, Call("search_flights", {"origin": "OSL", "destination": "FCO"}))
    assert "OSL-FCO" in found.text


def test_all_who_wait_for_a_server_that_has_gone_are_told(tmp_path: Path) -> None:
    script = tmp_path / "server.py"
    script.write_bytes(Path(SCRIPT).read_bytes())
    (fail,) = [one for one in list_tools({**server(), "command": [sys.executable, str(script)]}) if one.name == "fail"]
    script.write_text("import sys; sys.exit('moved')")

    async def main() -> list[Any]:
        return await asyncio.gather(*(fail.implementation() for _ in range(3)), return_exceptions=True)

    faults = asyncio.run(closing(main()))
    assert [type(fault) for fault in faults] == [ServiceFault] * 3
    assert str(faults[0]).endswith("fail: Connection closed; its stderr ends:\n    moved")
