from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from google import genai
from google.genai import types

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.errors import ModelUnavailable, RequestRejected, SamplingError, ServiceFault
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.rollout import Rollout
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.providers.google_genai import from_wire, open_provider, to_wire
from tests.servers import google
from tests.servers.loopback import Answer, Loopback

if TYPE_CHECKING:
    from pytest_toolmatch.core.turn import Turn

KEY = "not-so-secret-0123456789"
SIGNATURE = base64.b64encode(b"\xfb\xff thought of").decode()  # holds + and /
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool(name="weather", description="The weather.", parameters=SCHEMA)
CLOCK = Tool(name="clock", description="The time.")
ASKED = (Message("user", "Oslo?"),)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    for name in ("GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_API_VERSION"):
        monkeypatch.delenv(name, raising=False)


def request(*messages: Message, timeout: float = 5.0, **more: Any) -> Request:
    return Request(
        role="student",
        model="google:gemini-3-flash",
        conversation=messages or ASKED,
        tools=(WEATHER, CLOCK),
        rollout=Rollout(timeout=timeout),
        **more,
    )


def ask(server: Loopback, *requests: Request, model: Model | None = None) -> list[Turn]:
    async def run() -> list[Turn]:
        provider = open_provider(model or Model(provider="google", name="gemini-3-flash"))
        try:
            return [await provider.complete(one) for one in requests or (request(),)]
        finally:
            await provider.aclose()
            await provider.aclose()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
        return asyncio.run(run())


def fails(answer: Answer, *, timeout: float = 5.0) -> SamplingError:
    with Loopback([answer]) as server, pytest.raises(SamplingError) as caught:
        ask(server, request(timeout=timeout))
    assert len(server.requests) == 1, "the SDK tried again by itself"
    assert KEY not in str(caught.value)
    return caught.value


def test_what_is_sent() -> None:
    settings = {"temperature": 0, "seed": 7, "max_tokens": 50, "tool_choice": "required", "thinking_budget": 9}
    with Loopback([google.says({"text": "Fine."})]) as server:
        ask(server, request(instructions="Be brief.", settings=settings))
    received = server.requests[0]
    sent = google.checked(received)
    assert received.path == "/v1/models/gemini-3-flash:generateContent"
    assert received.headers["x-goog-api-key"] == KEY
    assert received.headers["x-server-timeout"] == "10", "the service refuses shorter deadlines"
    assert sent["contents"] == [{"role": "user", "parts": [{"text": "Oslo?"}]}]
    assert sent["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    assert sent["tools"][0]["functionDeclarations"] == [
        {"name": "weather", "description": "The weather.", "parameters_json_schema": SCHEMA},
        {"name": "clock", "description": "The time."},
    ]
    assert sent["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    wanted = {"temperature": 0.0, "seed": 7, "maxOutputTokens": 50, "thinkingConfig": {"thinking_budget": 9}}
    assert sent["generationConfig"] == wanted


@pytest.mark.parametrize(
    ("settings", "config"),
    [
        ({"reasoning_effort": "low"}, {"thinkingConfig": {"thinkingLevel": "LOW"}}),
        ({"thinking": {"includeThoughts": True}}, {"thinkingConfig": {"includeThoughts": True}}),
        ({"stop": "END", "top_p": 0.5}, {"stopSequences": ["END"], "topP": 0.5}),
        ({"tool_choice": "auto"}, {"toolConfig": {"functionCallingConfig": {"mode": "AUTO"}}}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "clock"}}},
            {"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["clock"]}}},
        ),
    ],
)
def test_settings(settings: dict[str, Any], config: dict[str, Any]) -> None:
    found = to_wire(request(settings=settings))["config"]
    found.pop("tools")
    assert found == config
    types.GenerateContentConfig.model_validate_json(json.dumps(found))


def test_settings_of_how_it_gets_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_KEY", "AIza-another-key")
    settings = {"api_key_env": "OTHER_KEY", "cache": False, "extra_headers": {"X-Team": "blue"}}
    with Loopback([google.says({"text": "Fine."})]) as server:
        model = Model(provider="google", name="gemini-3-flash", url=server.url, settings=settings)
        with Loopback([google.says()]) as elsewhere:
            assert ask(elsewhere, request(settings=settings), model=model)[0].text == "Fine."
    assert elsewhere.requests == []
    [received] = server.requests
    assert (received.headers["x-goog-api-key"], received.headers["x-team"]) == ("AIza-another-key", "blue")


def test_a_setting_that_the_sdk_does_not_know_is_named() -> None:
    with Loopback([google.says()]) as server, pytest.raises(RequestRejected, match="parallelToolCalls: Extra inputs"):
        ask(server, request(settings={"parallel_tool_calls": False}))
    assert server.requests == []


def test_an_answer_in_text() -> None:
    with Loopback([google.says({"text": "I think.", "thought": True}, {"text": "It "}, {"text": "rains."})]) as server:
        (turn,) = ask(server)
    assert (turn.text, turn.calls, turn.stop) == ("It rains.", (), "done")
    assert turn.usage == Usage(input=23, cached=5, output=18, reasoning=11)


def test_parallel_calls_go_back_unchanged_with_their_signature() -> None:
    first = google.says(
        google.call("weather", {"city": "Oslo"}, call_id="a1", signature=SIGNATURE),
        google.call("weather", {"city": "Rome"}, call_id="a2"),
    )
    with Loopback([first, google.says({"text": "Wet."})]) as server:
        (turn,) = ask(server)
        said = Message("assistant", calls=turn.calls, ids=turn.ids, native=turn.native)
        replies = (Message("tool", "dry", reply_to="a2"), Message("tool", '{"mm": 3}', reply_to="a1"))
        ask(server, request(*ASKED, said, *replies))
    assert turn.calls == (Call("weather", {"city": "Oslo"}), Call("weather", {"city": "Rome"}))
    contents = google.checked(server.requests[1])["contents"]
    calls = contents[1]["parts"]
    assert base64.urlsafe_b64decode(calls[0].pop("thoughtSignature")) == base64.b64decode(SIGNATURE)
    assert calls == [
        google.call("weather", {"city": "Oslo"}, call_id="a1"),
        google.call("weather", {"city": "Rome"}, call_id="a2"),
    ]
    assert contents[2] == {
        "role": "user",
        "parts": [
            {"functionResponse": {"id": "a1", "name": "weather", "response": {"mm": 3}}},
            {"functionResponse": {"id": "a2", "name": "weather", "response": {"output": "dry"}}},
        ],
    }


def test_calls_without_ids_are_paired_by_order_and_the_reply_has_none_either() -> None:
    answer = google.says(google.call("weather", {"city": "Oslo"}), google.call("clock", {}))
    with Loopback([answer, google.says({"text": "Wet."})]) as server:
        (turn,) = ask(server)
        said = Message("assistant", calls=turn.calls, ids=turn.ids, native=turn.native)
        replies = [Message("tool", name, reply_to=name, error=True) for name in reversed(turn.ids)]
        ask(server, request(*ASKED, said, *replies))
    assert len(set(turn.ids)) == 2
    parts = google.checked(server.requests[1])["contents"][2]["parts"]
    assert [part["functionResponse"] for part in parts] == [
        {"name": "weather", "response": {"error": turn.ids[0]}},
        {"name": "clock", "response": {"error": turn.ids[1]}},
    ]


@pytest.mark.parametrize("native", [None, {"provider": "google", "content": {"role": "model"}}])
def test_what_the_assistant_said_in_text_alone_is_shown(native: Any) -> None:
    said = (Message("user", "Oslo?"), Message("assistant", "Rain.", native=native), Message("user", "And Rome?"))
    assert to_wire(request(*said))["contents"] == [
        {"role": "user", "parts": [{"text": "Oslo?"}]},
        {"role": "model", "parts": [{"text": "Rain."}]},
        {"role": "user", "parts": [{"text": "And Rome?"}]},
    ]


def test_another_models_calls_are_signed_as_such_once_a_step() -> None:
    said = Message("assistant", "Let me see.", calls=(Call("clock"), Call("weather", "{broken")), ids=("x", "y"))
    content = to_wire(request(*ASKED, said))["contents"][1]
    assert content["parts"] == [
        {"text": "Let me see."},
        google.call("clock", {}, call_id="x", signature=base64.b64encode(b"skip_thought_signature_validator").decode()),
        google.call("weather", {}, call_id="y"),
    ]


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("MAX_TOKENS", "truncated"),
        ("SAFETY", "refused"),
        ("RECITATION", "refused"),
        ("PROHIBITED_CONTENT", "refused"),
        ("MALFORMED_FUNCTION_CALL", "lost_by_server"),
        ("UNEXPECTED_TOOL_CALL", "lost_by_server"),
        ("TOO_MANY_TOOL_CALLS", "lost_by_server"),
        ("MISSING_THOUGHT_SIGNATURE", "lost_by_server"),
    ],
)
def test_why_a_turn_ended(reason: str, stop: str) -> None:
    with Loopback([google.says(finish=reason)]) as server:
        (turn,) = ask(server)
    assert turn.stop == stop
    assert turn.text == ("" if stop == "truncated" else reason)


def test_every_finish_reason_of_the_sdk_is_known() -> None:
    stops = {reason.value: from_wire(google.body(finish=reason.value)).stop for reason in types.FinishReason}
    assert {name for name, stop in stops.items() if stop == "done"} == {"FINISH_REASON_UNSPECIFIED", "STOP", "OTHER"}


def test_a_blocked_prompt_is_refused() -> None:
    with Loopback([Answer({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": google.USAGE})]) as server:
        (turn,) = ask(server)
    assert (turn.stop, turn.text) == ("refused", "the prompt was blocked: SAFETY")
    assert turn.usage is not None


def test_no_candidate_is_a_fault() -> None:
    assert isinstance(fails(Answer({"usageMetadata": google.USAGE})), ServiceFault)


def test_a_huge_answer() -> None:
    with Loopback([google.says({"text": "x" * 5_000_000})]) as server:
        (turn,) = ask(server)
    assert len(turn.text) == 5_000_000


WAIT = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}
WRONG_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (google.error(400, "API key not valid.", WRONG_KEY), ModelUnavailable, "API key not valid"),
        (google.error(400, f"No {KEY}."), RequestRejected, "400"),
        (google.error(401, f"https://x/?key={KEY}"), ModelUnavailable, "401"),
        (google.error(403, "PERMISSION_DENIED"), ModelUnavailable, "403"),
        (google.error(404, "models/gemini-9 is not found"), ModelUnavailable, "gemini-9 is not found"),
        (google.error(500, "Internal."), ServiceFault, "Internal."),
        (google.error(503, "The model is overloaded."), ServiceFault, "overloaded"),
        (Answer(b"<html>Bad gateway</html>", 502, {"Content-Type": "text/html"}), ServiceFault, "502"),
        (Answer(b"{not json", 500), ServiceFault, "HTTP 500"),
        (Answer(b"{not json"), ServiceFault, "can't be read"),
        (Answer([1, 2]), ServiceFault, "no candidate"),
        (Answer({"candidates": 3}), ServiceFault, "can't be read"),
        (Answer(b"<html>Sign in</html>", headers={"Content-Type": "text/html"}), ServiceFault, "can't be read"),
        (Answer(google.body({"text": "x" * 1000}), fault="half"), ServiceFault, "broke the connection off"),
        (Answer(fault="reset"), ServiceFault, "broke the connection off"),
    ],
)
def test_faults(answer: Answer, kind: type[Exception], message: str) -> None:
    error = fails(answer)
    assert type(error) is kind
    assert message in str(error)


def test_how_long_to_wait() -> None:
    header = fails(google.error(429, "Quota.", **{"Retry-After": "3"}))
    told = fails(google.error(429, "Quota.", WAIT))
    assert isinstance(header, ServiceFault)
    assert isinstance(told, ServiceFault)
    assert (header.retry_after, told.retry_after) == (3, 34)


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
    monkeypatch.delenv("GEMINI_API_KEY")
    with pytest.raises(ModelUnavailable, match="set GEMINI_API_KEY"):
        open_provider(Model(provider="google", name="gemini-3-flash"))


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
def test_a_users_own_client_stays_open() -> None:
    with Loopback([google.says({"text": "Hi."})]) as server:
        client = genai.Client(api_key="theirs", http_options={"base_url": server.url})
        model = Model(provider="google", name="gemini-3-flash", client=client)

        async def run() -> list[str]:
            provider = open_provider(model)
            texts = []
            for _ in range(2):
                texts.append((await provider.complete(request())).text)
                await provider.aclose()
            await client.aio.aclose()
            return texts

        assert asyncio.run(run()) == ["Hi.", "Hi."]
        client.close()
    assert server.requests[0].headers["x-goog-api-key"] == "theirs"
