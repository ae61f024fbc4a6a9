"""What calls are answered where no tool is run: what the teacher's were."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pytest_toolmatch.recorded.matchers import Matchers
from pytest_toolmatch.sampling.replies import Reply, as_text
from pytest_toolmatch.sampling.simulated import simulated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_toolmatch.core.chain import Call
    from pytest_toolmatch.core.sample import Sample
    from pytest_toolmatch.judging.matching import Matcher
    from pytest_toolmatch.recorded.reading import Recorded


class KnownReplies:
    """The replies of one case: recorded ones of an equal call, else the suite's own, else simulated ones.

    ``matchers`` are shared with other cases.
    """

    def __init__(self, case: Recorded, matchers: Matchers | None = None) -> None:
        self._case = case
        self._matchers = matchers or Matchers()
        self._tools = {tool.name: tool for tool in case.tools}
        self._recorded: dict[str, list[tuple[Call, str]]] = {}
        for sample in case.samples:
            for step, texts in zip(sample.chain, sample.replies, strict=False):
                for call, text in zip(step, texts, strict=False):
                    self._recorded.setdefault(call.name, []).append((call, text))

    @cached_property
    def _matcher(self) -> Matcher:
        return self._matchers.of(self._case)

    def known(self, call: Call) -> str | None:
        """Return what a call was answered, or always is; None where nobody has said it. The same for equal calls."""
        recorded = self._recorded.get(call.name, ())
        found = next((text for other, text in recorded if self._matcher.equal(call, other)), None)
        tool = self._tools.get(call.name)
        if found is not None or tool is None or tool.reply is None or callable(tool.reply):
            return found
        return as_text(tool.reply)

    def text(self, call: Call) -> str:
        """Return what a call is answered, a simulated reply where none is known."""
        known = self.known(call)
        tool = self._tools.get(call.name)
        return as_text(simulated(tool.returns if tool else None)) if known is None else known

    def made_up(self, sample: Sample, place: int) -> int:
        """Return how many calls of a step are answered with a simulated reply, since none is known."""
        own, calls = sample.replies[place : place + 1], sample.chain[place]
        return 0 if own and len(own[0]) == len(calls) else sum(self.known(call) is None for call in calls)

    def of_step(self, sample: Sample, place: int) -> Sequence[str]:
        """Return what the calls of a sample's step were answered, one text each, or would be where that is lost."""
        own, calls = sample.replies[place : place + 1], sample.chain[place]
        return own[0] if own and len(own[0]) == len(calls) else [self.text(call) for call in calls]

    async def answer(self, call: Call) -> Reply:
        """Answer a call in a rollout."""
        return Reply(self.text(call), kind="canned")
