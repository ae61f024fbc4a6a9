from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from pytest_toolmatch.core.errors import (
    ModelUnavailable,
    RequestRejected,
    ServiceFault,
)
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.sampling.progress import wait
from pytest_toolmatch.sampling.retrying import Retries
from pytest_toolmatch.sampling.sampler import Sampler
from tests.sampling.services import (
    MODEL,
    OTHER,
    Bench,
    Counted,
    always,
    at_once,
    errors,
    failing,
    never,
    refused,
    results,
    soon,
    submit,
)


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
    assert time.monotonic() - started < 15  # 30 if each draw lost its patience for itself
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
