"""What a recording answers, and what it says where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_toolmatch.core.case import Case, case_of_query
from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.errors import MissingRecording
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.request import followed_digest
from pytest_toolmatch.core.sample import Sample, SampleRole
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.sampling.recordings import Record, Recording
from pytest_toolmatch.sampling.replayed import Replayed

SMALL = Model(provider="local", name="small")
CASE = case_of_query("To Rome.", id="rome")
SUITE = Suite(name="trips", tools=(Tool(name="search"),))
TEACHER = Sample(case="rome", role="teacher", draw=0, outcome="called", chain=((Call("search"),),))


def replayed(
    draws: list[int],
    *,
    recorded: Suite = SUITE,
    asked: Suite = SUITE,
    case: Case = CASE,
    role: SampleRole = "student",
    wanted: int | None = None,
    model: Model = SMALL,
    teacher: Sample | None = None,
) -> Replayed:
    plan = Plan(recorded, model)
    followed = followed_digest(teacher) if teacher else ""
    records = [
        Record(
            key=plan.key(case, role, draw, followed),
            model=model.identity,
            sample=Sample(case=case.id, role=role, draw=draw, outcome="answered"),
        )
        for draw in draws
    ]
    return Replayed(Plan(asked, model), "student", Recording(Path("small.jsonl"), records), wanted)


def said(found: Replayed, teacher: Sample | None = None) -> str:
    with pytest.raises(MissingRecording) as raised:
        found.samples(CASE, teacher)
    return str(raised.value)


def test_draws_come_in_their_order_and_as_many_as_are_wanted() -> None:
    assert [one.draw for one in replayed([2, 0, 1]).samples(CASE)] == [0, 1, 2]
    assert [one.draw for one in replayed([2, 0, 1], wanted=2).samples(CASE)] == [0, 1]


def test_samples_of_a_log_serve_as_either_but_were_not_drawn() -> None:
    found = replayed([0, 1], role="recorded")
    assert len(found.samples(CASE)) == 2
    assert found.drawn(CASE) == {}


def test_what_was_drawn_is_known_by_its_draw() -> None:
    assert sorted(replayed([0, 3]).drawn(CASE)) == [0, 3]
    changed = Suite(name="trips", tools=SUITE.tools, instructions="Be brief.")
    assert replayed([0, 3], asked=changed).drawn(CASE) == {}


def test_what_is_not_recorded_says_how_to_record_it() -> None:
    assert said(replayed([])) == (
        "rome: student 'local:small': not recorded in small.jsonl; run pytest --toolmatch-mode=record, "
        "or deselect the case"
    )
    assert said(replayed([], model=Model(name="small"))).endswith("record it, or deselect the case")


def test_too_few_samples_say_how_to_get_more() -> None:
    assert said(replayed([0, 1], wanted=3)) == (
        "rome: student 'local:small': 2 of 3 samples are recorded in small.jsonl; "
        "ask for fewer with --toolmatch-samples, or run pytest --toolmatch-mode=record"
    )


def test_a_stale_recording_says_what_has_changed() -> None:
    changed = Suite(name="trips", tools=(), instructions="Be brief.")
    message = said(replayed([0], asked=changed))
    assert "stale: the tools and instructions and rollout rules have changed since; " in message
    assert message.endswith("run pytest --toolmatch-mode=record (recorded in small.jsonl)")


def test_a_draw_that_followed_another_sample_is_stale() -> None:
    other = Sample(case="rome", role="teacher", draw=0, outcome="answered")
    found = replayed([0], teacher=TEACHER)
    assert len(found.samples(CASE, TEACHER)) == 1
    assert "stale: the rollout rules have changed since" in said(found, other)
    assert "stale: the rollout rules have changed since" in said(found)


def test_whoever_follows_is_called_where_there_is_something_to_follow() -> None:
    seen: list[list[Sample]] = []
    replayed([0, 1]).then(CASE, seen.append)
    replayed([]).then(CASE, seen.append)
    replayed([]).prefetch([CASE])
    assert [len(samples) for samples in seen] == [2]
