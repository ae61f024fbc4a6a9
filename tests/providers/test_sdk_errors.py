from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.errors import ModelUnavailable, RequestRejected, SamplingError, ServiceFault
from pytest_toolmatch.providers.sdk_errors import fault_of_connection, fault_of_status, retry_after, scrub

CLASSES = {
    ModelUnavailable: (301, 304, 401, 402, 403, 404),
    RequestRejected: (400, 405, 413, 415, 422),
    ServiceFault: (408, 409, 425, 429, 499, 500, 502, 503, 504, 529),
}


@pytest.mark.parametrize(("status", "expected"), [(one, kind) for kind, all_ in CLASSES.items() for one in all_])
def test_class_of_a_status(status: int, expected: type[SamplingError]) -> None:
    error = fault_of_status(status, '{"error": {"message": "so it is"}}', {}, model="openai:m")
    assert type(error) is expected
    assert str(error).startswith(f"openai:m: HTTP {status}: ")
    assert str(error).endswith("so it is")


@pytest.mark.parametrize(
    "body",
    [
        '{"error": {"message": "too   long", "type": "x"}}',
        '{"type": "error", "error": {"message": "too long"}}',
        '{"error": "too long"}',
        '{"message": "too long"}',
        "too\nlong",
    ],
)
def test_what_a_body_says_is_found(body: str) -> None:
    assert str(fault_of_status(400, body, {}, model="m")) == "m: HTTP 400: too long"


@pytest.mark.parametrize("body", ["", "<!doctype html><HTML><body>nginx", "[1]", "{}", '{"error": {"code": 7}}'])
def test_a_body_that_says_nothing_leaves_a_whole_message(body: str) -> None:
    said = str(fault_of_status(503, body, {}, model="m"))
    assert said.startswith("m: HTTP 503: ")
    assert "html" not in said.lower()


def test_a_long_body_is_cut_after_its_keys_are_out() -> None:
    said = str(fault_of_status(400, "x" * 290 + " sk-ant-api03-abcdefghijklmnop" + "y" * 10**6, {}, model="m"))
    assert len(said) < 400
    assert "sk-" not in said


@pytest.mark.parametrize("body", ['{"error": {"code": "insufficient_quota"}}', "Your credit balance is too low"])
def test_an_account_without_credit_is_not_asked_again(body: str) -> None:
    assert type(fault_of_status(429, body, {}, model="m")) is ModelUnavailable
    assert type(fault_of_status(400, body, {}, model="m")) is ModelUnavailable


def test_a_service_may_ask_to_be_asked_again() -> None:
    assert type(fault_of_status(400, "", {"X-Should-Retry": "true"}, model="m")) is ServiceFault
    assert type(fault_of_status(400, "", {"X-Should-Retry": "false"}, model="m")) is RequestRejected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], expected: float | None) -> None:
    error = fault_of_status(429, "", headers, model="m")
    assert isinstance(error, ServiceFault)
    assert error.retry_after == expected


def test_retry_after_as_a_date() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert retry_after({"retry-after": date}) == pytest.approx(90, abs=3)


def test_retry_delay_of_a_google_body() -> None:
    body = json.dumps({"error": {"details": [{"@type": "RetryInfo", "retryDelay": "34.5s"}]}})
    assert retry_after({}, body) == 34.5
    assert retry_after({}, str(json.loads(body))) == 34.5


@given(st.text(), st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms"]), st.text()), st.integers(300, 599))
def test_no_body_and_no_header_is_too_strange(body: str, headers: dict[str, str], status: int) -> None:
    error = fault_of_status(status, body, headers, model="m")
    assert isinstance(error, SamplingError)
    wait = getattr(error, "retry_after", None)
    assert wait is None or wait >= 0


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Incorrect API key provided: sk-proj-abcd*******wxyz.", "Incorrect API key provided: ***."),
        ("key AIzaSyD-1234567890abcdefg is bad", "key *** is bad"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("{'x-api-key': 'abc123', 'a': 1}", "{'x-api-key': '***', 'a': 1}"),
        ("x-goog-api-key: abc123", "x-goog-api-key: ***"),
        ("GET https://h/v1?alt=json&key=abc123&x=1", "GET https://h/v1?alt=json&key=***&x=1"),
        ("http://joe:hunter2@host:80/v1", "http://***@host:80/v1"),
        ("my hunter2secret and hunter2", "my *** and ***"),
        ("a task-list with risk-free words", "a task-list with risk-free words"),
    ],
)
def test_scrub(text: str, clean: str) -> None:
    assert scrub(text, ["hunter2", "hunter2secret", "", "a"]) == clean


@given(st.text("abc /:?"), st.text("XYZ%&é", min_size=4), st.text("abc /:?"))
def test_no_secret_is_left(before: str, secret: str, after: str) -> None:
    assert scrub(f"{before}{secret}{after}", [f" {secret}\n"]) == f"{before}***{after}"


def test_keys_of_the_environment_are_out_of_every_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_GATEWAY_TOKEN", "swordfish-77")
    assert "swordfish" not in str(fault_of_status(400, "you sent swordfish-77", {}, model="m"))
    assert "swordfish" not in str(fault_of_connection(OSError("swordfish-77"), model="m", url="http://swordfish-77/"))


def raised(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


class ConnectError(Exception): ...


class ServerDisconnectedError(Exception): ...


class ReadTimeout(Exception): ...  # noqa: N818 - so it is called


@pytest.mark.parametrize(
    ("error", "unreachable", "words"),
    [
        (raised(RuntimeError("Connection error."), ConnectError("All attempts failed")), True, "can't be reached"),
        (ConnectionRefusedError(111, "Connection refused"), True, "can't be reached"),
        (socket.gaierror(-2, "Name or service not known"), True, "Name or service not known"),
        (TimeoutError(), False, "in time"),
        (raised(RuntimeError("x"), ReadTimeout()), False, "in time"),
        (ConnectionResetError(104, "Connection reset by peer"), False, "broke the connection off"),
        (raised(ConnectError("x"), ConnectionResetError(104, "reset")), False, "broke the connection off"),
        (raised(ReadTimeout(), ServerDisconnectedError("x")), False, "broke the connection off"),
    ],
)
def test_connections(error: Exception, unreachable: bool, words: str) -> None:
    fault = fault_of_connection(error, model="local:m", url="http://joe:hunter2@host/v1")
    assert fault.unreachable is unreachable
    assert words in str(fault)
    assert str(fault).startswith("local:m: http://***@host/v1 ")


def test_a_header_that_cannot_be_sent_is_not_repeated() -> None:
    error: Any = RuntimeError("Illegal header value b'topsecret\\n'")
    assert "topsecret" not in str(fault_of_connection(error, model="m", url=""))


@pytest.mark.parametrize(("status", "overloaded"), [(429, True), (503, True), (529, True), (500, False), (408, False)])
def test_only_an_overloaded_service_is_asked_less_at_once(status: int, overloaded: bool) -> None:
    fault = fault_of_status(status, "busy", {}, model="m")
    assert isinstance(fault, ServiceFault)
    assert fault.overloaded is overloaded
