"""Text relations over queries of all kinds of words: they change something, and never what is copied."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pytest_toolmatch.core.chain import Call, calls_of
from pytest_toolmatch.core.tool import Tool
from pytest_toolmatch.core.validation import ArgumentValidator
from pytest_toolmatch.fuzzing.relation import NotApplicable
from pytest_toolmatch.fuzzing.relations import RELATIONS
from pytest_toolmatch.fuzzing.relations.words import places
from pytest_toolmatch.fuzzing.variant import Subject
from tests.fuzzing.subjects import case_of_query

TEXT = ("typos", "casing", "punctuation", "politeness", "filler", "formats", "phrasing", "context")
VALUES = (
    *(
        "F-10482",
        "mira.kovac@example.org",
        "https://example.com/a?b=1",
        "/etc/hosts",
        ".env",
        "14A",
        "Lyon",
        "New York",
    ),
    *("spring15", "linen napkins", "I'll be late", "K7QX2M", "2026-05-01", "+49 151 555", "hamburg", "Ärger", "3,5"),
)
WORDS = (
    *("please", "book", "Cancel", "the", "don't", "What's", "flights", "from", "to", "it,", "Monday", "and", "two"),
    *(
        "5 km",
        "1,250 euros",
        "at 14:30",
        "2 pm",
        "1 May 2026",
        "20 °C",
        "one",
        "ÜBER",
        "naïve",
        '"quoted words"',
        "ok?",
    ),
    *(
        "東京",
        "🙂",
        "—",
        "...",
        "(maybe)",
        "I",
        "cheapest",
        "…",
        "a",
        "I'd like to",
        "4 May to 6 May",
        "half past 2 pm",
    ),
)
KINDS = {"type": ["string", "number"]}


@st.composite
def subjects(draw: st.DrawFn) -> tuple[Subject, list[str]]:
    """Return a subject with the texts that its chain copies, each of which stands in the query by itself."""
    values = draw(st.lists(st.sampled_from(VALUES), max_size=3, unique=True))
    noise = st.text(string.ascii_letters + string.digits + " '’.,-?!ßé", min_size=1, max_size=8)
    words = draw(st.lists(st.sampled_from(WORDS) | noise, min_size=1, max_size=10))
    query = " ".join(draw(st.permutations([*values, *words]))) + draw(st.sampled_from(["", ".", "?", "!", ' "']))
    query = re.sub(r" +([,.;:?!])(?!\w)", r"\1", re.sub(r" {2,}", " ", query)).strip()
    assume(all(places(value, query) for value in values))
    number = draw(st.sampled_from([None, 5, 1250, 2, 20]))
    arguments = {f"value_{at}": value for at, value in enumerate(values)} | ({"amount": number} if number else {})
    schema = {"type": "object", "properties": dict.fromkeys(arguments, KINDS), "required": [*arguments]}
    chain = ((Call("do_it", arguments),),) if arguments else ()
    tools = (Tool(name="do_it", parameters=schema), Tool(name="other"))
    return Subject(case=case_of_query(query, id="any"), tools=tools, chain=chain), values


@pytest.mark.parametrize("name", TEXT)
def test_copied_values_survive_in_any_query(name: str) -> None:
    @settings(max_examples=150)
    @given(subjects(), st.data())
    def holds(drawn: tuple[Subject, list[str]], data: st.DataObject) -> None:
        subject, values = drawn
        try:
            variant = data.draw(RELATIONS[name].variants(subject))
        except NotApplicable:
            return
        assert variant.conversation != subject.case.conversation
        for value in values:
            before = [span.text for span in places(value, subject.query)]
            after = [span.text for span in places(value, variant.query)]
            assert [text for text in before if text not in after] == []

    holds()


@pytest.mark.parametrize("name", TEXT)
def test_nothing_is_known_of_the_chain(name: str) -> None:
    @settings(max_examples=100)
    @given(subjects(), st.data())
    def holds(drawn: tuple[Subject, list[str]], data: st.DataObject) -> None:
        subject = Subject(case=drawn[0].case, tools=drawn[0].tools)
        try:
            variant = data.draw(RELATIONS[name].variants(subject))
        except NotApplicable:
            return
        assert variant.conversation != subject.case.conversation
        for value in (
            "F-10482",
            "mira.kovac@example.org",
            "https://example.com/a?b=1",
            "14A",
            "K7QX2M",
            '"quoted words"',
        ):
            assert (value in variant.query) == (value in subject.query)

    holds()


@pytest.mark.parametrize("name", ["entities", "parameter_names", "tool_names"])
def test_mapped_chains_are_right_for_any_query(name: str) -> None:
    @settings(max_examples=150)
    @given(subjects(), st.data())
    def holds(drawn: tuple[Subject, list[str]], data: st.DataObject) -> None:
        try:
            variant = data.draw(RELATIONS[name].variants(drawn[0]))
        except NotApplicable:
            return
        check = ArgumentValidator(variant.tools or drawn[0].tools)
        assert all(check.valid(call) for call in calls_of(variant.chain or ()))
        if name == "entities":
            assert variant.chain != drawn[0].chain
            for call in calls_of(variant.chain or ()):
                texts = [value for value in call.arguments.values() if isinstance(value, str)]
                assert [text for text in texts if not places(text, variant.query)] == []

    holds()


@pytest.mark.parametrize("name", ["missing_value", "ambiguity"])
def test_requests_that_lack_something_still_say_something(name: str) -> None:
    @settings(max_examples=150)
    @given(subjects(), st.data())
    def holds(drawn: tuple[Subject, list[str]], data: st.DataObject) -> None:
        subject, _ = drawn
        try:
            variant = data.draw(RELATIONS[name].variants(subject))
        except NotApplicable:
            return
        gone = [str(value) for call in calls_of(subject.chain or ()) for value in call.arguments.values()]
        assert variant.query.split()
        assert any(not places(text, variant.query) for text in gone)

    holds()
