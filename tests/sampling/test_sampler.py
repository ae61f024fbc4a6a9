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
import weakref
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_toolmatch.core.errors import (
    ConfigError,
    ServiceFault,
)
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.sampling import limits
from pytest_toolmatch.sampling.batcher import Batcher
from pytest_toolmatch.sampling.budget import Budget
from pytest_toolmatch.sampling.limits import ModelLimits
from pytest_toolmatch.sampling.progress import wait
from pytest_toolmatch.sampling.recorder import Recorder
from pytest_toolmatch.sampling.recordings import read_recording
from pytest_toolmatch.sampling.sampler import Sampler, Work
from tests.sampling.services import (
    MODEL,
    OTHER,
    REQUEST,
    Bench,
    Counted,
    at_once,
    errors,
    keeping,
    never,
    results,
    rolling,
    soon,
    submit,
)
from tests.servers import chat
from tests.servers.loopback import Answer, Loopback, Received

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_toolmatch.sampling.lane import Complete


def test_draws_come_back_in_their_futures(bench: Bench) -> None:
    sampler = bench.sampler()
    assert [one.case for one in results(submit(sampler, 100))] == [f"c{n}" for n in range(100)]
    assert bench.service.calls == 100


def test_a_draw_that_was_given_in_before_is_not_drawn_again(bench: Bench) -> None:
    told = threading.Event()

    async def once_told(call: int) -> Turn:
        await asyncio.to_thread(told.wait, 5)  # of a draw that is over the sample is kept, not the future
        return await at_once(call)

    sampler = bench.sampler(once_told)
    first, second = submit(sampler, 20), submit(sampler, 20)
    assert all(one is other for one, other in zip(first, second, strict=True))
    told.set()
    samples = results(first)
    assert all(one is other for one, other in zip(samples, results(submit(sampler, 20)), strict=True))
    assert bench.service.calls == 20


def test_of_a_draw_that_is_over_only_its_sample_is_kept(bench: Bench) -> None:
    sampler = bench.sampler()
    futures = submit(sampler, 20)
    results(futures)
    kept = [weakref.ref(one) for one in futures]
    del futures
    due = time.monotonic() + 5
    while any(one() for one in kept) and time.monotonic() < due:  # the loop may be at the last one yet
        time.sleep(0.001)
    assert not any(one() for one in kept)


@given(st.integers(1, 12), st.integers(0, 60), st.integers(1, 3))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


CARRIED: list[dict[str, Any]] = [
    {},
    {"api_key_env": "KEY_OF_A"},
    {"api_key_env": "KEY_OF_B"},
    {"extra_headers": {"X-Team": "a"}},
    {"extra_headers": {"X-Team": "b"}},
    {"cache": False},
]


def test_models_of_one_name_share_a_connection_where_it_is_the_same(bench: Bench) -> None:
    opened: list[dict[str, Any]] = []

    def open_provider(model: Model) -> Counted:
        opened.append(model.settings)
        return Counted(at_once)

    sampler = bench.sampler(open_provider=open_provider)
    for settings_ in [*CARRIED, *({**one, "temperature": 0.5} for one in CARRIED)]:
        sampler.open(Model(provider="local", name="small", settings=settings_))
    assert opened == CARRIED


def test_each_of_two_models_of_one_name_is_asked_with_its_own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {"KEY_OF_A": "secret-of-a", "KEY_OF_B": "secret-of-b"}
    for name, key in keys.items():
        monkeypatch.setenv(name, key)
    with Loopback([Answer(chat.completion("hi"))]) as server:
        models = [Model(provider="local", name="m", url=server.url, settings={"api_key_env": name}) for name in keys]
        sampler = Sampler()
        works = [Work(case="c", key=f"{n}", model=model, run=rolling("c")) for n, model in enumerate(models)]
        results([sampler.submit(work) for work in works])
        sampler.close()
        assert {one.headers["authorization"] for one in server.requests} == {f"Bearer {key}" for key in keys.values()}


@pytest.mark.parametrize("provider", ["local", "openai"])
@pytest.mark.parametrize("wrong", [{"n": 2}, {"stream": True}])
def test_settings_are_looked_at_for_each_model_of_one_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, provider: str, wrong: dict[str, Any]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-0123456789")
    first = Model(provider=provider, name="m", url="http://127.0.0.1:9/v1")
    for sampler in (Sampler(), Batcher(tmp_path, Sampler())):
        sampler.open(first)
        with pytest.raises(ConfigError, match=f"{provider}:m: settings.{next(iter(wrong))}: an answer is read whole"):
            sampler.open(msgspec.structs.replace(first, settings=wrong))
        sampler.close()


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
            print("asked\\n", end="", flush=True)
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
            print("waiting\\n", end="", flush=True)
            wait([future])
        except KeyboardInterrupt:
            started = time.perf_counter()
            sampler.close(cancel=True)
            print(time.perf_counter() - started < 0.5)
    """)
    assert process.stdout
    assert {process.stdout.readline() for _ in range(2)} == {"asked\n", "waiting\n"}
    sent = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=5)
    assert (out, err) == ("closed\nTrue\n", "")
    assert time.monotonic() - sent < 1.5
