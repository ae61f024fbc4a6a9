"""One Claude Code session as a tree: prompts, the responses to each, and what was said before.

A session file is a tree by ``uuid`` and ``parentUuid``, not a list. One API response is split over several records
with the same ``message.id``; results of parallel calls hang off different ones of them; a resumed or edited
session forks. This module puts the pieces together again and knows nothing of cases or samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from pytest_toolmatch.core.chain import Call, Chain
from pytest_toolmatch.core.conversation import Conversation, Message
from pytest_toolmatch.suites.importers.claude_records import CALLS, SYNTHETIC, Body, Line, call_ids, text_of
from pytest_toolmatch.suites.importers.files import Document, typed
from pytest_toolmatch.suites.importers.source import Problem

_INTERRUPTED = "[Request interrupted by user"
_NOISE = ("<command-name>", "<command-message>", "<local-command-", "Caveat: The messages below were generated")


class Response(msgspec.Struct, eq=False):
    """One API response, put together from its records."""

    id: str
    number: int
    parent: Response | None
    model: str = ""
    texts: dict[str, None] = {}
    calls: dict[str, Call] = {}
    replies: dict[str, Message] = {}
    usage: dict[str, Any] = {}
    stop_reason: str = ""
    error: bool = False
    leaf: bool = True

    def add(self, line: Line, body: Body) -> None:
        """Take in one more record of the response."""
        self.model = body.model or self.model
        self.error = self.error or bool(line.is_api_error_message)
        self.usage = body.usage or self.usage  # repeated in every record, complete in the last
        self.stop_reason = body.stop_reason or self.stop_reason
        self.texts[line.text] = None  # a record may be repeated
        for place, block in enumerate(body.blocks):
            if block.get("type") in CALLS:
                key = str(block.get("id") or f"{line.number}.{place}")
                self.calls.setdefault(key, Call(str(block.get("name") or ""), block.get("input")))

    @property
    def text(self) -> str:
        """Return what was said."""
        return "\n".join(filter(None, self.texts))

    @property
    def messages(self) -> Conversation:
        """Return the response and the replies to its calls, as they go into a conversation."""
        said = Message("assistant", self.text, tuple(self.calls.values()))
        return (said, *(self.replies[key] for key in self.calls if key in self.replies))


class Turn(msgspec.Struct, eq=False):
    """A prompt with everything that answers it; ``before`` is where in the session it was given."""

    number: int
    text: str
    before: tuple[Turn | None, Response | None]
    meta: list[str] = []
    responses: list[Response] = []
    interrupted: bool = False

    @property
    def prompt(self) -> Conversation:
        """Return what the user said; a slash command counts as the text that it stands for."""
        texts = [text for text in (self.text, *self.meta) if text and not text.startswith(_NOISE)]
        if not texts and self.responses:
            texts = [self.text]
        return tuple(Message("user", text) for text in texts)

    @property
    def conversation(self) -> Conversation:
        """Return everything up to and including the prompt."""
        parts = [self.prompt]
        turn, response = self.before
        while turn:
            parts += (step.messages for step in reversed(path(response)))
            parts.append(turn.prompt)
            turn, response = turn.before
        return tuple(message for part in reversed(parts) for message in part)

    @property
    def draws(self) -> list[list[Response]]:
        """Return the independent answers to the prompt, each as its responses from first to last.

        Branches that share a response are one answer that was taken back and tried again: the last of them counts.
        """
        paths = [path(response) for response in self.responses if response.leaf]
        return list({steps[0].id: steps for steps in paths}.values())


def path(response: Response | None) -> list[Response]:
    """Return the responses of the turn up to this one, first to last."""
    steps = []
    while response:
        steps.append(response)
        response = response.parent
    return steps[::-1]


def chain_of(steps: Iterable[Response]) -> Chain:
    """Return the calls of some responses: one step per response."""
    return tuple(tuple(step.calls.values()) for step in steps if step.calls)


def replies_of(steps: Sequence[Response]) -> tuple[tuple[str, ...], ...]:
    """Return what the calls were answered with, step by step; a step that lacks an answer has none."""
    texts = [[step.replies[key].content for key in step.calls if key in step.replies] for step in steps if step.calls]
    calls = [len(step.calls) for step in steps if step.calls]
    return tuple(tuple(said) if len(said) == count else () for said, count in zip(texts, calls, strict=True))


class Session:
    """A session in the making: records go in one by one, in file order. ``spoken`` says that there is any message."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.sidechain: set[str] = set()
        self.announced: dict[str, None] = {}
        self.lost = 0
        self.spoken = False
        self._orphans: dict[str, str] = {}
        self._parent: dict[str, str] = {}
        self._turn: dict[str, Turn | None] = {}
        self._response: dict[str, Response | None] = {}
        self._by_id: dict[str, Response] = {}
        self._turn_of: dict[str, Turn] = {}
        self._asked: dict[str, Response] = {}
        self._last: tuple[Turn | None, Response | None] = (None, None)

    def add(self, item: Document) -> Problem | None:
        """Take in one record, or return what is wrong with it.

        What is no user's or assistant's only carries the tree on.
        """
        line = typed(item.data, Line, item.where)
        if isinstance(line, Problem):
            return line
        line.number = item.line
        self._take(line, item.where)
        return None

    def _take(self, line: Line, where: str) -> None:
        self.spoken = self.spoken or (line.message is not None and line.type in ("assistant", "user"))
        self.announced.update(dict.fromkeys(line.announced))
        if line.is_sidechain:
            self.sidechain.update(call_ids(line))
            return
        turn, response = self._above(line)
        if line.message and line.type == "assistant":
            response = self._respond(line, line.message, turn, response, where)
            # A copy of a record may hang off another prompt than its response does.
            turn = self._turn_of[response.id] if response else turn
        elif line.message and line.type == "user":
            turn, response = self._hear(line, line.message, turn, response)
        if line.type in ("assistant", "user"):
            self._last = turn, response
        if line.uuid:
            self._hang(line.uuid, line.parent_uuid, where)
            self._turn[line.uuid], self._response[line.uuid] = turn, response

    def _above(self, line: Line) -> tuple[Turn | None, Response | None]:
        """Return the turn and the response that a record hangs off."""
        known = next((parent for parent in line.parents if parent in self._turn), None)
        if known:
            return self._turn[known], self._response[known]
        # The first records of a file hang off nothing; where the parent is lost, the order in the file has to do.
        lost = any(line.parents) or not line.uuid or line.type == "assistant"
        return self._last if lost else (None, None)

    def _hang(self, uuid: str, parent: str | None, where: str) -> None:
        if parent:
            self._parent[uuid] = parent
            if parent not in self._turn:
                self._orphans[uuid] = where

    def circles(self) -> Iterator[str]:
        """Yield where records hang off themselves in a circle, once each; a file whose parents come first has none."""
        done: set[str] = set()
        for start, where in self._orphans.items():
            above, uuid = set[str](), start
            while uuid in self._parent and uuid not in above and uuid not in done:
                above.add(uuid)
                uuid = self._parent[uuid]
            if uuid in above:
                yield where
            done |= above

    def _respond(
        self, line: Line, body: Body, turn: Turn | None, above: Response | None, where: str
    ) -> Response | None:
        key = body.id or line.request_id or line.uuid or where
        response = self._by_id.get(key)
        if response is None:
            if turn is None or (body.model == SYNTHETIC and not line.is_api_error_message):
                self.lost += len(call_ids(line))
                return above
            response = self._by_id[key] = Response(key, line.number, above)
            self._turn_of[key] = turn
            if above:
                above.leaf = False
            turn.responses.append(response)
        response.add(line, body)
        self._asked.update(dict.fromkeys(response.calls, response))
        return response

    def _hear(
        self, line: Line, body: Body, turn: Turn | None, response: Response | None
    ) -> tuple[Turn | None, Response | None]:
        results = [block for block in body.blocks if block.get("type") == "tool_result"]
        for block in results:
            self._reply(block)
        if results:
            return turn, response
        if turn and line.is_meta:
            turn.meta += [] if response else [line.text]
            return turn, response
        if turn and line.text.startswith(_INTERRUPTED):
            turn.interrupted = True
            return turn, response
        if line.is_meta:
            return turn, response
        # What was said before a compaction is no longer shown to the model; its summary is.
        turn = Turn(line.number, line.text, (None, None) if line.is_compact_summary else (turn, response))
        self.turns.append(turn)
        return turn, None

    def _reply(self, block: dict[str, Any]) -> None:
        key = str(block.get("tool_use_id"))
        if response := self._asked.get(key):
            content = block.get("content")
            text = "\n".join(map(text_of, content if isinstance(content, list) else [content or ""]))
            response.replies[key] = Message("tool", text, name=response.calls[key].name)
