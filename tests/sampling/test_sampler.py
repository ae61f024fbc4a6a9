from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.errors import (
    BudgetSpent,
    ConfigError,
    ModelUnavailable,
    RecordingError,
    RequestRejected,
    SamplingError,
    ServiceFault,
)
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.sample import Sample, Usage
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.sampling import limits
from pytest_toolmatch.sampling.budget import Budget
from pytest_toolmatch.sampling.limits import ModelLimits
from pytest_toolmatch.sampling.prices import Prices
from pytest_toolmatch.sampling.progress import wait
from pytest_toolmatch.sampling.recorder import Recorder
from pytest_toolmatch.sampling.recordings import Record, read_recording
from pytest_toolmatch.sampling.retrying import Retries
from pytest_toolmatch.sampling.sampler import Sampler, Work
from tests.servers.loopback import Answer, Loopback, Received

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from pytest_toolmatch.sampling.lane import Complete

MODEL = Model(provider="local", name="small")
OTHER = Model(provider="local", name="other")
REQUEST = Request(role="student", model=MODEL.identity, conversation=user("hello"))
QUICK = Retries(first_wait=0.002, longest_wait=0.01, longest_pause=0.1)


class Counted:
    """A provider that is a function of how many calls came before."""

    def __init__(self, answer: Callable[[int], Awaitable[Turn]]) -> None:
        self.answer = answer
        self.calls = self.in_flight = self.most = self.closed = 0

    async def complete(self, _: Request) -> Turn:
        self.calls += 1
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            return await self.answer(self.calls - 1)
        finally:
            self.in_flight -= 1

    async def aclose(self) -> None:
        self.closed += 1


async def at_once(_: int) -> Turn:
    await asyncio.sleep(0)
    return Turn(text="hi", usage=Usage(input=1000, output=100))


async def soon(_: int) -> Turn:
    await asyncio.sleep(0.002)
    return Turn(text="hi")


async def never(_: int) -> Turn:
    await asyncio.sleep(3600)
    raise AssertionError


def failing(*faults: Exception, then: Callable[[int], Awaitable[Turn]] = at_once) -> Callable[[int], Awaitable[Turn]]:
    async def answer(call: int) -> Turn:
        await asyncio.sleep(0)
        if call < len(faults):
            raise faults[call]
        return await then(call)

    return answer


def always(error: Callable[[], Exception]) -> Callable[[int], Awaitable[Turn]]:
    async def answer(_: int) -> Turn:
        await asyncio.sleep(0)
        raise error()

    return answer


def refused() -> ServiceFault:
    return ServiceFault("nothing listens at localhost:8000", unreachable=True)


def rolling(case: str, draw: int = 0, turns: int = 1) -> Callable[[Complete], Awaitable[Sample]]:
    """Return a rollout of so many turns; what passes makes an infrastructure sample, as a real one does."""

    async def run(complete: Complete) -> Sample:
        latency = 0.0
        try:
            for _ in range(turns):
                turn = await complete(REQUEST)
                latency += turn.latency or 0.0
        except (ModelUnavailable, BudgetSpent):
            raise
        except SamplingError as error:
            return Sample(case=case, role="student", draw=draw, outcome="infrastructure", error=str(error))
        return Sample(case=case, role="student", draw=draw, outcome="answered", latency=latency)

    return run


class Bench:
    """A sampler over counted providers, one for each model."""

    def __init__(self) -> None:
        self.services: dict[str, Counted] = {}
        self.samplers: list[Sampler] = []

    def sampler(self, answer: Callable[[int], Awaitable[Turn]] = at_once, **options: Any) -> Sampler:
        def opened(model: Model) -> Counted:
            return self.services.setdefault(model.identity, Counted(answer))

        self.samplers.append(Sampler(**{"retries": QUICK, "open_provider": opened} | options))
        return self.samplers[-1]

    @property
    def service(self) -> Counted:
        return self.services[MODEL.identity]


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    for sampler in bench.samplers:
        sampler.close(cancel=True)


def submit(sampler: Sampler, count: int, *, model: Model = MODEL, turns: int = 1, **more: Any) -> list[Future[Sample]]:
    return [
        sampler.submit(
            Work(case=f"c{n}", key=f"{model.name}{n}", model=model, run=rolling(f"c{n}", turns=turns), **more)
        )
        for n in range(count)
    ]


def results(futures: list[Future[Sample]]) -> list[Sample]:
    return [future.result(5) for future in futures]


def errors(futures: list[Future[Sample]]) -> list[BaseException | None]:
    return [future.exception(5) for future in futures]


# Draws.


def test_draws_come_back_in_their_futures(bench: Bench) -> None:
    sampler = bench.sampler()
    assert [one.case for one in results(submit(sampler, 100))] == [f"c{n}" for n in range(100)]
    assert bench.service.calls == 100


def test_a_draw_that_was_given_in_before_is_not_drawn_again(bench: Bench) -> None:
    sampler = bench.sampler()
    first, second = submit(sampler, 20), submit(sampler, 20)
    assert all(one is other for one, other in zip(first, second, strict=True))
    results(first)
    assert submit(sampler, 20)[7] is first[7]
    assert bench.service.calls == 20


@given(st.integers(1, 12), st.integers(0, 60), st.integers(1, 3))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_never_more_at_once_than_allowed_but_as_many(concurrency: int, draws: int, turns: int) -> None:
    bench = Bench()
    sampler = bench.sampler(soon, concurrency=concurrency)
    results(submit(sampler, draws, turns=turns))
    sampler.close()
    if draws:
        assert bench.service.most == min(concurrency, draws)
        assert bench.service.calls == draws * turns


def test_a_rollout_that_asks_several_things_at_once_stays_within_the_limit(bench: Bench) -> None:
    async def run(complete: Complete) -> Sample:
        await asyncio.gather(*(complete(REQUEST) for _ in range(9)))
        return Sample(case="c", role="student", draw=0, outcome="answered")

    sampler = bench.sampler(soon, concurrency=4, budget=Budget(calls=100))
    futures = [sampler.submit(Work(case="c", key=f"{n}", model=MODEL, run=run)) for n in range(4)]
    results(futures)
    assert bench.service.most == 4
    assert sampler.budget.calls == 36
    assert all(account.open == account.in_flight == 0 for account in sampler.budget.accounts)


def test_thousands_of_draws_are_no_thousands_of_tasks(bench: Bench) -> None:
    most = 0

    async def looking(call: int) -> Turn:
        nonlocal most
        if call % 100 == 0:
            most = max(most, len(asyncio.all_tasks()))
        return await at_once(call)

    results(submit(bench.sampler(looking, concurrency=50), 2000))
    assert 1 < most <= 55


def test_a_burst_wakes_the_loop_once(bench: Bench) -> None:
    sampler = bench.sampler()
    results(submit(sampler, 1))
    portal, wakes, busy = sampler._portal, [], threading.Event()
    assert portal
    portal.call_soon(busy.wait, 5)
    woken, portal.call_soon = portal.call_soon, lambda *call: (wakes.append(call), woken(*call))  # type: ignore[method-assign]
    submit(sampler, 500)
    busy.set()
    results(submit(sampler, 500))
    assert len(wakes) == 1


def test_draws_may_come_from_many_threads(bench: Bench) -> None:
    sampler, done = bench.sampler(), []

    def give_in(who: str) -> None:
        works = (Work(case=f"c{n}", key=f"{who}{n}", model=MODEL, run=rolling(f"c{n}")) for n in range(200))
        futures = [sampler.submit(work) for work in works]
        done.extend(results(futures))

    threads = [threading.Thread(target=give_in, args=(who,)) for who in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(done) == bench.service.calls == 800


def test_each_model_has_limits_of_its_own(bench: Bench) -> None:
    sampler = bench.sampler(soon, concurrency=8, limits={OTHER.identity: ModelLimits(concurrency=2)})
    results(submit(sampler, 40) + submit(sampler, 10, model=OTHER))
    assert {name: one.most for name, one in bench.services.items()} == {"local:small": 8, "local:other": 2}


def test_a_rate_limit_is_kept_and_is_not_latency(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_BURST", 0.0)  # else the first ten seconds' worth goes at once
    sampler = bench.sampler(soon, limits={MODEL.identity: ModelLimits(requests_per_minute=3000)})
    started = time.monotonic()
    latencies = sorted(one.latency or 0 for one in results(submit(sampler, 9)))
    assert time.monotonic() - started >= 8 * 0.02
    assert 0.002 <= latencies[0] <= latencies[4] < 0.015


def test_waiting_for_a_place_is_not_latency(bench: Bench) -> None:
    async def slow(_: int) -> Turn:
        await asyncio.sleep(0.01)
        return Turn()

    latencies = [one.latency or 0 for one in results(submit(bench.sampler(slow, concurrency=1), 12))]
    assert sorted(latencies)[6] < 0.03


def test_a_draw_that_goes_wrong_tells_who_waits_for_it_and_nobody_else(bench: Bench) -> None:
    async def broken(_: Complete) -> Sample:
        raise ZeroDivisionError("a mistake in a tool")

    async def skipped(_: Complete) -> Sample:
        pytest.skip("from a user's agent")

    async def cancelled(_: Complete) -> Sample:
        raise asyncio.CancelledError

    sampler = bench.sampler(concurrency=1)
    runs = [broken, skipped, cancelled]
    futures = [sampler.submit(Work(case="c", key=str(n), model=MODEL, run=run)) for n, run in enumerate(runs)]
    assert [type(one) for one in errors(futures)] == [ZeroDivisionError, pytest.skip.Exception, CancelledError]
    assert len(results(submit(sampler, 3))) == 3


def test_a_future_may_be_cancelled_before_its_turn(bench: Bench) -> None:
    sampler = bench.sampler(soon, concurrency=1)
    futures = submit(sampler, 5)
    assert futures[4].cancel()
    results(futures[:4])
    sampler.close()
    assert bench.service.calls == 4
    assert sampler.progress().done == sampler.progress().total == 5


def test_a_model_that_nothing_answers_to_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigError, match="can't be called, only replayed"):
        Sampler().submit(Work(case="c", key="k", model=Model(name="old"), run=rolling("c")))


# Faults.


@pytest.mark.parametrize("faults", range(5))
def test_what_passes_is_asked_again(bench: Bench, faults: int) -> None:
    (sample,) = results(submit(bench.sampler(failing(*[ServiceFault("HTTP 500")] * faults)), 1))
    assert sample.valid
    assert bench.service.calls == faults + 1


def test_what_does_not_pass_is_infrastructure(bench: Bench) -> None:
    sampler = bench.sampler(failing(*[ServiceFault("local:small: HTTP 500")] * 5))
    bad, good = results(submit(sampler, 1)) + results(submit(sampler, 2)[1:])
    assert (bad.outcome, bad.error) == ("infrastructure", "local:small: HTTP 500")
    assert good.valid
    assert sampler.progress().failed == 1


def test_a_server_that_is_not_there_fails_every_draw_at_once_with_one_message(bench: Bench) -> None:
    sampler = bench.sampler(always(refused), concurrency=10)
    futures = submit(sampler, 300)
    found = errors(futures) + errors(submit(sampler, 301)[300:])
    assert {type(one) for one in found} == {ModelUnavailable}
    assert {str(one) for one in found} == {"nothing listens at localhost:8000"}
    assert bench.service.calls <= 30
    assert len({id(one) for one in found}) == len(found)  # each its own: tracebacks are not shared


def test_a_server_that_is_just_starting_is_waited_for(bench: Bench) -> None:
    assert results(submit(bench.sampler(failing(refused(), refused())), 1))[0].valid


def test_an_unavailable_model_breaks_off_what_hangs_and_leaves_others_alone(bench: Bench) -> None:
    async def one_tells(call: int) -> Turn:
        if call == 5:
            raise ModelUnavailable("local:small: HTTP 401: the key is not accepted")
        return await never(call)

    bench.services[OTHER.identity] = Counted(at_once)
    sampler = bench.sampler(one_tells)
    started = time.monotonic()
    assert {str(one) for one in errors(submit(sampler, 50))} == {"local:small: HTTP 401: the key is not accepted"}
    assert time.monotonic() - started < 0.5
    assert all(one.valid for one in results(submit(sampler, 10, model=OTHER)))


def test_a_model_that_rejects_everything_is_unavailable(bench: Bench) -> None:
    sampler = bench.sampler(always(lambda: RequestRejected("HTTP 400: no such parameter")), concurrency=1)
    futures = submit(sampler, 100)
    wait(futures)
    found = [one for one in errors(futures) if one]
    assert len(found) == 98
    assert {str(one) for one in found} == {"every request is rejected: HTTP 400: no such parameter"}
    assert bench.service.calls == 3


def test_one_rejected_request_is_about_its_case(bench: Bench) -> None:
    samples = results(submit(bench.sampler(failing(RequestRejected("HTTP 400: too long")), concurrency=1), 10))
    assert [one.valid for one in samples] == [False] + [True] * 9
    assert bench.service.calls == 10  # it is not asked again


def test_a_package_that_is_missing_fails_the_draws_not_the_submission() -> None:
    def opened(_: Model) -> Counted:
        raise ModelUnavailable("the package 'openai' is not installed")

    sampler = Sampler(open_provider=opened)
    assert {str(one) for one in errors(submit(sampler, 5))} == {"the package 'openai' is not installed"}
    sampler.close()


def test_a_server_that_dies_does_not_cost_minutes_a_draw(bench: Bench) -> None:
    async def dies(call: int) -> Turn:
        if call >= 20:
            raise refused()
        return await at_once(call)

    retries = Retries(first_wait=0.02, longest_wait=0.1, patience=0.1, probe_every=0.05)
    sampler = bench.sampler(dies, concurrency=10, retries=retries)
    started = time.monotonic()
    samples = results(submit(sampler, 3000))
    assert Counter(one.outcome for one in samples)["infrastructure"] == 2980
    assert time.monotonic() - started < 2
    assert bench.service.calls < 300


def test_a_server_that_comes_back_is_used_again(bench: Bench) -> None:
    back = threading.Event()

    async def restarts(call: int) -> Turn:
        if call >= 5 and not back.is_set():
            raise refused()
        return await at_once(call)

    retries = Retries(first_wait=0.005, longest_wait=0.01, patience=0.02, probe_every=0.01)
    sampler = bench.sampler(restarts, concurrency=5, retries=retries)
    assert Counter(one.valid for one in results(submit(sampler, 200)))[False] > 100
    back.set()
    time.sleep(0.05)
    assert all(one.valid for one in results(submit(sampler, 300)[200:]))


def test_an_overloaded_model_is_asked_less_at_once_until_all_is_answered(bench: Bench) -> None:
    """A service that takes 8 at once, whoever sends more is turned away."""

    async def takes_eight(call: int) -> Turn:
        if bench.service.in_flight > 8:
            raise ServiceFault("HTTP 429", overloaded=True)
        return await soon(call)

    samples = results(submit(bench.sampler(takes_eight, concurrency=64), 400))
    assert sum(one.valid for one in samples) >= 396
    assert bench.service.calls < 1200


def test_when_a_model_asks_to_wait_all_of_its_requests_wait(bench: Bench) -> None:
    sent: list[float] = []

    async def asks_once(call: int) -> Turn:
        sent.append(time.monotonic())
        if call == 0:
            raise ServiceFault("HTTP 429", retry_after=0.1)
        return await soon(call)

    sampler = bench.sampler(asks_once, concurrency=2)
    futures = submit(sampler, 20)
    time.sleep(0.05)
    assert 0 < sampler.progress().paused[MODEL.identity] <= 0.1
    assert all(one.valid for one in results(futures))
    first, _, *others = sent  # the second was in flight beside the first
    assert min(others) - first >= 0.09


# Budget and prices.


@given(st.integers(0, 40), st.integers(1, 30), st.integers(1, 3), st.integers(0, 3))
@settings(max_examples=15, deadline=None)
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


def test_a_budget_in_dollars_needs_a_price() -> None:
    model = Model(provider="openai", name="nobody-has-priced-this")
    sampler = Sampler(budget=Budget(usd=1), open_provider=lambda _: Counted(at_once))
    (error,) = errors(submit(sampler, 1, model=model))
    assert isinstance(error, ModelUnavailable)
    assert "nobody knows what it costs" in str(error)
    sampler.close()


# Recording.


def keeping(recorder: Recorder) -> Callable[[Sample], Sample]:
    def keep(sample: Sample) -> Sample:
        return recorder.write(Record(key=f"{sample.case}-{sample.draw}", model="m", sample=sample)).sample

    return keep


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


# Over a real connection.


def test_draws_over_http_reach_the_limit_and_no_more(bench: Bench) -> None:
    class Http:
        def __init__(self, url: str) -> None:
            self.url, self.session = url, None

        async def complete(self, _: Request) -> Turn:
            import aiohttp  # noqa: PLC0415

            self.session: Any = self.session or aiohttp.ClientSession()
            async with self.session.post(self.url, json={}) as response:
                if response.status == 429:
                    raise ServiceFault("HTTP 429", retry_after=float(response.headers["Retry-After"]))
                return Turn(text=(await response.json())["text"])

        async def aclose(self) -> None:
            if self.session:
                await self.session.close()

    def answer(_: Received) -> Answer:
        full = server.in_flight > 16
        return Answer({"text": "hi"}, 429 if full else 200, {"Retry-After": "0.02"} if full else {}, 0.005)

    with Loopback(answer) as server:
        sampler = bench.sampler(open_provider=lambda _: Http(server.url), concurrency=24)
        samples = results(submit(sampler, 150))
        sampler.close()  # no session stays open
        assert sum(one.valid for one in samples) >= 148
        assert 16 <= server.most_in_flight <= 24
        assert json.loads(server.requests[0].body) == {}


# Progress, and the end.


def test_progress_tells_how_far_it_is(bench: Bench) -> None:
    sampler = bench.sampler(never, concurrency=3)
    bench.services[OTHER.identity] = Counted(at_once)
    submit(sampler, 5)
    results(submit(sampler, 4, model=OTHER))
    progress = sampler.progress()
    assert (progress.done, progress.total, progress.failed, progress.calls) == (4, 9, 0, 7)
    assert progress.waiting_for == {"local:small": 5}
    assert progress.paused == {}


def test_a_sampler_with_nothing_to_do_starts_nothing() -> None:
    sampler = Sampler()
    assert sampler.progress().total == 0
    sampler.close()
    with pytest.raises(RuntimeError, match="closed"):
        submit(sampler, 1)


def test_waiting_ticks_about_five_times_a_second(bench: Bench) -> None:
    async def half_a_second(_: int) -> Turn:
        await asyncio.sleep(0.1)
        return Turn()

    ticks: list[float] = []
    wait(submit(bench.sampler(half_a_second, concurrency=2), 6), lambda: ticks.append(time.monotonic()), every=0.05)
    assert 4 <= len(ticks) <= 7


def test_closing_finishes_what_was_given_in(bench: Bench) -> None:
    sampler = bench.sampler(soon, concurrency=5)
    futures = submit(sampler, 50)
    sampler.close()
    sampler.close()
    assert all(future.done() and future.result().valid for future in futures)
    assert bench.service.closed == 1


def test_cancelling_is_quick_whatever_hangs_and_keeps_what_is_finished(bench: Bench, tmp_path: Path) -> None:
    async def some_hang(call: int) -> Turn:
        return await (at_once(call) if call < 10 else never(call))

    with Recorder(tmp_path / "m.jsonl") as recorder:
        sampler = bench.sampler(some_hang, concurrency=20)
        futures = submit(sampler, 1000, keep=keeping(recorder))
        results(futures[:10])
        started = time.monotonic()
        sampler.close(cancel=True)
        assert time.monotonic() - started < 0.5
        assert {type(one) for one in errors(futures[10:])} == {CancelledError}
        assert len(read_recording(recorder.path, "m").by_key) == 10
        assert bench.service.closed == 1


END = """
    import asyncio, sys
    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.turn import Turn
    from pytest_toolmatch.sampling.progress import wait
    from pytest_toolmatch.sampling.sampler import Sampler, Work

    class Hanging:
        async def complete(self, request):
            print("asked", flush=True)
            await asyncio.sleep(3600)
        async def aclose(self):
            print("closed", flush=True)

    async def run(complete):
        return await complete(None)

    sampler = Sampler(open_provider=lambda model: Hanging())
    future = sampler.submit(Work(case="c", key="k", model=Model(provider="local", name="m"), run=run))
"""


def run_python(code: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-X", "dev", "-W", "always", "-c", textwrap.dedent(END) + textwrap.dedent(code)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_process_that_forgets_to_close_ends_at_once_without_a_word() -> None:
    process = run_python("import time; time.sleep(0.05)")
    assert process.communicate(timeout=5) == ("asked\nclosed\n", "")
    assert process.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_ends_waiting_at_once() -> None:
    process = run_python("""
        import time
        try:
            wait([future])
        except KeyboardInterrupt:
            started = time.perf_counter()
            sampler.close(cancel=True)
            print(time.perf_counter() - started < 0.5)
    """)
    assert process.stdout
    assert process.stdout.readline() == "asked\n"
    sent = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=5)
    assert (out, err) == ("closed\nTrue\n", "")
    assert time.monotonic() - sent < 1.5
