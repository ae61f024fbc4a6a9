"""The batcher: a sampler that never waits. What is not answered yet goes into batches, for a later run to collect."""

from __future__ import annotations

import atexit
import threading
from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.errors import ModelUnavailable
from pytest_toolmatch.providers.registry import check_settings, has_batches, open_batches
from pytest_toolmatch.sampling.batch_lane import BatchLane, samples_of
from pytest_toolmatch.sampling.ledger import Ledger
from pytest_toolmatch.sampling.portal import Portal
from pytest_toolmatch.sampling.prices import Prices
from pytest_toolmatch.sampling.progress import wait
from pytest_toolmatch.sampling.recordings import recording_path

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future
    from pathlib import Path

    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.providers.batches import Batches
    from pytest_toolmatch.sampling.lane import Work
    from pytest_toolmatch.sampling.progress import Progress
    from pytest_toolmatch.sampling.sampler import Sampler

FOLDER = "batches"
"""Where the ledgers lie, beside the recordings."""


class Batcher:
    """Takes the place of a sampler: a draw that has to wait for a batch fails with BatchPending, at once.

    ``directory`` is where ledgers go. Models whose provider has no batch interface are asked by the sampler ``beside``.
    """

    def __init__(
        self,
        directory: Path,
        beside: Sampler,
        *,
        prices: Prices | None = None,
        open_batches: Callable[[Model], Batches] = open_batches,
    ) -> None:
        self._directory = directory
        self._beside = beside
        self._prices = prices or Prices()
        self._open_batches = open_batches
        self._lanes: dict[Path, BatchLane] = {}
        self._futures: dict[tuple[str, str, str], Future[Sample]] = {}
        self._portal: Portal | None = None
        self._lock = threading.Lock()
        self._at_end: list[Callable[[], Awaitable[None]]] = []

    def run_at_end(self, function: Callable[[], Awaitable[None]]) -> None:
        """Have a coroutine function called at the end, on every loop that draws were made on."""
        self._at_end.append(function)
        self._beside.run_at_end(function)

    def open(self, model: Model) -> None:
        """Open a model's provider before anything is asked of any.

        Raises ConfigError for a model that nothing answers to, or whose settings can't be. That a model is unavailable
        is said of its draws.
        """
        if not has_batches(model):
            self._beside.open(model)
            return
        check_settings(model)
        with self._lock:
            self._lane(model)

    def submit(self, work: Work) -> Future[Sample]:
        """Have a draw made of what has come back; one that was given in before has the future that it has."""
        if not has_batches(work.model):
            return self._beside.submit(work)
        with self._lock:
            identity = (work.home, work.case, work.key)
            if identity not in self._futures:
                if self._portal is None:
                    self._portal = Portal("toolmatch-batches")
                    atexit.register(self.close, cancel=True)
                lane = self._lane(work.model)
                self._futures[identity] = self._portal.start(lane.draw(work))
            return self._futures[identity]

    def progress(self) -> Progress:
        """Return how far it has come; cheap, in any thread."""
        beside, lanes = self._beside.progress(), list(self._lanes.values())
        return msgspec.structs.replace(
            beside,
            done=beside.done + sum(lane.finished for lane in lanes),
            total=beside.total + sum(lane.submitted for lane in lanes),
            failed=beside.failed + sum(lane.failed for lane in lanes),
            cost=beside.cost + sum(lane.cost for lane in lanes),
            calls=beside.calls + sum(lane.returned for lane in lanes),
        )

    def notes(self) -> list[str]:
        """Return what the user should know, a line each."""
        lanes = self._lanes.values()
        lost = sum(lane.unanswered for lane in lanes)
        again = [f"batches: {_many(lost, 'request')} came back without an answer, to be asked again"] if lost else []
        return [*again, *(fault for lane in lanes for fault in lane.trouble), *self._under_way()]

    @property
    def pending(self) -> bool:
        """Whether anything is under way, for another run to collect."""
        return any(lane.ledger.planned for lane in self._lanes.values())

    def close(self, *, cancel: bool = False) -> None:
        """Make the last draws and send what is wanted, or ``cancel`` and send nothing. Safe to call twice.

        Raises the first error that kept requests from being sent.
        """
        self._beside.close(cancel=cancel)
        if not cancel:
            wait(list(self._futures.values()))
        with self._lock:
            portal, self._portal = self._portal, None
        if portal is None:
            return
        atexit.unregister(self.close)
        try:
            closing = [portal.start(lane.aclose(send=not cancel)) for lane in self._lanes.values()]
            wait(closing)
            portal.start(self._end()).result()
            for one in closing:
                one.result()
        finally:
            portal.close()

    async def _end(self) -> None:
        for function in self._at_end:
            await function()

    def _under_way(self) -> list[str]:
        batches = sum(len(lane.ledger.planned) for lane in self._lanes.values())
        if not batches:
            return []
        requests = {request for lane in self._lanes.values() for request in lane.under_way}
        answered = sum(lane.done for lane in self._lanes.values())
        done = f", {answered:,} answered" if answered else ""
        many = f"{_many(len(requests), 'request')}{done} for {_many(samples_of(requests), 'sample')}"
        return [f"batches: {batches} under way ({many}); run the same command again to collect them"]

    def _lane(self, model: Model) -> BatchLane:
        path = recording_path(self._directory, model.identity)
        if path not in self._lanes:
            batches, error = None, None
            try:
                batches = self._open_batches(model)
            except ModelUnavailable as unavailable:
                error = unavailable
            self._lanes[path] = BatchLane(Ledger(path), batches, self._prices.by_batch(model), error)
        return self._lanes[path]


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
