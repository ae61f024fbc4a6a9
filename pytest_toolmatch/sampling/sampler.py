"""The sampler: all draws of all models in flight at once, on one loop, on one daemon thread."""

from __future__ import annotations

import asyncio
import atexit
import threading
import time
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from pytest_toolmatch.core.errors import ModelUnavailable
from pytest_toolmatch.core.request import CARRIAGE
from pytest_toolmatch.providers.registry import check_settings, open_provider
from pytest_toolmatch.sampling.budget import Budget
from pytest_toolmatch.sampling.lane import Job, Lane, Work
from pytest_toolmatch.sampling.limits import ModelLimits
from pytest_toolmatch.sampling.portal import Portal
from pytest_toolmatch.sampling.prices import Prices
from pytest_toolmatch.sampling.progress import Progress, wait
from pytest_toolmatch.sampling.retrying import Retries

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.providers.provider import Provider

__all__ = ["Sampler", "Work"]

_PATIENCE = 0.2
"""Seconds that each model has to let go of what it holds when the sampler is closed."""

_LAST_PATIENCE = 0.6
"""Seconds for what shall happen at the very end: a server that was started needs some to end by itself."""


Key: TypeAlias = tuple[str, str, int, str]


def _key(model: Model) -> Key:
    """Return what tells connections apart; all other settings go with each request."""
    carriage = {name: value for name, value in sorted(model.settings.items()) if name in CARRIAGE}
    # A client is told apart by its id, which stays its own as long as its lane keeps it.
    return model.identity, model.url, id(model.client), repr(carriage)


class Sampler:
    """Makes draws; ``submit`` gives one in, its future gives the sample out.

    ``limits`` are those of a model by its identity, ``concurrency`` what the others may have in flight; a model that is
    reached in several ways (addresses, clients, keys, headers) has them for each. A future fails with ModelUnavailable,
    BudgetSpent, RecordingError (then everything stops), or whatever a draw raises; what passes or concerns one draw
    only is a sample of outcome ``infrastructure``, which is not kept.
    """

    def __init__(
        self,
        *,
        concurrency: int = 32,
        limits: Mapping[str, ModelLimits] | None = None,
        retries: Retries | None = None,
        budget: Budget | None = None,
        prices: Prices | None = None,
        open_provider: Callable[[Model], Provider] = open_provider,
    ) -> None:
        self.budget = budget or Budget()
        self._limits = dict(limits or {})
        self._other_limits = ModelLimits(concurrency=concurrency)
        self._retries = retries or Retries()
        self._prices = prices or Prices()
        self._open_provider = open_provider
        self._lanes: dict[Key, Lane] = {}
        self._unopened: dict[Key, ModelUnavailable] = {}
        self._drawn: dict[tuple[str, str, str], Sample | Future[Sample]] = {}
        self._portal: Portal | None = None
        self._lock = threading.Lock()
        self._broken: Exception | None = None
        self._woken = self._closed = False
        self._at_end: list[Callable[[], Awaitable[None]]] = []

    def run_at_end(self, function: Callable[[], Awaitable[None]]) -> None:
        """Have a coroutine function called on the loop at the end, when nothing is in flight any more."""
        self._at_end.append(function)

    def open(self, model: Model) -> None:
        """Open a model's provider before anything is asked of any.

        Raises ConfigError for a model that nothing answers to, or whose settings can't be. That a model is unavailable
        is said of its draws.
        """
        check_settings(model)
        with self._lock:
            self._lane(model)

    def unopened(self, model: Model) -> ModelUnavailable | None:
        """Return why a model that was to be opened could not be."""
        return self._unopened.get(_key(model))

    def submit(self, work: Work) -> Future[Sample]:
        """Queue a draw; one that was given in before, by recording, case and key, is not drawn again.

        Cheap, but for the first draw of a model, which opens its provider. Raises ConfigError for a model that nothing
        answers to.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("the sampler is closed")
            identity = (work.home, work.case, work.key)
            known = self._drawn.get(identity)
            if known is not None:
                return known if isinstance(known, Future) else _there(known)
            lane, job = self._lane(work.model), Job(work)
            self._drawn[identity] = job.future
            job.future.add_done_callback(partial(self._keep, identity))
            lane.put(job)
            self._wake()
            return job.future

    def progress(self) -> Progress:
        """Return how far it has come; cheap, in any thread."""
        lanes = list(self._lanes.values())
        coming = {lane.name: 0 for lane in lanes}
        for lane in lanes:
            coming[lane.name] += lane.submitted - lane.done
        return Progress(
            done=sum(lane.done for lane in lanes),
            total=sum(lane.submitted for lane in lanes),
            failed=sum(lane.failed for lane in lanes),
            waiting_for={name: count for name, count in coming.items() if count},
            paused={lane.name: pause for lane in lanes if (pause := lane.gate.shut_until - time.monotonic()) > 0},
            cost=self.budget.usd,
            calls=self.budget.calls,
        )

    def close(self, *, cancel: bool = False) -> None:
        """Finish all draws, or ``cancel`` them at once; then end the loop. Safe to call twice.

        Samples that are finished are recorded either way. The futures of cancelled draws raise CancelledError.
        """
        if not cancel:
            wait([one for one in list(self._drawn.values()) if isinstance(one, Future)])
        with self._lock:
            portal, self._portal, self._closed = self._portal, None, True
        if portal is None:
            return
        atexit.unregister(self.close)
        try:
            portal.start(self._end()).result(3 * _PATIENCE + _LAST_PATIENCE)
        except TimeoutError:  # whoever blocks the loop, or won't end, is left behind with it
            portal.leave()
        else:
            portal.close()
        self._drawn.clear()

    def _keep(self, identity: tuple[str, str, str], future: Future[Sample]) -> None:
        """Keep a sample in the place of its future, which holds much more."""
        if not future.cancelled() and future.exception() is None:
            self._drawn[identity] = future.result()

    def _wake(self) -> None:
        if self._portal is None:
            self._portal = Portal()
            atexit.register(self.close, cancel=True)
        if not self._woken:
            self._woken = True
            self._portal.call_soon(self._spawn)

    def _spawn(self) -> None:
        # First, so that whoever queues something from now on wakes the loop again.
        self._woken = False
        for lane in list(self._lanes.values()):
            lane.spawn()

    def _lane(self, model: Model) -> Lane:
        key = _key(model)
        if key not in self._lanes:
            self._lanes[key] = self._open(model)
        return self._lanes[key]

    def _open(self, model: Model) -> Lane:
        provider: Provider | None = None
        unopened, price = self._without_price(model), self._prices.of(model)
        try:
            provider = self._open_provider(model)
        except ModelUnavailable as unavailable:
            unopened = unopened or unavailable
        if unopened:
            self._unopened[_key(model)] = unopened
        return Lane(
            model,
            provider,
            limits=self._limits.get(model.identity, self._other_limits),
            retries=self._retries,
            account=self.budget.account(priced=price is not None),
            price=price,
            error=self._broken or unopened,
            stop=self._fail,
        )

    def _without_price(self, model: Model) -> ModelUnavailable | None:
        if self.budget.limit.usd is None or not self._prices.missing(model):
            return None
        return ModelUnavailable(
            f"{model.identity}: nobody knows what it costs, so a budget in USD can't hold: give its price "
            "(USD per million tokens, INPUT/OUTPUT), or a budget in calls"
        )

    def _fail(self, error: Exception) -> None:
        self._broken = error
        for lane in list(self._lanes.values()):
            lane.fail(error)

    async def _end(self) -> None:
        self._fail(CancelledError("sampling was stopped"))
        await asyncio.gather(*(lane.aclose(_PATIENCE) for lane in self._lanes.values()))
        last = asyncio.gather(*(function() for function in self._at_end), return_exceptions=True)
        await asyncio.wait_for(last, _LAST_PATIENCE)


def _there(sample: Sample) -> Future[Sample]:
    future: Future[Sample] = Future()
    future.set_result(sample)
    return future
