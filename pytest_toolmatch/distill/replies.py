"""What a student's calls are answered while it is judged: what the teacher's were, and no tool is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.judging.matching import Matcher
from pytest_toolmatch.sampling.replies import Reply, as_text
from pytest_toolmatch.sampling.simulated import simulated

if TYPE_CHECKING:
    from pytest_toolmatch.core.chain import Call
    from pytest_toolmatch.distill.recorded import Recorded


class KnownReplies:
    """The replies of one case: recorded ones of an equal call, else the suite's own, else simulated ones."""

    def __init__(self, case: Recorded) -> None:
        self._tools = {tool.name: tool for tool in case.tools}
        self._matcher = Matcher(case.tools, rules=case.suite.rules)
        self._recorded: dict[str, list[tuple[Call, str]]] = {}
        for sample in case.samples:
            for step, texts in zip(sample.chain, sample.replies, strict=False):
                for call, text in zip(step, texts, strict=False):
                    self._recorded.setdefault(call.name, []).append((call, text))

    def text(self, call: Call) -> str:
        """Return what a call is answered; the same for equal calls."""
        recorded = self._recorded.get(call.name, ())
        found = next((text for other, text in recorded if self._matcher.equal(call, other)), None)
        if found is not None:
            return found
        tool = self._tools.get(call.name)
        if tool is None or tool.reply is None or callable(tool.reply):
            return as_text(simulated(tool.returns if tool else None))
        return as_text(tool.reply)

    async def answer(self, call: Call) -> Reply:
        """Answer a call in a rollout."""
        return Reply(self.text(call), kind="canned")
