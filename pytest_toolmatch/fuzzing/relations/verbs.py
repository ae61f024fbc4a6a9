"""What a request begins with: a bare command, or an opening that asks for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_toolmatch.fuzzing.relations.words import Span, free_words, listed, words_of

if TYPE_CHECKING:
    from pytest_toolmatch.fuzzing.variant import Subject

COMMANDS = frozenset(
    listed(
        "add apply arrange assign book bring buy calculate cancel choose compare compute convert create delete deliver",
        "deploy describe determine disable download enable evaluate explain fetch find forward generate get give grab",
        "hold identify insert install invite keep launch let list locate lower make merge modify move navigate notify",
        "open pay provide pull put raise read rebook recommend refund register remind remove rename replace reschedule",
        "reserve resume retrieve save select send set show submit subscribe suggest summarise summarize switch take",
        "tell translate unlock unsubscribe update upload verify write",
    )
)
"""Verbs that begin a command; hardly any of them begins anything else."""

_NOUNS = frozenset(
    listed(
        "archive ask call change check close copy decrease display email estimate export file fill increase lock",
        "log look mark message order pass pause phone place play post price print record reduce repeat report request",
        "reset restart return ring run schedule search share sort start stop track transfer turn upgrade use watch",
    )
)
_FOLLOWED = re.compile(r"\s+(?:me|my|us|our|the|a|an|this|that|these|those|it|them|all|every|for|up|out|off|on)\b")
"""Verbs that are nouns, too, and what follows them where they are commands."""

ASKING = ("Can you ", "Could you ", "Would you ", "Can you please ", "Could you please ")
TELLING = ("", "Please ", "I need you to ", "I want you to ", "Go ahead and ")
WISHING = ("I want to ", "I'd like to ", "I would like to ", "I need to ", "I wish to ")
OPENINGS = (ASKING, TELLING, WISHING)
"""Openings that say the same: of a question, of a command, of a wish."""


def opening(subject: Subject) -> Span | None:
    """Return the opening that the query begins with: empty before a bare command, None where it is no request."""
    query = subject.query
    known = sorted({text for texts in OPENINGS for text in texts if text}, key=len, reverse=True)
    words = words_of(query)
    if not words:
        return None
    start = words[0].start
    for text in known:
        found = re.match(re.escape(text).replace("'", "['’]"), query[start:], re.IGNORECASE)
        if found and found.end() < len(query) - start:
            return Span(start, start + found.end(), found.group())
    free = next((word for word in free_words(subject) if word.start == start), None)
    return Span(start, start, "") if free and _commands(free, query) else None


def _commands(word: Span, query: str) -> bool:
    verb = word.text.lower()
    return verb in COMMANDS or (verb in _NOUNS and _FOLLOWED.match(query, word.end) is not None)


def same_openings(found: Span) -> tuple[str, ...]:
    """Return the openings that say what this one says, itself among them."""
    said = found.text.lower().replace("’", "'")
    return next(texts for texts in OPENINGS if said in [text.lower() for text in texts])
