from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import anthropic.types
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Conversation, Message, user
from pytest_toolmatch.core.errors import ModelUnavailable, RequestRejected, SamplingError, ServiceFault
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.rollout import Rollout
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.providers.anthropic_messages import from_wire, to_wire
from pytest_toolmatch.providers.registry import open_provider
from tests.servers.anthropic import check_params, fault, message, redacted_thinking, text, thinking, tool_use, usage
from tests.servers.loopback import Answer, Loopback

KEY = "sk-ant-api03-swordfish"
WEATHER = Tool(name="weather", description="The weather.", parameters={"type": "object", "properties": {}})
PING = Tool(name="ping")
MARK = {"type": "ephemeral"}
QUERY = user("Is it raining?")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "ANTHROPIC_CONFIG_DIR",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_PROFILE",
        "ANTHROPIC_CUSTOM_HEADERS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("HOME", str(tmp_path))


def asked(conversation: Conversation = QUERY, name: str = "claude-opus-4-7", **more: Any) -> Request:
    return Request(role="teacher", model=f"anthropic:{name}", conversation=conversation, **more)


def complete(request: Request, url: str, client: Any = None) -> Turn:
    name = request.model.removeprefix("anthropic:")
    model = Model(provider="anthropic", name=name, url=url, settings=request.settings, client=client)

    async def run() -> Turn:
        provider = open_provider(model)
        try:
            return await provider.complete(request)
        finally:
            await provider.aclose()
            await provider.aclose()

    return asyncio.run(run())


def ask(answer: Answer | dict[str, Any], request: Request | None = None) -> tuple[Turn, Any]:
    """Return the turn, and the request as the server got it."""
    with Loopback([answer if isinstance(answer, Answer) else Answer(answer)]) as server:
        turn = complete(request or asked(), server.url)
    assert len(server.requests) == 1
    return turn, server.requests[0]


def failure(answer: Answer, **more: Any) -> SamplingError:
    with Loopback([answer]) as server, pytest.raises(SamplingError) as caught:
        complete(asked(**more), server.url)
    assert len(server.requests) <= 1, "the SDK asked again"
    assert "swordfish" not in str(caught.value)
    assert "anthropic:claude-opus-4-7" in str(caught.value)
    return caught.value


# What is sent


def test_a_plain_request() -> None:
    turn, received = ask(message(text("No.")), asked(tools=(WEATHER, PING), instructions="Be brief."))
    assert turn == Turn(text="No.", usage=Usage(input=12, output=34))
    assert received.path == "/v1/messages"
    assert received.json == {
        "model": "claude-opus-4-7",
        "max_tokens": 4096,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": MARK}],
        "messages": [{"role": "user", "content": [{**textual("Is it raining?"), "cache_control": MARK}]}],
        "tools": [
            {"name": "weather", "description": "The weather.", "input_schema": WEATHER.parameters},
            {"name": "ping", "input_schema": {"type": "object"}, "cache_control": MARK},
        ],
    }


def textual(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def test_settings_go_where_this_api_has_them() -> None:
    in_body = {"temperature": 0.5, "top_k": 3, "max_tokens": 99, "unknown": [2]}
    elsewhere = {"effort": "low", "tool_choice": "required", "parallel_tool_calls": False, "system": "More."}
    extra = {"betas": ["a", "b"], "extra_headers": {"x-mine": "1"}, "extra_body": {"new": 1}, "cache": False}
    settings = in_body | elsewhere | extra | {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}
    _, received = ask(message(text("")), asked(tools=(PING,), settings=settings))
    sent = received.json
    assert {name: sent[name] for name in (*in_body, "new")} == in_body | {"new": 1}
    assert sent["output_config"] == {"effort": "low"}
    assert sent["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}
    assert sent["system"] == [textual("More.")]
    assert [tool["name"] for tool in sent["tools"]] == ["ping", "web_search"]
    assert (received.headers["anthropic-beta"], received.headers["x-mine"]) == ("a,b", "1")
    assert "cache" not in json.dumps(sent)


@pytest.mark.parametrize(
    ("settings", "choice"),
    [
        ({"tool_choice": "ping"}, {"type": "tool", "name": "ping"}),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"tool_choice": {"type": "auto"}}, {"type": "auto"}),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"parallel_tool_calls": True}, None),
    ],
)
def test_tool_choice(settings: dict[str, Any], choice: Any) -> None:
    assert to_wire(asked(settings=settings)).get("tool_choice") == choice


def test_what_is_asked_for_again_is_marked_four_times_at_most() -> None:
    conversation = (
        *user("a"),
        Message("assistant", calls=(Call("ping"),)),
        Message("tool", "1"),
        Message("assistant", calls=(Call("ping"),)),
        Message("tool", "2"),
    )
    wire = to_wire(asked(conversation, tools=(PING,), instructions="i", settings={"cache": "1h"}))
    marked = [path for path, value in leaves(wire) if path.endswith("cache_control/ttl") and value == "1h"]
    assert marked == [
        "messages/0/content/0/cache_control/ttl",
        "messages/4/content/0/cache_control/ttl",
        "system/0/cache_control/ttl",
        "tools/0/cache_control/ttl",
    ]


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from leaves(item, f"{path}/{key}".lstrip("/"))
    if not isinstance(value, dict | list):
        yield path, value


def blocks(conversation: Conversation) -> list[tuple[str, list[dict[str, Any]]]]:
    wire = to_wire(asked(conversation, settings={"cache": False}))
    return [(one["role"], one["content"]) for one in wire["messages"]]


def test_replies_are_one_message_in_the_order_of_the_calls() -> None:
    conversation = (
        *user("q"),
        Message(
            "assistant", "I look.", calls=(Call("a", {"x": 1}), Call("b"), Call("c", "{broken")), ids=("A", "B", "C")
        ),
        Message("tool", "no such", reply_to="B", error=True),
        Message("user", "hurry"),
        Message("tool", "one", reply_to="A"),
        Message("tool", "stray", name="d"),
        Message("tool", "too many", name="d"),
    )
    assert blocks(conversation)[1:] == [
        (
            "assistant",
            [
                textual("I look."),
                {"type": "tool_use", "id": "A", "name": "a", "input": {"x": 1}},
                {"type": "tool_use", "id": "B", "name": "b", "input": {}},
                {"type": "tool_use", "id": "C", "name": "c", "input": {"INVALID_JSON": "{broken"}},
            ],
        ),
        (
            "user",
            [
                {"type": "tool_result", "tool_use_id": "A", "content": "one"},
                {"type": "tool_result", "tool_use_id": "B", "content": "no such", "is_error": True},
                {"type": "tool_result", "tool_use_id": "C", "content": "stray"},
                textual("hurry"),
                textual("d: too many"),
            ],
        ),
    ]


def test_system_messages_follow_the_instructions() -> None:
    conversation = (Message("system", "two"), *user("q"), Message("system", " "), Message("system", "three"))
    wire = to_wire(asked(conversation, instructions="one"))
    assert [block["text"] for block in wire["system"]] == ["one", "two", "three"]
    assert [one["role"] for one in wire["messages"]] == ["user"]


def test_what_another_provider_said_is_rebuilt() -> None:
    native = {"provider": "google", "content": [{"thought_signature": "x"}]}
    (_, content) = blocks((*user("q"), Message("assistant", "hi", native=native)))[1]
    assert content == [textual("hi")]


_words = st.text("ab \n", max_size=3)
_ids = st.lists(st.sampled_from(["A", "B", "call_0", "functions.x:0", ""]), max_size=3).map(tuple)
_calls = st.lists(
    st.builds(Call, st.sampled_from(["a", "b"]), st.sampled_from([None, {"x": 1}, "{raw", [1], 7])), max_size=3
).map(tuple)
_messages = st.one_of(
    st.builds(Message, st.sampled_from(["user", "system"]), _words),
    st.builds(Message, st.just("assistant"), _words, calls=_calls, ids=_ids),
    st.builds(Message, st.just("tool"), _words, reply_to=st.sampled_from(["", "A", "B", "Z"]), error=st.booleans()),
)


@given(st.lists(_messages, max_size=8).map(tuple))
def test_any_conversation_is_what_the_api_demands(conversation: Conversation) -> None:
    wire = to_wire(asked(conversation, tools=(PING,), instructions="i"))
    check_params(wire)
    messages = wire["messages"]
    assert [one["role"] for one in messages] == [("user", "assistant")[n % 2] for n in range(len(messages))]
    used: list[str] = []
    for n, one in enumerate(messages):
        assert one["content"]
        called = [block["id"] for block in one["content"] if block["type"] == "tool_use"]
        used += called
        after = messages[n + 1]["content"] if n + 1 < len(messages) else []
        replied = [block["tool_use_id"] for block in after if block["type"] == "tool_result"]
        assert replied == called or one["role"] == "user"
        assert [block["type"] for block in after[: len(replied)]] == ["tool_result"] * len(replied)
    assert len(set(used)) == len(used)
    wanted = [call.name for one in conversation if one.role == "assistant" for call in one.calls]
    assert [b["name"] for one in messages for b in one["content"] if b["type"] == "tool_use"] == wanted
    said = [one.content for one in conversation if one.role in ("user", "tool")]
    sent = [b.get("text", "") + b.get("content", "") for m in messages if m["role"] == "user" for b in m["content"]]
    assert all(any(word in one for one in sent) for word in said)


def test_the_contract_can_be_broken() -> None:
    wire = to_wire(asked((*QUERY, Message("assistant", calls=(Call("ping"),)))))
    check_params(wire)
    wire["messages"][1]["content"][0]["input"] = "raw"
    with pytest.raises(ValidationError, match="input"):
        check_params(wire)


# What comes back


def test_parallel_calls() -> None:
    body = message(
        text("I look."), tool_use("a", {"x": 1}, "toolu_1"), tool_use("b", {}, "toolu_2"), usage=usage(100, 20, 9)
    )
    turn, _ = ask(body)
    assert (turn.text, turn.calls, turn.ids) == (
        "I look.",
        (Call("a", {"x": 1}), Call("b", {})),
        ("toolu_1", "toolu_2"),
    )
    assert turn.usage == Usage(input=132, cached=100, cache_write=20, output=34, reasoning=9)
    assert anthropic.types.Message.model_validate(body).usage.output_tokens == 34


def test_thinking_goes_back_unchanged() -> None:
    content = [
        *(
            thinking("First the weather.", "c2lnLTE="),
            redacted_thinking(),
            text("I look."),
            tool_use("weather", {}, "toolu_1"),
        ),
        *(thinking("And a ping.", "c2lnLTI="), tool_use("ping", {"b": 1, "a": 2}, "toolu_2")),
    ]
    with Loopback([Answer(message(*content)), Answer(message(text("Done.")))]) as server:
        first = complete(asked(), server.url)
        said = Message("assistant", first.text, calls=first.calls, ids=first.ids, native=first.native)
        replies = [Message("tool", one, reply_to=one) for one in reversed(first.ids)]
        second = complete(asked((*user("q"), said, *replies)), server.url)
    assert (first.text, second.text) == ("I look.", "Done.")
    _, back, results = server.requests[1].json["messages"]
    assert back == {"role": "assistant", "content": content}
    assert json.dumps(back["content"]) == json.dumps(content)
    assert [one["content"] for one in results["content"]] == ["toolu_1", "toolu_2"]
    check_params(server.requests[1].json)


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        *[(one, "done") for one in ("end_turn", "tool_use", "stop_sequence", "of_tomorrow")],
        *[(one, "truncated") for one in ("max_tokens", "model_context_window_exceeded", "pause_turn")],
        ("refusal", "refused"),
    ],
)
def test_why_a_turn_ended(reason: str, stop: str) -> None:
    assert ask(message(text("x"), stop_reason=reason))[0].stop == stop


def test_what_the_providers_own_tools_do_is_no_call() -> None:
    server_tool = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
    turn = from_wire(message(server_tool, text("Found.")))
    assert (turn.calls, turn.text) == ((), "Found.")
    assert turn.native == {"provider": "anthropic", "content": [server_tool, text("Found.")]}


def test_a_proxys_arguments_that_are_no_object_are_kept_as_they_came() -> None:
    turn = from_wire(message(tool_use("a", "{broken", "toolu_1")))
    assert turn.calls == (Call("a", "{broken"),)
    said = Message("assistant", calls=turn.calls, ids=turn.ids, native=turn.native)
    assert blocks((*user("q"), said))[1][1][0]["input"] == {"INVALID_JSON": "{broken"}


def test_an_answer_of_5_mb() -> None:
    assert len(ask(message(text("x" * 5_000_000)))[0].text) == 5_000_000


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"garbage", b'{"content": [', b"<html>", b"[1]", b"null", b"{}", b"\xff\xfe", b"[" * 100_000),
        *(b'{"content": "hi"}', b'{"content": [{"type": "tool_use", "id": "x"}]}', b'{"content": [7]}'),
        *(b'{"content": [{"type": "text"}]}', b'{"content": [], "usage": {"input_tokens": "many"}}'),
    ],
)
@pytest.mark.parametrize("kind", ["application/json", "text/html"])
def test_what_is_no_answer_is_a_fault(body: bytes, kind: str) -> None:
    error = failure(Answer(body, headers={"Content-Type": kind}))
    assert type(error) is ServiceFault
    assert len(str(error)) < 300


# What goes wrong


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (400, "invalid_request_error", RequestRejected),
        (413, "request_too_large", RequestRejected),
        (401, "authentication_error", ModelUnavailable),
        (403, "permission_error", ModelUnavailable),
        (404, "not_found_error", ModelUnavailable),
        (429, "rate_limit_error", ServiceFault),
        (500, "api_error", ServiceFault),
        (529, "overloaded_error", ServiceFault),
    ],
)
def test_errors_of_the_api(status: int, kind: str, expected: type[SamplingError]) -> None:
    error = failure(fault(status, kind, f"because of {KEY} and pearl-diver"), settings=SECRET)
    assert type(error) is expected
    assert f"HTTP {status}" in str(error)
    assert "because of *** and ***" in str(error)


SECRET = {"extra_headers": {"x-gateway-auth": "pearl-diver"}}


def test_how_long_to_wait() -> None:
    error = failure(fault(429, "rate_limit_error", "slow", retry_after="7"))
    assert isinstance(error, ServiceFault)
    assert error.retry_after == 7


@pytest.mark.parametrize(("kind", "words"), [("hang", "in time"), ("reset", "broke"), ("half", "broke")])
def test_broken_connections(kind: Any, words: str) -> None:
    error = failure(Answer(message(text("hi")), fault=kind), rollout=Rollout(timeout=0.1 if kind == "hang" else 5))
    assert isinstance(error, ServiceFault)
    assert words in str(error)
    assert not error.unreachable


def test_nobody_there() -> None:
    with Loopback([]) as server:
        pass
    with pytest.raises(ServiceFault, match="can't be reached") as caught:
        complete(asked(), server.url)
    assert caught.value.unreachable


def test_the_sdks_advice_on_a_model_is_no_error() -> None:
    name = "claude-3-7-sonnet-latest"
    turn, received = ask(message(text("hi")), asked(name=name, settings={"temperature": 0}))
    assert turn.text == "hi"
    assert (received.json["model"], received.json["temperature"]) == (name, 0)


def test_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with pytest.raises(ModelUnavailable, match=r"^anthropic:m: .*ANTHROPIC_API_KEY"):
        open_provider(Model(provider="anthropic", name="m"))
    open_provider(Model(provider="anthropic", name="m", settings={"extra_headers": {"X-Api-Key": "k"}}))
    monkeypatch.setenv("ANTHROPIC_PROFILE", "lost")
    with pytest.raises(ModelUnavailable, match=r"^anthropic:m: .*'lost'.*ANTHROPIC_API_KEY"):
        open_provider(Model(provider="anthropic", name="m"))


@pytest.mark.parametrize("key", [f"{KEY}\n", f" {KEY}", f"{KEY}é"])
def test_a_key_that_cannot_be_sent(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    with pytest.raises(ModelUnavailable, match="ANTHROPIC_API_KEY") as caught:
        open_provider(Model(provider="anthropic", name="m"))
    assert "swordfish" not in str(caught.value)


def test_a_header_that_cannot_be_sent() -> None:
    failure(Answer(message()), settings={"extra_headers": {"x-mine": "swordfish\nx"}})


def test_settings_that_make_no_request() -> None:
    assert type(failure(Answer(message()), settings={"tools": 7})) is RequestRejected
    assert type(failure(Answer(message()), settings={"extra_body": {"x": object()}})) is RequestRejected


def test_no_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anthropic", None)
    with pytest.raises(ModelUnavailable, match=r"pip install 'pytest-toolmatch\[anthropic\]'"):
        open_provider(Model(provider="anthropic", name="m"))


# A user's own client


@pytest.mark.parametrize(
    ("kind", "transport"),
    [
        (anthropic.AsyncAnthropic, anthropic.DefaultAsyncHttpxClient),
        (anthropic.Anthropic, anthropic.DefaultHttpxClient),
    ],
)
def test_a_users_own_client(kind: Any, transport: Any) -> None:
    with Loopback([Answer(message(tool_use("a", {}, "toolu_1"))), fault(500, "api_error", "oh-swordfish-2")]) as server:
        own = transport(limits=httpx2.Limits(max_keepalive_connections=0))
        client = kind(base_url=server.url, api_key="oh-swordfish-2", http_client=own)
        assert complete(asked(), "", client).calls == (Call("a", {}),)
        with pytest.raises(ServiceFault, match=r"HTTP 500: \*\*\*"):
            complete(asked(), "", client)
    assert not own.is_closed
    assert [one.headers["authorization"] for one in server.requests] == ["Bearer oh-swordfish-2"] * 2


def test_a_users_sync_client_keeps_no_other_call_waiting() -> None:
    with Loopback(lambda _: Answer(message(text("hi")), delay=0.1)) as server:
        with anthropic.Anthropic(base_url=server.url, api_key="k") as client:
            provider = open_provider(Model(provider="anthropic", name="m", client=client))

            async def four() -> list[Turn]:
                return await asyncio.gather(*(provider.complete(asked()) for _ in range(4)))

            assert len(asyncio.run(four())) == 4
        assert server.most_in_flight == 4
