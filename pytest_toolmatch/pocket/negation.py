"""What is denied in a text: the words that deny, and those beside them that they are about.

``no high chair`` sets ``needs_high_chair`` to false, ``no ferries`` sets ``avoid_ferries`` to true: so that a network
can tell the one from the other, it is told which words are denied, and which arguments deny something themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_toolmatch.pocket.numbers import is_number_sign

if TYPE_CHECKING:
    from collections.abc import Sequence

_DENYING = frozenset(
    {
        *("no", "not", "never", "without", "none", "nothing", "nobody", "neither", "nor", "minus", "cannot", "sans"),
        *("avoid", "avoiding", "skip", "skipping", "except", "exclude", "excluding", "excluded", "omit", "omitting"),
        *("drop", "dropping", "lacking", "unless", "forget", "spare", "lose", "ditch", "bypass", "waive"),
    }
)
_PAIRS = frozenset(
    {
        *(("instead", "of"), ("rather", "than"), ("free", "of"), ("leave", "out"), ("leaving", "out")),
        *(("clear", "of"), ("rid", "of"), ("turn", "off"), ("leave", "off")),
    }
)
_BEHIND = frozenset({"off", "out", "aside", "excluded", "forbidden", "unwanted", "not", "cannot"})
"""Words that deny what stands before them: ``outliers out``, ``the sugar off``."""

_IN_NAMES = _DENYING | {
    *("free", "non", "anti", "dropped", "removed", "remove", "disable", "disabled", "hide", "hidden", "stop", "off"),
}
_ENDS = frozenset(".,;:!?()–—") | {
    *("and", "but", "with", "plus", "then", "also", "while", "though", "although", "if"),
}
_NOT = ("n't", "n’t")
_REACH, _REACH_BACK = 5, 3


def denials(words: Sequence[str]) -> list[int]:
    """Return for each word (in lower case) how often it is denied by itself or before it, in the same clause."""
    made: list[int] = []
    reached: list[int] = []
    for place, word in enumerate(words):
        ends = word in _ENDS and not (word.isalpha() and words[place - 1 : place] == ["not"])
        reached = [] if ends else [end for end in reached if end >= place]
        if _denies(words, place):
            reached.append(place + _REACH)
        made.append(len(reached))
    return made


def denials_behind(words: Sequence[str]) -> list[int]:
    """Return for each word (in lower case) how often it is denied behind it, in the same clause."""
    made = [0] * len(words)
    for place, word in enumerate(words):
        if (word in _BEHIND or word.endswith(_NOT)) and words[place - 1 : place] != ["leave"]:
            for before in range(place - 1, max(-1, place - 1 - _REACH_BACK), -1):
                if words[before] in _ENDS:
                    break
                made[before] += 1
    return made


def is_denial(word: str) -> bool:
    """Say whether a word of a name denies the rest of it."""
    return word in _IN_NAMES


def denies(words: Sequence[str]) -> bool:
    """Say whether a name or a description denies something: ``avoid ferries``, ``without_fees``, ``fat-free``."""
    return any(map(is_denial, words))


def _denies(words: Sequence[str], place: int) -> bool:
    word, following = words[place], words[place + 1] if place + 1 < len(words) else ""
    if word in _DENYING:
        return not is_number_sign(words, place)
    return word.endswith(_NOT) or (word, following) in _PAIRS
