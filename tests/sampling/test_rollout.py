from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pytest_toolmatch.core.chain import Call, calls_of
from pytest_toolmatch.core.conversation import Message, user
from pytest_toolmatch.core.errors import BudgetSpent, ModelUnavailable, RequestRejected, ServiceFault, ToolError
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.rollout import Rollout
from pytest_toolmatch.core.sample import Sample, Usage
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.judging.conduct import argument_validity, recovery
from pytest_toolmatch.judging.levels import comparable
from pytest_toolmatch.sampling.replies import Reply
from pytest_toolmatch.sampling.rollout import roll_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.core.errors import SamplingError

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = tuple(Tool(name=name, parameters=SCHEMA) for name in ("search", "book", "hold"))
REQUEST = Request(role="student", model="scripted", conversation=user("Rome, please."), tools=TOOLS)


def call(name: str = "search", city: Any = "Rome") -> Call:
    return Call(name, {"city": city})


def says(*calls: Call, text: str = "", **more: Any) -> Turn:
    return Turn(calls=calls, ids=tuple(f"id{number}" for number, _ in enumerate(calls)), text=text, **more)


DONE = says(text="There you are.")


class Scripted:
    """A scripted model: says its turns one after the other, and keeps what it was sent."""

    def __init__(self, *turns: Turn | SamplingError) -> None:
        self.turns = list(turns)
        self.requests: list[Request] = []

    async def __call__(self, request: Request) -> Turn:
        self.requests.append(request)
        turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        if isinstance(turn, Exception):
            raise turn
        return turn


async def found(call: Call) -> Reply:
    return Reply(f"found {call.arguments['city']}")


def rolled(*turns: Turn | SamplingError, **rules: Any) -> Sample:
    return asyncio.run(roll_out("rome", replace(REQUEST, rollout=Rollout(**rules)), Scripted(*turns), found))


def test_a_model_that_answers() -> None:
    assert rolled(replace(DONE, latency=0.5)) == Sample(
        case="rome", role="student", draw=0, outcome="answered", text="There you are.", latency=0.5
    )


@given(st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=4))
def test_a_sample_is_as_sure_as_the_least_sure_of_its_turns(confidences: list[float | None]) -> None:
    *before, last = confidences
    turns = [says(call(city=f"{place}"), confidence=one) for place, one in enumerate(before)]
    sample = rolled(*turns, replace(DONE, confidence=last))
    assert sample.confidence == (None if None in confidences else min(one for one in confidences if one is not None))


def test_a_refused_turn_counts_for_the_confidence_too() -> None:
    bad = says(Call("search", {}), confidence=0.2)
    assert rolled(bad, says(call(), confidence=0.9), replace(DONE, confidence=0.8)).confidence == 0.2


def test_calls_are_answered_until_the_model_is_done() -> None:
    model = Scripted(says(call(), call("book"), text="Let me see.", native={"n": 1}), says(call("hold")), DONE)
    sample = asyncio.run(roll_out("rome", REQUEST, model, found))
    assert sample.chain == ((call(), call("book")), (call("hold"),))
    assert sample.replies == (("found Rome", "found Rome"), ("found Rome",))
    assert (sample.outcome, sample.text, sample.refusals, sample.error) == ("called", "There you are.", (), "")
    assert model.requests[-1].conversation == (
        *REQUEST.conversation,
        Message("assistant", "Let me see.", (call(), call("book")), ids=("id0", "id1"), native={"n": 1}),
        Message("tool", "found Rome", name="search", reply_to="id0"),
        Message("tool", "found Rome", name="book", reply_to="id1"),
        Message("assistant", "", (call("hold"),), ids=("id0",)),
        Message("tool", "found Rome", name="hold", reply_to="id0"),
    )
    assert [one.tools for one in model.requests] == [TOOLS] * 3


def test_a_conversation_with_turns_is_continued() -> None:
    before = (*user("Rome"), Message("assistant", "", (call(),), ids=("x",)), Message("tool", "7", reply_to="x"))
    model = Scripted(says(call("book")), DONE)
    sample = asyncio.run(roll_out("rome", replace(REQUEST, conversation=before), model, found))
    assert model.requests[1].conversation[:3] == before
    assert sample.chain == ((call("book"),),)


def test_a_refused_call_is_answered_with_what_is_wrong_and_mended_in_the_same_step() -> None:
    model = Scripted(says(call(), call("book", 7)), says(call("bok")), says(call("book")), says(call("hold")), DONE)
    sample = asyncio.run(roll_out("rome", REQUEST, model, found))
    assert sample.chain == ((call(), call("book")), (call("hold"),))
    assert sample.replies == (("found Rome", "found Rome"), ("found Rome",))
    assert sample.outcome == "called"
    first, second = sample.refusals
    assert (first.call, first.reason, first.step, first.attempt) == (call("book", 7), "schema_violation", 0, 0)
    assert (second.call, second.reason, second.step, second.attempt) == (call("bok"), "unknown_tool", 0, 1)
    assert second.message == "there is no tool 'bok'; did you mean 'book'?"
    assert model.requests[1].conversation[-2:] == (
        Message("tool", "found Rome", name="search", reply_to="id0"),
        Message("tool", first.message, name="book", reply_to="id1", error=True),
    )
    assert argument_validity_of(sample) == (2, 3)


def test_arguments_that_are_no_object_are_malformed() -> None:
    (refusal,) = rolled(says(Call("search", '{"city": ')), DONE).refusals
    assert (refusal.reason, refusal.call.arguments) == ("malformed_json", '{"city": ')


def argument_validity_of(sample: Sample) -> tuple[float, float]:
    measure = argument_validity([sample], ArgumentValidator(TOOLS))
    assert measure is not None
    return (measure.total, measure.weight)


def test_a_call_that_is_refused_for_good_makes_the_sample_invalid() -> None:
    bad = says(call(), call("book", 7))
    sample = rolled(says(call("hold")), bad, says(call("book", 8)), says(call("book", 9)))
    assert sample.outcome == "invalid"
    assert sample.error == "stopped: calls were refused in 3 turns, 2 may be retried"
    assert sample.chain == ((call("hold"),), (call(),))
    assert [(one.step, one.attempt) for one in sample.refusals] == [(2, 0), (2, 1), (2, 2)]
    assert sample.replies == (("found Rome",), ("found Rome",))
    assert not comparable(sample)
    assert argument_validity_of(sample) == (2, 3)


def test_retries_are_counted_per_sample() -> None:
    turns = [says(call("book", 7)), says(call("book")), says(call("hold", 7)), says(call("hold")), DONE]
    assert rolled(*turns).outcome == "called"
    sample = rolled(*turns, max_retries=1)
    assert (sample.outcome, sample.chain) == ("invalid", ((call("book"),),))
    assert rolled(*turns, max_retries=0).chain == ()


def test_a_refused_call_that_is_given_up_leaves_the_call_beside_it() -> None:
    sample = rolled(says(call(), call("book", 7)), DONE)
    assert (sample.outcome, sample.chain) == ("called", ((call(),),))
    assert argument_validity_of(sample) == (1, 2)
    sample = rolled(says(call("book", 7)), DONE)
    assert (sample.outcome, sample.chain, sample.refusals[0].step) == ("answered", (), 0)
    assert argument_validity_of(sample) == (0, 1)


@pytest.mark.parametrize("stop", ["truncated", "refused", "lost_by_server"])
def test_a_turn_that_did_not_end_well_ends_the_sample(stop: Any) -> None:
    sample = rolled(says(call()), says(call("book"), text="I", stop=stop))
    assert (sample.outcome, sample.chain, sample.text) == (stop, ((call(),),), "I")


def test_the_same_step_with_the_same_reply_a_third_time_is_a_loop() -> None:
    sample = rolled(says(call("book")), says(call()))
    assert sample.outcome == "truncated"
    assert sample.error == "stopped: search called 3 times with the same arguments, and the same came back"
    assert sample.chain == ((call("book"),), *[(call(),)] * 3)


def test_a_cycle_is_a_loop() -> None:
    sample = rolled(*[says(call()), says(call("book"), call("hold"))] * 4)
    assert sample.error.startswith("stopped: search → book, hold called 3 times")
    assert len(sample.chain) == 6


def test_asking_the_same_again_is_no_loop_while_something_else_comes_back() -> None:
    pages = iter("abcde")

    async def next_page(_: Call) -> Reply:
        return Reply(next(pages))

    turns = [says(call())] * 5
    sample = asyncio.run(roll_out("rome", REQUEST, Scripted(*turns, DONE), next_page))
    assert (sample.outcome, len(sample.chain)) == ("called", 5)


def test_a_model_that_never_stops_is_stopped() -> None:
    steps = [says(call(city=str(number))) for number in range(9)]
    sample = rolled(*steps, max_steps=4)
    assert (sample.outcome, sample.error, len(sample.chain)) == ("truncated", "stopped: more than 4 steps", 4)
    assert rolled(*steps[:4], DONE, max_steps=4).outcome == "called"


def test_an_agent_that_ran_its_tools_is_the_whole_sample() -> None:
    chain = ((call(),), (), (call("book"),))
    usage = Usage(input=3)
    sample = rolled(Turn(chain=chain, text="Done.", usage=usage, latency=2.0))
    assert (sample.outcome, sample.chain, sample.text) == ("called", (chain[0], chain[2]), "Done.")
    assert (sample.usage, sample.latency) == (usage, 2.0)
    assert rolled(Turn(chain=())).outcome == "answered"
    assert rolled(Turn(chain=chain, stop="truncated")).outcome == "truncated"


def test_usage_and_latency_are_summed() -> None:
    sample = rolled(
        says(call(), usage=Usage(1, 2, 3, 4), latency=0.25),
        says(call("book")),
        replace(DONE, usage=Usage(10), latency=1.0),
    )
    assert sample.usage == Usage(11, 2, 3, 4)
    assert sample.latency is not None
    assert 1.25 < sample.latency < 1.75
    assert rolled(DONE).usage is None


def test_the_time_of_tools_does_not_count() -> None:
    async def slow(_: Call) -> Reply:
        await asyncio.sleep(0.1)
        return Reply("late")

    sample = asyncio.run(roll_out("rome", REQUEST, Scripted(says(call()), DONE), slow))
    assert sample.latency is not None
    assert 0 < sample.latency < 0.1


@pytest.mark.parametrize("error", [ServiceFault("503 from x"), RequestRejected("400 from x")])
def test_trouble_of_the_service_is_infrastructure(error: SamplingError) -> None:
    sample = rolled(says(call(), usage=Usage(3)), error)
    assert (sample.outcome, sample.error, sample.usage) == ("infrastructure", str(error), Usage(3))


@pytest.mark.parametrize("error", [ModelUnavailable("no key"), BudgetSpent("5 USD spent")])
def test_what_concerns_all_samples_is_raised(error: SamplingError) -> None:
    with pytest.raises(type(error), match=str(error)):
        rolled(says(call()), error)


def test_a_dead_tool_server_is_infrastructure() -> None:
    async def dead(_: Call) -> Reply:
        raise ServiceFault("MCP server x died")

    sample = asyncio.run(roll_out("rome", REQUEST, Scripted(says(call())), dead))
    assert (sample.outcome, sample.error) == ("infrastructure", "MCP server x died")


def test_a_tool_whose_schema_is_none_is_the_suites_fault() -> None:
    request = replace(REQUEST, tools=(Tool(name="search", parameters={"type": "strnig"}),))
    with pytest.raises(ToolError, match="'strnig' is no JSON Schema type"):
        asyncio.run(roll_out("rome", request, Scripted(says(call())), found))


def test_cancelling_is_never_swallowed() -> None:
    async def hang(_: Request) -> Turn:
        await asyncio.sleep(3600)
        raise AssertionError

    async def main() -> None:
        async with asyncio.timeout(0.01):
            await roll_out("rome", REQUEST, hang, found)

    with pytest.raises(TimeoutError):
        asyncio.run(main())


CALLS = st.builds(call, st.sampled_from(["search", "book", "gone"]), st.sampled_from(["Rome", "Oslo", 7]))
TURNS = st.lists(CALLS, max_size=3).map(lambda calls: says(*calls))


@given(st.lists(TURNS, max_size=6), st.integers(0, 3), st.integers(1, 4))
def test_what_every_sample_keeps_to(turns: Sequence[Turn], max_retries: int, max_steps: int) -> None:
    model = Scripted(*turns, DONE)
    rules = Rollout(max_retries=max_retries, max_steps=max_steps)
    sample = asyncio.run(roll_out("rome", replace(REQUEST, rollout=rules), model, found))
    validator = ArgumentValidator(TOOLS)
    assert all(validator.problem(one) is None for one in calls_of(sample.chain))
    assert all(validator.problem(one.call) is not None for one in sample.refusals)
    assert all(sample.chain)
    assert len(sample.chain) <= max_steps
    assert [len(step) for step in sample.replies] == [len(step) for step in sample.chain]
    assert all(0 <= one.step <= len(sample.chain) for one in sample.refusals)
    assert len({(one.step, one.attempt) for one in sample.refusals}) <= max_retries + 1
    for step in {one.step for one in sample.refusals}:
        attempts = {one.attempt for one in sample.refusals if one.step == step}
        assert attempts == set(range(len(attempts)))
    assert (recovery([sample]) is None) == (not sample.refusals)
    sent = model.requests[-1].conversation
    replied = [one.reply_to for one in sent if one.role == "tool"]
    assert replied == [name for one in sent if one.role == "assistant" for name in one.ids]
