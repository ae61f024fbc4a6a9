"""The words of a query, and those among them that a chain copies: what may be rewritten, and what may not."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_toolmatch.core.chain import calls_of
from pytest_toolmatch.fuzzing.relation import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_toolmatch.core.chain import Call
    from pytest_toolmatch.core.rules import Override
    from pytest_toolmatch.fuzzing.variant import Subject

LETTER = "A-Za-zÀ-ÖØ-öø-ɏ"
_EDGES = "\"'“”‘’«»()[]{}<>.,;:?!…*`"
_QUOTED = re.compile(
    r"(?s:```.*?```)|\[[^\]\n]+\]|\"[^\"\n]+\"|“[^”\n]+”|«[^»\n]+»|`[^`\n]+`|(?<!\w)['‘][^'’\n]+['’](?!\w)"
)
_GIVEN = re.compile(rf"\d|[@_/\\#=<>{{}}$€£%+&|~^]|\w[.:]\w|[a-zß-ÿ][A-ZÀ-Þ]|^[A-ZÀ-Þ]{{2,}}(?![{LETTER}])")
_SENTENCE_ENDS = ".?!:\n"


class Span(NamedTuple):
    """Characters ``start`` to ``end`` of a query, and what stands there."""

    start: int
    end: int
    text: str


class Leaf(NamedTuple):
    """One plain value of a chain: of which call, and where in its arguments (keys, and ``[]`` for items)."""

    call: Call
    path: tuple[str, ...]
    value: Any

    @property
    def key(self) -> str:
        """The parameter that the value belongs to."""
        return self.path[0]

    @property
    def name(self) -> str:
        """What the value itself is called."""
        return next(part for part in reversed(self.path) if part != "[]")


def listed(*lines: str) -> tuple[str, ...]:
    """Return the words of some lines: tables of words read best as text."""
    return tuple(" ".join(lines).split())


def query_of(subject: Subject) -> str:
    """Return the text to be edited; NotApplicable where there is none."""
    if not subject.query.strip():
        raise NotApplicable("there is no query")
    return subject.query


def words_of(query: str) -> list[Span]:
    """Return what stands between spaces, without the marks around it."""
    found = []
    for chunk in re.finditer(r"\S+", query):
        left = chunk.group().lstrip(_EDGES)
        text = left.rstrip(_EDGES)
        start = chunk.end() - len(left)
        if text:
            found.append(Span(start, start + len(text), text))
    return found


def leaves(subject: Subject) -> list[Leaf]:
    """Return the plain values of the chain's arguments, but for those whose comparison the suite leaves out."""
    every = all_leaves(calls_of(subject.chain or ()))
    return [leaf for leaf in every if not _ignored(subject.overrides.get(leaf.call.name, {}).get(leaf.key))]


def _ignored(rule: Override | None) -> bool:
    return rule is not None and bool(rule.ignore)


def all_leaves(calls: Iterable[Call]) -> list[Leaf]:
    """Return all plain values of the arguments of calls."""
    objects = ((call, call.arguments) for call in calls if isinstance(call.arguments, dict))
    return [Leaf(call, path, value) for call, arguments in objects for path, value in _plain(arguments, ())]


def _plain(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _plain(one, (*path, str(key)))
    elif isinstance(value, list):
        for one in value:
            yield from _plain(one, (*path, "[]"))
    else:
        yield path, value


def places(text: str, query: str) -> list[Span]:
    """Return where a text stands in a query as words of its own, in whatever case."""
    if not text.strip():
        return []
    pattern = rf"(?<!\w){re.escape(text)}(?!\w)"
    return [Span(*found.span(), found.group()) for found in re.finditer(pattern, query, re.IGNORECASE)]


def copied(subject: Subject) -> list[Span]:
    """Return where the chain's texts stand in the query, as wholes."""
    texts = {leaf.value for leaf in leaves(subject) if isinstance(leaf.value, str)}
    return [span for text in sorted(texts) for span in places(text, subject.query)]


def given(subject: Subject) -> list[Span]:
    """Return what must stay letter for letter: what the chain copies, and what looks like a value anyway.

    Values look like codes, numbers, addresses, paths, names in camel case, capitals, quotations; where the chain is
    not known, like names, too.
    """
    query = subject.query
    words = words_of(query)
    said = [str(leaf.value).lower() for leaf in leaves(subject) if isinstance(leaf.value, str | int | float)]
    kept = [word for word in words if _GIVEN.search(word.text) or any(word.text.lower() in text for text in said)]
    return [*copied(subject), *quoted(query), *kept, *(names(query) if subject.chain is None else ())]


def quoted(query: str) -> list[Span]:
    """Return what stands in quotation marks or brackets, with them, and blocks of code."""
    return [Span(*found.span(), found.group()) for found in _QUOTED.finditer(query)]


def names(query: str) -> list[Span]:
    """Return the capitalised words that don't begin a sentence."""
    found = []
    for word in words_of(query):
        before = query[: word.start].rstrip(" \t\"'“‘(*")
        begins = not before or before[-1] in _SENTENCE_ENDS
        if word.text[0].isupper() and not begins and not re.match(r"I(?:['’]|$)", word.text):
            found.append(word)
    return found


def free_words(subject: Subject) -> list[Span]:
    """Return the words that may be changed: made of letters, and no part of what must stay."""
    kept = given(subject)
    whole = re.compile(rf"[{LETTER}]+(?:['’-][{LETTER}]+)*")
    return [word for word in words_of(query_of(subject)) if whole.fullmatch(word.text) and clear(word, kept)]


def clear(span: tuple[Any, ...], others: Iterable[Span]) -> bool:
    """Say whether a span (start and end first) shares no character with any of the others, nor lies inside one."""
    start, end = span[0], span[1]
    return not any(start < other.end and other.start < max(end, start + 1) for other in others)


def vocabulary(subject: Subject) -> set[str]:
    """Return the words, in lower case, of the query and of everything that the tools say of themselves."""
    shown = json.dumps([tool.shown() for tool in subject.tools], ensure_ascii=False, default=str)
    return {part.lower() for text in (subject.query, shown) for part in parts(text)}


def parts(name: str) -> list[str]:
    """Return the words of a name in any style: ``getHTTPStatus``, ``get_http_status`` and ``get-http-status``."""
    return re.findall(rf"[A-ZÀ-Þ]+(?![a-zß-ÿ])|[A-ZÀ-Þ]?[a-zß-ɏ]+|\d+|[{LETTER}]+", name)


def told(subject: Subject) -> list[str]:
    """Return the texts that the conversation holds beside the query."""
    messages = subject.case.conversation
    last = max((at for at, one in enumerate(messages) if one.role == "user"), default=-1)
    return [message.content for at, message in enumerate(messages) if at != last]


def called_before(subject: Subject) -> set[str]:
    """Return the tools that the conversation has called already, so that they can't be called otherwise now."""
    return {call.name for message in subject.case.conversation for call in message.calls}


def called(subject: Subject) -> list[str]:
    """Return the tools that the chain calls, in the order of their first calls."""
    return list(dict.fromkeys(call.name for call in calls_of(subject.chain or ())))
