"""The three batch interfaces through the real SDKs: what is sent, how far it is, what comes back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import anthropic as anthropic_sdk
import openai as openai_sdk
import pytest

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.errors import (
    ConfigError,
    ModelUnavailable,
    RequestRejected,
    SamplingError,
    ServiceFault,
)
from pytest_toolmatch.core.model import Model, parse_model
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.providers.registry import has_batches, open_batches
from tests.servers import anthropic, chat, google, responses
from tests.servers.batches import Anthropic, Failed, Google, OpenAI, Service
from tests.servers.loopback import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "sk-very-secret-key-123456"
TOOLS = (Tool(name="search", parameters={"type": "object", "properties": {"q": {"type": "string"}}}),)


class Wire(NamedTuple):
    service: type[Service]
    model: str
    answer: Any
    query: Callable[[Any], str]


WIRES = {
    "anthropic": Wire(
        Anthropic,
        "anthropic:claude-sonnet-4-5",
        anthropic.message(anthropic.tool_use("search", {"q": "cheese"}, "toolu_1")),
        lambda body: str(body["messages"][0]["content"][0]["text"]),
    ),
    "openai": Wire(
        OpenAI,
        "openai:gpt-5-mini",
        chat.completion(None, chat.tool_call("search", {"q": "cheese"})),
        lambda body: str(body["messages"][-1]["content"]),
    ),
    "openai-responses": Wire(
        OpenAI,
        "openai-responses:gpt-5-mini",
        responses.body(responses.call("search", '{"q": "cheese"}', "c")),
        lambda body: str(body["input"][0]["content"]),
    ),
    "google": Wire(
        Google,
        "google:gemini-3-flash",
        google.body(google.call("search", {"q": "cheese"})),
        lambda body: str(body["contents"][0]["parts"][0]["text"]),
    ),
}
FATES = {"expired": Failed(expired=True), "broken": Failed(500), "wrong": Failed(400, f"bad schema {KEY}")}


@pytest.fixture(params=WIRES)
def wire(request: pytest.FixtureRequest) -> Wire:
    return WIRES[request.param]


@pytest.fixture
def service(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with wire.service(lambda body: FATES.get(wire.query(body), wire.answer)) as service:
        for name in ("ANTHROPIC", "OPENAI"):
            monkeypatch.setenv(f"{name}_BASE_URL", service.url)
            monkeypatch.setenv(f"{name}_API_KEY", KEY)
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", service.url)
        monkeypatch.setenv("GEMINI_API_KEY", KEY)
        yield service


def ask(model: Model, *queries: str, **settings: Any) -> dict[str, Request]:
    return {
        f"n-{query}": Request(
            role="teacher", model=model.identity, conversation=user(query), tools=TOOLS, settings=settings
        )
        for query in queries
    }


def with_batches(model: Model, act: Callable[[Any], Any]) -> Any:
    async def acted() -> Any:
        batches = open_batches(model)
        try:
            return await act(batches)
        finally:
            await batches.aclose()
            await batches.aclose()

    return asyncio.run(acted())


async def collected(batches: Any, batch: str, asked: Any) -> dict[str, Turn | SamplingError]:
    return {name: got async for name, got in batches.results(batch, list(asked))}


def test_answers_come_back_under_their_names(wire: Wire, service: Service) -> None:
    model = parse_model(wire.model)
    asked = ask(model, "one", "two", "expired", "broken", "wrong")

    async def act(batches: Any) -> tuple[Any, ...]:
        batch = await batches.send(asked, "toolmatch-1")
        before = await batches.status(batch)
        service.finish()
        return before, await batches.status(batch), await collected(batches, batch, asked)

    before, after, got = with_batches(model, act)
    assert (before.state, after.state) == ("running", "ended")
    assert before.total in (0, 5)
    assert got.keys() == asked.keys()
    for name in ("n-one", "n-two"):
        assert got[name].calls == (Call("search", {"q": "cheese"}),)
        assert got[name].usage.input > 0
    kinds = {name: type(one) for name, one in got.items() if isinstance(one, SamplingError)}
    assert kinds == {"n-expired": ServiceFault, "n-broken": ServiceFault, "n-wrong": RequestRejected}
    assert all(KEY not in str(one) for one in got.values())
    assert wire.model in str(got["n-wrong"])


def test_what_is_sent_is_what_a_single_request_would_be(wire: Wire, service: Service) -> None:
    model = parse_model(wire.model)
    with_batches(model, lambda batches: batches.send(ask(model, "one", max_tokens=77), "toolmatch-1"))
    (body,) = service.asked
    assert wire.query(body) == "one"
    assert "77" in str(body)
    assert "search" in str(body["tools"])
    assert body["tools"] != []


@pytest.mark.usefixtures("service")
def test_a_batch_is_found_by_its_name_or_size(wire: Wire) -> None:
    model = parse_model(wire.model)
    now = datetime.now(UTC)

    async def act(batches: Any) -> tuple[Any, ...]:
        sent = await batches.send(ask(model, "one", "two"), "toolmatch-mine")
        other = await batches.send(ask(model, "one", "two", "three"), "toolmatch-other")
        found = await batches.find("toolmatch-mine", now - timedelta(minutes=1), 2)
        late = await batches.find("toolmatch-mine", now + timedelta(minutes=1), 2)
        return sent, other, found, late, await batches.find("toolmatch-none", now - timedelta(minutes=1), 9)

    sent, other, found, late, none = with_batches(model, act)
    assert (found, late, none) == ([sent], [], [])
    assert other != sent


def test_an_unknown_batch_says_which_key_to_use(wire: Wire, service: Service) -> None:
    model = parse_model(wire.model)
    with pytest.raises(ModelUnavailable, match="not known to this account: use the key that it was sent with"):
        with_batches(model, lambda batches: batches.status(f"{service.PREFIX}nine"))


@pytest.mark.parametrize(("status", "kind"), [(401, ModelUnavailable), (400, RequestRejected), (503, ServiceFault)])
def test_a_refusal_has_the_kind_of_its_status(
    wire: Wire, service: Service, status: int, kind: type[SamplingError]
) -> None:
    model = parse_model(wire.model)
    service.refuse = Answer({"error": {"code": status, "message": f"no, {KEY}", "type": "x"}}, status=status)
    with pytest.raises(kind, match=wire.model) as raised:
        with_batches(model, lambda batches: batches.send(ask(model, "one"), "toolmatch-1"))
    assert KEY not in str(raised.value)
    assert service.batches == {}


def test_a_batch_that_arrived_without_an_answer_is_a_fault_that_may_pass(wire: Wire, service: Service) -> None:
    model = parse_model(wire.model)
    service.lose = Answer(fault="reset")
    with pytest.raises(ServiceFault):
        with_batches(model, lambda batches: batches.send(ask(model, "one"), "toolmatch-1"))
    assert len(service.batches) == 1


@pytest.mark.parametrize("wire", [WIRES["openai"], WIRES["google"]], ids=["openai", "google"])
def test_a_batch_that_failed_as_a_whole_says_so(wire: Wire, service: Service) -> None:
    model = parse_model(wire.model)

    async def act(batches: Any) -> Any:
        batch = await batches.send(ask(model, "one"), "toolmatch-1")
        service.batches[batch].failed = f"Enqueued token limit reached {KEY}"
        return await batches.status(batch)

    status = with_batches(model, act)
    assert status.state == "failed"
    assert status.error
    assert KEY not in status.error


@pytest.mark.parametrize("wire", [WIRES["openai-responses"]], ids=["openai-responses"])
def test_a_model_that_does_not_reason_is_asked_again_without(wire: Wire, service: Service) -> None:
    model = parse_model(wire.model)
    service.reply = lambda body: (
        Failed(400, "Encrypted content is not supported with this model.") if "include" in body else wire.answer
    )

    async def act(batches: Any) -> list[Any]:
        got = []
        for name in ("toolmatch-1", "toolmatch-2"):
            batch = await batches.send(ask(model, "one"), name)
            service.finish()
            got += (await collected(batches, batch, ["n-one"])).values()
        return got

    first, second = with_batches(model, act)
    assert isinstance(first, ServiceFault)
    assert second.calls == (Call("search", {"q": "cheese"}),)


@pytest.mark.parametrize("wire", [WIRES["google"]], ids=["google"])
def test_answers_without_a_name_come_in_the_order_of_the_requests(wire: Wire, service: Service) -> None:
    model = parse_model(wire.model)
    service.told = _unnamed(service.told)  # type: ignore[method-assign]

    async def act(batches: Any) -> Any:
        batch = await batches.send(ask(model, "one", "wrong"), "toolmatch-1")
        service.finish()
        return await collected(batches, batch, ["first", "second"])

    got = with_batches(model, act)
    assert {name: type(one) for name, one in got.items()} == {"first": RequestRejected, "second": Turn}


def _unnamed(told: Callable[[str], dict[str, Any]]) -> Callable[[str], dict[str, Any]]:
    def changed(identity: str) -> dict[str, Any]:
        batch = told(identity)
        for one in batch["metadata"].get("output", {}).get("inlinedResponses", {}).get("inlinedResponses", ()):
            one.pop("metadata")
        return batch

    return changed


@pytest.mark.parametrize("wire", [WIRES["anthropic"], WIRES["openai"]], ids=["anthropic", "openai"])
def test_a_users_own_client_that_is_not_asynchronous_does_as_well(wire: Wire, service: Service) -> None:
    sdk = {Anthropic: anthropic_sdk.Anthropic, OpenAI: openai_sdk.OpenAI}[wire.service]
    provider, _, name = wire.model.partition(":")
    with sdk(api_key=KEY, base_url=service.url) as client:
        model = Model(provider=provider, name=name, client=client)

        async def act(batches: Any) -> Any:
            batch = await batches.send(ask(model, "one"), "toolmatch-1")
            service.finish()
            assert await batches.find("toolmatch-1", datetime.now(UTC) - timedelta(minutes=1), 1) == [batch]
            return await collected(batches, batch, ["n-one"])

        assert with_batches(model, act)["n-one"].calls == (Call("search", {"q": "cheese"}),)


@pytest.mark.parametrize("wire", [WIRES["anthropic"]], ids=["anthropic"])
def test_betas_go_with_the_whole_batch(wire: Wire, service: Service) -> None:
    model = parse_model(wire.model)
    with_batches(model, lambda batches: batches.send(ask(model, "one", betas=["context-1m"], temperature=0.5), "t"))
    assert service.server.requests[0].headers["anthropic-beta"] == "context-1m"
    assert service.asked[0]["temperature"] == 0.5
    assert "betas" not in service.asked[0]


@pytest.mark.parametrize("name", ["local:qwen@http://localhost:1", "python:agents:answer"])
def test_others_have_no_batch_interface(name: str) -> None:
    assert not has_batches(parse_model(name))
    with pytest.raises(ConfigError, match="has no batch interface"):
        open_batches(parse_model(name))


@pytest.mark.usefixtures("service")
def test_without_a_key_there_are_no_batches(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(ModelUnavailable, match="there is no key"):
        open_batches(parse_model(wire.model))
