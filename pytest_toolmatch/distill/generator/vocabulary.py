"""The words that requests and tools are made of: two halves without a common word, and made-up ones.

A folder of ``data/`` holds the words of one field of life. Each of its lists is split by itself, so that a new field
moves no word of another from one half to the other; words added to a field of which a model has learned would. The
tools in ``data/plain`` are whole as they stand; see ``everyday``.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any, TypeVar
from zlib import crc32

import msgspec

from pytest_toolmatch.distill.generator.dice import Dice

DATA = Path(__file__).parent / "data"
HELD_OUT = 5
"""One word of five is held out."""

COMMON = frozenset({"joins", "lists", "domains", "months", "weekdays", "numbers"})
"""Lists of punctuation, conjunctions and the calendar: both halves speak one language."""

_WORD = re.compile("[a-z]+")
T = TypeVar("T")


def read(name: str) -> Any:
    """Return a word list of ``data/``, one that is of no field."""
    return msgspec.yaml.decode((DATA / f"{name}.yaml").read_bytes())


@functools.cache
def parts(name: str) -> dict[str, Any]:
    """Return a word list of each field that has one, by the name of the field."""
    return {file.parent.name: msgspec.yaml.decode(file.read_bytes()) for file in sorted(DATA.glob(f"*/{name}.yaml"))}


GRAMMAR: dict[str, list[str]] = read("grammar")
FORMS = ("act", "calc", "find", "new", "tell")


class Verb(msgspec.Struct, frozen=True, gc=False):
    """What a tool does: names for tools, and how requests say it; ``form`` is act, tell, find, new or calc."""

    form: str
    names: tuple[str, ...]
    say: tuple[str, ...]


class Kind(msgspec.Struct, frozen=True, gc=False):
    """A kind of parameter: how its value is made, its names and descriptions, how it is said, and how often it is."""

    names: tuple[str, ...]
    about: tuple[str, ...]
    said: tuple[str, ...]
    value: str = "flag"
    ask: str = ""
    unsaid: tuple[str, ...] = ()
    often: int = 1


class Vocabulary:
    """One half of all words: the one to learn from, or the one held out.

    Verbs are apart: that ``make a copy of`` is to ``clone`` stands in no schema, so whoever never heard it can't know.
    """

    def __init__(self, held_out: bool, unknown_verbs: bool) -> None:
        self.held_out = unknown_verbs
        verbs = [msgspec.convert(part, list[Verb]) for part in parts("verbs").values()]
        self.verbs = {form: self._own([[v for v in part if v.form == form] for part in verbs]) for form in FORMS}
        self.held_out = held_out
        kinds, self.flags = (
            self._own([msgspec.convert(part, list[Kind]) for part in parts(name).values()])
            for name in ("slots", "flags")
        )
        self.kinds = [kind for kind in kinds for _ in range(kind.often)]
        self.nouns, self.words, self.phrases, self.chat = map(self._lists, ("nouns", "words", "phrases", "chat"))
        self.codes = {name: self.half(list(read("codes")[name].items())) for name in read("codes")}
        told = str([list(parts(name).values()) for name in ("nouns", "words", "verbs")])
        self.real = set(_WORD.findall(told.lower()))

    def _lists(self, name: str) -> dict[str, Any]:
        """Return the lists of all fields, together by their names, of this half."""
        names = dict.fromkeys(each for part in parts(name).values() for each in part)
        return {
            each: self._own([part[each] for part in parts(name).values() if each in part], whole=each in COMMON)
            for each in names
        }

    def _own(self, fields: list[list[T]], *, whole: bool = False) -> list[T]:
        return [item for items in fields for item in (items if whole else self.half(items))]

    def half(self, items: list[T]) -> list[T]:
        """Return the items of this half: a fifth by the checksum of their text is held out, one at least."""
        ordered = sorted({_key(item): item for item in items}.items(), key=lambda one: crc32(one[0].encode()))
        cut = max(1, len(ordered) // HELD_OUT)
        ours = {key for key, _ in (ordered[:cut] if self.held_out else ordered[cut:])}
        return [item for item in items if _key(item) in ours]

    def mine(self, word: str) -> bool:
        """Say whether a made-up word belongs to this half."""
        return (crc32(word.encode()) % HELD_OUT == 0) is self.held_out

    def made_up(self, dice: Dice) -> str:
        """Return a word that nobody has ever used, of one to three syllables."""
        while True:
            parts = [dice.pick(GRAMMAR["starts"]) + dice.pick(GRAMMAR["middles"]) for _ in range(1 + dice.chance(0.5))]
            word = "".join(parts) + dice.pick(GRAMMAR["ends"])
            if len(word) > 3 and self.mine(word) and word not in self.real:  # noqa: PLR2004 - shorter ones are often words
                return word


@functools.cache
def vocabulary(held_out: bool, *, unknown_verbs: bool = False) -> Vocabulary:
    """Return a half of the words, read once; ``unknown_verbs`` holds out the verbs and their synonyms, too."""
    return Vocabulary(held_out, unknown_verbs)


def _key(item: Any) -> str:
    return str(item.names[0] if isinstance(item, Verb | Kind) else item)
