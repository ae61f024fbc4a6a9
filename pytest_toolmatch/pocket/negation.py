"""What is denied in a text: the words that deny, and those behind them that they are about.

``no high chair`` sets ``needs_high_chair`` to false, ``no ferries`` sets ``avoid_ferries`` to true: so that a network
can tell the one from the other, it is told which words are denied, and which arguments deny something themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_DENYING = frozenset(
    {
        *("no", "not", "never", "without", "none", "nothing", "nobody", "neither", "nor", "minus", "cannot", "sans"),
        *("avoid", "avoiding", "skip", "skipping", "except", "exclude", "excluding", "excluded", "omit", "omitting"),
        *("drop", "dropping", "lacking", "unless"),
    }
)
_PAIRS = frozenset({("instead", "of"), ("rather", "than"), ("free", "of"), ("leave", "out"), ("leaving", "out")})
_IN_NAMES = _DENYING | {
    *("free", "non", "anti", "dropped", "removed", "remove", "disable", "disabled", "hide", "hidden", "stop", "off"),
}
_ENDS = frozenset(".,;:!?()–—") | {
    *("and", "but", "with", "plus", "then", "also", "while", "though", "although", "if"),
}
_REACH = 5


def denied(words: Sequence[str]) -> list[bool]:
    """Return for each word (in lower case) whether it denies, or stands behind one that does in the same clause."""
    made, left = [], 0
    for place, word in enumerate(words):
        left = 0 if word in _ENDS else max(0, left - 1)
        if _denies(words, place):
            left = _REACH + 1
        made.append(left > 0)
    return made


def denies(words: Sequence[str]) -> bool:
    """Say whether a name or a description denies something: ``avoid ferries``, ``without_fees``, ``fat-free``."""
    return any(word in _IN_NAMES for word in words)


def _denies(words: Sequence[str], place: int) -> bool:
    word, following = words[place], words[place + 1] if place + 1 < len(words) else ""
    if word == "no":  # as in no. 5, or no 5
        return following != "." and not any(character.isdigit() for character in following)
    return word in _DENYING or word.endswith(("n't", "n’t")) or (word, following) in _PAIRS
