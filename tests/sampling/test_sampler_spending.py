from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_toolmatch.core.errors import (
    BudgetSpent,
    ModelUnavailable,
    RecordingError,
    ServiceFault,
)
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.sampling.budget import Budget
from pytest_toolmatch.sampling.lane import Job, Lane, Work
from pytest_toolmatch.sampling.limits import ModelLimits
from pytest_toolmatch.sampling.prices import Price, Prices
from pytest_toolmatch.sampling.recorder import Recorder
from pytest_toolmatch.sampling.recordings import Record, read_recording
from pytest_toolmatch.sampling.sampler import Sampler
from tests.sampling.services import (
    MODEL,
    OTHER,
    QUICK,
    Bench,
    Counted,
    at_once,
    errors,
    failing,
    keeping,
    never,
    results,
    rolling,
    soon,
    submit,
)

if TYPE_CHECKING:
    from pathlib import Path


@given(st.integers(0, 40), st.integers(1, 30), st.integers(1, 3), st.integers(0, 3))
@settings(max_examples=15)
def test_a_budget_in_calls_is_never_exceeded(calls: int, draws: int, turns: int, faults: int) -> None:
    bench = Bench()
    answer = failing(*[ServiceFault("HTTP 500")] * faults, then=soon)
    sampler = bench.sampler(answer, budget=Budget(calls=calls), concurrency=16)
    futures = submit(sampler, draws, turns=turns)
    assert {type(one) for one in errors(futures)} <= {type(None), BudgetSpent}
    sampler.close()
    assert bench.service.calls == sampler.progress().calls <= calls


def test_dollars_are_counted_and_written_on_the_sample(bench: Bench) -> None:
    sampler = bench.sampler(prices=Prices({MODEL.identity: "1/10"}))
    samples = results(submit(sampler, 10, turns=2))
    assert [one.cost for one in samples] == pytest.approx([0.004] * 10)
    assert sampler.progress().cost == pytest.approx(0.04)


def test_a_fault_does_not_hide_what_the_answers_cost(bench: Bench) -> None:
    sampler = bench.sampler(failing(ServiceFault("HTTP 500")), prices=Prices({MODEL.identity: "1/10"}))
    assert results(submit(sampler, 1))[0].cost == pytest.approx(0.002)


@pytest.mark.parametrize(("answer", "prices"), [(at_once, Prices()), (soon, Prices({MODEL.identity: "1/10"}))])
def test_a_cost_that_is_not_known_is_none(bench: Bench, answer: Any, prices: Prices) -> None:
    assert results(submit(bench.sampler(answer, prices=prices), 1))[0].cost is None


def test_a_budget_in_dollars_is_kept_with_hundreds_in_flight(bench: Bench) -> None:
    async def slow(call: int) -> Turn:
        await asyncio.sleep(0.01)
        return await at_once(call)

    prices = Prices({MODEL.identity: "1/10"})  # 0.002 a call
    sampler = bench.sampler(slow, prices=prices, budget=Budget(usd=0.2), concurrency=300)
    futures = submit(sampler, 1000)
    found = [one for one in errors(futures) if one]
    assert 0.19 <= sampler.progress().cost <= 0.2001
    assert bench.service.most > 20
    assert 895 <= len(found) <= 905
    assert str(found[-1]).startswith("budget of 0.20 USD is spent (0.20 USD, 100 calls so far)")


@pytest.mark.parametrize("what", ["refused", "cancelled", "not paid"])
def test_no_model_waits_for_the_turn_of_draws_that_will_not_be_made(what: str) -> None:
    async def play() -> Sample:
        budget, price = Budget(usd=1), Prices({OTHER.identity: "1/10"}).of(OTHER)
        error = ModelUnavailable("no key") if what == "refused" else None
        first, second = lane(MODEL, budget), lane(OTHER, budget, price=price, error=error)
        await drawn(first)
        turn, job = drawn(first), Job(Work(case="c", key="k", model=OTHER, run=rolling("c")))
        budget.usd = float(what == "not paid")
        if what == "cancelled":
            job.future.cancel()
        second.put(job)
        await asyncio.sleep(0.01)
        assert not turn.done()
        second.spawn()
        return await asyncio.wait_for(turn, 5)

    def lane(model: Model, budget: Budget, *, price: Price | None = None, error: Exception | None = None) -> Lane:
        return Lane(
            model,
            Counted(at_once),
            limits=ModelLimits(),
            retries=QUICK,
            account=budget.account(priced=price is not None),
            price=price,
            error=error,
            stop=pytest.fail,
        )

    def drawn(lane: Lane) -> asyncio.Future[Sample]:
        job = Job(Work(case="c", key="k", model=MODEL, run=rolling("c")))
        lane.put(job)
        lane.spawn()
        return asyncio.wrap_future(job.future)

    assert asyncio.run(play()).outcome == "answered"


def test_a_budget_in_dollars_needs_a_price() -> None:
    model = Model(provider="openai", name="nobody-has-priced-this")
    sampler = Sampler(budget=Budget(usd=1), open_provider=lambda _: Counted(at_once))
    (error,) = errors(submit(sampler, 1, model=model))
    assert isinstance(error, ModelUnavailable)
    assert "nobody knows what it costs" in str(error)
    sampler.close()


# Recording.


def test_samples_are_recorded_as_they_come_but_no_infrastructure(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    with Recorder(path) as recorder:
        faults = [ServiceFault("HTTP 500")] * 5
        sampler = bench.sampler(failing(*faults), concurrency=1)
        samples = results(submit(sampler, 10, keep=keeping(recorder)))
        assert [one.sample for one in read_recording(path, "m").by_key.values()] == samples[1:]


def test_the_sample_that_stands_is_the_one_that_counts(bench: Bench, tmp_path: Path) -> None:
    with Recorder(tmp_path / "m.jsonl") as recorder:
        theirs = Sample(case="c0", role="student", draw=0, outcome="answered", text="theirs")
        recorder.write(Record(key="c0-0", model="m", sample=theirs))
        assert results(submit(bench.sampler(), 2, keep=keeping(recorder)))[0] == theirs


def test_what_can_not_be_recorded_is_not_asked_for(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    recorder = Recorder(tmp_path / "file" / "m.jsonl")
    bench.services[OTHER.identity] = Counted(never)
    sampler = bench.sampler(soon, concurrency=2)
    futures = submit(sampler, 5, model=OTHER) + submit(sampler, 200, keep=keeping(recorder))
    found = errors(futures) + errors(submit(sampler, 1, model=Model(provider="local", name="third")))
    assert {type(one) for one in found} == {RecordingError}
    assert len({str(one) for one in found}) == 1
    assert bench.service.calls <= 4
