"""A lane: everything that is asked of one model, through one pool of workers, within its limits."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from pytest_toolmatch.core.errors import (
    ModelUnavailable,
    RecordingError,
    RequestRejected,
    ServiceFault,
)
from pytest_toolmatch.core.model import Model
from pytest_toolmatch.core.sample import Sample
from pytest_toolmatch.sampling.limits import Gate, ModelLimits, Rates
from pytest_toolmatch.sampling.retrying import Health, Retries, ask_again

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.core.turn import Turn
    from pytest_toolmatch.providers.provider import Provider
    from pytest_toolmatch.sampling.budget import Account
    from pytest_toolmatch.sampling.prices import Price

Complete: TypeAlias = "Callable[[Request], Awaitable[Turn]]"
"""Asks the model for one turn: within its limits, and again after faults that pass."""

_REJECTIONS = 3
"""One rejection may be about its case; so many without any answer are about the model."""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One draw to make.

    ``home`` is the recording that it is for, ``key`` its key there. ``run`` draws the sample with what it is given to
    ask the model; it is called when its turn comes, so that thousands of requests need not exist at once. Where a draw
    is begun anew in every run, it is also given what remembers replies, to put around what answers calls. ``keep``
    records a valid sample and returns the one that stands.
    """

    case: str
    key: str
    home: str = ""
    model: Model
    run: Callable[..., Awaitable[Sample]]
    keep: Callable[[Sample], Sample] | None = None


class Job:
    """A work on its way, with what it has cost so far."""

    __slots__ = ("calls", "cost", "future", "work")

    def __init__(self, work: Work) -> None:
        self.work = work
        self.future: Future[Sample] = Future()
        self.calls = 0
        self.cost: float | None = 0.0


class Lane:
    """One model's queue and its workers; lives on the loop, but for ``put``.

    A model is *unavailable* once its provider says so, once it has never answered and can't be reached, or rejects
    everything: then all of its draws, pending and later, fail at once with that one message (``error``).
    """

    def __init__(
        self,
        model: Model,
        provider: Provider | None,
        *,
        limits: ModelLimits,
        retries: Retries,
        account: Account,
        price: Price | None,
        error: Exception | None,
        stop: Callable[[Exception], None],
    ) -> None:
        self.name = model.identity
        self.gate = Gate(limits.concurrency)
        self.error = error
        self.submitted = self.done = self.failed = 0
        self._model = model
        self._provider = provider
        self._rates = Rates(limits)
        self._health = Health(retries)
        self._retries = retries
        self._account = account
        self._price = price
        self._stop = stop
        self._rejections = 0
        self._queue: deque[Job] = deque()
        account.queued = self._queue.__len__
        self._workers: set[asyncio.Task[None]] = set()

    def put(self, job: Job) -> None:
        """Queue a job, in any thread; ``spawn`` has to follow on the loop."""
        self.submitted += 1
        self._queue.append(job)

    def spawn(self) -> None:
        """See to it that there are workers for what is queued: a pool, not a task a draw."""
        if self.error:
            self._refuse_queue(self.error)
        for _ in range(min(self.gate.most - len(self._workers), len(self._queue))):
            self._workers.add(asyncio.get_running_loop().create_task(self._work()))

    def fail(self, error: Exception) -> None:
        """Fail all pending and later draws at once; what is in flight is broken off."""
        self.error = self.error or error
        self._refuse_queue(self.error)
        for worker in self._workers:
            if worker is not asyncio.current_task():
                worker.cancel()

    async def aclose(self, patience: float) -> None:
        """Wait for the workers of a failed lane and close its provider, with so many seconds of patience for each."""
        if self._workers:
            await asyncio.wait(self._workers, timeout=patience)
        if self._provider:
            # Whatever goes wrong with closing concerns nobody any more.
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._provider.aclose(), patience)

    async def ask(self, job: Job, request: Request) -> Turn:
        """Return the model's answer, asked for as often as is of use.

        Raises ServiceFault where that does not help, RequestRejected, BudgetSpent, ModelUnavailable.
        """
        try:
            return await self._insist(job, request)
        except ServiceFault as fault:
            if fault.unreachable and not self._health.answered:
                raise self._unavailable(str(fault)) from None
            raise
        except RequestRejected as error:
            self._rejections += 1
            if self._rejections >= _REJECTIONS and not self._health.answered:
                raise self._unavailable(f"every request is rejected: {error}") from None
            raise
        except ModelUnavailable as error:
            raise self._unavailable(str(error)) from None

    async def _insist(self, job: Job, request: Request) -> Turn:
        try:
            return await self._send(job, request)
        except ServiceFault as fault:
            return await ask_again(fault, lambda: self._send(job, request), self._health)

    def _unavailable(self, message: str) -> ModelUnavailable:
        error = ModelUnavailable(message)
        self.fail(error)
        return error

    async def _send(self, job: Job, request: Request) -> Turn:
        is_probe = await self._health.admit()
        try:
            return await self._exchange(job, request)
        finally:
            if is_probe:
                self._health.probed()

    async def _exchange(self, job: Job, request: Request) -> Turn:
        taken = await self._enter(job)
        sent, answer = time.monotonic(), None
        assert self._provider
        try:
            answer = await self._provider.complete(request)
            latency = time.monotonic() - sent
            self._health.answer()
            self.gate.widen()
        except ServiceFault as fault:
            self._troubled(fault, sent)
            raise
        finally:
            self._settle(job, answer, taken)
            self.gate.leave()
        # A model that draws one answer after the other knows what each took; the others are waited for.
        return answer if answer.latency is not None else msgspec.structs.replace(answer, latency=latency)

    def _settle(self, job: Job, answer: Turn | None, taken: float) -> None:
        if answer is None:
            self._rates.settle(taken, None)
            self._account.settle(None)
            return
        usage = answer.usage
        cost = self._price(usage) if usage and self._price else None
        job.cost = None if cost is None or job.cost is None else job.cost + cost
        self._rates.settle(taken, usage.input + usage.output if usage else None)
        # An answer that does not say its tokens counts as free: waiting for a price would end all concurrency.
        self._account.settle(cost or 0.0)

    async def _enter(self, job: Job) -> float:
        await self._account.send()
        try:
            taken = await self._rates.enter()
            await self.gate.enter()
        except BaseException:
            self._account.settle(None, sent=False)
            raise
        job.calls += 1
        return taken

    def _troubled(self, fault: ServiceFault, sent: float) -> None:
        self._health.fault(fault)
        if fault.overloaded:
            self.gate.narrow(sent)
        if fault.retry_after:  # none, or 0, is no advice
            self.gate.shut(min(fault.retry_after, self._retries.longest_pause))

    async def _work(self) -> None:
        try:
            while self._queue:
                job = self._queue.popleft()
                if job.future.set_running_or_notify_cancel():
                    await self._draw(job)
                else:
                    self.done += 1
        finally:
            # Here and not in a callback: between the last look at the queue and this nothing may be queued unseen.
            worker = asyncio.current_task()
            assert worker
            self._workers.discard(worker)
            self._account.budget.changed()

    async def _draw(self, job: Job) -> None:
        try:
            await self._account.begin()
            try:
                sample = await job.work.run(lambda request: self.ask(job, request))
            finally:
                self._account.end(job.calls)
            self._finish(job, self._kept(job, sample))
        except asyncio.CancelledError:
            worker = asyncio.current_task()
            self._refuse(job, self.error or CancelledError(f"{job.work.case}: the draw was cancelled"))
            if worker and worker.cancelling():
                raise
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 - pytest.skip in a user's agent, too, goes to whoever waits
            if isinstance(error, RecordingError):
                self._stop(error)
            self._refuse(job, error)

    def _kept(self, job: Job, sample: Sample) -> Sample:
        if sample.cost is None and self._price and job.cost is not None:
            sample = msgspec.structs.replace(sample, cost=job.cost)
        return job.work.keep(sample) if job.work.keep and sample.valid else sample

    def _finish(self, job: Job, sample: Sample) -> None:
        self.done += 1
        self.failed += not sample.valid
        job.future.set_result(sample)

    def _refuse_queue(self, error: Exception) -> None:
        while self._queue:
            job = self._queue.popleft()
            if job.future.set_running_or_notify_cancel():
                self._refuse(job, error)
            else:
                self.done += 1
        self._account.budget.changed()  # other models give way to what is queued

    def _refuse(self, job: Job, error: BaseException) -> None:
        self.done += 1
        self.failed += 1
        # Each its own: an exception that is raised in many places collects all of their tracebacks.
        job.future.set_exception(type(error)(str(error)) if error is self.error else error)
