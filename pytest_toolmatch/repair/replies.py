"""What a reflection model may answer: one new text in one fenced block, of a sane length, that gives no query away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

IN_A_ROW = 7
"""So many words in a row of a query, and not of the suite's own texts, are a copy; of a shorter query all words."""

_SHORTEST = 4
_THINKING = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"^[ \t]*(`{3,})[^\n`]*$", re.MULTILINE)
_WORD = re.compile(r"\w+")


class Unusable(Exception):  # noqa: N818 - read as a statement
    """A reply that holds no new text; says why."""


def text_of(reply: str) -> str:
    """Return the text in the one fenced block of a reply; Unusable where there is none, or not just one."""
    said = _THINKING.sub("", reply)
    if not said.strip():
        raise Unusable("the reply is empty")
    fences = list(_FENCE.finditer(said))
    if not fences:
        raise Unusable("the reply has no fenced block")
    longest = max(len(one[1]) for one in fences)
    outer = [one for one in fences if len(one[1]) == longest]
    if len(outer) != 2:  # noqa: PLR2004 - it opens and closes
        raise Unusable(f"the reply has {len(outer)} fences where one block has 2")
    text = said[outer[0].end() : outer[1].start()].strip()
    if not text:
        raise Unusable("the fenced block is empty")
    return text


class Queries:
    """What no new text may copy: the queries of a suite's cases, but for what the suite's own texts say anyway."""

    def __init__(self, queries: Iterable[str], own: Iterable[str]) -> None:
        self._rows: dict[int, set[tuple[str, ...]]] = {}
        for words in map(_words, queries):
            if (length := min(len(words), IN_A_ROW)) >= _SHORTEST:
                self._rows.setdefault(length, set()).update(_rows(words, length))
        said = [_words(text) for text in own]
        for length, rows in self._rows.items():
            rows.difference_update(*(_rows(words, length) for words in said))

    def copied(self, text: str, current: str = "") -> str:
        """Return words that a text has from a query, and the current one has not; or nothing."""
        words, old = _words(text), _words(current)
        for length, rows in sorted(self._rows.items(), reverse=True):
            for row in sorted((_rows(words, length) & rows) - _rows(old, length)):
                return " ".join(row)
        return ""


def checked(text: str, current: str, longest: int, queries: Queries) -> str:
    """Return a new text that may take the place of the current one; Unusable says why it may not."""
    if len(text) > longest:
        raise Unusable(f"the new text has {len(text):,} characters, and {longest:,} are enough")
    if text.split() == current.split():
        raise Unusable("the new text is the old one")
    if row := queries.copied(text, current):
        raise Unusable(f"the new text copies a query: {row!r}")
    return text


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _rows(words: list[str], length: int) -> set[tuple[str, ...]]:
    return {tuple(words[place : place + length]) for place in range(len(words) - length + 1)}
