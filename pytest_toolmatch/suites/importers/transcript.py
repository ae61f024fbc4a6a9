"""Messages of a log put in order: every reply with the call it answers, whatever order and ids the log has.

Ids differ from run to run, so a case must not hold them: two runs of one conversation are the same case. In a finished
conversation replies follow their calls in the order of the calls, as ``core.conversation`` has it.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from pytest_toolmatch.core.conversation import Conversation, Message
from pytest_toolmatch.core.sample import Outcome, Usage

MADE = "call "
"""What the ids begin with of calls that have none in the log; no provider's ids hold a space."""


class Response(msgspec.Struct, eq=False, kw_only=True):
    """One answer of a model: what it said, and what its calls were answered with, by the ids of the calls."""

    message: Message
    model: str = ""
    usage: Usage | None = None
    stop: Outcome | None = None
    replies: dict[str, Message] = {}

    def extend(self, more: Message) -> None:
        """Take in more of the same answer, which some logs write part by part."""
        said = self.message
        content = "\n".join(filter(None, (said.content, more.content)))
        self.message = Message("assistant", content, said.calls + more.calls, ids=said.ids + more.ids)

    @property
    def plain(self) -> Conversation:
        """Return the answer and the replies to it, as they go into a conversation."""
        said = Message("assistant", self.message.content, self.message.calls)
        return (said, *(self.replies[key] for key in self.message.ids if key in self.replies))

    @property
    def texts(self) -> tuple[str, ...]:
        """Return what the calls were answered with; nothing where an answer is missing."""
        texts = tuple(self.replies[key].content for key in self.message.ids if key in self.replies)
        return texts if len(texts) == len(self.message.calls) else ()


class Transcript:
    """A conversation in the making."""

    def __init__(self) -> None:
        self.parts: list[Message | Response] = []
        self._asked: dict[str, tuple[Response, str]] = {}
        self._last: Response | None = None
        self._made = 0

    @classmethod
    def of(cls, messages: Iterable[Message]) -> Transcript:
        """Return the conversation that some messages are."""
        transcript = cls()
        for message in messages:
            transcript.add(message)
        return transcript

    @property
    def responses(self) -> list[Response]:
        """Return what the model said."""
        return [part for part in self.parts if isinstance(part, Response)]

    def add(self, message: Message) -> None:
        """Take in one message of any role."""
        if message.role == "assistant":
            self.say(Response(message=message))
        elif message.role == "tool":
            self.reply(message)
        else:
            self.parts.append(message)

    def say(self, response: Response) -> None:
        """Take in an answer."""
        said, response.message = response.message, Message("assistant", response.message.content)
        self._last = response
        self.parts.append(response)
        self.extend(response, Message("assistant", "", said.calls, ids=said.ids))

    def extend(self, response: Response, more: Message) -> None:
        """Take in more of an answer that was taken in before, with an id for each call that no other call has."""
        given = (*more.ids, *("" for _ in more.calls))[: len(more.calls)]
        own: list[str] = []
        for one in given:
            self._made += 1
            own.append(f"{MADE}{self._made}" if not one or one in self._asked else one)
            # Some services give one id again and again: a reply answers the last call of that id.
            self._asked[one or own[-1]] = response, own[-1]
        response.extend(Message("assistant", more.content, more.calls, ids=tuple(own)))

    def reply(self, message: Message) -> None:
        """Put a reply to the call that it names, or to the first call of the last answer that has none yet."""
        unnamed = (self._last, _unanswered(self._last, message.name)) if self._last else (None, "")
        response, key = self._asked.get(message.reply_to, (None, "")) if message.reply_to else unnamed
        if response is None or not key:
            self.parts.append(Message("tool", message.content, name=message.name, error=message.error))
            return
        called = response.message.calls[response.message.ids.index(key)]
        response.replies[key] = Message("tool", message.content, name=called.name, error=message.error)

    @property
    def conversation(self) -> Conversation:
        """Return everything so far."""
        return conversation_of(self.parts)


def conversation_of(parts: Iterable[Message | Response]) -> Conversation:
    """Return the parts as plain messages."""
    messages = ((part,) if isinstance(part, Message) else part.plain for part in parts)
    return tuple(message for part in messages for message in part)


def _unanswered(response: Response, name: str) -> str:
    """Return the id of the first call of that name, or of any, that has no reply; empty where all have."""
    left = [
        (call.name, key)
        for call, key in zip(response.message.calls, response.message.ids, strict=True)
        if key not in response.replies
    ]
    return next((key for called, key in left if called == name), left[0][1] if left else "")
