"""Conversations with tools through pytest: refused calls, replies, and next steps that follow a teacher."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.core.toolformats import tools_from_json
from pytest_toolmatch.sampling.recordings import Record, encode
from tests.servers.chat import completion, failure, tool_call
from tests.servers.loopback import Answer, Received
from tests.servers.scripted import chain_of_text, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.plugin.conftest import Project
    from tests.servers.scripted import Scripted

pytestmark = pytest.mark.usefixtures("impatient")

TRIP = "search(to='FCO') > book(id=7)"
REPORT = "--toolmatch-report=report.json"


# Refused calls.


def test_refused_calls_are_answered_and_counted(project: Project, served: Callable[..., Scripted]) -> None:
    gates = ["retries <= 0.1", "recovery >= 0.9", "argument_validity >= 0.9"]
    server = served({"big": {"*": "search(to='FCO')"}, "small": {"*": "search(too='FCO') > search(to='FCO')"}})
    project = project.with_query(*"abcd").as_yaml(gates=gates).served_at(server.url, 8)
    run = project.record(REPORT, "--junit-xml=junit.xml")
    metrics = run.report["suites"]["trips"]["metrics"]
    assert {name: metrics[name]["value"] for name in ("chain_match", "retries", "recovery", "argument_validity")} == {
        "chain_match": 1.0,
        "retries": 1.0,
        "recovery": 1.0,
        "argument_validity": 0.0,
    }
    states = {one["expression"]: one["state"] for one in run.report["suites"]["trips"]["gates"]}
    assert (states["retries <= 0.1"], states["argument_validity >= 0.9"]) == ("fails", "fails")
    assert states["recovery >= 0.9"] in ("holds", "undecided")
    assert run.exit == 1
    assert run.outcomes["passed"] == 4
    assert "gates failed" in run.last_line
    named = {one.get("name"): one.get("value") for one in run.junit.iter("property")}
    assert (named["toolmatch.retries"], named["toolmatch.recovery"]) == ("1.0", "1.0")
    told = next(one.replies for one in server.asked if one.model == "small" and len(one.steps) == 1)
    assert "to" in told[0]
    assert "required" in told[0]
    again = project.run(REPORT)
    assert again.report["suites"]["trips"]["metrics"] == metrics


def test_who_never_recovers_matches_nothing(project: Project, served: Callable[..., Scripted]) -> None:
    wrong = " > ".join(["search(too='FCO')"] * 5)
    server = served({"big": {"*": "search(to='FCO')"}, "small": {"*": wrong}})
    project = project.with_query("rome").as_yaml(max_retries=1).served_at(server.url)
    run = project.record(REPORT)
    assert run.outcomes == {"failed": 1}
    metrics = run.report["suites"]["trips"]["metrics"]
    assert (metrics["retries"]["value"], metrics["recovery"]["value"]) == (2.0, 0.0)
    assert run.report["suites"]["trips"]["cases"][0]["unusable"] == {"invalid": 2}
    assert sum(one.model == "small" for one in server.asked) == 2 * 2


# Replies.

TOOLS = """
from pathlib import Path
import pytest
from pytest_toolmatch import queries, tool

@tool(effect="read")
def search(to: str) -> list[dict]:
    \"\"\"Find flights.\"\"\"
    return [{"id": 7, "to": to}]

@tool(effect="write"EXECUTE)
def book(id: int) -> str:
    \"\"\"Book a flight.\"\"\"
    with Path("booked").open("a") as file:
        file.write(f"{id}\\n")
    return f"booked {id}"

@pytest.fixture(scope="module")
def tools():
    return [search, book]

query = queries("trips.jsonl")
"""


@pytest.mark.parametrize("execute", [False, True], ids=["kept", "executed"])
def test_tools_that_read_are_run_and_those_that_write_only_where_they_may_be(
    project: Project, served: Callable[..., Scripted], *, execute: bool
) -> None:
    server = served({"big": {"*": TRIP}, "small": {"*": TRIP}})
    head = TOOLS.replace("EXECUTE", ", execute=True" if execute else "")
    project = project.with_query("rome").as_python(head=head).served_at(server.url)
    assert project.record().outcomes == {"passed": 1}
    replies = [one.replies for one in server.asked if len(one.steps) == 2]
    assert {one[0] for one in replies} == {'[{"id":7,"to":"FCO"}]'}
    assert {one[1] == "booked 7" for one in replies} == {execute}
    booked = project.pytester.path / "booked"
    assert booked.exists() == execute
    assert not execute or booked.read_text() == "7\n" * 4
    assert {one.sample.replies for one in project.recording("big").by_key.values()} == {tuple((r,) for r in replies[0])}


def test_a_canned_reply_comes_before_the_tool(project: Project, served: Callable[..., Scripted]) -> None:
    server = served({"big": {"*": TRIP}, "small": {"*": TRIP}})
    replies = {"search": [{"id": 7}], "book": "done"}
    project = project.with_query("rome").as_yaml(replies=replies).served_at(server.url)
    assert project.record().outcomes == {"passed": 1}
    assert {one.replies for one in server.asked if len(one.steps) == 2} == {('[{"id":7}]', "done")}


def test_more_steps_than_are_allowed_are_cut(project: Project, served: Callable[..., Scripted]) -> None:
    long = " > ".join(f"book(id={number})" for number in range(6))
    server = served({"big": {"*": TRIP}, "small": {"*": long}})
    run = project.with_query("rome").as_yaml(max_steps=3).served_at(server.url).record(REPORT)
    assert run.outcomes == {"failed": 1}
    assert run.report["suites"]["trips"]["cases"][0]["student_outcomes"] == {"truncated": 2}
    assert max(len(one.steps) for one in server.asked) == 3


# The next step after the teacher's own.


def next_step(project: Project, **keys: object) -> Project:
    return project.as_yaml(mode="next_step", **keys)


def test_the_student_is_asked_at_every_step_of_the_teacher(project: Project, served: Callable[..., Scripted]) -> None:
    server = served({"big": {"*": TRIP}, "small": {"*": TRIP}})
    project = next_step(project.with_query("rome", "oslo"), replies={"search": "id 7"}).served_at(server.url)
    run = project.record(REPORT)
    assert run.outcomes == {"passed": 2}
    asked = [one for one in server.asked if one.model == "small"]
    assert sorted(len(one.steps) for one in asked) == [0] * 4 + [1] * 4 + [2] * 4
    assert all(one.steps == chain_of_text(TRIP)[: len(one.steps)] for one in asked)
    assert {one.replies[0] for one in asked if one.steps} == {"id 7"}
    server.stop()
    replayed = project.run(REPORT)
    assert replayed.outcomes == {"passed": 2}
    assert replayed.report["suites"] == run.report["suites"]


def test_a_slip_at_one_step_does_not_spoil_the_next(project: Project, served: Callable[..., Scripted]) -> None:
    def slipping(_: int, received: Received) -> Answer | None:
        asked = read(received)
        slips = asked.model == "small" and not asked.steps
        return Answer(completion(None, tool_call("search", {"to": "OSL"}))) if slips else None

    server = served({"big": {"*": TRIP}, "small": {"*": TRIP}}, fault=slipping)
    run = next_step(project.with_query("rome")).served_at(server.url).record(REPORT)
    assert run.outcomes == {"failed": 1}
    for one in project.recording("small").by_key.values():
        assert one.sample.chain == chain_of_text("search(to='OSL') > book(id=7)")


def recorded_teacher(project: Project, chain: str, replies: tuple[tuple[str, ...], ...]) -> Project:
    """Let the teacher be the record of a log, with what the tools answered then."""
    made = project.with_case("rome", [chain], [], query="rome")
    sample = Sample(case="rome", role="recorded", draw=0, outcome="called", chain=chain_of_text(chain), replies=replies)
    offered = tools_from_json(json.loads((made.write() / "tools.json").read_text()))
    request = Request(role="recorded", model="big", conversation=user("rome"), tools=offered)
    line = encode([Record(key=request.key, model="big", sample=sample)])
    return made.with_file("fixtures/recordings/trips/big.jsonl", line.decode())


def test_a_teacher_from_a_log_is_followed_with_the_replies_of_the_log(
    project: Project, served: Callable[..., Scripted]
) -> None:
    server = served({"small": {"*": TRIP}})
    project = recorded_teacher(project, TRIP, (("three flights",), ("thanks",)))
    project = next_step(project).with_ini(toolmatch_student=f"local:small@{server.url}")
    run = project.record("--toolmatch-samples=1", REPORT)
    assert run.exit == 0, run.text
    assert sorted(one.replies for one in server.asked) == [(), ("three flights",), ("three flights", "thanks")]
    server.stop()
    assert project.run("--toolmatch-samples=1").exit == 0


def test_the_student_is_stale_where_the_teacher_took_other_steps(
    project: Project, served: Callable[..., Scripted]
) -> None:
    table = {"big": {"*": TRIP}, "small": {"*": TRIP}}
    server = served(table)
    project = next_step(project.with_query("rome")).served_at(server.url)
    project.record()
    table["big"]["*"] = table["small"]["*"] = "book(id=7)"
    (project.pytester.path / "fixtures/recordings/trips/local-big.jsonl").unlink()
    before = server.draws("small")
    assert project.record().outcomes == {"passed": 1}
    assert server.draws("small") > before
    assert project.run().outcomes == {"passed": 1}


def test_without_a_teacher_to_follow_the_student_is_not_asked(
    project: Project, served: Callable[..., Scripted]
) -> None:
    server = served(
        {"big": {"*": TRIP}, "small": {"*": TRIP}},
        fault=lambda _, received: Answer(failure("down"), 500) if read(received).model == "big" else None,
    )
    run = next_step(project.with_query("rome", "oslo")).served_at(server.url).record()
    assert run.outcomes == {"errors": 2}
    assert "rome: no valid sample of the teacher: 2 × infrastructure" in run.text
    assert server.draws("small") == 0


def test_all_cases_are_in_flight_at_once_however_their_teachers_answer(
    project: Project, served: Callable[..., Scripted]
) -> None:
    server = served({"big": {"*": TRIP}, "small": {"*": TRIP}}, delay=0.05)
    project = next_step(project.with_query(*"abcd")).served_at(server.url)
    assert project.record().outcomes == {"passed": 4}
    assert server.most_in_flight >= 3 * 2 * 4
