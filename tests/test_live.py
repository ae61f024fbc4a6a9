"""From settings to the session of a run that calls models."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.core.model import Model, parse_model
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.live import open_session
from pytest_toolmatch.sampling.sampler import Sampler
from pytest_toolmatch.settings import Settings, settle

SMALL = Model(provider="local", name="small")


def sampler(**settings: Any) -> Sampler:
    session = open_session(Settings(mode="record", **settings), lambda: None)
    assert isinstance(session.sampler, Sampler)
    return session.sampler


def test_the_mode_is_the_session_s() -> None:
    assert open_session(Settings(mode="refresh"), lambda: None).mode == "refresh"


def test_concurrency_is_that_of_every_model() -> None:
    made = sampler(concurrency=7, rates=("local:small = 50 rpm, 2000 TPM",))
    assert made._other_limits.concurrency == 7
    limits = made._limits["local:small"]
    assert (limits.concurrency, limits.requests_per_minute, limits.tokens_per_minute) == (7, 50, 2000)


@pytest.mark.parametrize(
    ("text", "limit"), [("", (None, None)), ("2.50usd", (2.5, None)), ("10calls", (None, 10)), ("5,10calls", (5, 10))]
)
def test_the_budget_is_what_was_said(text: str, limit: tuple[float | None, int | None]) -> None:
    made = sampler(budget=text).budget.limit
    assert (made.usd, made.calls) == limit


def test_prices_of_one_s_own_come_first() -> None:
    price = sampler(prices=("local:small = 1/2",))._prices.of(SMALL)
    assert price
    assert price(Usage(input=10**6, output=10**6)) == 3
    assert sampler()._prices.of(SMALL) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"rates": ("local:small",)},
        {"rates": ("local:small = 50",)},
        {"rates": ("local:small = 50 rpm,",)},
        {"rates": ("local:small = 5 rps",)},
        {"rates": ("local:small = 0 tpm",)},
        {"prices": ("local:small = 1",)},
        {"prices": ("local:small = -1/2",)},
        {"budget": "1000call/s"},
        {"budget": "-5"},
    ],
    ids=str,
)
def test_what_is_said_wrongly_is_said_to_be(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        sampler(**settings)


def test_settings_of_models_are_read_as_json_where_they_are() -> None:
    said = {"teacher": "anthropic:claude", "teacher_settings": ["temperature = 0.5", "effort = high", 'stop = ["a"]']}
    model = settle(said.get).model("teacher")
    assert (model.identity, model.settings) == (
        "anthropic:claude",
        {"temperature": 0.5, "effort": "high", "stop": ["a"]},
    )


@pytest.mark.parametrize("role", ["teacher", "student"])
def test_a_line_of_settings_that_says_nothing_is_refused_at_once(role: str) -> None:
    said = {f"{role}_settings": ["temperature"]}
    with pytest.raises(ConfigError, match=f"toolmatch_{role}_settings: 'temperature' is no KEY = VALUE line"):
        settle(said.get)


@pytest.mark.parametrize(
    ("text", "identity", "url"),
    [
        ("local:small@http://host/v1", "local:small", "http://host/v1"),
        ("local:small@HTTPS://me:secret@host", "local:small", "HTTPS://me:secret@host"),
        ("local:hf.co/a/b:Q4@http://[::1]:80", "local:hf.co/a/b:Q4", "http://[::1]:80"),
        ("local:you@httpbin", "local:you@httpbin", ""),
        ("anthropic:claude", "anthropic:claude", ""),
        ("big", "big", ""),
    ],
)
def test_a_model_is_told_from_where_it_is_served(text: str, identity: str, url: str) -> None:
    model = parse_model(text, {"extra_headers": {"x-key": "secret"}})
    assert (model.identity, model.url) == (identity, url)
    assert repr(model) == f"<Model {identity}>"
