"""Teacher-forced sampling: at every step of the teacher's chain, what would the model do next?

At each position the model is shown the question and the teacher's own steps and replies up to there, and its one step
from there counts; a last position, after the whole chain, shows whether it stops. So one early slip does not spoil
what comes after it, and all positions are asked at once.

The sample's chain is the steps of all positions in order, to be judged against the teacher's chain like any other. A
position without a call leaves no step. Where the model made fewer calls than the teacher at some position (it stopped
early, say), every position counts with at most as many calls as the teacher made there, and the last with none: calls
too many elsewhere can't make up for those that are missing, and the chain, having fewer calls than the teacher's,
agrees with it in no mode but ``subset``, where fewer calls do agree.
"""

from __future__ import annotations

import asyncio
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.errors import BatchPending
from pytest_toolmatch.core.sample import Outcome, Refusal, Sample, least, outcome_of, total
from pytest_toolmatch.sampling.rollout import Ending, Rolling, or_ending

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from pytest_toolmatch.core.chain import Chain, Step
    from pytest_toolmatch.core.request import Request
    from pytest_toolmatch.core.turn import Turn
    from pytest_toolmatch.sampling.replies import Answer

_WORST_FIRST: tuple[Outcome, ...] = ("infrastructure", "lost_by_server", "invalid", "truncated", "refused")


class _Position(NamedTuple):
    """What came of one position: ``mended`` says whether its step was closed, whatever was refused before."""

    step: Step
    rolling: Rolling
    ending: Ending
    mended: bool


async def roll_forced(
    case: str, request: Request, teacher: Sample, complete: Callable[[Request], Awaitable[Turn]], answer: Answer
) -> Sample:
    """Ask for the next step at every position of the teacher's chain, all at once, and return them as one sample.

    Steps of the teacher that have no replies get them from ``answer``. At each position refused calls are answered
    and retried as in a rollout, up to ``max_retries`` each. The outcome is the worst of the positions', and the
    confidence the least; ``usage`` and ``latency`` are sums, as if one position had been asked after the other.
    ``replies`` is empty: the model's own steps are not answered. Raises ModelUnavailable and BudgetSpent.
    """
    shown = await or_ending(_shown(teacher, answer))
    if isinstance(shown, Ending):
        return Rolling(request, complete, answer).sample(case, shown)
    tasks = []
    try:
        async with asyncio.TaskGroup() as group:
            for place in range(len(shown) + 1):
                conversation = (*request.conversation, *chain.from_iterable(shown[:place]))
                asked = msgspec.structs.replace(request, conversation=conversation)
                tasks.append(group.create_task(_position(Rolling(asked, complete, answer))))
    except BaseExceptionGroup as raised:
        raise raised.exceptions[0] from None
    positions: list[_Position] = []
    for task in tasks:
        came = task.result()
        if isinstance(came, BatchPending):
            raise came
        positions.append(came)
    return _sample(case, request, teacher.chain, positions)


async def _shown(teacher: Sample, answer: Answer) -> list[list[Message]]:
    """Return the messages of each step of the teacher: its calls, and what answered them."""
    shown = []
    for step, known in zip_longest(teacher.chain, teacher.replies[: len(teacher.chain)], fillvalue=()):
        texts = known if len(known) == len(step) else [(await answer(call)).text for call in step]
        replies = [Message("tool", text, name=call.name) for call, text in zip(step, texts, strict=True)]
        shown.append([Message("assistant", calls=step), *replies])
    return shown


async def _position(rolling: Rolling) -> _Position | BatchPending:
    # Pending is returned: raised, it would break off the other positions, which have to be asked, too.
    try:
        turn = await or_ending(rolling.step())
    except BatchPending as pending:
        return pending
    ending = turn if isinstance(turn, Ending) else Ending()
    return _Position(rolling.chain[0] if rolling.chain else (), rolling, ending, mended=ending is not turn)


def _sample(case: str, request: Request, teacher: Chain, positions: Sequence[_Position]) -> Sample:
    steps = _comparable([one.step for one in positions], teacher)
    made = tuple(step for step in steps if step)
    outcomes = [one.ending.outcome for one in positions]
    known = [one.rolling.latency for one in positions if one.rolling.latency is not None]
    return Sample(
        case=case,
        role=request.role,
        draw=request.draw,
        outcome=next((outcome for outcome in _WORST_FIRST if outcome in outcomes), outcome_of(made)),
        chain=made,
        text=positions[-1].rolling.text,
        refusals=tuple(_refusals(steps, positions)),
        usage=total(one.rolling.usage for one in positions),
        latency=sum(known) if known else None,
        error="; ".join(
            f"step {number}: {one.ending.error}" for number, one in enumerate(positions, 1) if one.ending.error
        ),
        confidence=least(sure for one in positions for sure in one.rolling.confidences),
    )


def _comparable(steps: Sequence[Step], teacher: Chain) -> list[Step]:
    """Return the steps, cut to the teacher's numbers of calls where one of them has fewer; see the module."""
    if all(len(ours) >= len(theirs) for ours, theirs in zip(steps, teacher, strict=False)):
        return list(steps)
    return [ours[: len(theirs)] for ours, theirs in zip_longest(steps, teacher, fillvalue=())]


def _refusals(steps: Sequence[Step], positions: Sequence[_Position]) -> list[Refusal]:
    """Return all refusals with the index of their step in the chain; after it where nothing came for them."""
    after = sum(map(bool, steps))
    return [
        msgspec.structs.replace(refusal, step=sum(map(bool, steps[:place])) if one.mended and steps[place] else after)
        for place, one in enumerate(positions)
        for refusal in one.rolling.refusals
    ]
