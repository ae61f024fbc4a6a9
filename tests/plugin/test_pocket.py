"""Runs with learned models on this machine: no key, no server, no network."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_toolmatch.sampling.recordings import read_recording, recording_path
from tests.providers.untrained import untrained

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.conftest import Project

DRAWS = 4


@pytest.fixture
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two untrained models as a project's teacher and student."""
    made = [untrained(tmp_path_factory.mktemp("model"), seed) for seed in (0, 1)]
    return {"toolmatch_teacher": made[0], "toolmatch_student": made[1]}


@pytest.fixture
def trips(project: Project, models: dict[str, str]) -> Project:
    asked = project.with_query("Fly to Rome with 3 seats.", "Book 7, then find a flight to Oslo.", "Hello there.")
    return asked.with_ini(**models, toolmatch_samples=DRAWS).as_yaml(max_steps=2, divergence="xfail")


def numbers(text: str) -> list[str]:
    """Return the rows of numbers that do not depend on the clock."""
    rows = [line for line in text.splitlines() if re.match(r"(chain|name|tools)_match|consistency|tokens", line)]
    assert rows
    return rows


def test_a_live_run_compares_two_models_and_comes_out_the_same(trips: Project) -> None:
    first, again = trips.record(mode="live"), trips.record(mode="live")
    assert first.outcomes.get("errors", 0) == first.outcomes.get("failed", 0) == 0, first.text
    assert numbers(first.text) == numbers(again.text)
    assert not (first.path / "fixtures").exists()


def test_another_seed_is_another_run(trips: Project) -> None:
    other = trips.with_ini(toolmatch_student_settings=["seed = 7"])
    assert numbers(trips.record(mode="live").text) != numbers(other.record(mode="live").text)


def test_what_is_recorded_is_replayed(trips: Project, models: dict[str, str]) -> None:
    recorded = trips.record()
    folder: Path = recorded.path / "fixtures/recordings/trips"
    for name in models.values():
        samples = [one.sample for one in read_recording(recording_path(folder, name), name).by_key.values()]
        assert len(samples) == 3 * DRAWS
        assert all(sample.valid and sample.latency and sample.usage and sample.cost is None for sample in samples)
    assert numbers(trips.run().text) == numbers(recorded.text)


def test_a_budget_in_money_does_not_keep_it_from_running(trips: Project) -> None:
    ran = trips.record("--toolmatch-budget=0.01usd", mode="live")
    assert ran.outcomes.get("errors", 0) == 0, ran.text


def test_one_model_against_itself(trips: Project, models: dict[str, str]) -> None:
    ran = trips.with_ini(toolmatch_student=models["toolmatch_teacher"]).record(mode="live")
    assert ran.outcomes.get("errors", 0) == 0, ran.text


def test_an_unknown_name_is_one_line(trips: Project) -> None:
    refusal = trips.with_ini(toolmatch_student="pocket:bse").record(mode="live").refusal
    assert refusal.startswith("pocket:bse: there is no such model")


def test_an_unknown_setting_is_one_line(trips: Project) -> None:
    refusal = trips.with_ini(toolmatch_student_settings=["temprature = 1"]).record(mode="live").refusal
    assert "there is no setting 'temprature'; did you mean 'temperature'?" in refusal


def test_needle_that_is_not_installed_is_one_line(trips: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "needle", None)
    ran = trips.with_ini(toolmatch_student="needle:3").record(mode="live")
    assert "needle:3: the package 'needle' is not installed: pip install 'pytest-toolmatch[needle]'" in ran.text
