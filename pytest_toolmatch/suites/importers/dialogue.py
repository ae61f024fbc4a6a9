"""From a session, message by message, to runs: every prompt that a model answered becomes a case with what came before.

For logs that are a list of messages. The chain of a turn is what the model called until the next prompt, one step per
answer. Only the conversation so far is kept, so that the memory needed is that of one session.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pytest_toolmatch.core.case import Case, case_id
from pytest_toolmatch.core.conversation import Conversation, Message
from pytest_toolmatch.core.sample import Outcome, Usage, outcome_of, total
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.suites.importers.source import Imported, Options, Problem, Record, Skipped
from pytest_toolmatch.suites.importers.transcript import MADE, Response, Transcript, conversation_of


class About(msgspec.Struct, kw_only=True):
    """What is true of a whole session; ``tools`` is None where the log does not say."""

    path: str
    label: str = ""
    instructions: str = ""
    tools: tuple[Tool, ...] | None = None
    tags: tuple[str, ...] = ()


class Dialogue:
    """A session in the making."""

    def __init__(self, about: About, options: Options) -> None:
        self.about = about
        self._options = options
        self._before: Conversation = ()
        self._starts: list[int] = []
        self._heard: list[int] = []
        self._cut: tuple[Conversation, int] | None = None
        self._where = ""
        self._now = Transcript()
        self._open: Response | None = None
        self._stop: tuple[Outcome, str] | None = None
        self._taken = 0
        self._later = 0
        self._calls = 0

    def hear(self, message: Message, where: str) -> Iterator[Record]:
        """Take in a prompt: it ends the turn before it, where a model had answered that."""
        if self._now.responses:
            yield from self.end_turn()
        self._where = where
        self._heard.append(len(self._now.parts))
        self._now.add(message)

    def note(self, message: Message) -> None:
        """Take in what was put into the conversation but is no prompt, or a tool's reply."""
        if message.role == "tool":
            self._open = None
        self._now.add(message)

    def say(self, message: Message, where: str, *, model: str = "", usage: Usage | None = None) -> None:
        """Take in an answer, or more of the one that is open."""
        self._stop = None
        if self._open:
            self._now.extend(self._open, message)
            return
        self._where = self._where or where
        self._open = Response(message=message, model=model, usage=usage)
        self._now.say(self._open)

    def close(self, usage: Usage | None = None) -> None:
        """End the answer that is open, so that what comes next is another one."""
        if self._open and usage:
            self._open.usage = usage
        self._open = None

    def fail(self, outcome: Outcome, error: str = "") -> None:
        """Say what kept the model from finishing the turn; what it answers later in the turn takes that back."""
        self._open = None
        self._stop = (outcome, error)

    @property
    def unfinished(self) -> bool:
        """Whether the last thing that a model said is a call, so that it should have gone on."""
        responses = self._now.responses
        return bool(responses and responses[-1].message.calls)

    def forget(self, conversation: Conversation) -> None:
        """Put another conversation in the place of all that was said so far; an open turn keeps its prompt."""
        self._open = None
        if self._now.responses:
            self._cut = conversation, len(self._now.parts)
        else:
            self._before, self._starts = conversation, []

    def rewind(self, turns: int) -> Iterator[Record]:
        """Take back the last prompts and what followed: they stay runs, but are not the past of what comes next."""
        yield from self.end_turn()
        kept = self._starts[:-turns] if turns else self._starts
        self._before = self._before[: self._starts[len(kept)]] if len(kept) < len(self._starts) else self._before
        self._starts = kept

    @property
    def prompts(self) -> Conversation:
        """Return what users said so far."""
        said = (*self._before, *self._now.conversation)
        return tuple(message for message in said if message.role == "user")

    def end(self) -> Iterator[Record]:
        """Yield what is left when the session is over."""
        yield from self.end_turn()
        if self._taken and not self._calls:
            what = "no tool: all their prompts become cases without a call"
            yield Problem(self.about.path, f"calls {what.replace('their', 'its')}", f"sessions call {what}")
        if self._later:
            yield Skipped(self.about.path, "calls after the first prompt", calls=self._later)

    def end_turn(self) -> Iterator[Record]:
        """Yield the turn so far as a run and put it into the past."""
        responses = self._now.responses
        if responses and self._options.turns == "first" and self._taken:
            self._later += sum(len(response.message.calls) for response in responses)
        elif responses:
            self._taken += 1
            self._calls += sum(len(response.message.calls) for response in responses)
            yield self._run(responses)
        self._go_on()
        self._now, self._heard, self._open, self._stop, self._where = Transcript(), [], None, None, ""

    def _go_on(self) -> None:
        """Put the turn into the past."""
        if self._cut:
            before, first = self._cut
            self._before, self._starts, self._cut = before + conversation_of(self._now.parts[first:]), [], None
            return
        self._starts += [len(self._before) + place for place in self._heard]
        self._before += self._now.conversation

    def _run(self, responses: list[Response]) -> Imported | Skipped:
        about, last = self.about, responses[-1]
        steps = [response for response in responses if response.message.calls]
        chain = tuple(response.message.calls for response in steps)
        first = self._now.parts.index(responses[0])
        conversation = self._before + conversation_of(self._now.parts[:first])
        if not any(message.role == "user" for message in conversation):
            return Skipped(self._where, "calls before the first prompt of a file", calls=sum(map(len, chain)))
        case = Case(
            id=case_id(conversation),
            conversation=conversation,
            tools=about.tools,
            tags=about.tags,
            where=self._where,
        )
        first_id = next((key for step in steps for key in step.message.ids if not key.startswith(MADE)), "")
        stop, error = self._stop or (last.stop, "")
        return Imported(
            case=case,
            model=about.label or next((one.model for one in responses if one.model), "unknown"),
            outcome=stop or outcome_of(chain),
            chain=chain,
            text=last.message.content,
            error=error,
            usage=total([response.usage for response in responses]),
            source=self._where,
            instructions=about.instructions,
            identity=f"{case.id} {first_id}" if first_id else "",  # a copy of the session may go on elsewhere
            replies=tuple(response.texts for response in steps) if self._options.replies else (),
        )
