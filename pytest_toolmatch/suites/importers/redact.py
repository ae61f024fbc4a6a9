"""Personal data taken out of what is imported, before any of it is kept on disk.

The same value becomes the same placeholder everywhere, in queries, arguments and replies alike, so that chains that
matched still match. A value that only its surroundings give away (``API_KEY=…``) is looked for once more, everywhere,
when all is read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from pytest_toolmatch.core.case import Case, slug
from pytest_toolmatch.core.chain import Call, Chain
from pytest_toolmatch.core.conversation import Message
from pytest_toolmatch.core.errors import ConfigError, did_you_mean
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.suites.importers.secrets import NAMES, Pattern, patterns
from pytest_toolmatch.suites.importers.source import Imported, Offered, Problem, Question, Record

KINDS = ("keys", "emails")
"""Kinds of personal data that can be taken out."""

_SHORTEST = 6
"""Shorter texts hold no secret."""
_MAX_REMEMBERED = 8 << 20
"""Characters of texts whose results are remembered; a text counts ``_OVERHEAD`` more."""
_MAX_TOOLS = 1 << 20
"""Bytes of JSON of tools that are remembered; as objects they take about ten times that."""
_OVERHEAD = 200
_RUN = re.compile(rb"[A-Za-z0-9]{8,}")
_ESCAPES = re.compile(rb"\\[nrtbf]")
_BLOB = re.compile(
    r"data:(?P<type>[\w.+/-]{1,80});base64,[A-Za-z0-9+/=]{64,}|(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{2048,}={0,2}"
)
_NAMES_CUT = re.compile(r"[^a-z0-9]+")
_encoder = msgspec.json.Encoder()
_Key = TypeVar("_Key", str, bytes)
_Result = TypeVar("_Result")


def kinds_of(text: str) -> tuple[str, ...]:
    """Read ``keys,emails`` or ``none``; ConfigError names the known kinds."""
    kinds = tuple(kind.strip() for kind in text.split(",") if kind.strip() not in ("", "none"))
    if unknown := next((kind for kind in kinds if kind not in KINDS), None):
        raise ConfigError(
            f"--redact {text}: no kind {unknown!r}{did_you_mean(unknown, KINDS)}; known: keys, emails, none"
        )
    return kinds


class Redactor:
    """Takes values out of records; ``counts`` says how many different ones, by kind."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        self.counts: Counter[str] = Counter()
        self._patterns: tuple[Pattern, ...] = tuple(patterns(kinds))
        self._keys = "keys" in kinds
        self._holders: dict[str, str] = {}
        self._numbers: Counter[str] = Counter()
        self._told: dict[bytes, list[tuple[bytes, bytes]]] = {}
        self._text = _Remembered(lambda text: self._without(_BLOB.sub(_named, text)))
        self._string = _Remembered(self._without)
        self._tools: _Results[bytes, Tool] = _Results(_MAX_TOOLS)

    def record(self, record: Record) -> Record:
        """Return the record without the values."""
        match record:
            case Imported():
                return msgspec.structs.replace(
                    record,
                    case=self._case(record.case),
                    chain=self._chain(record.chain),
                    text=self.text(record.text),
                    error=self.text(record.error),
                    instructions=self.text(record.instructions),
                    replies=tuple(tuple(map(self.text, step)) for step in record.replies),
                )
            case Question():
                return msgspec.structs.replace(record, case=self._case(record.case))
            case Problem() if self._patterns:
                return msgspec.structs.replace(record, what=self._without(record.what))
            case Offered():
                return msgspec.structs.replace(record, tools=tuple(map(self._tool, record.tools)))
        return record

    def text(self, text: str) -> str:
        """Return a text without the values; what is no text in it (pictures as base64) is only named."""
        return self._text(text)

    def value(self, value: Any) -> Any:
        """Return a JSON value without the values, in strings and keys of any depth."""
        if not self._patterns:
            return value
        whole: list[Any] = [value]
        todo: list[tuple[Any, Any]] = [(whole, 0)]  # no recursion: arguments may be nested as deep as they like
        while todo:
            into, place = todo.pop()
            item = into[place]
            if isinstance(item, str):
                into[place] = self._string(item)
            elif isinstance(item, list):
                into[place] = list(item)
                todo += ((into[place], index) for index in reversed(range(len(item))))
            elif isinstance(item, dict):
                into[place] = {self._string(str(key)): self._of_name(str(key), inner) for key, inner in item.items()}
                todo += ((into[place], key) for key in reversed(into[place]))
        return whole[0]

    def _of_name(self, name: str, item: Any) -> Any:
        """Return what stands under a name; a text under the name of a secret is one."""
        plain = isinstance(item, str) and item and not item.startswith("<secret-")
        if self._keys and plain and NAMES.fullmatch(name) and self._string(item) == item:
            return self._holder(item, "value of a secret's name", told=True)
        return item

    def _tool(self, tool: Tool) -> Tool:
        """Return the tool without the values; one that every request repeats is looked through once.

        It is known again by its JSON, which is what is kept of it: in Python 1 == True, and keys have no order.
        """
        told = _encoder.encode(tool)
        known = self._tools.get(told)
        if known is None:
            description, parameters = self._string(tool.description), self.value(tool.parameters)
            redacted = msgspec.structs.replace(tool, description=description, parameters=parameters)
            return self._tools.keep(told, redacted)
        return known

    def _without(self, text: str) -> str:
        for pattern in self._patterns:
            if pattern.regex.search(text):
                text = self._replaced(text, pattern)
        return text

    def _replaced(self, text: str, pattern: Pattern) -> str:
        parts, end = [], 0
        for found in pattern.regex.finditer(text):
            secret = found[pattern.group]
            if not secret or secret.startswith("<"):
                continue
            start = found.start(pattern.group)
            parts += [text[end:start], self._holder(secret, pattern.kind, told=pattern.told)]
            end = found.end(pattern.group)
        return "".join([*parts, text[end:]])

    def _holder(self, secret: str, kind: str, *, told: bool) -> str:
        """Return the placeholder of a value."""
        holder = self._holders.get(secret)
        if holder is None:
            word = "email" if kind == "e-mail address" else "secret"
            self._numbers[word] += 1
            holder = self._holders[secret] = f"<{word}-{self._numbers[word]}>"
            self.counts[kind] += 1
            if told:
                self._tell(secret, holder)
        return holder

    def _tell(self, secret: str, holder: str) -> None:
        """Remember a value to look for later, by its longest word, if it is like no ordinary word.

        It is looked for as it stands in JSON, and as it stands in an id that was made from a query.
        """
        if not any(char.isdigit() for char in secret) or not any(char.isalpha() for char in secret):
            return
        in_id = _NAMES_CUT.sub("-", secret.lower()).strip("-").encode()
        for form, instead in ((msgspec.json.encode(secret)[1:-1], holder), (in_id, holder.strip("<>"))):
            if run := max(_RUN.findall(form), key=len, default=b""):
                self._told.setdefault(run, []).append((form, instead.encode()))

    def late(self, data: bytes) -> bytes:
        """Return JSON without the values that only came to light after it was read."""
        if not self._told:
            return data
        # Escapes are letters in JSON, and would be taken for a part of the word behind them.
        for run in self._told.keys() & set(_RUN.findall(_ESCAPES.sub(b"  ", data))):
            for form, instead in self._told[run]:
                data = data.replace(form, instead)
        return data

    def _chain(self, chain: Chain) -> Chain:
        return tuple(tuple(map(self._call, step)) for step in chain)

    def _call(self, call: Call) -> Call:
        return Call(call.name, self.value(call.arguments))

    def _case(self, case: Case) -> Case:
        tools = None if case.tools is None else tuple(map(self._tool, case.tools))
        redacted = msgspec.structs.replace(case, conversation=tuple(map(self._message, case.conversation)), tools=tools)
        return msgspec.structs.replace(redacted, id=self._id(case, redacted))

    def _id(self, case: Case, redacted: Case) -> str:
        """Return the id; one that was made from the query, and may show a value, is made again."""
        if redacted.query == case.query:
            return self._string(case.id)
        made = slug(case.query)
        if case.id.startswith(made):
            return slug(redacted.query) + case.id.removeprefix(made)
        return self._string(case.id)

    def _message(self, message: Message) -> Message:
        calls = tuple(map(self._call, message.calls)) if message.calls else ()
        native = self.value(message.native)
        return msgspec.structs.replace(message, content=self.text(message.content), calls=calls, native=native)


class _Results(dict[_Key, _Result], Generic[_Key, _Result]):
    """Results by what they are of, up to ``limit`` characters or bytes of that; then it begins anew."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit, self._size = limit, 0

    def keep(self, key: _Key, result: _Result) -> _Result:
        """Remember a result, and return it."""
        self._size += len(key) + _OVERHEAD
        if self._size > self._limit:
            self.clear()
            self._size = len(key) + _OVERHEAD
        self[key] = result
        return result


class _Remembered:
    """A function of texts that remembers results: messages come again with every later prompt of a session."""

    def __init__(self, function: Callable[[str], str]) -> None:
        self._function = function
        self._known: _Results[str, str] = _Results(_MAX_REMEMBERED)

    def __call__(self, text: str) -> str:
        if len(text) < _SHORTEST:
            return text
        known = self._known.get(text)
        return self._known.keep(text, self._function(text)) if known is None else known


def _named(blob: re.Match[str]) -> str:
    return f"[{blob['type'] or 'binary data'}, {len(blob[0]) * 3 // 4:,} bytes]"
