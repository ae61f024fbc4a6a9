"""One run's sampling: its sampler, what answers calls, and the files that samples go into."""

from __future__ import annotations

import sys
import time
from concurrent.futures import CancelledError, Future
from queue import Empty
from typing import TYPE_CHECKING, TypeVar

from pytest_toolmatch.core.errors import SamplingError
from pytest_toolmatch.core.sample import Spending
from pytest_toolmatch.sampling.batcher import Batcher
from pytest_toolmatch.sampling.progress import wait
from pytest_toolmatch.sampling.recorder import Recorder
from pytest_toolmatch.sampling.refreshed import merge_refreshed, refresh_path
from pytest_toolmatch.sampling.replies import Replies
from pytest_toolmatch.sampling.sampled import Sampled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from queue import SimpleQueue

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.errors import ModelUnavailable
    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.sampling.lane import Work
    from pytest_toolmatch.sampling.recordings import Record
    from pytest_toolmatch.sampling.replayed import Replayed
    from pytest_toolmatch.sampling.replies import Answer
    from pytest_toolmatch.sampling.sampler import Sampler

T = TypeVar("T")

_EVERY, _TICK = 0.05, 0.2
"""Seconds between two looks at what goes on meanwhile, and between two of whoever shows it."""

_MOMENT = 0.005
"""Seconds of a pause: next to nothing beside a model's answer, and no load on the thread that waits for it."""


class Session:
    """Draws samples in one of the modes ``record``, ``refresh`` and ``live`` until it is closed.

    ``tick`` is called about five times a second while somebody waits.
    """

    def __init__(self, mode: str, sampler: Sampler | Batcher, tick: Callable[[], None] = lambda: None) -> None:
        self.mode = mode
        self.sampler = sampler
        self._tick = tick
        self._meanwhile: list[Callable[[], None]] = []
        self._due = self._tick_due = 0.0
        self._lost: int | None = None
        self._recorders: dict[Path, Recorder] = {}
        self._answers: dict[int, tuple[tuple[Tool, ...], Answer]] = {}
        sampler.run_at_end(_close_mcp_sessions)

    def recover(self, path: Path) -> None:
        """Put in place what a refresh that was killed has left beside a recording; to be called before it is read.

        A last line that a killed run has left behind half written goes, too, where new ones are written below it.
        """
        if path not in self._recorders:
            merge_refreshed(path)
            if self.mode == "record" and path.exists():
                self._keeper(path)

    def source(self, replayed: Replayed) -> Sampled:
        """Return what draws the samples of a suite and model beside those recorded.

        Raises ConfigError for a model that nothing answers to, RecordingError where samples can't be kept.
        """
        path = replayed.recording.path
        self.sampler.open(replayed.plan.model)

        def answer(case: Case) -> Answer:
            return self._answerer(replayed.plan.tools(case), replayed.plan.suite.rollout.timeout)

        return Sampled(replayed, self, answer, self._keeper(path))

    def unopened(self, model: Model) -> ModelUnavailable | None:
        """Return why nothing can be asked of a model now; what goes by the batch is kept in any case."""
        return None if isinstance(self.sampler, Batcher) else self.sampler.unopened(model)

    def require(self, model: Model) -> None:
        """Open a model; raises ConfigError where nothing answers to it, ModelUnavailable where it can't be asked."""
        self.sampler.open(model)
        if error := self.unopened(model):
            raise type(error)(str(error))

    def submit(self, work: Work) -> Future[Sample]:
        """Have a draw made."""
        return self.sampler.submit(work)

    def wait(self, one: Sample | Future[Sample]) -> Sample:
        """Return a sample as soon as it is there; raises what keeps it from being made."""
        if not isinstance(one, Future):
            return one
        wait((one,), self._look, _EVERY)
        if time.monotonic() >= self._due:  # many short waits are a long one
            self._look()
        try:
            return one.result()
        except CancelledError:
            kept = "nothing is kept in mode live" if self.mode == "live" else "what was drawn until then is kept"
            raise SamplingError(f"sampling was stopped; {kept}") from None

    def take(self, ready: SimpleQueue[T]) -> T:
        """Return what is put next into a queue, and wait for it."""
        while True:
            try:
                return ready.get(timeout=_EVERY)
            except Empty:
                pass
            finally:
                if time.monotonic() >= self._due:
                    self._look()

    def pause(self) -> None:
        """Let a moment pass for samples to come in, and do what is done meanwhile."""
        time.sleep(_MOMENT)
        if time.monotonic() >= self._due:
            self._look()

    def meanwhile(self, act: Callable[[], None]) -> None:
        """Have something done now and then while somebody waits."""
        self._meanwhile.append(act)

    def over_share(self, part: float, samples: int) -> bool:
        """Say whether so many samples, at what one costs on average, are more than a part of the budget pays for."""
        spent = self.spent()
        return samples / max(1, spent.samples + spent.lost) * self.spent_share() >= part

    def spent_share(self) -> float:
        """Return which share of the budget is spent, in money or in calls; 0 without one."""
        return self.share_of(self.spent())

    def share_of(self, spent: Spending) -> float:
        """Return which share of the budget so much is, in money or in calls; 0 without one."""
        if isinstance(self.sampler, Batcher):
            return 0.0
        limit = self.sampler.budget.limit
        shares = ((spent.cost, limit.usd), (spent.calls, limit.calls))
        return max((amount / most if most else 1.0 for amount, most in shares if most is not None), default=0.0)

    def _look(self) -> None:
        now = time.monotonic()
        self._due = now + _EVERY
        if now >= self._tick_due:
            self._tick_due = now + _TICK
            self._tick()
        for act in self._meanwhile:
            act()

    def spent(self) -> Spending:
        """Return what the run has called for so far, and what it cost."""
        seen = self.sampler.progress()
        lost = seen.failed if self._lost is None else self._lost
        return Spending(samples=seen.done - seen.failed, lost=lost, calls=seen.calls, cost=seen.cost)

    @property
    def batches(self) -> Batcher | None:
        """What sends and collects batches, in a run that does so."""
        return self.sampler if isinstance(self.sampler, Batcher) else None

    def close(self, *, cancel: bool = True, complete: bool = False) -> None:
        """Stop what is in flight, unless it shall be waited for, and put what was refreshed in its place.

        Of a ``complete`` run, what is stopped was drawn ahead, and nobody misses it.
        """
        if complete and self._lost is None:
            self._lost = self.spent().lost
        try:
            self.sampler.close(cancel=cancel)
        finally:
            for recorder in self._recorders.values():
                recorder.close()
        if self.mode == "refresh":
            for path in self._recorders:
                merge_refreshed(path)

    def _keeper(self, path: Path) -> Callable[[Record], Record] | None:
        if self.mode == "live":
            return None
        if path not in self._recorders:
            self._recorders[path] = Recorder(refresh_path(path) if self.mode == "refresh" else path)
            self._recorders[path].open()  # before anything is paid for that could not be written down
        return self._recorders[path].write

    def _answerer(self, tools: tuple[Tool, ...], timeout: float) -> Answer:
        # The tools are kept beside what answers their calls, so that their identity stays their own.
        if id(tools) not in self._answers:
            self._answers[id(tools)] = (tools, Replies(timeout).answerer(tools))
        return self._answers[id(tools)][1]


async def _close_mcp_sessions() -> None:
    mcp = sys.modules.get("pytest_toolmatch.sampling.mcp")  # not imported: no suite has tools of a server
    if mcp:
        await mcp.close_sessions()
