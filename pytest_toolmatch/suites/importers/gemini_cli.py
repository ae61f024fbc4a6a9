"""Gemini CLI sessions: the files below ``~/.gemini/tmp/*/chats``.

The first versions write one JSON object per session, later ones a line per change: a message that has changed is
written again under its id, ``$rewindTo`` takes back a message and all after it, ``$set`` changes the session and may
put a summary in the place of what was said. Every prompt that a model answered becomes a case with the conversation
before it. The log holds neither tools nor instructions: they have to be given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pytest_toolmatch.core.chain import Call
from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.errors import at
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.suites.importers.contents import count, dicts, mapping, string
from pytest_toolmatch.suites.importers.dialogue import About, Dialogue
from pytest_toolmatch.suites.importers.files import Document
from pytest_toolmatch.suites.importers.parts import Each, Part, here, parts_of
from pytest_toolmatch.suites.importers.source import Options, Problem, Record, Skipped, Source
from pytest_toolmatch.suites.importers.transcript import Transcript
from pytest_toolmatch.suites.importers.wire_google import parts_text, result_text

NAME = "gemini-cli"
SUMMARY = "Gemini CLI sessions (~/.gemini/tmp/*/chats/session-*); tool schemas come from --tools"


_PAST = "$past"
"""Our own type of a message that stands for all of the conversation so far."""


def read(sources: Sequence[Source], options: Options) -> Iterator[Record]:
    """Yield one run per answered prompt of every session."""
    return read_parts(sources, options, here)


def read_parts(sources: Sequence[Source], options: Options, each: Each) -> Iterator[Record]:
    """Yield the same; every session stands by itself."""
    return each(partial(_read, options=options), parts_of(sources))


def _read(part: Part, options: Options) -> Iterator[Record]:
    session = _Session()
    for item in part.documents():
        if isinstance(item, Problem):
            yield item
        else:
            session.add(item)
    yield from session.records(part.path, part.source, options)


class _Session:
    """One session in the making: its messages by their ids, with the line that last told each."""

    def __init__(self) -> None:
        self._messages: dict[str, tuple[dict[str, Any], str]] = {}
        self._known = False
        self._read = False
        self._taken_back: set[str] = set()

    def add(self, item: Document) -> None:
        """Take in a whole session or one change of it."""
        self._read = True
        record = mapping(item.data)
        told = mapping(record.get("$set")) or record
        if "$rewindTo" in record:
            self._rewind(string(record["$rewindTo"]))
        elif "type" in record and "id" in record:
            self._put([record], item.where)
        else:
            self._known = self._known or "sessionId" in record
            self._replace(dicts(told.get("messages")), item.where)

    def _replace(self, messages: list[dict[str, Any]], where: str) -> None:
        """Take in what the conversation is from now on: what was said before stays, but no longer as its past."""
        new = any(string(message.get("id")) not in self._messages for message in messages)
        if self._messages and new:
            known = [message for message in messages if message.get("id") in self._messages]
            self._put([*known, {"id": f"past {where}", "type": _PAST, "messages": messages}], where)
        else:
            self._put(messages, where)

    def _put(self, messages: list[dict[str, Any]], where: str) -> None:
        for message in messages:
            self._known = self._known or message.get("type") in ("user", "gemini")
            key = string(message.get("id")) or f"{where} {len(self._messages)}"
            known = self._messages.get(key)
            self._messages[key] = message, known[1] if known else where

    def _rewind(self, target: str) -> None:
        keys = list(self._messages)
        for key in keys[keys.index(target) :] if target in keys else ():
            message, _ = self._messages.pop(key)
            self._taken_back.update(key for key, _ in _calls(message))

    def records(self, file: Path, source: Source, options: Options) -> Iterator[Record]:
        """Yield what the session came to."""
        if self._read and not self._known:
            yield Problem(at(file, 1), "no Gemini CLI session: it has no sessionId and messages of one")
        talk = Dialogue(About(path=at(file), label=source.label), options)
        for message, where in self._messages.values():
            yield from _tell(talk, message, where)
        yield from talk.end()
        if self._taken_back:
            yield Skipped(at(file), "calls of branches that were taken back", calls=len(self._taken_back))


def _tell(talk: Dialogue, message: dict[str, Any], where: str) -> Iterator[Record]:
    kind, text = message.get("type"), parts_text(message.get("content"))
    if kind == "user":
        yield from talk.hear(Message("user", text), where)
    elif kind == "gemini":
        _answer(talk, message, where)
    elif kind == _PAST:
        yield from talk.end_turn()
        said = (part for one in dicts(message.get("messages")) for part in _messages(one))
        talk.forget(Transcript.of(said).conversation)
    elif kind == "error" and talk.unfinished:
        talk.fail("infrastructure", text)
    elif kind == "info" and talk.unfinished and "cancel" in text.lower():
        talk.fail("truncated", text)


def _answer(talk: Dialogue, message: dict[str, Any], where: str) -> None:
    said, *replies = _messages(message)
    talk.say(said, where, model=string(message.get("model")), usage=_usage(mapping(message.get("tokens"))))
    talk.close()
    for reply in replies:
        talk.note(reply)
    if said.calls and all(call.get("status") == "cancelled" for call in dicts(message["toolCalls"])):
        talk.fail("truncated", "cancelled by the user")


def _messages(message: dict[str, Any]) -> Iterator[Message]:
    """Yield a prompt, or an answer and the replies to its calls."""
    text = parts_text(message.get("content"))
    if message.get("type") == "user":
        yield Message("user", text)
    elif message.get("type") == "gemini":
        calls = list(_calls(message))
        yield Message("assistant", text, tuple(call for _, call in calls), ids=tuple(key for key, _ in calls))
        yield from (_reply(call) for call in dicts(message.get("toolCalls")) if call.get("result"))


def _reply(call: dict[str, Any]) -> Message:
    result = call["result"]
    told = [mapping(part["functionResponse"]) for part in dicts(result) if "functionResponse" in part]
    content = result_text(told[0].get("response")) if told else parts_text(result)
    failed = call.get("status") in ("error", "cancelled")
    return Message("tool", content, name=string(call.get("name")), reply_to=string(call.get("id")), error=failed)


def _calls(message: dict[str, Any]) -> Iterator[tuple[str, Call]]:
    for call in dicts(message.get("toolCalls")):
        yield string(call.get("id")), Call(string(call.get("name")), mapping(call.get("args")))


def _usage(tokens: dict[str, Any]) -> Usage | None:
    if not tokens:
        return None
    thought = count(tokens.get("thoughts"))
    return Usage(
        input=count(tokens.get("input")),
        cached=count(tokens.get("cached")),
        output=count(tokens.get("output")) + thought,
        reasoning=thought,
    )
