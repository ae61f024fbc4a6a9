"""Requests that lack something: a required value that is not said, a value that is only hinted at."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from pytest_toolmatch.fuzzing.edits import Edit, Rewrite
from pytest_toolmatch.fuzzing.relation import NotApplicable, Relation
from pytest_toolmatch.fuzzing.relations.drawing import few
from pytest_toolmatch.fuzzing.relations.entities import is_value, stands_alone, text_of
from pytest_toolmatch.fuzzing.relations.kinds import PEOPLE, words_in
from pytest_toolmatch.fuzzing.relations.leafschema import is_required, schema_of
from pytest_toolmatch.fuzzing.relations.words import Leaf, Span, called_before, copied, leaves, query_of, told, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import SearchStrategy

    from pytest_toolmatch.fuzzing.variant import Subject

_LEADING = (
    "a|an|the|my|our|to|for|from|under|in|on|at|by|with|of|about|into|onto|as|via|is|are|was|it's|i'm|number|no\\.?|"
    "order|id|code|called|named|numbered|near|between|order number|key|name|path|title|file|next|last|per|every"
)
_BEFORE = re.compile(rf"(?:(?<!\w)(?:{_LEADING})[\s:#(]+)+$", re.IGNORECASE)
_UNITS = re.compile(r"\s?(?:[%€$£]|(?:[A-Za-z]+s|EUR|USD|kg|km|cm|mm|m|g|ml|s|K|mph)(?:/[a-z]+)?(?:\^\d)?(?!\w))")
_QUOTES = re.compile(r"([\"'‘“`]).*([\"'’”`])")
_ACTING = re.compile(
    r"\s+(?:is|isn't|was|wasn't|has|hasn't|had|does|doesn't|did|didn't|will|won't|would|should|can|can't|could|may|must|"
    r"wants|needs|looks|leaks|came|arrived|became|never|still|already)(?!\w)"
)
_FEWEST = 2
_VAGUE = ("it", "that one", "the usual one", "the same as last time", "the other one")
_VAGUE_PEOPLE = ("somebody", "my friend", "the same person as last time")
_VAGUE_NUMBERS = ("some", "a few", "several")
_MOST_VAGUE = 2


def _missing_value(subject: Subject) -> SearchStrategy[tuple[Edit, ...]]:
    query = query_of(subject)
    first = (subject.chain or ((),))[0]
    if len(first) != 1:
        raise NotApplicable("the chain does not begin with a single call")
    needed = [leaf for leaf in leaves(subject) if leaf.call is first[0] and _is_needed(subject, leaf)]
    edits = [_without(subject, text_of(leaf.value)) for leaf in needed]
    left = [edit for edit in edits if len(words_of(query[: edit.start] + query[edit.end :])) >= _FEWEST]
    if not left:
        raise NotApplicable("no required value that stands in the query and nowhere else")
    return st.sampled_from(left).map(lambda edit: (edit,))


def _is_needed(subject: Subject, leaf: Leaf) -> bool:
    """Say whether the call can't be made without a value that only the query tells, once."""
    if len(leaf.path) > 1 or not is_value(leaf.value) or "enum" in schema_of(subject.tools, leaf):
        return False
    text = text_of(leaf.value)
    heard = any(text.lower() in one.lower() for one in told(subject))
    once = stands_alone(subject.query, text) and subject.query.count(text) == 1
    return is_required(subject.tools, leaf) and once and not heard and not called_before(subject)


def _without(subject: Subject, text: str) -> Rewrite:
    """Return the value taken away with what leads to it, or with its sentence where that says nothing else.

    Where it is a verb's subject, a pronoun takes its place.
    """
    query = subject.query
    start, end = _spread(query, query.index(text), text)
    sentence = _sentence(query, start)
    rest = words_of(query[sentence.start : start] + query[end : sentence.end])
    others = words_of(query[: sentence.start] + query[sentence.end :])
    alone = not any(text != one.text and sentence.start <= one.start < sentence.end for one in copied(subject))
    if alone and len(rest) <= _FEWEST <= len(others):
        return Rewrite(*sentence[:2])
    acting = _ACTING.match(query, end) is not None and query[start:end] == text
    word = "somebody" if "@" in text else "it"
    return Rewrite(start, end, (word.capitalize() if start == sentence.start else word) if acting else "")


def _spread(query: str, start: int, text: str) -> tuple[int, int]:
    """Return from where to where a value reaches: with its quotes, what leads to it, and a number's unit."""
    end = start + len(text)
    if start and _QUOTES.fullmatch(query[start - 1 : end + 1]):
        start, end = start - 1, end + 1
    elif start and query[start - 1] in "$€£#":
        start -= 1
    unit = _UNITS.match(query, end) if text.replace(".", "").isdecimal() else None
    leading = _BEFORE.search(query, 0, start)
    return (leading.start() if leading else start), (unit.end() if unit else end)


def _sentence(query: str, at: int) -> Span:
    """Return the sentence that a place is in."""
    for found in re.finditer(r"[^.?!\n]*(?:[.?!]+(?!\s|$)[^.?!\n]*)*(?:[.?!]+|\n|$)\s*", query):
        if found.start() <= at < found.end():
            return Span(*found.span(), found.group())
    return Span(0, len(query), query)


def _ambiguity(subject: Subject) -> SearchStrategy[tuple[Edit, ...]]:
    query_of(subject)
    values = [leaf for leaf in leaves(subject) if is_value(leaf.value) and _is_thing(subject, leaf)]
    edits = [edit for leaf in values for edit in _vague(subject, leaf)]
    return few(edits, "no copied value to be vague about", _MOST_VAGUE)


def _is_thing(subject: Subject, leaf: Leaf) -> bool:
    """Say whether a value names a thing, once: no choice from a list, and no line of an address."""
    text = text_of(leaf.value)
    once = stands_alone(subject.query, text) and subject.query.count(text) == 1
    return once and "enum" not in schema_of(subject.tools, leaf) and (len(leaf.path) == 1 or "[]" in leaf.path)


def _vague(subject: Subject, leaf: Leaf) -> Iterator[Rewrite]:
    """Yield a value's place with vague words in it, or without it where it is a detail that may be left out."""
    query, text = subject.query, text_of(leaf.value)
    at = query.index(text)
    if not is_required(subject.tools, leaf) and len(words_of(query)) > len(words_of(text)) + _FEWEST:
        yield _without(subject, text)
    starts = at == _sentence(query, at).start
    for vague in _vague_words(leaf):
        yield Rewrite(at, at + len(text), vague[0].upper() + vague[1:] if starts else vague)


def _vague_words(leaf: Leaf) -> tuple[str, ...]:
    if not isinstance(leaf.value, str):
        return _VAGUE_NUMBERS
    return _VAGUE_PEOPLE if words_in(leaf.name) & PEOPLE and " " in leaf.value else _VAGUE


MISSING_VALUE = Relation(
    name="missing_value", must="abstain", says="without a required value there is only asking", edits=_missing_value
)
AMBIGUITY = Relation(
    name="ambiguity", must="teacher", says="of what a vague word means, the teacher's reading counts", edits=_ambiguity
)
