"""A teacher's samples as examples, turn by turn: its calls and what they were answered lead to its next turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.distill.examples import Example
from pytest_toolmatch.recorded.reading import usable
from pytest_toolmatch.recorded.replies import KnownReplies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.core.chain import Step
    from pytest_toolmatch.core.conversation import Conversation
    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.recorded.reading import Recorded


def examples_of(case: Recorded, group: str) -> list[Example]:
    """Return the turns of a case; all its samples weigh the same, and 1 together.

    A turn that several samples share is one example with the sum of their weights. The suite's instructions come as a
    system message.
    """
    replies, samples = KnownReplies(case), usable(case.samples)
    said = (Message("system", case.suite.instructions),) if case.suite.instructions else ()
    start = (*said, *case.case.conversation)
    found: dict[bytes, Example] = {}
    for sample in samples:
        for conversation, calls, kind in _turns(start, sample, replies):
            key = msgspec.json.encode((conversation, calls))
            weight = (found[key].weight if key in found else 0.0) + 1 / len(samples)
            found[key] = Example(
                tools=case.tools, conversation=conversation, calls=calls, kind=kind, group=group, weight=weight
            )
    return list(found.values())


def _turns(
    conversation: Conversation, sample: Sample, replies: KnownReplies
) -> Iterator[tuple[Conversation, Step, str]]:
    """Yield what was said before each turn, its calls, and its kind; the last turn calls nothing."""
    for place, calls in enumerate((*sample.chain, ())):
        yield conversation, calls, _kind(place, len(calls), len(sample.chain))
        if calls:
            texts = zip(calls, replies.of_step(sample, place), strict=True)
            told = [Message("tool", text, name=call.name) for call, text in texts]
            conversation = (*conversation, Message("assistant", calls=calls), *told)


def _kind(place: int, calls: int, steps: int) -> str:
    if not calls:
        return "done" if place else "no_call"
    if place:
        return "next_of_several"
    return "first_of_several" if steps > 1 else "one" if calls == 1 else "parallel"
