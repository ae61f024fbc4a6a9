"""Codex CLI rollouts: the JSON Lines files below ``~/.codex/sessions``.

Every prompt that a model answered becomes a case with the conversation before it. What counts is what went to the model
and came from it (``response_item``); ``event_msg`` repeats it for the screen and is read only for what stands nowhere
else: token counts, interruptions, errors, turns taken back. Of the tools, the log holds at most the ``dynamic_tools``
of the program around Codex: its own have to be given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.errors import at
from pytest_toolmatch.core.sample import Usage
from pytest_toolmatch.suites.importers.contents import count, dicts, mapping, string, text_of
from pytest_toolmatch.suites.importers.dialogue import About, Dialogue
from pytest_toolmatch.suites.importers.files import Document
from pytest_toolmatch.suites.importers.offers import Offers
from pytest_toolmatch.suites.importers.parts import Each, Part, here, parts_of
from pytest_toolmatch.suites.importers.source import Options, Problem, Record, Source
from pytest_toolmatch.suites.importers.transcript import Transcript
from pytest_toolmatch.suites.importers.wire_responses import messages_of, part_of, usage_of

NAME = "codex"
SUMMARY = "Codex CLI rollouts (~/.codex/sessions/**/*.jsonl); tool schemas come from --tools"

_NOTES = (
    "<environment_context>",
    "<user_instructions>",
    "# AGENTS.md instructions",
    "<INSTRUCTIONS>",
    "<skill>",
    "<turn_aborted>",
    "<user_shell_command>",
    "<subagent_notification>",
)
"""How texts begin that Codex puts into the conversation in the user's name: they are no prompts."""


def read(sources: Sequence[Source], options: Options) -> Iterator[Record]:
    """Yield one run per answered prompt of every rollout."""
    return read_parts(sources, options, here)


def read_parts(sources: Sequence[Source], options: Options, each: Each) -> Iterator[Record]:
    """Yield the same; every rollout stands by itself."""
    return each(partial(_read, options=options), parts_of(sources))


def _read(part: Part, options: Options) -> Iterator[Record]:
    rollout = _Rollout(part.path, part.source, options)
    read = False
    for item in part.documents():
        if isinstance(item, Problem):
            yield item
            continue
        read = True
        yield from rollout.add(item)
    yield from rollout.end()
    if read and not rollout.known:
        yield Problem(at(part.path, 1), "no Codex rollout: its records have no type and payload of one")


class _Rollout:
    """One rollout in the making: records go in one by one, finished turns come out."""

    def __init__(self, file: Path, source: Source, options: Options) -> None:
        self.known = False
        self._options = options
        self._talk = Dialogue(About(path=at(file), label=source.label), options)
        self._model = ""
        self._counted = ""
        self._met = False
        self._readers: dict[str, Callable[[dict[str, Any], str], Iterator[Record]]] = {
            "session_meta": self._meet,
            "turn_context": self._turn,
            "response_item": self._item,
            "event_msg": self._event,
            "compacted": self._compact,
        }

    def add(self, item: Document) -> Iterator[Record]:
        record = mapping(item.data)
        payload = record.get("payload")
        reader = self._readers.get(string(record.get("type")))
        if reader and isinstance(payload, dict):
            self.known = True
            yield from reader(payload, item.where)
        elif (
            not reader and "type" in record and part_of(record, own=True)
        ):  # the first versions wrote items as they are
            self.known = True
            yield from self._item(record, item.where)

    def end(self) -> Iterator[Record]:
        return self._talk.end()

    def _meet(self, payload: dict[str, Any], where: str) -> Iterator[Record]:
        if self._met:  # a fork repeats the header of the rollout that it comes from
            return
        self._met = True
        told = payload.get("base_instructions") or payload.get("instructions")
        about = self._talk.about
        about.instructions = string(mapping(told).get("text")) or string(told)
        about.tags = ("subagent",) if "subagent" in mapping(payload.get("source")) else ()
        if declared := dicts(payload.get("dynamic_tools")):
            offers = Offers()
            tools = offers.read(declared, where)
            known = {tool.name for tool in tools}
            about.tools = (*(tool for tool in self._options.tools if tool.name not in known), *tools)
            yield from offers.told()
            if not self._options.tools:
                what = "only the dynamic tools are logged: give --tools a file with Codex's own"
                yield Problem(where, what, f"rollouts: {what}")

    def _turn(self, payload: dict[str, Any], _where: str) -> Iterator[Record]:
        self._model = string(payload.get("model")) or self._model
        return iter(())

    def _item(self, payload: dict[str, Any], where: str) -> Iterator[Record]:
        part = part_of(payload, own=True)
        if part is None:
            return
        if part.role == "assistant":
            self._talk.say(part, where, model=self._model)
        elif part.role == "user" and not part.content.lstrip().startswith(_NOTES):
            yield from self._talk.hear(part, where)
        else:
            self._talk.note(part)

    def _event(self, payload: dict[str, Any], _where: str) -> Iterator[Record]:
        kind = payload.get("type")
        if kind == "token_count":
            self._talk.close(self._usage(mapping(payload.get("info"))))
        elif kind == "turn_aborted":
            self._talk.fail("truncated", string(payload.get("reason")))
        elif kind == "error":
            self._talk.fail("infrastructure", string(payload.get("message")))
        elif kind == "thread_rolled_back":
            yield from self._talk.rewind(count(payload.get("num_turns")))

    def _usage(self, info: dict[str, Any]) -> Usage | None:
        """Return the tokens of the last response; the same count may be told again with news of rate limits."""
        told = str(info.get("total_token_usage"))
        last = mapping(info.get("last_token_usage"))
        new, self._counted = told != self._counted, told
        return usage_of(last) if last and new else None

    def _compact(self, payload: dict[str, Any], _where: str) -> Iterator[Record]:
        """What was said before a compaction is no longer shown to the model: what replaces it is."""
        kept = Transcript.of(messages_of(dicts(payload.get("replacement_history"))))
        summary = Message("user", text_of(payload.get("message")))
        self._talk.forget(kept.conversation or (*self._talk.prompts, summary))
        return iter(())
