from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import openai
import pytest

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.errors import ConfigError, ModelUnavailable, RequestRejected, SamplingError, ServiceFault
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.rollout import Rollout
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.providers import openai_chat, registry
from tests.servers.chat import ANSWERED, CALLED, PARALLEL, completion, failure, tool_call
from tests.servers.loopback import Answer, Loopback

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_toolmatch.core.turn import Turn

TOOLS = (Tool(name="search", parameters={"type": "object", "properties": {"q": {"type": "string"}}}), Tool(name="book"))
KEY = "sk-proj-0123456789abcdef"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def request(query: str = "hi", timeout: float = 5.0, **more: Any) -> Request:
    given: dict[str, Any] = {"tools": TOOLS, "instructions": "Help.", "rollout": Rollout(timeout=timeout)} | more
    return Request(role="teacher", model="openai:gpt-5.4", conversation=user(query), **given)


async def _complete(model: Model, requests: Iterable[Request]) -> list[Turn]:
    provider = registry.open_provider(model)
    try:
        return await asyncio.gather(*map(provider.complete, requests))
    finally:
        await provider.aclose()
        await provider.aclose()


def ask(url: str, *requests: Request, client: Any = None, **settings: Any) -> list[Turn]:
    model = Model(provider="openai", name="gpt-5.4", url=f"{url}/v1", settings=settings, client=client)
    return asyncio.run(_complete(model, requests or [request(settings=settings)]))


def fault(answer: Answer, *, timeout: float = 5.0) -> SamplingError:
    """Return what one answer raises; it is asked for once, and no message holds the key."""
    with Loopback([answer]) as server, pytest.raises(SamplingError) as caught:
        ask(server.url, request(timeout=timeout))
    assert len(server.requests) == 1
    assert "openai:gpt-5.4" in str(caught.value)
    assert KEY not in str(caught.value)
    return caught.value


def test_one_call() -> None:
    settings = {"temperature": 0, "max_tokens": 64, "reasoning_effort": "low", "top_k": 5}
    with Loopback([CALLED]) as server:
        (turn,) = ask(server.url, **settings)
    assert (turn.calls, turn.ids, turn.stop) == ((Call("search", {"q": "cheese"}),), ("call_a",), "done")
    assert turn.usage == Usage(input=120, cached=64, output=30, reasoning=12)
    (sent,) = server.requests
    assert (sent.path, sent.headers["authorization"]) == ("/v1/chat/completions", f"Bearer {KEY}")
    assert sent.json == openai_chat.to_wire(request(settings=settings))
    assert sent.json["max_completion_tokens"] == 64


TURNS = {
    "parallel": ("done", 2, PARALLEL.body),
    "answered": ("done", 0, ANSWERED.body),
    "truncated": ("truncated", 1, completion("", tool_call("search", '{"q": "ch'), finish="length")),
    "refused": ("refused", 0, completion(None, refusal="No.")),
    "lost": ("lost_by_server", 0, completion("", finish="tool_calls")),
    "broken JSON": ("done", 1, completion("", tool_call("search", '{"q": broken'))),
    "long": ("done", 0, completion("x" * (5 << 20))),
}


@pytest.mark.parametrize(("stop", "calls", "body"), TURNS.values(), ids=TURNS)
def test_what_a_turn_comes_to(stop: str, calls: int, body: dict[str, Any]) -> None:
    with Loopback([Answer(body)]) as server:
        (turn,) = ask(server.url)
    assert (turn.stop, len(turn.calls)) == (stop, calls)


def test_an_error_that_tells_of_a_lost_call_is_a_turn() -> None:
    with Loopback([Answer(failure("Failed to call a function.", code="tool_use_failed"), status=400)]) as server:
        assert ask(server.url)[0].stop == "lost_by_server"


STATUSES: dict[int, type[SamplingError]] = {
    400: RequestRejected,
    401: ModelUnavailable,
    403: ModelUnavailable,
    404: ModelUnavailable,
    422: RequestRejected,
    429: ServiceFault,
    500: ServiceFault,
    529: ServiceFault,
}


@pytest.mark.parametrize(("status", "kind"), STATUSES.items(), ids=map(str, STATUSES))
def test_a_status_is_an_error(status: int, kind: type[SamplingError]) -> None:
    error = fault(Answer(failure(f"the reason why, not {KEY}"), status=status))
    assert type(error) is kind
    assert "the reason why" in str(error)


def test_how_long_to_wait_is_passed_on() -> None:
    error = fault(Answer(failure("slow down"), status=429, headers={"Retry-After": "7"}))
    assert isinstance(error, ServiceFault)
    assert error.retry_after == 7.0


GARBLED = {
    "html": Answer(b"<html>Welcome!</html>", headers={"Content-Type": "text/html"}),
    "not JSON": Answer(b"\x00\xff\x01"),
    "empty": Answer(b""),
    "other JSON": Answer({"object": "list", "data": []}),
    "error in a 200": Answer({"error": {"message": f"gone, {KEY}", "code": 502}}),
    "half": Answer(completion("x"), fault="half"),
    "reset": Answer(completion("x"), fault="reset"),
}


@pytest.mark.parametrize("answer", GARBLED.values(), ids=GARBLED)
def test_a_garbled_answer_is_a_fault(answer: Answer) -> None:
    assert isinstance(fault(answer), ServiceFault)


def test_a_service_that_hangs_is_a_fault() -> None:
    error = fault(Answer(fault="hang"), timeout=0.15)
    assert isinstance(error, ServiceFault)
    assert "in time" in str(error)


def test_no_service_is_unreachable() -> None:
    with Loopback([CALLED]) as server:
        gone = server.url
    with pytest.raises(ServiceFault) as caught:
        ask(gone)
    assert caught.value.unreachable


def test_a_text_that_is_no_text_is_rejected() -> None:
    with Loopback([CALLED]) as server, pytest.raises(RequestRejected, match="openai:gpt-5"):
        ask(server.url, request("\ud800"))


@pytest.mark.parametrize("key", ["", " ", "sk with a space", "sk-…"])
def test_a_key_that_can_not_be_is_named(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(ModelUnavailable, match="OPENAI_API_KEY"):
        registry.open_provider(Model(provider="openai", name="gpt-5.4"))


def test_the_key_may_have_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_KEY", "sk-other-012345")
    with Loopback([CALLED]) as server:
        ask(server.url, api_key_env="OTHER_KEY", extra_headers={"X-Team": "blue"}, extra_body={"min_p": 0.1})
    (sent,) = server.requests
    assert (sent.headers["authorization"], sent.headers["x-team"]) == ("Bearer sk-other-012345", "blue")
    assert sent.json["min_p"] == 0.1


def test_a_stream_is_refused() -> None:
    with pytest.raises(ConfigError, match="stream"):
        registry.open_provider(Model(provider="openai", name="gpt-5.4", settings={"stream": True}))


def test_draws_of_a_case_share_a_cache_key() -> None:
    asked = [request("a"), request("b", draw=1), request(tools=TOOLS[:1]), request(instructions="Else.")]
    with Loopback([CALLED]) as server:
        ask(server.url, *asked, cache=True)
        sent = [one.json for one in server.requests]
        shared = {(one["messages"][0]["content"], len(one["tools"]), one["prompt_cache_key"]) for one in sent}
        assert len({key for *_, key in shared}) == len(shared) == 3
        ask(server.url, cache=False)
        ask(server.url)
    assert not any("prompt_cache_key" in one.json for one in server.requests[-2:])


@pytest.mark.parametrize(
    ("url", "asked", "caches"),
    [
        ("https://api.openai.com/v1/", None, True),
        ("https://eu.api.openai.com/v1/", None, True),
        ("https://acme.openai.azure.com/", None, True),
        ("https://api.openai.com/v1/", False, False),
        ("https://api.groq.com/openai/v1", None, False),
        ("https://openai.com.example.org/v1", None, False),
    ],
)
def test_the_cache_is_named_where_it_is_known(url: str, asked: Any, caches: bool) -> None:
    assert openai_chat._caches(url, asked) is caches


def test_a_clients_own_is_used_and_left_open() -> None:
    async def twice(url: str) -> list[Turn]:
        async with openai.AsyncOpenAI(api_key="sk-theirs-0123", base_url=f"{url}/v1", max_retries=5) as client:
            model = Model(provider="openai", name="gpt-5.4", client=client)
            return await _complete(model, [request()]) + await _complete(model, [request()])

    with Loopback([CALLED]) as server:
        assert [turn.calls for turn in asyncio.run(twice(server.url))] == [(Call("search", {"q": "cheese"}),)] * 2
    assert {sent.headers["authorization"] for sent in server.requests} == {"Bearer sk-theirs-0123"}
    assert [sent.json for sent in server.requests] == [openai_chat.to_wire(request())] * 2


def test_a_clients_retries_are_off() -> None:
    with Loopback([Answer(failure("busy"), status=500)]) as server:
        client = openai.OpenAI(api_key="sk-theirs-0123", base_url=server.url, max_retries=5)
        with client, pytest.raises(ServiceFault):
            ask("", client=client)
    assert len(server.requests) == 1


def test_a_sync_client_is_called_in_threads() -> None:
    with (
        Loopback(lambda _: Answer(CALLED.body, delay=0.4)) as server,
        openai.OpenAI(api_key="sk-theirs-0123", base_url=server.url) as client,
    ):
        turns = ask("", *(request(draw=draw) for draw in range(20)), client=client)
    assert [len(turn.calls) for turn in turns] == [1] * 20
    assert server.most_in_flight == 20


def test_a_client_of_azure_is_used() -> None:
    async def once(url: str) -> list[Turn]:
        options = {"api_key": "0123456789abcdef", "azure_endpoint": url, "api_version": "2025-01-01"}
        async with openai.AsyncAzureOpenAI(**options) as client:
            return await _complete(Model(provider="openai", name="gpt-5.4", client=client), [request()])

    with Loopback([CALLED]) as server:
        assert asyncio.run(once(server.url))[0].calls
    (sent,) = server.requests
    assert sent.path == "/openai/deployments/gpt-5.4/chat/completions"
    assert sent.headers["api-key"] == "0123456789abcdef"
