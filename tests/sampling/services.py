"""Services to sample: providers that are small functions, and what is asked of them."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.errors import (
    BudgetSpent,
    ModelUnavailable,
    SamplingError,
    ServiceFault,
)
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.request import Request
from pytest_toolmatch.core.sample import Sample, Usage
from pytest_toolmatch.core.turn import Turn
from pytest_toolmatch.sampling.recordings import Record
from pytest_toolmatch.sampling.retrying import Retries
from pytest_toolmatch.sampling.sampler import Sampler, Work

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pytest_toolmatch.sampling.lane import Complete
    from pytest_toolmatch.sampling.recorder import Recorder

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


def keeping(recorder: Recorder) -> Callable[[Sample], Sample]:
    def keep(sample: Sample) -> Sample:
        return recorder.write(Record(key=f"{sample.case}-{sample.draw}", model="m", sample=sample)).sample

    return keep
