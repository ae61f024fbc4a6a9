from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.errors import (
    ConfigError,
    ModelUnavailable,
    RequestRejected,
    SamplingError,
    ServiceFault,
    ToolmatchError,
)
from pytest_toolmatch.core.model import Model, parse_model
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.rollout import Rollout
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.providers import local, registry
from tests.servers.chat import ANSWERED, CALLED, PARALLEL, completion, failure, tool_call
from tests.servers.loopback import Answer, Loopback

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_toolmatch.core.turn import Turn

TOOLS = (Tool(name="search", parameters={"type": "object", "properties": {"q": {"type": "string"}}}), Tool(name="book"))
KEY = "sk-local-0123456789abcdef"


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOOLMATCH_LOCAL_API_KEY", raising=False)


def request(query: str = "hi", timeout: float = 5.0, **more: Any) -> Request:
    given: dict[str, Any] = {"tools": TOOLS, "instructions": "Help.", "rollout": Rollout(timeout=timeout)} | more
    return Request(role="student", model="local:gpt-oss:20b", conversation=user(query), **given)


async def _complete(model: Model, requests: Iterable[Request]) -> list[Turn]:
    provider = registry.open_provider(model)
    try:
        return await asyncio.gather(*map(provider.complete, requests))
    finally:
        await provider.aclose()
        await provider.aclose()


def ask(url: str, *requests: Request, settings: dict[str, Any] | None = None) -> list[Turn]:
    model = parse_model(f"local:gpt-oss:20b@{url}", settings)
    return asyncio.run(_complete(model, requests or [request(settings=settings or {})]))


def fault(answer: Answer, *, timeout: float = 5.0) -> SamplingError:
    """Return what one answer raises; no message of it holds the key."""
    with Loopback([answer]) as server, pytest.raises(SamplingError) as caught:
        ask(server.url, request(timeout=timeout))
    assert "gpt-oss:20b" in str(caught.value)
    return caught.value


def test_one_call() -> None:
    with Loopback([CALLED]) as server:
        (turn,) = ask(server.url, settings={"temperature": 0, "max_tokens": 64, "top_k": 5, "cache": False})
    assert (turn.calls, turn.stop) == ((Call("search", {"q": "cheese"}),), "done")
    assert turn.usage == Usage(input=120, cached=64, output=30, reasoning=12)
    (sent,) = server.requests
    assert (sent.method, sent.path) == ("POST", "/v1/chat/completions")
    assert sent.headers["content-type"] == "application/json"
    assert "authorization" not in sent.headers
    assert sent.json == local.to_wire(request(settings={"temperature": 0, "max_tokens": 64, "top_k": 5}))


def test_parallel_calls_and_an_answer() -> None:
    with Loopback([PARALLEL]) as server:
        (turn,) = ask(server.url)
    assert [call.name for call in turn.calls] == ["search", "book"]
    with Loopback([ANSWERED]) as server:
        (turn,) = ask(server.url)
    assert (turn.calls, turn.text) == ((), "It is sunny.")


TURNS = {
    "truncated": completion("", tool_call("search", '{"q": "ch'), finish="length"),
    "refused": completion(None, refusal="No."),
    "lost_by_server": completion("<|channel|>commentary to=functions.search<|message|>{}<|call|>"),
    "done": completion("", tool_call("search", '{"q": broken')),
}


@pytest.mark.parametrize(("stop", "body"), TURNS.items(), ids=TURNS)
def test_why_a_turn_ended(stop: str, body: dict[str, Any]) -> None:
    with Loopback([Answer(body)]) as server:
        (turn,) = ask(server.url)
    assert turn.stop == stop


@pytest.mark.parametrize(
    "answer",
    [
        Answer(failure("error parsing tool call: raw='{\"q\":', err=unexpected end of JSON input"), status=500),
        Answer(failure("Failed to call a function.", code="tool_use_failed"), status=400),
    ],
)
def test_an_error_that_tells_of_a_lost_call_is_a_turn(answer: Answer) -> None:
    with Loopback([answer]) as server:
        (turn,) = ask(server.url)
    assert turn.stop == "lost_by_server"
    assert turn.text


STATUSES: dict[int, type[SamplingError]] = {
    400: RequestRejected,
    401: ModelUnavailable,
    403: ModelUnavailable,
    404: ModelUnavailable,
    307: ModelUnavailable,
    422: RequestRejected,
    429: ServiceFault,
    500: ServiceFault,
    503: ServiceFault,
    529: ServiceFault,
}


@pytest.mark.parametrize(("status", "kind"), STATUSES.items(), ids=map(str, STATUSES))
def test_a_status_is_an_error(status: int, kind: type[SamplingError]) -> None:
    error = fault(Answer(failure("the reason why"), status=status, headers={"Location": "/elsewhere"}))
    assert type(error) is kind
    assert f"HTTP {status}" in str(error)
    assert "the reason why" in str(error)


def test_how_long_to_wait_is_passed_on() -> None:
    error = fault(Answer(failure("slow down"), status=429, headers={"Retry-After": "7"}))
    assert isinstance(error, ServiceFault)
    assert error.retry_after == 7.0


HTML = b"<!doctype html><html><title>Welcome to nginx!</title></html>"
GARBLED = {
    "html": (Answer(HTML, headers={"Content-Type": "text/html"}), "text/html"),
    "not JSON": (Answer(b"\x00\xff\x01"), "no chat completion"),
    "empty": (Answer(b""), "0 bytes"),
    "events": (Answer(b'data: {"choices": []}\n\n', headers={"Content-Type": "text/event-stream"}), "event-stream"),
    "other JSON": (Answer({"object": "list", "data": []}), "no message"),
    "error in a 200": (Answer({"error": {"message": "upstream is gone", "code": 502}}), "upstream is gone"),
    "cut": (Answer(json.dumps(completion("x")).encode()[:-40]), "no chat completion"),
    "half": (Answer(completion("x"), fault="half"), "connection"),
    "reset": (Answer(completion("x"), fault="reset"), "connection"),
}


@pytest.mark.parametrize(("answer", "said"), GARBLED.values(), ids=GARBLED)
def test_a_garbled_answer_is_a_fault(answer: Answer, said: str) -> None:
    error = fault(answer)
    assert isinstance(error, ServiceFault)
    assert said in str(error)


def test_the_right_answer_under_a_wrong_type_is_taken() -> None:
    with Loopback([Answer(completion("Sunny."), headers={"Content-Type": "text/plain"})]) as server:
        assert ask(server.url)[0].text == "Sunny."


def test_a_long_answer_is_read() -> None:
    with Loopback([Answer(completion("x" * (5 << 20)))]) as server:
        assert len(ask(server.url)[0].text) == 5 << 20


def test_an_answer_without_an_end_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_LARGEST", 1 << 20)
    assert "longer than 1 MiB" in str(fault(Answer(completion("x" * (5 << 20)))))


def test_a_server_that_hangs_is_a_fault() -> None:
    error = fault(Answer(fault="hang"), timeout=0.1)
    assert isinstance(error, ServiceFault)
    assert "in time" in str(error)
    assert not error.unreachable


def test_no_server_is_unreachable() -> None:
    with Loopback([CALLED]) as server:
        gone = server.url
    with pytest.raises(ServiceFault, match="can't be reached") as caught:
        ask(gone)
    assert caught.value.unreachable


def test_a_text_that_is_no_text_is_rejected() -> None:
    with Loopback([CALLED]) as server, pytest.raises(RequestRejected, match=r"local:gpt-oss:20b: .*surrogates"):
        ask(server.url, request("\ud800"))
    assert server.requests == []


@pytest.mark.parametrize(
    ("url", "served"),
    {
        "http://localhost:8000": "http://localhost:8000/v1/chat/completions",
        "http://localhost:8000/": "http://localhost:8000/v1/chat/completions",
        "http://localhost:8000/v1": "http://localhost:8000/v1/chat/completions",
        "http://localhost:8000/v1/": "http://localhost:8000/v1/chat/completions",
        "https://gpu.local/api/v3/": "https://gpu.local/api/v3/chat/completions",
        "http://[::1]:8000/v1/chat/completions": "http://[::1]:8000/v1/chat/completions",
        "http://h/v1?api-version=2": "http://h/v1/chat/completions?api-version=2",
    }.items(),
)
def test_an_address_with_or_without_a_path(url: str, served: str) -> None:
    assert local.chat_url(parse_model(f"local:m@{url}")) == served


@pytest.mark.parametrize("name", ["local:m", "local:m@localhost:8000", "local:m@http://", "local:m@http://h:99999"])
def test_a_missing_address_is_told_by_example(name: str) -> None:
    with pytest.raises(ConfigError, match="local:m@http://localhost:11434/v1"):
        registry.open_provider(parse_model(name))


def test_a_key_is_sent_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLMATCH_LOCAL_API_KEY", KEY)
    monkeypatch.setenv("MY_KEY", "another")
    with Loopback([CALLED]) as server:
        ask(server.url)
        ask(server.url, settings={"api_key_env": "MY_KEY", "extra_headers": {"X-Team": "blue"}})
    assert [sent.headers["authorization"] for sent in server.requests] == [f"Bearer {KEY}", "Bearer another"]
    assert server.requests[1].headers["x-team"] == "blue"
    assert b"MY_KEY" not in server.requests[1].body


def test_a_key_that_is_named_but_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(ModelUnavailable, match="set MY_KEY"):
        ask("http://localhost:1", settings={"api_key_env": "MY_KEY"})


@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 500])
@pytest.mark.parametrize("key", [KEY, "plain"])
def test_no_message_holds_the_key(status: int, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLMATCH_LOCAL_API_KEY", key)
    with (
        Loopback(lambda sent: Answer({"error": sent.headers["authorization"]}, status=status)) as server,
        pytest.raises(ToolmatchError) as caught,
    ):
        ask(server.url)
    assert key not in str(caught.value)
    assert key not in repr(caught.value)


def test_a_loopback_server_is_called_without_the_environments_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback([ANSWERED]) as proxy, Loopback([CALLED]) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert ask(server.url)[0].calls
        assert ask("http://gpu.invalid:8000")[0].text == "It is sunny."
    assert len(server.requests) == len(proxy.requests) == 1


def test_connections_are_kept_and_tools_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = []
    original = local.encoded_tools
    monkeypatch.setattr(local, "encoded_tools", lambda tools: encoded.append(tools) or original(tools))

    async def rounds(url: str) -> int:
        provider = local.open_provider(parse_model(f"local:m@{url}"))
        for _ in range(5):
            await asyncio.gather(*(provider.complete(request(str(draw), draw=draw)) for draw in range(20)))
        assert provider._session is not None
        assert provider._session.connector is not None
        kept = sum(len(free) for free in provider._session.connector._conns.values())  # type: ignore[attr-defined]
        await provider.aclose()
        return kept

    with Loopback(lambda _: Answer(CALLED.body, delay=0.01)) as server:
        assert asyncio.run(rounds(server.url)) == 20
    assert server.most_in_flight == 20
    assert encoded == [TOOLS]
    assert len({sent.body for sent in server.requests}) == 20


def test_other_tools_are_sent_as_they_are() -> None:
    with Loopback([CALLED]) as server:
        ask(server.url, request(), request(tools=(Tool(name="other"),)), request(tools=()))
    names = [[tool["function"]["name"] for tool in sent.json.get("tools", ())] for sent in server.requests]
    assert sorted(names) == [[], ["other"], ["search", "book"]]
