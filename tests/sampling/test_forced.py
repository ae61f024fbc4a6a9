from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pytest_toolmatch.core.chain import Call, Chain
from pytest_toolmatch.core.conversation import Message, user
from pytest_toolmatch.core.errors import ModelUnavailable, ServiceFault
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.sample import Sample, Usage
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.judging.conduct import argument_validity
from pytest_toolmatch.judging.levels import comparable
from pytest_toolmatch.judging.matching import matches
from pytest_toolmatch.sampling.forced import roll_forced
from pytest_toolmatch.sampling.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}
TOOLS = tuple(Tool(name=name, parameters=SCHEMA) for name in "abc")
REQUEST = Request(role="student", model="scripted", conversation=user("Go."), tools=TOOLS)
A, B, C = (Call(name, {"x": 1}) for name in "abc")
BAD = Call("a", {"x": "one"})


def taught(*steps: tuple[Call, ...]) -> Sample:
    replies = tuple(tuple(f"{call.name} did it" for call in step) for step in steps)
    return Sample(case="go", role="teacher", draw=0, outcome="called", chain=steps, replies=replies)


class Scripted:
    """A scripted model: what it says depends on how many steps of the teacher it is shown, then on the attempt."""

    def __init__(self, *positions: Any) -> None:
        self.positions = positions
        self.requests: list[Request] = []
        self.waiting = 0
        self.most_at_once = 0

    async def __call__(self, request: Request) -> Turn:
        self.requests.append(request)
        self.waiting += 1
        self.most_at_once = max(self.most_at_once, self.waiting)
        await asyncio.sleep(0.001)
        self.waiting -= 1
        said = [one for one in request.conversation if one.role == "assistant"]
        turns = self.positions[sum(not one.ids for one in said)]
        turn = turns[sum(bool(one.ids) for one in said)] if isinstance(turns, list) else turns
        if isinstance(turn, Exception):
            raise turn
        if isinstance(turn, Turn):
            return turn
        return Turn(calls=turn, ids=tuple(f"id{number}" for number in range(len(turn))), usage=Usage(1), latency=0.5)


async def simulated(call: Call) -> Reply:
    return Reply(f"{call.name} simulated", kind="simulated")


def forced(teacher: Sample, *positions: Any) -> Sample:
    return asyncio.run(roll_forced("go", REQUEST, teacher, Scripted(*positions), simulated))


def agrees(sample: Sample, teacher: Sample, mode: Any = "ordered") -> bool:
    return comparable(sample) and matches(sample.chain, teacher.chain, tools=TOOLS, mode=mode)


def test_every_position_is_shown_the_teachers_steps_and_all_are_asked_at_once() -> None:
    model = Scripted((A,), (B, C), ())
    teacher = taught((A,), (C, B))
    sample = asyncio.run(roll_forced("go", REQUEST, teacher, model, simulated))
    assert sample == Sample(
        case="go",
        role="student",
        draw=0,
        outcome="called",
        chain=((A,), (B, C)),
        usage=Usage(3),
        latency=1.5,
    )
    assert agrees(sample, teacher)
    assert model.most_at_once == 3
    first = (*user("Go."), Message("assistant", calls=(A,)), Message("tool", "a did it", name="a"))
    second = (
        Message("assistant", calls=(C, B)),
        Message("tool", "c did it", name="c"),
        Message("tool", "b did it", name="b"),
    )
    asked = sorted((one.conversation for one in model.requests), key=len)
    assert asked == [user("Go."), first, (*first, *second)]


def test_the_least_sure_position_says_how_sure_the_sample_is() -> None:
    def sure(confidence: float | None, *calls: Call) -> Turn:
        return Turn(calls=calls, ids=tuple("id" for _ in calls), confidence=confidence)

    assert forced(taught((A,), (B,)), sure(0.9, A), sure(0.4, B), sure(0.7)).confidence == 0.4
    assert forced(taught((A,), (B,)), sure(0.9, A), sure(None, B), sure(0.7)).confidence is None


def test_steps_without_replies_are_answered() -> None:
    model = Scripted((A,), (B,), ())
    asyncio.run(roll_forced("go", REQUEST, replace(taught((A,), (B,)), replies=(("done",),)), model, simulated))
    told = [one.content for one in max((one.conversation for one in model.requests), key=len) if one.role == "tool"]
    assert told == ["done", "b simulated"]


def test_a_slip_does_not_spoil_what_comes_after_it() -> None:
    sample = forced(taught((A,), (B,), (C,)), (A,), (A,), (C,), ())
    assert sample.chain == ((A,), (A,), (C,))


def test_an_early_stop_leaves_no_step_and_never_agrees() -> None:
    teacher = taught((A,), (B,))
    sample = forced(teacher, (A,), (), ())
    assert (sample.outcome, sample.chain) == ("called", ((A,),))
    assert not agrees(sample, teacher)


def test_calls_elsewhere_do_not_make_up_for_an_early_stop() -> None:
    teacher = taught((A,), (B,))
    assert forced(teacher, (A, B), (), ()).chain == ((A,),)
    assert forced(teacher, (), (A,), (B,)).chain == ((A,),)
    assert forced(taught((A,), (A,)), (), (A,), (A,)).chain == ((A,),)


def test_what_is_called_after_the_chain_counts() -> None:
    teacher = taught((A,))
    sample = forced(teacher, (A,), (B,))
    assert sample.chain == ((A,), (B,))
    assert not agrees(sample, teacher)


def test_a_teacher_that_calls_nothing() -> None:
    teacher = replace(taught(), outcome="answered")
    assert forced(teacher, Turn(text="Hello.")) == Sample(
        case="go", role="student", draw=0, outcome="answered", text="Hello.", latency=pytest.approx(0.001, abs=0.1)
    )
    assert forced(teacher, (A,)).outcome == "called"
    assert forced(taught((A,)), (), ()).outcome == "answered"


def test_refused_calls_are_retried_at_their_position() -> None:
    sample = forced(taught((A,), (B, C)), (A,), [(BAD, C), (BAD,), (B,)], ())
    assert sample.chain == ((A,), (C, B))
    assert [(one.step, one.attempt) for one in sample.refusals] == [(1, 0), (1, 1)]
    assert (sample.outcome, sample.usage) == ("called", Usage(5))


def test_a_position_that_ends_in_refusals_makes_the_sample_invalid() -> None:
    teacher = taught((A,), (B,))
    sample = forced(teacher, [(BAD,)] * 3, (B,), ())
    assert (sample.outcome, sample.chain) == ("invalid", ((B,),))
    assert sample.error == "step 1: stopped: calls were refused in 3 turns, 2 may be retried"
    assert [(one.step, one.attempt) for one in sample.refusals] == [(1, 0), (1, 1), (1, 2)]
    assert not comparable(sample)
    measure = argument_validity([sample], ArgumentValidator(TOOLS))
    assert measure is not None
    assert (measure.total, measure.weight) == (1, 2)


@pytest.mark.parametrize("stop", ["truncated", "refused", "lost_by_server"])
def test_the_outcome_is_the_worst_of_the_positions(stop: Any) -> None:
    teacher = taught((A,), (B,))
    sample = forced(teacher, (A,), Turn(stop=stop), ())
    assert sample.outcome == stop
    assert not agrees(sample, teacher)


def test_trouble_of_the_service_is_infrastructure() -> None:
    sample = forced(taught((A,)), ServiceFault("503"), ())
    assert (sample.outcome, sample.error) == ("infrastructure", "step 1: 503")


def test_trouble_with_the_teachers_replies_is_infrastructure() -> None:
    async def dead(_: Call) -> Reply:
        raise ServiceFault("the server died")

    sample = asyncio.run(roll_forced("go", REQUEST, replace(taught((A,)), replies=()), Scripted((A,), ()), dead))
    assert (sample.outcome, sample.error) == ("infrastructure", "the server died")


def test_what_concerns_all_samples_is_raised() -> None:
    with pytest.raises(ModelUnavailable, match="no key"):
        forced(taught((A,)), ModelUnavailable("no key"), ())


def test_of_an_agent_that_ran_its_tools_the_first_step_counts() -> None:
    sample = forced(taught((A,), (B,)), Turn(chain=((A,), (B,))), Turn(chain=((B,),)), Turn(chain=()))
    assert sample.chain == ((A,), (B,))


STEPS = st.lists(st.sampled_from([A, B]), min_size=1, max_size=2).map(tuple)


@given(st.lists(STEPS, max_size=3), st.data())
def test_too_few_calls_at_a_position_never_agree(steps: Sequence[tuple[Call, ...]], data: st.DataObject) -> None:
    positions: Chain = tuple(data.draw(st.just(()) | STEPS) for _ in range(len(steps) + 1))
    teacher = taught(*steps)
    sample = forced(teacher, *positions)
    short = any(len(ours) < len(theirs) for ours, theirs in zip(positions, steps, strict=False))
    for mode in ("strict", "ordered", "sequence", "unordered", "superset", "names"):
        assert not (short and agrees(sample, teacher, mode))
    if list(positions) == [*steps, ()]:
        assert agrees(sample, teacher, "strict")
