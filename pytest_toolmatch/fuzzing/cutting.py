"""What can be left out of a prompt, or made smaller: words, and edits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_toolmatch.core.chain import calls_of
from pytest_toolmatch.fuzzing.edits import Before, Edit, Rewrite, Swap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_toolmatch.fuzzing.variant import Subject, Variant

_STEM = 5
"""Letters of a word by which it is known in another form."""

Words = tuple[Rewrite, ...]


def speaks(word: Rewrite, subject: Subject) -> bool:
    """Say whether a word is one of the tool's that is called, or has a value of its call."""
    text = subject.query[word.start : word.end].strip(" .,;:!?'\"").casefold()
    stems, values = _words_of_calls(subject)
    return text in values or any(one in text for one in stems | {one for one in values if len(one) >= _STEM})


def _words_of_calls(subject: Subject) -> tuple[set[str], set[str]]:
    """Return the stems of the names of the tools that are called and of their arguments; and the values' words."""
    calls = calls_of(subject.chain or ())
    names = [name for call in calls for name in (call.name, *_keys(call.arguments))]
    stems = {word.casefold()[:_STEM] for name in names for word in re.findall(r"[^\W\d_]{3,}", name)}
    values = {str(value).casefold() for call in calls for value in _leaves(call.arguments)}
    return stems, values | {word for value in values for word in value.split()}


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from map(str, value)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _leaves(one)
    elif value not in (None, True, False):
        yield value


def size_of(variant: Variant) -> tuple[int, int]:
    """Return how long a variant is to read: its words, then what is changed."""
    said = sum(len(message.content.split()) for message in variant.conversation)
    return said, len(msgspec.json.encode(variant.edits))


def meet(edits: tuple[Edit, ...], others: tuple[Edit, ...]) -> bool:
    """Say whether some edit of the one writes over words that some edit of the other does, too."""
    return any(
        isinstance(one, Rewrite) and isinstance(other, Rewrite) and one.start < other.end and other.start < one.end
        for one in edits
        for other in others
    )


def unchanged(variant: Variant) -> bool:
    """Say whether a variant is its parent."""
    parent = variant.parent
    return variant.conversation == parent.conversation and variant.tools == parent.tools


def words_of(variant: Variant) -> list[Rewrite]:
    """Return the words that may be left out, as cuts: those that no edit touches, each with the space behind it."""
    touched = [(one.start, one.end) for one in (*variant.cuts, *_rewrites(variant.subject, variant.edits))]
    found = [Rewrite(word.start(), word.end()) for word in re.finditer(r"\S+\s*", variant.subject.query)]
    return [one for one in found if all(one.end <= start or end <= one.start for start, end in touched)]


def _rewrites(subject: Subject, edits: tuple[Edit, ...]) -> Iterator[Rewrite]:
    for edit in edits:
        if isinstance(edit, Rewrite):
            yield edit
        if isinstance(edit, Swap):
            yield from (
                Rewrite(place.start(), place.end()) for place in re.finditer(re.escape(edit.old), subject.query)
            )


def joined(cuts: Words) -> Words:
    """Return cuts in order, those that meet as one."""
    joined: list[Rewrite] = []
    for one in sorted(cuts, key=lambda one: one.start):
        if joined and joined[-1].end >= one.start:
            joined[-1] = Rewrite(joined[-1].start, max(one.end, joined[-1].end))
        else:
            joined.append(one)
    return tuple(joined)


def smaller(edit: Edit, query: str) -> Iterator[Edit]:
    """Return smaller forms of an edit, the smallest first: fewer messages, fewer words put in or written anew."""
    if isinstance(edit, Before):
        for count in range(2, len(edit.messages), 2):
            yield msgspec.structs.replace(edit, messages=edit.messages[:count])
    if isinstance(edit, Rewrite):
        yield from _fewer_words(edit) if edit.start == edit.end else _fewer_rewritten(edit, query)


def _fewer_words(edit: Rewrite) -> Iterator[Rewrite]:
    """Return insertions of the first or the last few words."""
    inner = edit.text.split()
    head, tail = (" " if edit.text[:1] == " " else ""), (" " if edit.text[-1:] == " " else "")
    for count in range(1, len(inner)):
        yield msgspec.structs.replace(edit, text=f"{head}{' '.join(inner[:count])}{tail}")
        yield msgspec.structs.replace(edit, text=f"{head}{' '.join(inner[-count:])}{tail}")


def _fewer_rewritten(edit: Rewrite, query: str) -> Iterator[Rewrite]:
    """Return rewrites of single words, then of halves, of what is rewritten word by word."""
    old = [
        (word.start() + edit.start, word.end() + edit.start) for word in _WORD.finditer(query[edit.start : edit.end])
    ]
    new = edit.text.split()
    if len(old) != len(new) or len(old) < 2:  # noqa: PLR2004 - a single word can't be taken apart
        return
    pairs = [(start, end, text) for (start, end), text in zip(old, new, strict=True) if query[start:end] != text]
    yield from (Rewrite(*pair) for pair in pairs)
    for half in (slice(len(old) // 2), slice(len(old) // 2, None)):
        yield Rewrite(old[half][0][0], old[half][-1][1], " ".join(new[half]))


_WORD = re.compile(r"\S+")
