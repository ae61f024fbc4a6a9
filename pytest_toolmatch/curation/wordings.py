"""English turns of phrase that ask for the same, as one: ``wordings.txt``, written by hand.

It knows everyday words, and how people lead up to a request (*can you tell me*). Longer turns are looked for first.
Nothing in it is learned from data; what it does not have, stays as it is.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_SHORT = 3
_ORDERED = {"to", "from", "into", "onto", "than", "then", "before", "after", "over", "under"}
_ORDERED |= {"not", "no", "never", "without", "but", "or", "if"}
"""With one of these, the same words in another order may be another request."""


def worded(text: str) -> str:
    """Return a text in small letters, with one wording for all that say the same; its own words where none is left.

    They are in the order of the alphabet, unless one of them says that another order may be another request.
    """
    words = _WORD.findall(text.casefold().replace("’", "'"))
    said = list(_said(words)) or words
    return " ".join(said if _ORDERED.intersection(said) else sorted(set(said)))


def _said(words: list[str]) -> Iterator[str]:
    table, place = _table(), 0
    while place < len(words):
        able = (one for one in table.get(words[place], ()) if one[0] == words[place : place + len(one[0])])
        turn, become = next(able, (words[place : place + 1], _one(words[place])))
        place += len(turn)
        if become:
            yield become


def _one(word: str) -> str:
    """Return a word without the ends of a genitive and a plural."""
    word = word.removesuffix("'s")
    return word[:-1] if len(word) > _SHORT and word[-1] == "s" and word[-2] not in "aius" else word


@cache
def _table() -> dict[str, list[tuple[list[str], str]]]:
    """Return, by their first word, turns and what they become: the longest first; of one twice, the first counts."""
    found: dict[str, str] = {}
    for line in files(__package__).joinpath("wordings.txt").read_text("utf-8").splitlines():
        become, _, said = line.partition("= ")
        for turn in (become.strip(), *said.split(" | ")):
            found.setdefault(turn, become.strip())
    table: dict[str, list[tuple[list[str], str]]] = {}
    for turn in sorted(filter(None, found), key=lambda one: -len(_WORD.findall(one))):
        words = _WORD.findall(turn)
        table.setdefault(words[0], []).append((words, found[turn]))
    return table
