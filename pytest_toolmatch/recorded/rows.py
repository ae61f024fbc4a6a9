"""What a teacher did in each case, as rows for others to train and evaluate with."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.judging.consensus import agreed
from pytest_toolmatch.recorded.matchers import Matchers
from pytest_toolmatch.recorded.reading import USABLE, usable
from pytest_toolmatch.recorded.replies import KnownReplies
from pytest_toolmatch.suites.exporters.row import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.core.conversation import Conversation
    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.core.tool import Tool
    from pytest_toolmatch.recorded.parted import Parted
    from pytest_toolmatch.recorded.reading import Recorded
    from pytest_toolmatch.suites.exporters.row import Unit


class Rows:
    """Makes rows: one for each usable sample, or for each case that has a consensus.

    ``left`` counts what has none, as (noun, why).
    """

    def __init__(self, unit: Unit) -> None:
        self.left: Counter[tuple[str, str]] = Counter()
        self._choose = {"sample": self._samples, "case": self._consensus}[unit]
        self._matchers = Matchers()
        self._validators: dict[int, tuple[tuple[Tool, ...], ArgumentValidator]] = {}

    def of(self, placed: Parted, number: int) -> Iterator[Row]:
        """Yield the rows of a case; ``number`` is its place among all cases."""
        one, replies = placed.recorded, KnownReplies(placed.recorded, self._matchers)
        for sample, support in self._choose(one):
            if (why := self._refused(one.tools, sample)) is not None:
                self.left["sample", why] += 1
                continue
            yield Row(
                suite=one.suite.name,
                case=one.case.id,
                number=number,
                draw=sample.draw,
                part=placed.part,
                tools=one.tools,
                instructions=one.suite.instructions,
                conversation=tuple(replace(message, native=None) for message in one.case.conversation),
                said=said_by(sample, replies),
                chain=sample.chain,
                text=sample.text,
                support=support,
                draws=len(one.samples),
                made_up=sum(replies.made_up(sample, place) for place in range(_answered(sample))),
            )

    def _samples(self, one: Recorded) -> Iterator[tuple[Sample, int]]:
        samples = usable(one.samples)
        if any(sample.alternative for sample in samples):
            self.left["sample", "another answer that counts as right, and no draw: the first of a case is taken"] += (
                len(samples) - 1
            )
            samples = samples[:1]
        yield from ((sample, 1) for sample in samples)

    def _consensus(self, one: Recorded) -> Iterator[tuple[Sample, int]]:
        if any(sample.alternative for sample in one.samples):
            yield from self._samples(one)
            return
        found = agreed(self._matchers.of(one), one.samples)
        if found is None or found.consensus.share < one.suite.rules.min_consensus:
            self.left["case", "ambiguous, the teacher has no consensus"] += 1
        elif found.sample.outcome not in USABLE:
            self.left["case", "the teacher's consensus broke off"] += 1
        else:
            yield found.sample, found.consensus.support

    def _refused(self, tools: tuple[Tool, ...], sample: Sample) -> str | None:
        """Return why nobody should learn the calls of a sample: logs hold what a run would have refused."""
        known = self._validators.setdefault(id(tools), (tools, ArgumentValidator(tools)))  # kept: ids are reused
        problems = [problem for step in sample.chain for call in step if (problem := known[1].problem(call))]
        if not problems:
            return None
        if problems[0].reason == "unknown_tool":
            return "they call tools that are not on offer"
        return "their arguments do not satisfy the schema of their tool"


def said_by(sample: Sample, replies: KnownReplies) -> Conversation:
    """Return a teacher's calls, the replies and its last words; no reply that it says nothing to."""
    said: list[Message] = []
    for place, step in enumerate(sample.chain):
        said.append(Message("assistant", calls=step))
        if place < _answered(sample):
            texts = zip(step, replies.of_step(sample, place), strict=True)
            said += [Message("tool", text, name=call.name) for call, text in texts]
    return (*said, *([Message("assistant", sample.text)] if sample.text.strip() else ()))


def _answered(sample: Sample) -> int:
    """Return how many steps the teacher goes on from."""
    return len(sample.chain) - (not sample.text.strip() and bool(sample.chain))
