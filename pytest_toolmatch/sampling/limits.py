"""Limits of one model: how many requests at once, how many a minute, and when to wait for all of them.

All of this lives on one event loop; nothing here is locked.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque

import msgspec

_EARLY = 0.002
"""Seconds: a timer may fire a little before its time."""

_BURST = 10.0
"""Seconds of a rate that may be used up at once: providers refill small buckets, not one a minute."""

_FIRST_GUESS = 1000.0
"""Tokens that a request is taken to cost before any has come back."""

_STEPS_BACK = 16
"""Rounds of answers in which a model that was overloaded comes from nothing to its full concurrency."""


class ModelLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What may be asked of one model; None means unlimited."""

    concurrency: int = 32
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


class Gate:
    """Lets in at most ``width`` requests at once, first come first served.

    The width adapts (additive increase, multiplicative decrease): ``narrow`` halves it, each answer widens it again,
    up to ``most``. While the gate is shut nobody gets in.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.width = float(most)
        self.inside = 0
        self.shut_until = 0.0
        self._narrowed = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        """Wait until there is room."""
        if not self._waiting and self._open():
            self.inside += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        """Make room for the next."""
        self.inside -= 1
        self._admit()

    def widen(self) -> None:
        """Take note of an answer: a full round of them widens the gate by one step."""
        if self.width < self.most:
            step = max(1.0, self.most / _STEPS_BACK)
            self.width = min(self.most, self.width + step / self.width)
            self._admit()

    def narrow(self, sent: float) -> None:
        """Halve the width, once for all requests that were sent before it was halved; ``sent`` is monotonic time."""
        if sent >= self._narrowed:
            self._narrowed = time.monotonic()
            self.width = max(1.0, min(self.width, self.inside) / 2)

    def shut(self, seconds: float) -> None:
        """Let nobody in for a time; the longest of several counts."""
        until = time.monotonic() + seconds
        if until > self.shut_until:
            self.shut_until = until
            asyncio.get_running_loop().call_later(seconds, self._admit)

    def _open(self) -> bool:
        return self.inside < int(self.width) and (not self.shut_until or time.monotonic() >= self.shut_until - _EARLY)

    def _admit(self) -> None:
        while self._waiting and self._open():
            place = self._waiting.popleft()
            if not place.done():
                self.inside += 1
                place.set_result(None)


class Pace:
    """Spreads an amount over time (generic cell rate algorithm), first come first served.

    What was taken on a guess is set right by ``take`` afterwards; aiolimiter can do neither that nor amounts above its
    bucket.
    """

    def __init__(self, per_minute: float) -> None:
        self._seconds = 60 / per_minute  # of one unit
        self._burst = max(_BURST, self._seconds)
        self._due = 0.0

    def take(self, amount: float) -> float:
        """Take an amount (give back, if negative); return how many seconds to wait before using it."""
        now = time.monotonic()
        start = max(self._due, now - self._burst + self._seconds)
        self._due = start + amount * self._seconds
        return max(0.0, start - now)


class Rates:
    """The rates of one model, in requests and in tokens."""

    def __init__(self, limits: ModelLimits) -> None:
        self._requests = Pace(limits.requests_per_minute) if limits.requests_per_minute else None
        self._tokens = Pace(limits.tokens_per_minute) if limits.tokens_per_minute else None
        self._guess = _FIRST_GUESS
        self._answers = 0

    async def enter(self) -> float:
        """Wait until one more request may be sent; return the tokens that were taken for it."""
        wait = self._requests.take(1) if self._requests else 0.0
        if self._tokens:
            wait = max(wait, self._tokens.take(self._guess))
        if wait:
            await asyncio.sleep(wait)
        return self._guess

    def settle(self, taken: float, used: float | None) -> None:
        """Set right what was taken by what was used, in tokens; None where that is not known or there is no answer."""
        if self._tokens and used is not None:
            self._tokens.take(used - taken)
            self._answers += 1
            self._guess += (used - self._guess) / self._answers
