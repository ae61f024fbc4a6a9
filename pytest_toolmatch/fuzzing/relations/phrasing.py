"""Other words for the same request: by rules, or as somebody wrote them."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from pytest_toolmatch.fuzzing.edits import Edit, Rewrite
from pytest_toolmatch.fuzzing.relation import NotApplicable, Relation
from pytest_toolmatch.fuzzing.relations.drawing import few
from pytest_toolmatch.fuzzing.relations.verbs import opening, same_openings
from pytest_toolmatch.fuzzing.relations.words import Span, clear, copied, given, query_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hypothesis.strategies import SearchStrategy

    from pytest_toolmatch.fuzzing.variant import Subject

_CONTRACTED = {
    "I'm": "I am",
    "I've": "I have",
    "I'll": "I will",
    "I'd like": "I would like",
    "we're": "we are",
    "we've": "we have",
    "we'll": "we will",
    "you're": "you are",
    "they're": "they are",
    "don't": "do not",
    "doesn't": "does not",
    "didn't": "did not",
    "can't": "cannot",
    "won't": "will not",
    "wouldn't": "would not",
    "isn't": "is not",
    "aren't": "are not",
    "wasn't": "was not",
    "hasn't": "has not",
    "haven't": "have not",
}
_SHORTENED = {
    **{long: short for short, long in _CONTRACTED.items() if "'v" not in short},
    "what is": "what's",
    "where is": "where's",
    "there is": "there's",
}
_SYNONYMS = {
    "call me": "phone me",
    "phone me": "ring me",
    "do you have": "have you got",
    "let me know": "tell me",
    "right now": "at the moment",
    "as soon as possible": "as quickly as you can",
    "buy": "purchase",
    "purchase": "buy",
    "cancel": "call off",
    "cheapest": "least expensive",
    "fastest": "quickest",
    "largest": "biggest",
    "big": "large",
    "maybe": "perhaps",
    "nearby": "close by",
    "begin": "start",
    "show me": "let me see",
    "thanks": "thank you",
}
_TURNED = r"(?=\s+(?!(?:I|you|he|she|it|we|they|there|to)\b)\w)"
"""What follows a verb whose subject does not: *isn't it* is left, and so is *where it is,*."""

_SAID = r"(?!\s+(?:it|them|him|her|me|us|that|this)\b)"
"""What does not follow a word that has another one: *cancel it* is left, since nobody calls off it."""


def _phrasing(subject: Subject) -> SearchStrategy[tuple[Edit, ...]]:
    rewrites = [*_opened(subject)]
    for table, behind in ((_CONTRACTED, _TURNED), (_SHORTENED, _TURNED), (_SYNONYMS, _SAID)):
        rewrites += (
            one for said, instead in table.items() for one in _instead(query_of(subject), said, instead, behind)
        )
    kept = given(subject)
    return few([one for one in rewrites if _left(one, kept)], "no phrase that the rules know another one for")


def _left(rewrite: Rewrite, kept: list[Span]) -> bool:
    return clear((rewrite.start, rewrite.end), kept)


def _instead(query: str, said: str, instead: str, behind: str) -> Iterator[Rewrite]:
    """Yield a phrase's places rewritten, its first letter as large as it was."""
    pattern = re.escape(said).replace("'", "['’]").replace(r"\ ", r"\s+")
    for found in re.finditer(rf"(?<![\w'’]){pattern}(?![\w'’]){behind}", query, re.IGNORECASE):
        first = instead[0].upper() if found.group()[0].isupper() else instead[0]
        yield Rewrite(*found.span(), first + instead[1:])


def _opened(subject: Subject) -> Iterator[Rewrite]:
    """Yield the query's opening exchanged for those that say the same."""
    found = opening(subject)
    if found is None:
        return
    letter = subject.query[found.end]
    for other in same_openings(found):
        if other.lower() != found.text.lower().replace("’", "'"):
            first = letter.lower() if other else letter.upper()
            yield Rewrite(found.start, found.end + 1, other + first)


def phrased(texts: Mapping[str, Iterable[str]]) -> Relation:
    """Return the relation that also exchanges the whole query for other texts of its case, as a model phrased them.

    ``texts`` has them by case id. Those that lost a value which the chain copies are left out.
    """
    return Relation(name=PHRASING.name, must=PHRASING.must, says=PHRASING.says, edits=partial(_phrased, texts))


def _phrased(texts: Mapping[str, Iterable[str]], subject: Subject) -> SearchStrategy[tuple[Edit, ...]]:
    query, values = query_of(subject), {span.text for span in copied(subject)}
    own = [text.strip() for text in texts.get(subject.case.id, ())]
    fit = [text for text in dict.fromkeys(own) if text not in ("", query) and all(one in text for one in values)]
    by_model = [st.sampled_from(fit).map(lambda text: (Rewrite(0, len(query), text),))] if fit else []
    try:
        return st.one_of(_phrasing(subject), *by_model)
    except NotApplicable:
        if by_model:
            return by_model[0]
        raise


PHRASING = Relation(
    name="phrasing", must="same", says="other words of equal meaning call for the same", edits=_phrasing
)
