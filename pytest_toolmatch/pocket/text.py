"""Words: text cut into tokens that keep their place, and words turned into hashed character n-grams.

A token is the least that a copied value can begin or end with: ``user@mail.com``, ``10:30`` and ``OSL-FCO-0306-A`` are
one each; a number is apart from its unit (``5`` ``kg``) and from its currency (``$`` ``5``).
"""

from __future__ import annotations

import itertools
import re
import zlib
from functools import lru_cache
from typing import NamedTuple

_CHUNK = re.compile(
    r"""[€$£](?=\d)|(?<![\w.])[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w.]*\d)|(?<![\d,.])\d+,\d\d(?![\d,.]*\d)|[^\s{}\[\]()<>"“”„«»,;=|–—*`]+|\S"""
)
_TRAILING = re.compile(r"""[.:!?'’…%]+$""")
_POSSESSIVE = re.compile(r"['’]s$", re.IGNORECASE)
_UNIT = re.compile(r"[-+]?\d+(?:[.,:]\d+)*(?=[^\W\d_°]|°)(?!(?:st|nd|rd|th)\b)", re.IGNORECASE)
_COUNTED = re.compile(
    r"(\d+|one|two|three|four|five|six|seven|eight|nine|ten|half|twelve)-(?=[a-z]{2,})", re.IGNORECASE
)
_TENS_FOLLOW = re.compile(r"-(?:one|two|three|four|five|six|seven|eight|nine)\b", re.IGNORECASE)
_SIZE = re.compile(r"\d+(?:[.,]\d+)?(?:[x×]\d+(?:[.,]\d+)?)+(?:[a-z]{1,2})?")
_NAME_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+|\d+(?:\.\d+)?|[°%$€#@]")
_STEM = re.compile(r"(?:'s|ings?|ers?|ed|es|ly|ions?|s|e|y)$")
_LONGEST_GRAMS = 16

STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "to",
        "in",
        "on",
        "at",
        "by",
        "for",
        "from",
        "with",
        "and",
        "or",
        "as",
        "is",
        "are",
        "was",
        "be",
        "been",
        "it",
        "its",
        "this",
        "that",
        "these",
        "those",
        "i",
        "me",
        "my",
        "we",
        "us",
        "our",
        "you",
        "your",
        "he",
        "she",
        "they",
        "them",
        "their",
        "which",
        "who",
        "what",
        "where",
        "when",
        "how",
        "will",
        "would",
        "can",
        "could",
        "should",
        "do",
        "does",
        "did",
        "please",
        "if",
        "not",
        "no",
        "so",
        "than",
        "then",
        "there",
        "here",
        "one",
        "any",
        "all",
        "some",
        "each",
        "per",
        "into",
        "about",
        "up",
        "out",
        "over",
        "such",
        "also",
        "has",
        "have",
        "had",
    ]
)


class Token(NamedTuple):
    """One token: where it stands in its text, and how it is spelt there."""

    start: int
    end: int
    text: str


def tokenise(text: str) -> list[Token]:
    """Return the tokens of a text in order; every character that is no white space belongs to exactly one."""
    chunks = ((found.group(), found.start()) for found in _CHUNK.finditer(text))
    return [Token(at + a, at + b, chunk[a:b]) for chunk, at in chunks for a, b in itertools.pairwise(_cuts(chunk))]


@lru_cache(maxsize=65536)
def _cuts(chunk: str) -> tuple[int, ...]:
    """Return where a chunk without white space is cut: at its punctuation, its unit and its possessive."""
    cuts = [0]
    here = 0
    while here < len(chunk) - 1 and not _begins(chunk, here):
        here += 1
        cuts.append(here)
    end = _tail(chunk, here)
    cuts += _inner(chunk[here:end], here)
    cuts += range(end, len(chunk))
    return tuple(sorted({*cuts, len(chunk)}))


def _begins(chunk: str, at: int) -> bool:
    if chunk[at].isalnum() or chunk[at] == "_":
        return True
    following = chunk[at + 1]
    return (chunk[at] in "-+." and following.isdigit()) or (
        chunk[at] in "/~." and (following.isalpha() or following == "/")
    )


def _tail(chunk: str, here: int) -> int:
    found = _TRAILING.search(chunk, here + 1)
    end = found.start() if found else len(chunk)
    if end <= here:
        return len(chunk)
    return end


def _inner(word: str, at: int) -> list[int]:
    cuts = []
    if found := _POSSESSIVE.search(word):
        cuts.append(at + found.start())
    if (found := _UNIT.match(word)) and word[found.end() :].replace("°", "").isalpha():
        cuts.append(at + found.end())
    elif _SIZE.fullmatch(word):
        cuts += [at + place for found in re.finditer("[x×]", word) for place in found.span()]
    elif (found := _COUNTED.match(word)) and not _TENS_FOLLOW.match(word, found.end() - 1):
        cuts += [at + found.end() - 1, at + found.end()]
    return cuts


def name_words(text: str) -> list[str]:
    """Return the words of a name or a description in lower case: ``flightId`` and ``flight_id`` are ``flight id``."""
    return [found.group().lower() for found in _NAME_PART.finditer(text)]


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return what a word shares with its inflections, roughly."""
    for _ in range(2):
        cut = _STEM.sub("", word)
        if len(cut) < 3:  # noqa: PLR2004 - what is left has to say something
            break
        word = cut
    return word


@lru_cache(maxsize=65536)
def grams(word: str, buckets: int) -> tuple[int, ...]:
    """Return the buckets of a word's parts: itself, its stem, its ends, its inner n-grams; digits count as one."""
    plain = re.sub(r"\d", "0", word)
    parts = [f"={plain}", f"~{stem(plain)}"]
    edged = f"<{plain}>"
    parts += [f"^{edged[:4]}", f"{edged[-4:]}$"]
    parts += [edged[i : i + n] for n in (3, 4) for i in range(len(edged) - n + 1)]
    return tuple(dict.fromkeys(zlib.crc32(part.encode()) % buckets for part in parts[:_LONGEST_GRAMS]))


@lru_cache(maxsize=65536)
def sketch(word: str) -> tuple[str, ...]:
    """Return the distinct trigrams of a word, for comparing spellings."""
    edged = f"<{word}>"
    return tuple(dict.fromkeys(edged[i : i + 3] for i in range(len(edged) - 2)))
