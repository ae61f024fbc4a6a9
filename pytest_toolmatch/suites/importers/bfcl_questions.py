"""BFCL's question files: what is asked, with which functions on offer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from pytest_toolmatch.core.case import Case
from pytest_toolmatch.core.conversation import Conversation, Message, user
from pytest_toolmatch.core.errors import ToolmatchError
from pytest_toolmatch.core.toolformats import tools_from_json
from pytest_toolmatch.suites.importers.files import Document, stem, typed
from pytest_toolmatch.suites.importers.source import Problem

_FILE = re.compile(r"(?:BFCL_v\d+|gorilla_openfunctions_v\d+_test)_(?P<category>.+?)(?:_result|_score)?")
_NUMBER = re.compile(r"(?P<category>[^/\\]*?)_?(?P<number>\d+(?:-\d+)*)")

_RENAMED = {"simple": "simple_python", "java": "simple_java", "javascript": "simple_javascript"}
"""Categories of v3 that have another name in v4."""

_CLASSES = {
    "GorillaFileSystem": "gorilla_file_system",
    "MathAPI": "math_api",
    "MessageAPI": "message_api",
    "TwitterAPI": "posting_api",
    "TicketAPI": "ticket_api",
    "TradingBot": "trading_bot",
    "TravelAPI": "travel_booking",
    "VehicleControlAPI": "vehicle_control",
    "WebSearchAPI": "web_search",
    "MemoryAPI_kv": "memory_kv",
    "MemoryAPI_vector": "memory_vector",
    "MemoryAPI_rec_sum": "memory_rec_sum",
}
"""Class of a multi-turn question → file of ``multi_turn_func_doc`` with its functions."""


class Key(msgspec.Struct, frozen=True):
    """What aligns the files of one category: its name and the number in the id (``17`` or ``29-7-2``)."""

    category: str
    number: str


class _Message(msgspec.Struct, frozen=True):
    role: str
    content: str | None = None


class _Line(msgspec.Struct, frozen=True):
    question: str | list[list[_Message]]
    function: Any = None
    involved_classes: tuple[str, ...] = ()
    excluded_function: tuple[str, ...] = ()


def fold(name: str) -> str:
    """Return a name as function-calling APIs allow it."""
    return name.replace(".", "_")


def category_of(item: Document) -> str:
    """Return the category that a file is named after, or the empty string."""
    found = _FILE.fullmatch(stem(item.path))
    return found["category"] if found else ""


def key_of(item: Document) -> Key | None:
    """Return where a record belongs: by its file's name and its ``id`` or ``idx``, by the id alone elsewhere."""
    found = _NUMBER.fullmatch(str(item.data.get("id", item.data.get("idx"))))
    return Key(category_of(item) or found["category"], found["number"]) if found else None


class Questions:
    """The questions of all files, and the cases they make once all are known."""

    def __init__(self) -> None:
        self._lines: dict[Key, tuple[_Line, Document]] = {}
        self._documented: dict[str, list[dict[str, Any]]] = {}
        self._cases: dict[Key, Case] = {}

    def add(self, key: Key, item: Document) -> Problem | None:
        """Take in a question."""
        line = typed(item.data, _Line, item.where)
        if isinstance(line, Problem):
            return line
        # The rest of the record (a whole file system, at times) is not kept.
        self._lines.setdefault(key, (line, msgspec.structs.replace(item, data=None)))
        return None

    def document(self, item: Document) -> None:
        """Take in the description of a function of a multi-turn class."""
        self._documented.setdefault(stem(item.path), []).append(item.data)

    def resolve(self, key: Key) -> Key | None:
        """Return the key under which a question is known, if it is."""
        renamed = Key(_RENAMED.get(key.category, key.category), key.number)
        return next((known for known in (key, renamed) if known in self._lines), None)

    def cases(self) -> Iterable[tuple[Key, Case | Problem]]:
        """Yield a case for every question, or what keeps it from being one."""
        for key, (line, item) in self._lines.items():
            case = self._case(key, line, item)
            if isinstance(case, Case):
                self._cases[key] = case
            yield key, case

    def __getitem__(self, key: Key) -> Case | None:
        return self._cases.get(key)

    def _case(self, key: Key, line: _Line, item: Document) -> Case | Problem:
        try:
            tools = tools_from_json(self._functions(line), where=item.where)
        except ToolmatchError as error:
            return Problem(item.where, str(error))
        return Case(
            id=f"{key.category}_{key.number}",
            conversation=_conversation(line),
            tools=tuple(msgspec.structs.replace(tool, name=fold(tool.name)) for tool in tools),
            where=item.where,
        )

    def _functions(self, line: _Line) -> list[Any]:
        if line.function is not None:
            return line.function if isinstance(line.function, list) else [line.function]
        classes = (self._documented.get(_CLASSES.get(name, name), ()) for name in line.involved_classes)
        return [entry for entries in classes for entry in entries if entry.get("name") not in line.excluded_function]


def _conversation(line: _Line) -> Conversation:
    """Return the messages of all turns; what the model says between them is not part of the question."""
    if isinstance(line.question, str):
        return user(line.question)
    messages = (message for turn in line.question for message in turn)
    return tuple(
        msgspec.convert({"role": message.role, "content": message.content or ""}, Message) for message in messages
    )
