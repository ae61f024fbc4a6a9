"""When to ask again, and when not to any more.

Only a ServiceFault is asked again, by tenacity; how often depends on what the other requests of the model met. Tenacity
comes in at the first fault: around an attempt that succeeds it costs 60 µs, more than all the rest of a draw.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

import msgspec

from pytest_toolmatch.core.errors import ServiceFault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Answer = TypeVar("Answer")


class Retries(msgspec.Struct, frozen=True, kw_only=True):
    """How often and how long; all times in seconds.

    ``attempts`` of one request; ``attempts_to_reach`` a model that has never answered. ``first_wait`` is the first
    window, ``longest_wait`` the last; ``longest_pause`` caps what a service may ask for. A server that answered before
    is given up after ``patience``: from then on one request every ``probe_every`` sees whether it is back, and all
    others fail at once.
    """

    attempts: int = 5
    attempts_to_reach: int = 3
    first_wait: float = 0.5
    longest_wait: float = 20.0
    longest_pause: float = 60.0
    patience: float = 10.0
    probe_every: float = 1.0


class Health:
    """What is known of one model's server: whether it ever answered, and since when nothing does (circuit breaker)."""

    def __init__(self, rules: Retries) -> None:
        self.rules = rules
        self.answered = False
        self._silent_since: float | None = None
        self._last = ""
        self._next_probe = 0.0
        self._probing: asyncio.Event | None = None

    @property
    def given_up(self) -> bool:
        """Whether the server has been silent for longer than one has patience for."""
        return self._silent_since is not None and time.monotonic() - self._silent_since > self.rules.patience

    async def admit(self) -> bool:
        """Let a request pass unless the server is given up; then one of them is the probe, and the others wait for it.

        Returns whether it is the probe: then ``probed`` has to follow. Raises the last fault, unasked, after a probe
        that found nobody, until the next is due.
        """
        while self.given_up:
            if self._probing is not None:
                await self._probing.wait()
            elif time.monotonic() < self._next_probe:
                raise ServiceFault(self._last, unreachable=True)
            else:
                self._probing = asyncio.Event()
                return True
        return False

    def probed(self) -> None:
        """Take note that the probe is over: let go on who waits for it."""
        self._next_probe = time.monotonic() + self.rules.probe_every
        if self._probing:
            self._probing.set()
            self._probing = None

    def answer(self) -> None:
        """Take note of an answer."""
        self.answered = True
        self._silent_since = None

    def fault(self, fault: ServiceFault) -> None:
        """Take note of a fault: only one without any answer counts against the server."""
        if not fault.unreachable:
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = time.monotonic()
        self._last = str(fault)

    def attempts(self, fault: ServiceFault) -> int:
        """Return how many attempts a request has that last met this fault."""
        if not fault.unreachable:
            return self.rules.attempts
        if self.given_up:
            return 1
        return self.rules.attempts if self.answered else min(self.rules.attempts, self.rules.attempts_to_reach)


async def ask_again(
    fault: ServiceFault,
    send: Callable[[], Awaitable[Answer]],
    health: Health,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Answer:
    """Send a request again, whose first attempt met ``fault``, until it is answered; raises the last fault.

    Waits for what the service asked for, else for a random part of a window that doubles ("full jitter", Brooker 2015).
    """
    from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential  # noqa: PLC0415

    rules, met = health.rules, list[ServiceFault]()
    jitter = wait_random_exponential(multiplier=rules.first_wait, max=rules.longest_wait)

    def wait(state: RetryCallState) -> float:
        asked = met[-1].retry_after
        return min(asked, rules.longest_pause) if asked else jitter(state)

    async def attempt() -> Answer:
        if not met:  # the first attempt has been made already
            met.append(fault)
            raise fault
        try:
            return await send()
        except ServiceFault as again:
            met.append(again)
            raise

    retrying = AsyncRetrying(
        sleep=sleep,
        stop=lambda state: state.attempt_number >= health.attempts(met[-1]),
        wait=wait,
        retry=retry_if_exception_type(ServiceFault),
        reraise=True,
    )
    return await retrying(attempt)
