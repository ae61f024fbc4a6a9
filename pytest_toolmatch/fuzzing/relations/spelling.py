"""Typos, letter case and punctuation: the same words, written as people write in a hurry."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from pytest_toolmatch.fuzzing.edits import Edit, Rewrite
from pytest_toolmatch.fuzzing.relation import Relation
from pytest_toolmatch.fuzzing.relations.drawing import changing, few
from pytest_toolmatch.fuzzing.relations.numerals import NUMERALS
from pytest_toolmatch.fuzzing.relations.verbs import COMMANDS
from pytest_toolmatch.fuzzing.relations.words import (
    Span,
    clear,
    copied,
    free_words,
    given,
    listed,
    names,
    query_of,
    vocabulary,
    words_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hypothesis.strategies import SearchStrategy

    from pytest_toolmatch.fuzzing.variant import Subject

_SHORTEST = 4
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_TIMES = listed("today tomorrow yesterday tonight monday tuesday wednesday thursday friday saturday sunday")
_MEANT = frozenset({*NUMERALS, *_TIMES, *listed("north south east west within without least last later latter")})
"""Words in which a wrong letter may mean another number, another day or another place."""
_BEGINNING = COMMANDS | frozenset(
    listed(
        "what when where which while would could should have does there this that these those with from some thanks",
        "thank sorry hello please also your their they will want need anyone somebody everything nothing otherwise",
        "after before because business order return search start stop check call track change",
    )
)
"""Words with a capital that are no names."""
_CONFUSED = frozenset(listed("form last hole latter diner lease latte were well shell hell ill id its wed shed"))
"""Words that a slip makes of others; to those of the query and the tools it is not allowed, either."""
_OTHERWISE = frozenset({"us", "it", "who", "am", "may", "march", "polish", "turkey"})
"""Words that mean something else in another case: ``us``, ``US``."""
_LOUD = {"?": "?!", ".": "!!"}
_CASES: tuple[Callable[[str], str], ...] = (str.lower, str.upper, str.capitalize, str.swapcase)


def _near_keys() -> dict[str, str]:
    """Return the keys beside each letter's on a QWERTY keyboard, in its own row."""
    near: dict[str, str] = {}
    for row in _KEYS:
        for at, key in enumerate(row):
            near[key] = row[max(at - 1, 0) : at] + row[at + 1 : at + 2]
    return near


_NEAR = _near_keys()


def _typos(subject: Subject) -> SearchStrategy[tuple[Edit, ...]]:
    proper = {word.start for word in [*names(query_of(subject)), *_maybe_names(subject.query)]}
    known = vocabulary(subject) | _CONFUSED
    words = [w for w in free_words(subject) if w.start not in proper and _may_err(w.text)]
    edits = [Rewrite(w.start, w.end, typo) for w in words for typo in misspelt(w.text) if typo.lower() not in known]
    return few(edits, f"no word of {_SHORTEST} letters that is not copied")


def _maybe_names(query: str) -> list[Span]:
    """Return the capitalised words that begin a sentence and that are not known to be no names."""
    return [word for word in words_of(query) if word.text[0].isupper() and word.text.lower() not in _BEGINNING]


def _may_err(word: str) -> bool:
    return len(word) >= _SHORTEST and word.isalpha() and word.lower() not in _MEANT


def misspelt(word: str) -> Iterator[str]:
    """Yield a word with two letters swapped, one dropped, doubled or taken from the next key; the first one stays."""
    for at in range(1, len(word)):
        if at + 1 < len(word) and word[at].lower() != word[at + 1].lower():
            yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        yield word[:at] + word[at + 1 :]
        yield word[: at + 1] + word[at:]
        for key in _NEAR.get(word[at].lower(), ""):
            yield word[:at] + (key.upper() if word[at].isupper() else key) + word[at + 1 :]


def _casing(subject: Subject) -> SearchStrategy[tuple[Edit, ...]]:
    words = [word for word in free_words(subject) if word.text.lower() not in _OTHERWISE]
    cased = [found for case in _CASES if (found := _cased(words, case))]
    some = few([one for found in cased for one in found], "no word that is not copied")
    return some | st.sampled_from([tuple(found) for found in cased])


def _cased(words: list[Span], case: Callable[[str], str]) -> list[Rewrite]:
    """Return one rewrite for each word that another case changes, and nothing but its case."""
    cased = [(word, case(word.text)) for word in words]
    return [Rewrite(w.start, w.end, new) for w, new in cased if new != w.text and new.lower() == w.text.lower()]


def _punctuation(subject: Subject) -> SearchStrategy[tuple[Edit, ...]]:
    query, kept = query_of(subject), [*given(subject), *names(subject.query)]
    edits = [*_final_mark(subject), *_commas(query, kept, copied(subject)), *_apostrophes(subject)]
    return few(changing(query, edits), "no mark to change that is not part of a value")


def _final_mark(subject: Subject) -> Iterator[Rewrite]:
    query = subject.query.rstrip()
    found = re.search(r"[.?!…]+$", query)
    if found is None:
        yield from [Rewrite(len(query), len(query), ".")] * open_end(subject)
    elif clear(found.span(), _values(subject)):
        mark = found.group()
        yield from (Rewrite(*found.span(), text) for text in ("", mark * 2, _LOUD.get(mark, "!!"), "…") if text != mark)


def open_end(subject: Subject) -> bool:
    """Say whether what is written behind the query can't be read as part of a value that stands there."""
    words = words_of(subject.query)
    if not words or not clear(words[-1], _values(subject)):
        return False
    return bool(re.search(r"[.?!…]$", subject.query.rstrip())) or clear(words[-1], given(subject))


def open_start(subject: Subject) -> bool:
    """Say whether what is written before the query can't be read as part of a value that stands there."""
    words = words_of(subject.query)
    return bool(words) and clear(words[0], _values(subject))


def _values(subject: Subject) -> list[Span]:
    """Return the copied values that have more than one word, to which a word more might be added."""
    return [span for span in copied(subject) if " " in span.text]


def _commas(query: str, kept: list[Span], values: list[Span]) -> Iterator[Rewrite]:
    """Yield each comma left out that does not part two values, or is part of one."""
    for found in re.finditer(r",(?=\s)", query):
        sides = [any(_touches(span, at) for span in kept) for at in (found.start() - 1, found.end() + 1)]
        if clear(found.span(), values) and not all(sides):
            yield Rewrite(*found.span())


def _touches(span: Span, at: int) -> bool:
    return span.start <= at < span.end


def _apostrophes(subject: Subject) -> Iterator[Rewrite]:
    known = vocabulary(subject) | _CONFUSED
    for word in free_words(subject):
        text = re.sub("['’]", "", word.text)
        if text != word.text and text.lower() not in known:
            yield Rewrite(word.start, word.end, text)


TYPOS = Relation(name="typos", must="same", says="a misspelt word calls for the same", edits=_typos)
CASING = Relation(name="casing", must="same", says="another letter case calls for the same", edits=_casing)
PUNCTUATION = Relation(
    name="punctuation", must="same", says="marks left out or doubled call for the same", edits=_punctuation
)
