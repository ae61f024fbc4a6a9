"""Training cases as examples: the teacher's own sample as real calls, replies of the tools, and what it said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_toolmatch.core.conversation import Conversation, Message
from pytest_toolmatch.core.prompt import Example
from pytest_toolmatch.sampling.simulated import simulated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.core.tool import Tool

_SAID = "Done."
"""What ends an example whose sample says nothing at its end: some providers take no empty message."""


def example_of(case: Case, sample: Sample, tools: Mapping[str, Tool]) -> Example | None:
    """Return a case as an example, with a sample of the teacher; None where it can't stand before another query."""
    before = case.conversation
    if not before or before[0].role != "user" or before[-1].role != "user" or not sample.valid:
        return None
    return Example(conversation=(*before, *messages_of(sample, tools)), case=case.id)


def messages_of(sample: Sample, tools: Mapping[str, Tool]) -> Conversation:
    """Return a sample as messages: each step's calls, what they were answered with, and the text at the end.

    A call whose reply is not known gets one that fits what its tool returns.
    """
    return (*_steps(sample, tools), Message("assistant", sample.text.strip() or _SAID))


def _steps(sample: Sample, tools: Mapping[str, Tool]) -> Iterator[Message]:
    """Yield calls and replies; without ids, which each provider gives as it likes."""
    for place, step in enumerate(sample.chain):
        yield Message("assistant", calls=step)
        known = sample.replies[place] if place < len(sample.replies) else ()
        for index, call in enumerate(step):
            reply = known[index] if index < len(known) else _reply(tools.get(call.name))
            yield Message("tool", reply, name=call.name)


def _reply(tool: Tool | None) -> str:
    return msgspec.json.encode(simulated(tool.returns if tool else None)).decode()
