"""The words that requests and tools are made of: two halves without a common word, and made-up ones."""

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

COMMON = frozenset({"joins", "lists"})
"""Phrases of punctuation and conjunctions alone: both halves speak one language."""

_WORD = re.compile("[a-z]+")
T = TypeVar("T")


def read(name: str) -> Any:
    """Return a word list of ``data/``."""
    return msgspec.yaml.decode((DATA / f"{name}.yaml").read_bytes())


GRAMMAR: dict[str, list[str]] = read("grammar")


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
        verbs = msgspec.convert(read("verbs"), list[Verb])
        self.verbs = {form: self.half([v for v in verbs if v.form == form]) for form in sorted({v.form for v in verbs})}
        self.held_out = held_out
        self.acting = [*self.verbs["act"], *self.verbs["tell"]]
        kinds = self.half(msgspec.convert(read("slots"), list[Kind]))
        self.kinds = [kind for kind in kinds for _ in range(kind.often)]
        self.flags = self.half(msgspec.convert(read("flags"), list[Kind]))
        self.nouns = {name: self.half(words) for name, words in read("nouns").items()}
        words = read("words")
        self.words = {name: some if len(some) < 2 * HELD_OUT + 4 else self.half(some) for name, some in words.items()}
        self.phrases = {name: some if name in COMMON else self.half(some) for name, some in read("phrases").items()}
        self.codes = {name: self.half(list(read("codes")[name].items())) for name in read("codes")}
        self.real = {part for name in ("nouns", "words", "verbs") for part in _WORD.findall(str(read(name)).lower())}
        self.chat = {name: self.half(some) for name, some in read("chat").items()}

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
