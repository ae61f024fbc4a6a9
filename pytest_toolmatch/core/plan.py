"""What a suite asks a model: the requests of its cases, and the keys they are recorded under."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.core.prompt import Prompt
from pytest_toolmatch.core.request import (
    Request,
    draw_key,
    question_digest,
    rollout_digest,
    settings_digest,
    tools_digest,
)

if TYPE_CHECKING:
    from pytest_toolmatch.core.case import Case
    from pytest_toolmatch.core.model import Model
    from pytest_toolmatch.core.sample import SampleRole
    from pytest_toolmatch.core.suite import Suite
    from pytest_toolmatch.core.tool import Tool


class Plan:
    """One suite and one model; what all of its cases and draws share is hashed once.

    ``prompt`` is what the model is told instead of what the suite says, where it is told anything else. Its examples
    that would tell a case its own answer are not shown to that one.
    """

    def __init__(self, suite: Suite, model: Model, prompt: Prompt | None = None) -> None:
        self.suite = suite
        self.model = model
        self._prompt = prompt or Prompt()
        told = self._prompt.instructions
        self._instructions = suite.instructions if told is None else told
        self._described: dict[int, tuple[tuple[Tool, ...], tuple[Tool, ...]]] = {}
        self._tools: dict[int, tuple[tuple[Tool, ...], str, str]] = {}
        self._recorded = settings_digest(model.identity, {})
        self._settings = settings_digest(model.identity, model.settings)

    def tools(self, case: Case) -> tuple[Tool, ...]:
        """Return the tools that are on offer in a case, as the model is shown them."""
        tools = self.suite.tools if case.tools is None else case.tools
        if id(tools) not in self._described:
            self._described[id(tools)] = (tools, self._prompt.describe(tools))
        return self._described[id(tools)][1]

    def request(self, case: Case, role: SampleRole, draw: int) -> Request:
        """Return one draw of a case, ready to be sent."""
        examples = self._prompt.shown(case.id, case.conversation)
        return Request(
            role=role,
            model=self.model.identity,
            conversation=(*examples, *case.conversation),
            tools=self.tools(case),
            instructions=self._instructions,
            settings=self.model.settings,
            rollout=self.suite.rollout,
            examples=len(examples),
            draw=draw,
        )

    def asked(self, case: Case, role: SampleRole, followed: str = "") -> str:
        """Return the parts of the keys that all draws of a case share; see ``core.request``."""
        _, tools, answers = self._digests(self.tools(case))
        examples = self._prompt.shown(case.id, case.conversation)
        question = question_digest(case.conversation, tools, self._instructions, examples)
        if role == "recorded":
            return f"{question}.{self._recorded}"
        if followed:
            answers = rollout_digest(self.suite.rollout, self.tools(case), followed)
        return f"{question}.{self._settings}.{answers}"

    def key(self, case: Case, role: SampleRole, draw: int, followed: str = "") -> str:
        """Return the key of one draw: the same as that of its request."""
        return draw_key(self.asked(case, role, followed), role, draw)

    def _digests(self, tools: tuple[Tool, ...]) -> tuple[tuple[Tool, ...], str, str]:
        # The tools are kept beside their digests, so that their identity stays their own.
        if id(tools) not in self._tools:
            self._tools[id(tools)] = (tools, tools_digest(tools), rollout_digest(self.suite.rollout, tools))
        return self._tools[id(tools)]
