"""Values that the chain copies from the query, exchanged for others of their kind."""

from __future__ import annotations

import json
import re
import warnings
from typing import TYPE_CHECKING, Any, cast

from hypothesis import strategies as st

from pytest_toolmatch.core.chain import calls_of
from pytest_toolmatch.core.tool import find_tool
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.fuzzing.edits import Draft, Edit, Swap
from pytest_toolmatch.fuzzing.relation import NotApplicable, Relation
from pytest_toolmatch.fuzzing.relations.kinds import COUNTRIES, PLACES, others, words_in
from pytest_toolmatch.fuzzing.relations.leafschema import schema_of
from pytest_toolmatch.fuzzing.relations.words import Leaf, all_leaves, called, leaves, listed, places, query_of, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

    from pytest_toolmatch.fuzzing.variant import Subject

_MOST = 3
_SHAPING = frozenset({"pattern", "format"})
_PLAIN = re.compile(r"\w(?:[\w .:/@+-]*\w)?")
_VARYING = re.compile(r"[\[.|*+?{]|\\[dws]")
"""What a pattern has that more than one text satisfies."""
_LONGEST = 40
_TIED = (
    PLACES | COUNTRIES | frozenset(listed("state region timezone currency language lat latitude lon longitude code"))
)
"""Words of parameters whose values hang together: who changes the city may have to change the country."""


def _entities(subject: Subject) -> SearchStrategy[tuple[Edit, ...]]:
    query_of(subject)
    found = {text_of(leaf.value): leaf for leaf in leaves(subject) if _is_copied(subject, leaf)}
    options = [new for old, leaf in found.items() if (new := _new_values(subject, leaf, old, tuple(found))) is not None]
    if not options:
        raise NotApplicable("no value that is copied from the query and has others of its kind")
    swaps = st.lists(
        st.one_of(options), min_size=1, max_size=_MOST, unique_by=(lambda one: one.old, lambda one: one.new)
    )
    return swaps.map(tuple)


def text_of(value: Any) -> str:
    """Return a value as a query has it."""
    return value if isinstance(value, str) else f"{value:g}"


def is_value(value: Any) -> bool:
    """Say whether a value is a text or a number, and no empty one."""
    return isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""


def _is_copied(subject: Subject, leaf: Leaf) -> bool:
    """Say whether a value comes from the query as a whole, and from there only."""
    if not is_value(leaf.value):
        return False
    text = text_of(leaf.value)
    heard = _heard(subject)
    return (
        stands_alone(subject.query, text)
        and not any(text in one for one in heard)
        and not _is_shared(subject, leaf, text)
        and not _leads_on(subject, leaf)
        and not _is_tied(subject, leaf)
    )


def _heard(subject: Subject) -> list[str]:
    """Return what calls may be made from beside the query: what was said before, what the tools answer."""
    tools = (find_tool(subject.tools, name) for name in called(subject))
    canned = [json.dumps(tool.reply, default=str) for tool in tools if tool and tool.reply is not None]
    earlier = subject.replies[: len(subject.chain or ()) - 1]
    return [*told(subject), *canned, *(reply for replies in earlier for reply in replies)]


def stands_alone(query: str, text: str) -> bool:
    """Say whether a text is in a query, in no other case and nowhere as a part of a word or a number."""
    found = [span for span in places(text, query) if not re.match(r"[.,:/-]\w", query[span.end :])]
    apart = [span for span in found if not re.search(r"\w[.,:/-]$", query[: span.start])]
    return bool(apart) and len(apart) == len(places(text, query)) == query.count(text)


def _is_shared(subject: Subject, leaf: Leaf, text: str) -> bool:
    """Say whether another value holds the text, is part of it or is, in chain or query, the same number."""
    every = [one.value for one in all_leaves(calls_of(subject.chain or ()))]
    numbers = [text_of(one) for one in every if is_value(one) and not isinstance(one, str)]
    if isinstance(leaf.value, str):
        texts = [one.value for one in leaves(subject) if isinstance(one.value, str) and one.value not in ("", text)]
        return any(text in one or one in text for one in texts) or text in numbers
    holding = any(isinstance(value, str) and text in value for value in every)
    digits = re.findall(rf"(?<![\d.]){re.escape(text.lstrip('-'))}(?![\d.]*\d)", subject.query)
    return holding or every.count(leaf.value) > 1 or len(digits) != 1


def _leads_on(subject: Subject, leaf: Leaf) -> bool:
    """Say whether what the tool is told decides what it answers, on which later steps build."""
    tool = find_tool(subject.tools, leaf.call.name)
    earlier = [call for step in (subject.chain or ())[:-1] for call in step]
    return tool is not None and (tool.runs or callable(tool.reply)) and leaf.call in earlier


def _is_tied(subject: Subject, leaf: Leaf) -> bool:
    """Say whether a place stands beside something that follows from it and that the query does not say."""
    if not words_in(leaf.name) & (PLACES | COUNTRIES):
        return False
    beside = [one for one in leaves(subject) if one.call is leaf.call and one.path != leaf.path]
    return any(words_in(one.name) & _TIED and not places(str(one.value), subject.query) for one in beside)


def _new_values(subject: Subject, leaf: Leaf, old: str, olds: tuple[str, ...]) -> SearchStrategy[Swap] | None:
    """Return the strategy of a value's exchanges: by its kind, or by its schema where that wants a form."""
    schema = schema_of(subject.tools, leaf)
    fits = _fitting(subject, old, olds)
    choices = [one for one in schema.get("enum", ()) if isinstance(one, str)]
    near = [text for one in choices or others(leaf.name, leaf.value) if fits(text := text_of(one))]
    if near:
        return st.sampled_from(near).map(lambda new: Swap(old, new))
    if choices or not isinstance(leaf.value, str) or _SHAPING.isdisjoint(schema):
        return None
    texts = _generated(schema)
    return None if texts is None else texts.filter(fits).map(lambda new: Swap(old, new))


def _generated(schema: dict[str, Any]) -> SearchStrategy[str] | None:
    """Return the strategy of a schema's texts, of plain letters; None where nothing can be generated from it."""
    if "pattern" in schema and not _VARYING.search(re.sub(r"\\[^dws]", "", schema["pattern"])):
        return None
    from hypothesis_jsonschema import from_schema  # noqa: PLC0415 - it reads all of Unicode: for whoever generates

    short = {"maxLength": _LONGEST, **schema, "type": "string"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # patterns that Python can't read
        try:
            texts = cast("SearchStrategy[str]", from_schema(short, codec="ascii"))
            empty = texts.is_empty
        except Exception:  # noqa: BLE001 - a schema may be broken in any way
            return None
    return None if empty else texts.filter(lambda text: _PLAIN.fullmatch(text) is not None)


def _fitting(subject: Subject, old: str, olds: tuple[str, ...]) -> Callable[[str], bool]:
    """Return what says whether a new value is nowhere yet, and gives a chain that satisfies the schemas."""
    heard = " ".join([subject.query, *_heard(subject)])
    said = {str(leaf.value) for leaf in all_leaves(calls_of(subject.chain or ()))}
    check = ArgumentValidator(subject.tools)

    def fits(new: str) -> bool:
        if not new or new in said or new.lower() in heard.lower() or any(one in new for one in olds):
            return False
        draft = Swap(old, new).apply(Draft(query=subject.query, chain=subject.chain))
        pairs = zip(calls_of(subject.chain or ()), calls_of(draft.chain or ()), strict=True)
        return all(check.valid(after) or not check.valid(before) for before, after in pairs)

    return fits


ENTITIES = Relation(
    name="entities", must="mapped", says="another value in the query is copied just the same", edits=_entities
)
