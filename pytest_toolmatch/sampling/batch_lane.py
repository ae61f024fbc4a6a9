"""Everything that is asked of one model by the batch: drawn from its ledger, collected first, sent last."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.errors import (
    BatchPending,
    ModelUnavailable,
    RequestRejected,
    SamplingError,
    ServiceFault,
)
from pytest_toolmatch.core.request import settings_digest
from pytest_toolmatch.sampling.ledger import (
    Answered,
    Ended,
    Ledger,
    Lost,
    Planned,
    Recorded,
    Replied,
    Sent,
    call_id,
    draw_id,
    draw_of,
    request_id,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.core.chain import Call
    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.core.turn import Turn
    from pytest_toolmatch.providers.batches import Batches
    from pytest_toolmatch.sampling.lane import Work
    from pytest_toolmatch.sampling.prices import Price
    from pytest_toolmatch.sampling.replies import Answer, Reply

_CLOCKS_DIFFER = timedelta(minutes=10)
_ATTEMPTS = 3
"""As often is a request sent that comes back without an answer; some are paid for all the same."""

WAITING = "waiting for a batch: run the same command again"


class BatchLane:
    """One model's ledger and its batch interface; lives on the loop. ``error`` fails all of its draws."""

    def __init__(self, ledger: Ledger, batches: Batches | None, price: Price | None, error: Exception | None) -> None:
        self.ledger = ledger
        self.price = price
        self.error = error
        self.trouble: list[str] = []
        self.returned = self.unanswered = self.submitted = self.finished = self.failed = 0
        self.cost = 0.0
        self.wanted: dict[str, Request] = {}
        self.under_way: set[str] = set()
        self.done = 0
        self._whys: dict[str, str] = {}
        self._batches = batches
        self._collected: asyncio.Task[None] | None = None

    async def draw(self, work: Work) -> Sample:
        """Make a draw of what has come back; BatchPending where that is not enough yet."""
        self.submitted += 1
        self._collected = self._collected or asyncio.ensure_future(self._collect())
        await asyncio.shield(self._collected)
        if self.error:
            raise type(self.error)(str(self.error))
        draw = Draw(self, draw_id(work.case, work.key))
        sample = draw.priced(await work.run(draw.complete, draw.remember))
        self.finished += 1
        self.failed += not sample.valid
        if work.keep and sample.valid:
            sample = work.keep(sample)
            self.ledger.note(Recorded(draw=draw.name))
        return sample

    async def aclose(self, *, send: bool) -> None:
        """Send what is wanted, unless nothing is to be sent any more; leave a ledger for the next run."""
        if self._collected:
            self._collected.cancel()
            await asyncio.wait([self._collected])
        try:
            if send and not self.error:
                await self._send()
        finally:
            self.under_way = self.ledger.under_way()
            self.ledger.close()
            if self._batches:
                await self._batches.aclose()

    async def _collect(self) -> None:
        """Take in what has come back. A fault that may pass leaves a batch for the next run."""
        try:
            if self.error is None:
                self.ledger.open()
            for planned in list(self.ledger.planned.values()):
                try:
                    await self._look(planned)
                except ServiceFault as fault:
                    self.trouble.append(str(fault))
        except Exception as error:  # noqa: BLE001 - told to whoever waits for a draw
            self.error = error
        self.under_way = self.ledger.under_way()

    async def _look(self, planned: Planned) -> None:
        assert self._batches
        sent = self.ledger.sent.get(planned.name) or await self._find(planned)
        for batch in (one.batch for one in sent):
            status = await self._batches.status(batch)
            self.done += status.done if status.state == "running" else 0
            if status.state == "running":
                return
            if status.state == "ended":
                await self._take(planned, batch)
            else:
                self.error = ModelUnavailable(f"batch {batch} failed: {status.error}; run again to send it once more")
        if sent:
            self._lose(planned)
        self.ledger.note(Ended(name=planned.name))

    def _lose(self, planned: Planned) -> None:
        """Note what has not come back with a batch."""
        for request in planned.requests:
            if request not in self.ledger.answers:
                known = self.ledger.lost.get(request)
                why = self._whys.pop(request, "the batch ended without it")
                self.ledger.note(Lost(request=request, why=why, times=known.times + 1 if known else 1))
                self.unanswered += 1

    async def _find(self, planned: Planned) -> list[Sent]:
        """Return the batches that a run may have sent that died before it could say so.

        One that was guessed for others may be this one as well: a wrong guess costs no more than waiting.
        """
        assert self._batches
        since = datetime.fromtimestamp(planned.at, UTC) - _CLOCKS_DIFFER
        known = {one.batch for sent in self.ledger.sent.values() for one in sent if not one.guessed}
        found = await self._batches.find(planned.name, since, len(planned.requests))
        guesses = [Sent(name=planned.name, batch=batch, guessed=True) for batch in found if batch not in known]
        for guess in guesses:
            self.ledger.note(guess)
        return guesses

    async def _take(self, planned: Planned, batch: str) -> None:
        assert self._batches
        asked = set(planned.requests)
        async with aclosing(self._batches.results(batch, planned.requests)) as results:  # type: ignore[type-var]
            async for request, got in results:
                if request in asked and request not in self.ledger.answers:
                    self._note(request, got)

    def _note(self, request: str, got: Turn | SamplingError) -> None:
        if isinstance(got, RequestRejected):
            self.ledger.note(Answered(request=request, rejected=str(got)))
        elif isinstance(got, ModelUnavailable):
            self.error = got
        elif isinstance(got, SamplingError):
            self._whys[request] = str(got)
        else:
            self.returned += 1
            self.cost += self.price(got.usage) if self.price and got.usage else 0.0
            self.ledger.note(Answered(request=request, turn=got))

    async def _send(self) -> None:
        for requests in self._groups():
            planned = Planned(name=f"toolmatch-{uuid.uuid4().hex}", at=time.time(), requests=tuple(requests))
            assert self._batches
            self.ledger.note(planned, safe=True)
            try:
                batch = await self._batches.send(requests, planned.name)
            except ServiceFault as fault:  # it may have arrived: the next run looks
                self.trouble.append(f"{fault}; whether the batch arrived is seen when the same command is run again")
            except SamplingError as error:
                self.ledger.note(Ended(name=planned.name))
                raise ModelUnavailable(f"{len(requests):,} requests were not sent: {error}") from None
            else:
                self.ledger.note(Sent(name=planned.name, batch=batch), safe=True)

    def _groups(self) -> Iterator[dict[str, Request]]:
        """Yield the requests that may go together: of one model and its settings, within what a batch may hold."""
        assert self._batches

        def alike(named: tuple[str, Request]) -> str:
            return settings_digest(named[1].model, named[1].settings)

        for _, group in groupby(sorted(self.wanted.items(), key=alike), key=alike):
            chunk: dict[str, Request] = {}
            size = 0
            for name, request in group:
                try:
                    bytes_more = len(msgspec.json.encode(self._batches.item(name, request)))
                except RequestRejected as error:
                    self.ledger.note(Answered(request=name, rejected=str(error)))
                    continue
                if chunk and (len(chunk) >= self._batches.most or size + bytes_more > self._batches.largest):
                    yield chunk
                    chunk, size = {}, 0
                chunk[name] = request
                size += bytes_more
            if chunk:
                yield chunk


class Draw:
    """One draw while it is made of what a ledger knows."""

    def __init__(self, lane: BatchLane, name: str) -> None:
        self.name = name
        self._lane = lane
        self._cost: float | None = 0.0
        self._numbers: Counter[str] = Counter()

    async def complete(self, request: Request) -> Turn:
        """Return the answer that has come back; BatchPending where it has not: then it is asked for."""
        lane, name = self._lane, request_id(self.name, request.conversation)
        answer = lane.ledger.answers.get(name)
        if answer is None:
            lost = lane.ledger.lost.get(name)
            if lost and lost.times >= _ATTEMPTS and name not in lane.under_way:
                raise ServiceFault(f"{lost.why} (asked {lost.times} times)")
            if name not in lane.under_way:
                lane.wanted[name] = request
            raise BatchPending(WAITING)
        if answer.turn is None:
            raise RequestRejected(answer.rejected)
        usage = answer.turn.usage
        cost = lane.price(usage) if usage and lane.price else None
        self._cost = None if cost is None or self._cost is None else self._cost + cost
        return answer.turn

    def remember(self, answer: Answer) -> Answer:
        """Return what answers calls, each only once: a draw starts anew in every run, its tools must not."""
        lane = self._lane

        async def remembered(call: Call) -> Reply:
            name = call_id(call)
            self._numbers[name] += 1
            key = (self.name, name, self._numbers[name])
            if key not in lane.ledger.replies:
                reply = await answer(call)
                lane.ledger.note(Replied(draw=self.name, call=name, number=key[2], reply=reply))
            return lane.ledger.replies[key]

        return remembered

    def priced(self, sample: Sample) -> Sample:
        """Return the sample with what it cost; how long the model was at it nobody knows."""
        cost = sample.cost if sample.cost is not None or self._lane.price is None else self._cost
        return msgspec.structs.replace(sample, latency=None, cost=cost)


def samples_of(requests: set[str]) -> int:
    """Return how many draws requests belong to."""
    return len({draw_of(request) for request in requests})
