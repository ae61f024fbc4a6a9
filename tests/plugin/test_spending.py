"""Budgets: what may be spent is not exceeded, and nothing that was paid for is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.plugin.conftest import Project, Ran
    from tests.servers.scripted import Scripted

ROME = "search(to='FCO')"
TABLE = {"big": {"*": ROME}, "small": {"*": ROME}}
PRICES = ["local:big = 1000/1000", "local:small = 1000/1000"]  # 0.15 USD a call, 0.30 USD a sample


@pytest.fixture(params=["python", "yaml"])
def trips(project: Project, served: Callable[..., Scripted], request: pytest.FixtureRequest) -> Project:
    project = project.with_query(*"abcdef").served_at(served(TABLE).url, 2).with_ini(toolmatch_prices=PRICES)
    return project.as_yaml() if request.param == "yaml" else project.as_python()


def one_error(run: Ran) -> bool:
    outcomes = run.outcomes
    return run.exit == 1 and outcomes["errors"] == 1 and outcomes["skipped"] + outcomes.get("passed", 0) == 5


def test_a_budget_in_calls_ends_the_suite_with_one_error(trips: Project, served: Callable[..., Scripted]) -> None:
    run = trips.record("--toolmatch-budget=20calls", "--toolmatch-report=report.json", "-rs")
    assert one_error(run)
    text = " ".join(run.text.split())
    assert "budget of 20 calls is spent" in text
    assert "raise the budget and run again for the rest" in text
    assert "not sampled: trips stopped at its first error" in text
    spent = run.report["spent"]
    assert spent["calls"] <= 20
    assert spent["samples"] + spent["lost"] == 24
    kept = len(trips.recording("big").by_key) + len(trips.recording("small").by_key)
    assert kept == spent["samples"] >= 5  # ten are paid for; on a busy machine the end may come before the last answers
    again = served(TABLE)
    assert trips.served_at(again.url).record("--toolmatch-budget=1000calls").outcomes == {"passed": 6}
    assert again.draws("big") + again.draws("small") == 24 - kept


def test_a_budget_in_dollars_ends_the_suite_with_one_error(trips: Project, served: Callable[..., Scripted]) -> None:
    run = trips.with_ini(toolmatch_budget="3usd").record("--toolmatch-report=report.json")
    assert one_error(run)
    assert "budget of 3.00 USD is spent" in " ".join(run.text.split())
    spent = run.report["spent"]
    assert 1.5 <= spent["cost"] <= 3.0
    assert f"{spent['cost']:.4g} USD" in run.text
    kept = len(trips.recording("big").by_key) + len(trips.recording("small").by_key)
    assert kept == spent["samples"]
    again = served(TABLE)
    assert trips.served_at(again.url).record("--toolmatch-budget=100").outcomes == {"passed": 6}
    assert again.draws("big") + again.draws("small") == 24 - kept


def test_what_is_recorded_costs_nothing(trips: Project) -> None:
    assert trips.record().outcomes == {"passed": 6}
    assert trips.record("--toolmatch-budget=1calls").outcomes == {"passed": 6}


def test_a_budget_in_dollars_needs_a_price(
    project: Project, served: Callable[..., Scripted], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = served(TABLE)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
    project = project.with_query("a", "b").as_yaml().served_at(server.url)
    run = project.with_ini(toolmatch_student="openai:nobody-knows").record("--toolmatch-budget=1usd")
    assert run.outcomes == {"errors": 1, "skipped": 1}
    assert "openai:nobody-knows: nobody knows what it costs" in run.text
    assert server.draws("nobody-knows") == 0


def test_live_promises_nothing_that_is_kept(project: Project, served: Callable[..., Scripted]) -> None:
    table = {"big": TABLE["big"], "small": {"*": "book(id=1)"}}
    project = project.with_query(*"ab").as_yaml().served_at(served(table).url, 5)
    text = " ".join(project.record("--toolmatch-budget=15calls", mode="live").text.split())
    assert "budget of 15 calls is spent" in text
    assert "nothing is kept in mode live; raise the budget" in text
    assert "run again" not in text
    text = project.record(mode="live").text
    assert 'ask again: pytest "trips.toolmatch.yaml::a" --toolmatch-mode=live' in text
    assert "replay:" not in text
