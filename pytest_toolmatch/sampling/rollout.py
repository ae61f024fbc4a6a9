"""The rollout: model → tools → model, until the model answers, a rule ends it, or the service fails.

Nothing here knows a provider: ``complete`` sends one request, with its limits, retries and budget inside, and
``answer`` answers one call. Refused calls are counted so that a step of the chain is the valid calls of a turn and
those that came for the refused ones in the turns after it. Where the sample ends before anything came for them, the
refusals belong to the step after the chain, which never came about.
"""

from __future__ import annotations

import asyncio
import time
from itertools import chain, count, repeat
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from pytest_toolmatch.core.chain import Call, Step, encode_chain
from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.errors import BatchPending, BudgetSpent, ModelUnavailable, SamplingError
from pytest_toolmatch.core.sample import Outcome, Refusal, Sample, Usage, least, outcome_of, total
from pytest_toolmatch.core.validation import ArgumentValidator, Problem
from pytest_toolmatch.sampling.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.core.turn import Turn
    from pytest_toolmatch.sampling.replies import Answer

_T = TypeVar("_T")
_REPEATS = 3
"""As often may the same steps come with the same replies, one after the other; then nothing new is to be expected."""


class Ending(NamedTuple):
    """How a rollout ended; without an outcome it is decided by whether anything was called."""

    outcome: Outcome | None = None
    error: str = ""


async def roll_out(
    case: str, request: Request, complete: Callable[[Request], Awaitable[Turn]], answer: Answer
) -> Sample:
    """Run one draw to its end and return the sample; ``cost`` is left to whoever knows prices.

    A refused call is answered with what is wrong with it, and its retry belongs to the same step; the turn with the
    refusal after ``max_retries`` such turns ends the sample as ``invalid``. A step more than ``max_steps``, or a third
    round of the same steps with the same replies, ends it as ``truncated``. ``error`` says why. ``latency`` are the
    seconds of the model's turns, ``confidence`` the least of theirs, refused ones among them. Any SamplingError makes
    an ``infrastructure`` sample that keeps what was seen, but ModelUnavailable, BudgetSpent and BatchPending are
    raised.
    """
    rolling = Rolling(request, complete, answer)
    return rolling.sample(case, await or_ending(rolling.to_the_end()))


async def or_ending(awaited: Awaitable[_T]) -> _T | Ending:
    """Return what is awaited, or the ending that a fault is; ModelUnavailable, BudgetSpent, BatchPending rise."""
    try:
        return await awaited
    except (ModelUnavailable, BudgetSpent, BatchPending):
        raise
    except SamplingError as error:
        return Ending("infrastructure", str(error))


class Rolling:
    """One sample while it is being made."""

    def __init__(self, request: Request, complete: Callable[[Request], Awaitable[Turn]], answer: Answer) -> None:
        self.request = request
        self.chain: list[Step] = []
        self.replies: list[list[str]] = []
        self.refusals: list[Refusal] = []
        self.usage: Usage | None = None
        self.latency: float | None = None
        self.confidences: list[float | None] = []
        self.text = ""
        self._complete = complete
        self._answer = answer
        self._messages = list(request.conversation)
        self._validator = ArgumentValidator(request.tools)
        self._retries = 0

    async def to_the_end(self) -> Ending:
        """Go on until the sample has ended."""
        while True:
            turn = await self.step()
            if isinstance(turn, Ending):
                return turn
            self.replies[-1] += await self._reply(turn, [None] * len(turn.calls))
            if repeated := _repeated(self.chain, self.replies):
                return Ending("truncated", repeated)

    async def step(self) -> Turn | Ending:
        """Ask until all calls of a turn are valid and return that turn, its calls not answered; or how it ended."""
        calls: list[Call] = []
        replies: list[str] = []
        refused: list[Refusal] = []
        for attempt in count():
            turn = await self._ask()
            ending = self._ending(turn)
            if ending is None:
                problems = [self._validator.problem(call) for call in turn.calls]
                calls += [call for call, problem in zip(turn.calls, problems, strict=True) if problem is None]
                refused += _refusals(turn.calls, problems, len(self.chain), attempt)
                if not any(problems):
                    break
                replies += await self._reply(turn, problems)
                ending = self._retried()
            if ending is not None:
                step = len(self.chain) + bool(calls)
                self._close(calls, replies, [msgspec.structs.replace(refusal, step=step) for refusal in refused])
                return ending
        self._close(calls, replies, refused)
        return turn

    def sample(self, case: str, ending: Ending) -> Sample:
        """Return what was seen as a sample."""
        return Sample(
            case=case,
            role=self.request.role,
            draw=self.request.draw,
            outcome=ending.outcome or outcome_of(tuple(self.chain)),
            chain=tuple(self.chain),
            text=self.text,
            refusals=tuple(self.refusals),
            usage=self.usage,
            latency=self.latency,
            error=ending.error,
            replies=tuple(map(tuple, self.replies)),
            confidence=least(self.confidences),
        )

    async def _ask(self) -> Turn:
        start = time.perf_counter()
        turn = await self._complete(msgspec.structs.replace(self.request, conversation=tuple(self._messages)))
        took = time.perf_counter() - start if turn.latency is None else turn.latency
        self.latency = took + (self.latency or 0.0)
        self.usage = total((self.usage, turn.usage))
        self.confidences.append(turn.confidence)
        self.text = turn.text
        return turn

    def _ending(self, turn: Turn) -> Ending | None:
        """Return how a turn ends the sample, or None where its calls are to be answered."""
        if turn.chain is not None:
            self.chain = [step for step in turn.chain if step]
            return Ending(None if turn.stop == "done" else turn.stop)
        if turn.stop != "done":
            return Ending(turn.stop)
        if not turn.calls:
            return Ending()
        most = self.request.rollout.max_steps
        return Ending("truncated", f"stopped: more than {most} steps") if len(self.chain) >= most else None

    def _retried(self) -> Ending | None:
        self._retries += 1
        most = self.request.rollout.max_retries
        if self._retries <= most:
            return None
        return Ending("invalid", f"stopped: calls were refused in {self._retries} turns, {most} may be retried")

    def _close(self, calls: list[Call], replies: list[str], refused: list[Refusal]) -> None:
        if calls:
            self.chain.append(tuple(calls))
            self.replies.append(replies)
        self.refusals += refused

    async def _reply(self, turn: Turn, problems: Sequence[Problem | None]) -> list[str]:
        """Answer all calls of a turn, those with a problem by saying it; return the replies of the others."""
        told = Message("assistant", turn.text, turn.calls, ids=turn.ids, native=turn.native)
        replies = await asyncio.gather(*map(self._reply_to, turn.calls, problems))
        messages = [
            Message("tool", reply.text, name=call.name, reply_to=name, error=reply.error)
            for call, reply, name in zip(turn.calls, replies, chain(turn.ids, repeat("")), strict=False)
        ]
        self._messages += [told, *messages]
        return [reply.text for reply, problem in zip(replies, problems, strict=True) if problem is None]

    async def _reply_to(self, call: Call, problem: Problem | None) -> Reply:
        return Reply(problem.message, error=True, kind="refused") if problem else await self._answer(call)


def _refusals(calls: Step, problems: Sequence[Problem | None], step: int, attempt: int) -> list[Refusal]:
    return [
        Refusal(call, problem.reason, problem.message, step, attempt)
        for call, problem in zip(calls, problems, strict=True)
        if problem
    ]


def _repeated(steps: Sequence[Step], replies: Sequence[Sequence[str]]) -> str:
    """Say what the last steps repeat, or nothing: the same calls and replies in three rounds of any length.

    The replies count, because asking the same again is right as long as something else comes back: another page of a
    list, a job that is still running.
    """
    seen = [(encode_chain((step,)), tuple(texts)) for step, texts in zip(steps, replies, strict=True)]
    for size in range(1, len(seen) // _REPEATS + 1):
        last = seen[-size:]
        if all(seen[-size * times :][:size] == last for times in range(2, _REPEATS + 1)):
            names = " → ".join(", ".join(call.name for call in step) for step in steps[-size:])
            return f"stopped: {names} called {_REPEATS} times with the same arguments, and the same came back"
    return ""
