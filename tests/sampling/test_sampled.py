"""Draws of one suite and model: those that are recorded, and those that are made."""

from __future__ import annotations

import asyncio
import inspect
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_toolmatch.core.case import case_of_query
from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.errors import ModelUnavailable
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.plan import Plan
from pytest_toolmatch.core.request import Request, followed_digest
from pytest_toolmatch.core.rollout import Rollout
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.core.suite import Suite
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.sampling.recordings import Record, Recording
from pytest_toolmatch.sampling.replayed import Replayed
from pytest_toolmatch.sampling.sampled import DRAWS, Sampled
from pytest_toolmatch.sampling.sampler import Sampler
from pytest_toolmatch.sampling.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ROME = case_of_query("To Rome.", id="rome")
SUITE = Suite(name="trips", tools=(Tool(name="search"), Tool(name="book")))
FORCED = Suite(name="trips", tools=SUITE.tools, rollout=Rollout(mode="next_step"))
TEACHER = Sample(
    case="rome", role="teacher", draw=0, outcome="called", chain=((Call("search"),),), replies=(("seven",),)
)


class Agent:
    """A model that is a function; it counts what it is asked."""

    def __init__(self, answer: Callable[[Request], Any] = lambda _: "Done.") -> None:
        self.asked: list[Request] = []
        self._answer = answer

    async def __call__(self, request: Request) -> Any:
        self.asked.append(request)
        answer = self._answer(request)
        return await answer if inspect.isawaitable(answer) else answer


class Drawing:
    """A session with what it keeps, in memory."""

    def __init__(self, mode: str) -> None:
        self.session = Session(mode, Sampler())
        self.kept: list[Record] = []

    def sampled(
        self, agent: Agent, recorded: Iterable[int] = (), wanted: int | None = None, suite: Suite = SUITE
    ) -> Sampled:
        model = Model(provider="python", name="mine:agent", client=agent)
        plan = Plan(suite, model)
        records = [
            Record(
                key=plan.key(ROME, "student", draw),
                model=model.identity,
                sample=Sample(case="rome", role="student", draw=draw, outcome="answered", text="recorded"),
            )
            for draw in recorded
        ]
        replayed = Replayed(plan, "student", Recording(Path("mine.jsonl"), records), wanted)
        return Sampled(replayed, self.session, lambda _: _never, self._keep)

    def _keep(self, record: Record) -> Record:
        self.kept.append(record)
        return record


async def _never(call: Call) -> Any:
    raise AssertionError(call)


@pytest.fixture
def drawing() -> Iterator[Drawing]:
    drawing = Drawing("record")
    yield drawing
    drawing.session.close()


def test_all_draws_are_made_and_come_in_their_order(drawing: Drawing) -> None:
    agent = Agent()
    samples = drawing.sampled(agent, wanted=4).samples(ROME)
    assert [one.draw for one in samples] == [0, 1, 2, 3]
    assert sorted(one.sample.draw for one in drawing.kept) == [0, 1, 2, 3]
    assert {one.key for one in drawing.kept} == {one.key for one in agent.asked}


def test_a_case_is_drawn_once_however_often_it_is_asked_for(drawing: Drawing) -> None:
    agent = Agent()
    sampled = drawing.sampled(agent, wanted=2)
    sampled.prefetch([ROME, ROME])
    assert sampled.samples(ROME) == sampled.samples(ROME)
    assert len(agent.asked) == 2


@given(recorded=st.sets(st.integers(0, 12)), wanted=st.none() | st.integers(1, 10))
def test_exactly_what_is_missing_is_drawn(recorded: set[int], wanted: int | None) -> None:
    drawing, agent = Drawing("record"), Agent()
    samples = drawing.sampled(agent, recorded, wanted).samples(ROME)
    drawing.session.close()
    count = wanted or max(DRAWS, len(recorded))
    assert [one.draw for one in samples] == list(range(count))
    assert sorted(one.draw for one in agent.asked) == sorted(set(range(count)) - recorded)
    assert {one.draw for one in samples if one.text == "recorded"} == recorded & set(range(count))


@pytest.mark.parametrize("mode", ["refresh", "live"])
def test_what_is_recorded_counts_only_where_the_rest_is_recorded(mode: str) -> None:
    drawing, agent = Drawing(mode), Agent()
    assert {one.text for one in drawing.sampled(agent, range(3), 3).samples(ROME)} == {"Done."}
    assert len(agent.asked) == 3
    drawing.session.close()


def test_what_follows_is_called_once_with_all_samples(drawing: Drawing) -> None:
    seen: list[list[Sample]] = []
    called = threading.Event()
    sampled = drawing.sampled(Agent(), [1], wanted=3)
    sampled.then(ROME, lambda samples: (seen.append(samples), called.set()))
    assert called.wait(5)
    assert [[one.draw for one in samples] for samples in seen] == [[0, 1, 2]]


def test_what_follows_is_called_at_once_where_everything_is_recorded(drawing: Drawing) -> None:
    seen: list[list[Sample]] = []
    drawing.sampled(Agent(), range(3), wanted=3).then(ROME, seen.append)
    assert len(seen) == 1


def test_what_goes_on_meanwhile_stays_on_the_thread_that_waits(drawing: Drawing) -> None:
    threads: set[threading.Thread] = set()
    drawing.session.meanwhile(lambda: threads.add(threading.current_thread()))
    called = threading.Event()
    sampled = drawing.sampled(Agent(), wanted=3)
    sampled.then(ROME, lambda _: called.set())
    assert called.wait(5)
    assert threads == set()
    assert len(sampled.samples(ROME)) == 3
    assert threads == {threading.current_thread()}


def test_what_follows_waits_for_no_draw_that_was_begun_later(drawing: Drawing) -> None:
    begun, seen, called = threading.Event(), [], threading.Event()

    async def answer(request: Request) -> str:
        await asyncio.sleep(3600 * (request.draw >= 2))
        await asyncio.to_thread(begun.wait, 5)
        return "Done."

    sampled = drawing.sampled(Agent(answer), wanted=2)
    sampled.then(ROME, lambda samples: (seen.extend(samples), called.set()))
    sampled.prefetch([ROME], None, 4)
    begun.set()
    assert called.wait(5)
    assert [one.draw for one in seen] == [0, 1]


def test_nothing_follows_what_cannot_be_made(drawing: Drawing) -> None:
    def unavailable(_: Request) -> Any:
        raise ModelUnavailable("no key")

    seen: list[list[Sample]] = []
    sampled = drawing.sampled(Agent(unavailable), wanted=2)
    sampled.then(ROME, seen.append)
    with pytest.raises(ModelUnavailable, match="no key"):
        sampled.samples(ROME)
    drawing.session.close()
    assert seen == []


def test_what_goes_wrong_with_what_follows_is_not_said_twice(
    drawing: Drawing, caplog: pytest.LogCaptureFixture
) -> None:
    called = threading.Event()

    def follow(_: list[Sample]) -> None:
        called.set()
        raise ModelUnavailable("no student")

    sampled = drawing.sampled(Agent(), wanted=2)
    sampled.then(ROME, follow)
    assert called.wait(5)
    assert len(sampled.samples(ROME)) == 2
    drawing.session.close()
    assert caplog.text == ""


def test_a_forced_draw_is_kept_under_the_sample_that_it_follows(drawing: Drawing) -> None:
    agent = Agent()
    sampled = drawing.sampled(agent, wanted=1, suite=FORCED)
    (sample,) = sampled.samples(ROME, TEACHER)
    assert sample.outcome == "answered"
    assert sorted(len(one.conversation) for one in agent.asked) == [1, 3]
    (kept,) = drawing.kept
    assert kept.key == sampled.plan.key(ROME, "student", 0, followed_digest(TEACHER))
