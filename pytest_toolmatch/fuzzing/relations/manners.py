"""Politeness and filler: words around the request that ask for nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_toolmatch.fuzzing.edits import Edit, Rewrite
from pytest_toolmatch.fuzzing.relation import Relation
from pytest_toolmatch.fuzzing.relations.drawing import few
from pytest_toolmatch.fuzzing.relations.spelling import open_end, open_start
from pytest_toolmatch.fuzzing.relations.verbs import opening
from pytest_toolmatch.fuzzing.relations.words import clear, copied, free_words, names, query_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import SearchStrategy

    from pytest_toolmatch.fuzzing.variant import Subject

_GREETINGS = ("Hello! ", "Good morning! ", "Hi there, I hope you're well. ", "Sorry to bother you. ")
_THANKS = ("Thanks!", "Thank you!", "Thanks in advance!", "I'd be so grateful.", "Much appreciated!")
_REQUESTS = ("Please ", "Could you please ", "Would you kindly ", "Would you be so kind and ")
_FILLERS = ("Um… ", "OK so. ", "Hey there! ", "Quick one: ", "So, basically: ", "Right, let me see… ")
_TRAILERS = ("You know what I mean.", "So yeah.", "That's it, I guess.", "Anyway.")
_PAUSES = (", um,", ", you know,", " … ")


def _politeness(subject: Subject) -> SearchStrategy[tuple[Edit, ...]]:
    return few([*_before(subject, _GREETINGS), *_asked(subject), *_after(subject, _THANKS)], "nothing but a value")


def _filler(subject: Subject) -> SearchStrategy[tuple[Edit, ...]]:
    edits = [*_before(subject, _FILLERS), *_after(subject, _TRAILERS), *_pauses(subject)]
    return few(edits, "nothing but a value")


def _before(subject: Subject, texts: tuple[str, ...]) -> list[Rewrite]:
    query_of(subject)
    return [Rewrite(0, 0, text) for text in texts] if open_start(subject) else []


def _after(subject: Subject, texts: tuple[str, ...]) -> list[Rewrite]:
    """Return sentences added at the end; behind a query without a mark they follow a full stop."""
    query = subject.query.rstrip()
    link = " " if re.search(r"[.?!…]$", query) else ". "
    return [Rewrite(len(query), len(query), link + text) for text in texts] if open_end(subject) else []


def _asked(subject: Subject) -> list[Rewrite]:
    """Return the openings of a polite request where the query begins with a bare command."""
    found = opening(subject)
    if found is None or found.text or "please" in subject.query.lower():
        return []
    first = subject.query[found.end]
    return [Rewrite(found.end, found.end + 1, text + first.lower()) for text in _REQUESTS]


def _pauses(subject: Subject) -> Iterator[Rewrite]:
    """Yield each pause between two words of which neither is copied, nor part of a name."""
    values, proper = copied(subject), names(subject.query)
    words = [word for word in free_words(subject) if clear(word, proper)]
    starts = {word.start for word in words}
    for word in words:
        if subject.query[word.end : word.end + 1] == " " and word.end + 1 in starts:
            at = (word.end, word.end + 1)
            yield from (Rewrite(*at, f"{pause.rstrip()} ") for pause in _PAUSES if clear(at, values))


POLITENESS = Relation(name="politeness", must="same", says="a polite request calls for the same", edits=_politeness)
FILLER = Relation(name="filler", must="same", says="words that say nothing call for nothing", edits=_filler)
