"""What the τ-bench family has in common: conversations of an agent with a simulated user about a task.

The user is a language model, so what it says differs from run to run; what is the same in all runs of a task is the
scenario that the user was given. That is the query of the case. Only where no file holds the scenario is it the first
thing that the user said in the first run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from pytest_toolmatch.core.case import Case, slug
from pytest_toolmatch.core.chain import Call, Chain
from pytest_toolmatch.core.conversation import user
from pytest_toolmatch.core.sample import Outcome, Usage, outcome_of
from pytest_toolmatch.suites.importers.fields import parsed, tokens
from pytest_toolmatch.suites.importers.source import Imported, Problem, Record

_ENDS: dict[str, Outcome] = {
    "max_steps": "truncated",
    "timeout": "truncated",
    "too_many_errors": "invalid",
    "agent_error": "invalid",
    "user_error": "infrastructure",
    "infrastructure_error": "infrastructure",
}
"""Why a conversation ended → what that says about the agent; the other reasons are regular."""


class ToolCall(msgspec.Struct):
    """A call, flat (tau2) or in OpenAI's form (tau-bench)."""

    name: str | None = None
    arguments: Any = None
    requestor: str | None = None
    function: dict[str, Any] | None = None

    @property
    def call(self) -> Call:
        """Return the call; arguments that are no JSON stay text."""
        function = self.function or {}
        return Call(str(self.name or function.get("name") or ""), parsed(self.arguments or function.get("arguments")))


class ChatMessage(msgspec.Struct):
    """One message of the conversation."""

    role: str
    content: Any = None
    tool_calls: list[ToolCall] | None = None
    usage: dict[str, Any] | None = None

    @property
    def text(self) -> str:
        """Return the content where it is text."""
        return self.content if isinstance(self.content, str) else ""

    @property
    def step(self) -> tuple[Call, ...]:
        """Return the agent's calls; the user of tau2 has tools of its own, which are none of the agent's."""
        if self.role != "assistant":
            return ()
        return tuple(call.call for call in self.tool_calls or () if call.requestor != "user")


class Trajectory(msgspec.Struct, kw_only=True):
    """One run, whatever file it came from."""

    task: str
    model: str
    messages: list[ChatMessage]
    where: str
    domain: str = ""
    scenario: str = ""
    policy: str = ""
    end: str = ""
    id: str = ""

    @property
    def chain(self) -> Chain:
        """Return one step per assistant message that calls something."""
        return tuple(step for message in self.messages if (step := message.step))

    @property
    def usage(self) -> Usage | None:
        """Return the agent's tokens."""
        found = [message.usage for message in self.messages if message.role == "assistant" and message.usage]
        counted = Usage(input=tokens(found, "prompt_tokens"), output=tokens(found, "completion_tokens"))
        return counted if found else None


def runs(found: Iterable[Trajectory | Problem]) -> Iterator[Record]:
    """Yield the runs once all are known: a file with the scenarios may come after one without."""
    trajectories: list[Trajectory] = []
    for item in found:
        if isinstance(item, Problem):
            yield item
        else:
            trajectories.append(item)
    domains = {run.domain for run in trajectories if run.domain}
    only = next(iter(domains)) if len(domains) == 1 else ""
    cases: dict[tuple[str, str], Case] = {}
    # A stable sort: runs that know the scenario come first, so that they make the case.
    for run in sorted(trajectories, key=lambda run: not run.scenario):
        cases.setdefault((run.domain or only, run.task), _case(run))
    yield from (_imported(run, cases[run.domain or only, run.task]) for run in trajectories)


def scenario_text(instructions: Any) -> str:
    """Return the user's instructions as text: the values of an object, in their order, under their names."""
    if isinstance(instructions, str):
        return instructions
    if not isinstance(instructions, dict):
        return ""
    kept = {key: text for key, text in instructions.items() if key != "domain" and isinstance(text, str) and text}
    return "\n\n".join(f"{key.replace('_', ' ').capitalize()}: {text}" for key, text in kept.items())


def _case(run: Trajectory) -> Case:
    said = (message.text for message in run.messages if message.role == "user" and message.text)
    return Case(id=task_id(run.task), conversation=user(run.scenario or next(said, "")), where=run.where)


def task_id(task: str) -> str:
    """Return ``task_7`` for a plain task id, a slug for one with spaces, bars or brackets."""
    return f"task_{task}" if re.fullmatch(r"[\w.-]+", task) else slug(task)


def _imported(run: Trajectory, case: Case) -> Imported:
    chain = run.chain
    outcome = _ENDS.get(run.end)
    said = (message.text for message in reversed(run.messages) if message.role == "assistant" and message.text)
    return Imported(
        case=case,
        model=run.model,
        outcome=outcome or outcome_of(chain),
        chain=chain,
        text=next(said, ""),
        error=run.end if outcome else "",
        usage=run.usage,
        source=run.where,
        instructions=run.policy or _system(run.messages),
        identity=run.id,
    )


def _system(messages: Iterable[ChatMessage]) -> str:
    return next((message.text for message in messages if message.role == "system"), "")
