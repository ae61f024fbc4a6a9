from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import openai
import pytest

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.errors import ModelUnavailable, RequestRejected, SamplingError, ServiceFault
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.rollout import Rollout
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.providers.openai_responses import from_wire, open_provider, to_wire
from tests.servers import responses
from tests.servers.loopback import Answer, Loopback, Received

if TYPE_CHECKING:
    from pytest_toolmatch.core.turn import Turn

KEY = "not-so-secret-0123456789"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool(name="weather", description="The weather.", parameters=SCHEMA)
CLOCK = Tool(name="clock", description="The time.")
ASKED = (Message("user", "Oslo?"),)
MODEL = Model(provider="openai-responses", name="gpt-5.6")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def request(*messages: Message, timeout: float = 5.0, **more: Any) -> Request:
    return Request(
        role="teacher",
        model=MODEL.identity,
        conversation=messages or ASKED,
        tools=(WEATHER, CLOCK),
        rollout=Rollout(timeout=timeout),
        **more,
    )


def ask(server: Loopback, *requests: Request, model: Model = MODEL) -> list[Turn]:
    async def run() -> list[Turn]:
        provider = open_provider(model)
        try:
            return [await provider.complete(one) for one in requests or (request(),)]
        finally:
            await provider.aclose()
            await provider.aclose()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        return asyncio.run(run())


def fails(answer: Answer, *, timeout: float = 5.0) -> SamplingError:
    with Loopback([answer]) as server, pytest.raises(SamplingError) as caught:
        ask(server, request(timeout=timeout))
    assert len(server.requests) == 1, "the SDK tried again by itself"
    assert KEY not in str(caught.value)
    return caught.value


def test_what_is_sent() -> None:
    settings = {"temperature": 0, "max_tokens": 50, "reasoning_effort": "low", "tool_choice": "any"}
    with Loopback([responses.says(responses.text("Fine."))]) as server:
        ask(server, request(Message("system", "It is May."), *ASKED, instructions="Be brief.", settings=settings))
    received = server.requests[0]
    assert received.path == "/v1/responses"
    assert received.headers["authorization"] == f"Bearer {KEY}"
    assert responses.checked(received) == {
        "model": "gpt-5.6",
        "input": [
            {"type": "message", "role": "system", "content": "It is May."},
            {"type": "message", "role": "user", "content": "Oslo?"},
        ],
        "instructions": "Be brief.",
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "tools": [
            {"type": "function", **WEATHER.shown(), "strict": False},
            {"type": "function", **CLOCK.shown(), "parameters": {"type": "object", "properties": {}}, "strict": False},
        ],
        "temperature": 0,
        "max_output_tokens": 50,
        "reasoning": {"effort": "low"},
        "tool_choice": "required",
    }


def test_a_chosen_tool_in_the_chat_form() -> None:
    body = to_wire(request(settings={"tool_choice": {"type": "function", "function": {"name": "clock"}}}))
    assert body["tool_choice"] == {"type": "function", "name": "clock"}


def test_an_answer_in_text() -> None:
    with Loopback([responses.says(responses.reasoning("zzz"), responses.text("It rains."))]) as server:
        (turn,) = ask(server)
    assert (turn.text, turn.calls, turn.stop) == ("It rains.", (), "done")
    assert turn.usage == Usage(input=20, cached=5, output=18, reasoning=11)


def test_parallel_calls_go_back_unchanged_with_their_reasoning() -> None:
    output = [
        responses.reasoning("gAAA-secret=="),
        responses.call("weather", '{"city":  "Oslo"}', "c1"),
        responses.call("clock", "", "c2"),
        responses.call("clock", '{"a": ', "c3"),
    ]
    with Loopback([responses.says(*output), responses.says(responses.text("Wet."))]) as server:
        (turn,) = ask(server)
        said = Message("assistant", calls=turn.calls, ids=turn.ids, native=turn.native)
        replies = [Message("tool", f"to {name}", reply_to=name) for name in reversed(turn.ids)]
        ask(server, request(*ASKED, said, *replies))
    assert turn.calls == (Call("weather", {"city": "Oslo"}), Call("clock", {}), Call("clock", '{"a": '))
    assert turn.ids == ("c1", "c2", "c3")
    sent = responses.checked(server.requests[1])["input"]
    assert sent[1:5] == output
    answered = [{"type": "function_call_output", "call_id": name, "output": f"to {name}"} for name in turn.ids]
    assert sent[5:] == answered


@pytest.mark.parametrize(
    ("answer", "stop", "text"),
    [
        (responses.says(responses.refusal("I can't.")), "refused", "I can't."),
        (
            responses.says(status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            "truncated",
            "",
        ),
        (responses.says(status="incomplete", incomplete_details={"reason": "content_filter"}), "refused", ""),
        (responses.says(), "done", ""),
    ],
)
def test_why_a_turn_ended(answer: Answer, stop: str, text: str) -> None:
    with Loopback([answer]) as server:
        (turn,) = ask(server)
    assert (turn.stop, turn.text) == (stop, text)


def test_a_model_that_does_not_reason_is_asked_for_no_reasoning() -> None:
    no = responses.error(400, "Encrypted content is not supported with this model.")
    with Loopback([no, responses.says(responses.text("Hi."))]) as server:
        turns = ask(server, request(), request())
    assert [turn.text for turn in turns] == ["Hi.", "Hi."]
    assert ["include" in received.json for received in server.requests] == [True, False, False]


def test_requests_in_flight_are_all_asked_again_without_reasoning() -> None:
    def answer(received: Received) -> Answer:
        if "include" in received.json:
            return replace(responses.error(400, "Encrypted content is not supported with this model."), delay=0.1)
        return responses.says(responses.text("Hi."))

    async def run() -> list[Turn]:
        provider = open_provider(MODEL)
        try:
            return await asyncio.gather(*(provider.complete(request()) for _ in range(5)))
        finally:
            await provider.aclose()

    with Loopback(answer) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        turns = asyncio.run(run())
    assert [turn.text for turn in turns] == ["Hi."] * 5
    assert ["include" in received.json for received in server.requests] == [True] * 5 + [False] * 5


def test_a_huge_answer() -> None:
    with Loopback([responses.says(responses.text("x" * 5_000_000))]) as server:
        (turn,) = ask(server)
    assert len(turn.text) == 5_000_000


HTML = {"Content-Type": "text/html"}
FAILED = {"status": "failed", "error": {"code": "server_error", "message": "We broke."}}
FLAGGED = {"status": "failed", "error": {"code": "invalid_prompt", "message": "Flagged."}}


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (responses.error(400, f"Unknown parameter; {KEY}"), RequestRejected, "Unknown parameter"),
        (responses.error(401, f"Incorrect API key provided: {KEY}"), ModelUnavailable, "Incorrect API key"),
        (responses.error(403, "Country not supported"), ModelUnavailable, "403"),
        (responses.error(404, "The model `gpt-9` does not exist"), ModelUnavailable, "gpt-9"),
        (responses.error(500, "Oops"), ServiceFault, "Oops"),
        (responses.error(503, "Overloaded"), ServiceFault, "Overloaded"),
        (Answer(b"<html>Bad gateway</html>", 502, HTML), ServiceFault, "502"),
        (Answer(b"{not json"), ServiceFault, "can't be read"),
        (Answer(b"<html>Sign in</html>", headers=HTML), ServiceFault, "can't be read"),
        (Answer([1, 2]), ServiceFault, "can't be read"),
        (Answer({"object": "chat.completion", "choices": []}), ServiceFault, "has no list `output`"),
        (responses.says(**FAILED), ServiceFault, "We broke."),
        (responses.says(**FLAGGED), RequestRejected, "Flagged."),
        (responses.says(status="queued"), ServiceFault, "not finished"),
        (Answer(responses.body(responses.text("x" * 1000)), fault="half"), ServiceFault, "broke the connection off"),
        (Answer(fault="reset"), ServiceFault, "broke the connection off"),
    ],
)
def test_faults(answer: Answer, kind: type[Exception], message: str) -> None:
    error = fails(answer)
    assert type(error) is kind
    assert message in str(error)


def test_how_long_to_wait() -> None:
    error = fails(responses.error(429, "Rate limit", **{"Retry-After": "3"}))
    assert isinstance(error, ServiceFault)
    assert error.retry_after == 3


def test_a_server_that_hangs() -> None:
    error = fails(Answer(fault="hang"), timeout=0.1)
    assert isinstance(error, ServiceFault)
    assert "in time" in str(error)


def test_no_server_at_all() -> None:
    with Loopback([Answer()]) as server:
        server.url = "http://127.0.0.1:9"  # where nothing listens
        with pytest.raises(ServiceFault) as caught:
            ask(server)
    assert caught.value.unreachable


def test_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ModelUnavailable, match="set OPENAI_API_KEY"):
        open_provider(MODEL)


@pytest.mark.parametrize("kind", [openai.OpenAI, openai.AsyncOpenAI])
def test_a_users_own_client_stays_open(kind: type[Any]) -> None:
    with Loopback([responses.error(500, "Oops"), responses.says(responses.text("Hi."))]) as server:
        client = kind(api_key="theirs", base_url=server.url)
        model = Model(provider="openai-responses", name="gpt-5.6", client=client)

        async def run() -> str:
            provider = open_provider(model)
            with pytest.raises(ServiceFault):  # no retry of the client's own
                await provider.complete(request())
            await provider.aclose()
            text = (await provider.complete(request())).text
            if kind is openai.AsyncOpenAI:
                await client.close()
            return text

        assert asyncio.run(run()) == "Hi."
        if kind is openai.OpenAI:
            client.close()
    assert server.requests[1].headers["authorization"] == "Bearer theirs"


def test_a_text_that_is_no_text_is_rejected() -> None:
    said = Message("assistant", calls=(Call("clock", {"a": "\ud800"}),))
    with Loopback([responses.says()]) as server:
        for talk in ((Message("user", "\ud800"),), (*ASKED, said)):
            with pytest.raises(RequestRejected, match=r"gpt-5\.6: the SDK does not send this: Unicode"):
                ask(server, request(*talk))
    assert server.requests == []


def test_our_own_settings_stay_here() -> None:
    settings = {
        "extra_headers": {"X-Team": "blue"},
        "extra_body": {"new": 1},
        "api_key_env": "OTHER_KEY",
        "cache": True,
    }
    model = msgspec.structs.replace(MODEL, settings=settings)
    with pytest.MonkeyPatch.context() as patch, Loopback([responses.says(responses.text("Hi."))]) as server:
        patch.setenv("OTHER_KEY", "another-secret-0123")
        ask(server, request(settings=settings), model=model)
    (received,) = server.requests
    assert (received.headers["authorization"], received.headers["x-team"]) == ("Bearer another-secret-0123", "blue")
    assert received.json["new"] == 1
    assert received.json.keys() & settings.keys() == set()


def test_calls_without_an_id_get_one() -> None:
    bare = {**responses.call("clock", "{}", "x"), "call_id": None}
    assert from_wire({"output": [bare, bare]}).ids == ("call00000", "call00001")
