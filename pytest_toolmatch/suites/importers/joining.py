"""From single requests to chains: a request that adds the tools' replies to an earlier one goes on with its chain.

Requests of several conversations may be mixed. Which one a request goes on from is told by what was said: the
conversation of the earlier request and the answer to it, whatever the ids; where several said the same, by the model.
Only what waits for replies is kept, by digest, and no more than ``WAITING`` at a time, so that memory does not grow
with the log.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict, deque
from collections.abc import Iterator

import msgspec

from pytest_toolmatch.core.case import Case, case_id
from pytest_toolmatch.core.conversation import Conversation, Message
from pytest_toolmatch.core.sample import outcome_of, total
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.suites.importers.source import Imported, Options, Problem, Record
from pytest_toolmatch.suites.importers.transcript import Response, Transcript, conversation_of
from pytest_toolmatch.suites.importers.wire import Answered, Asked

WAITING = 1000
"""Chains that wait for a request that goes on with them; the one that waits longest is closed first."""

_encoder = msgspec.json.Encoder(order="sorted")


class Exchange(msgspec.Struct, kw_only=True):
    """One request with its response, read."""

    asked: Asked
    answered: Answered
    tools: tuple[Tool, ...]
    where: str
    label: str = ""

    @property
    def model(self) -> str:
        """Return what the request calls the model, or else the response."""
        return self.asked.model or self.answered.model


class _Run(msgspec.Struct, kw_only=True, eq=False):
    """A chain in the making, equal to itself alone."""

    first: Exchange
    conversation: Conversation
    steps: list[Response]
    ids: list[str]


class Joiner:
    """Takes exchanges in the order of the log, gives runs."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._waiting: OrderedDict[_Run, str] = OrderedDict()
        self._by_key: dict[str, deque[_Run]] = {}
        self._said: OrderedDict[str, list[Message]] = OrderedDict()

    def add(self, exchange: Exchange) -> Iterator[Record]:
        """Take in one exchange; yield the runs that it ends."""
        asked, answered = exchange.asked, exchange.answered
        if asked.previous and asked.previous not in self._said:
            calls = len(answered.message.calls)
            yield Problem(
                exchange.where,
                f"goes on from response {asked.previous}, which is not in the log: left out, with calls: {calls}",
                "requests go on from responses that are not in the log: left out",
            )
            return
        messages = [*self._said.get(asked.previous, ()), *asked.messages]
        if answered.id and asked.kept:
            _keep(self._said, answered.id, [*messages, answered.message])
        transcript = Transcript.of(messages)
        run = self._earlier(transcript, exchange)
        if run is None and not exchange.tools and not answered.message.calls:
            yield Problem(exchange.where, "offers no tool: left out", "requests offer no tool: left out")
            return
        run = run or _Run(first=exchange, conversation=transcript.conversation, steps=[], ids=[])
        yield from self._step(run, exchange, transcript.conversation)

    def rest(self) -> Iterator[Record]:
        """Yield the chains that still wait."""
        yield from map(self._finished, self._waiting)

    def _earlier(self, transcript: Transcript, exchange: Exchange) -> _Run | None:
        """Return the chain that a conversation goes on with: its last answer, and then nothing but replies to it.

        Of several, that of the same model which waits longest, or else that of any.
        """
        last = transcript.parts[-1] if transcript.parts else None
        if not isinstance(last, Response) or not last.replies:
            return None
        said = (*conversation_of(transcript.parts[:-1]), *last.plain[:1])
        runs = self._by_key.get(_digest(exchange.label, said), ())
        run = next((run for run in runs if run.first.model == exchange.model), next(iter(runs), None))
        if run is None:
            return None
        self._take(run)
        run.steps[-1].replies = {
            own: last.replies[key]
            for own, key in zip(run.steps[-1].message.ids, last.message.ids, strict=False)
            if key in last.replies
        }
        return run

    def _take(self, run: _Run) -> None:
        """Let a chain wait no longer."""
        key = self._waiting.pop(run)
        self._by_key[key].remove(run)
        if not self._by_key[key]:
            del self._by_key[key]

    def _step(self, run: _Run, exchange: Exchange, conversation: Conversation) -> Iterator[Record]:
        """Add an answer to a chain; it is over where nothing is called."""
        answered = exchange.answered
        response = Response(message=answered.message, model=answered.model, usage=answered.usage, stop=answered.stop)
        Transcript().say(response)  # gives its calls ids
        run.steps.append(response)
        run.ids.append(answered.id)
        if not answered.message.calls:
            yield self._finished(run)
            return
        key = _digest(exchange.label, (*conversation, *run.steps[-1].plain))
        self._waiting[run] = key
        self._by_key.setdefault(key, deque()).append(run)
        if len(self._waiting) > WAITING:
            oldest = next(iter(self._waiting))
            self._take(oldest)
            yield self._finished(oldest)

    def _finished(self, run: _Run) -> Imported:
        first, last = run.first, run.steps[-1]
        steps = [step for step in run.steps if step.message.calls]
        chain = tuple(step.message.calls for step in steps)
        named = (first.label, *(step.model for step in run.steps), first.asked.model, "unknown")
        case = Case(id=case_id(run.conversation), conversation=run.conversation, tools=first.tools, where=first.where)
        return Imported(
            case=case,
            model=next(filter(None, named)),
            outcome=last.stop or outcome_of(chain),
            chain=chain,
            text=last.message.content,
            usage=total([step.usage for step in run.steps]),
            source=first.where,
            instructions=first.asked.instructions,
            identity=" ".join((case.id, *run.ids)) if all(run.ids) else "",  # some services give one id again and again
            replies=tuple(step.texts for step in steps) if self._options.replies else (),
        )


def _digest(label: str, conversation: Conversation) -> str:
    """Return what two conversations of a label share that say the same, but for space around the texts."""
    told = [(one.role, one.content.strip(), one.calls, one.name) for one in conversation]
    return hashlib.sha256(_encoder.encode((label, told))).hexdigest()


def _keep(kept: OrderedDict[str, list[Message]], key: str, messages: list[Message]) -> None:
    kept[key] = messages
    if len(kept) > WAITING:
        kept.popitem(last=False)
